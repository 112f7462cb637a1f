//! The state of an import, from the stream and from the server's page.

use std::time::Duration;

use gloo_timers::future::sleep;
use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use serde::{Deserialize, Serialize};

use super::{
    LiveImportPropsSerialized, PARTS,
    headline::Subject,
    pace::{Pace, use_pace},
};
use crate::{
    hooks::{
        Connection, UseProductImportProgressReturn, UseProgressOptions,
        use_product_import_progress_with_options,
    },
    i18n::locale::Locale,
    islands::{
        page::{FreshPage, content_of},
        parts::{format::Noun, progress_bar::shown_percent, status_badge::Stage},
    },
    model::{
        imports_filter::ImportNote,
        job::{ImportMode, ImportProgress, ImportStatus, ProductImportJob, UnixMillis},
    },
};

/// Interval of fetching the page of a waiting import: its position may change, or it may need an answer.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// Attempts to fetch the page after a start or an end.
const TRIES: u32 = 5;

/// An import as the server's page shows it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct ImportState {
    /// The import, without failed products, which the page lists.
    pub(crate) job: ProductImportJob,
    /// Position in the queue.
    pub(crate) queue_place: Option<u64>,
    pub(crate) cancelled: bool,
    pub(crate) note: Option<ImportNote>,
    /// Whether it undoes another import.
    pub(crate) is_undo: bool,
    /// Whether the price monitor reports more than its progress.
    pub(crate) has_details: bool,
}

impl ImportState {
    #[cfg(feature = "ssr")]
    pub(crate) fn stage(&self) -> Stage {
        let begun = self.job.progress().has_begun();
        stage_of(self, self.job.status, begun, self.cancelled())
    }

    pub(super) fn subject(&self) -> Subject {
        Subject {
            noun: if self.has_details && !self.is_undo {
                Noun::Row
            } else {
                Noun::Product
            },
            is_undo: self.is_undo,
        }
    }

    fn cancelled(&self) -> bool {
        let is_said = self.cancelled || self.job.is_cancelled();
        is_said && self.job.status == ImportStatus::Error
    }
}

fn stage_of(state: &ImportState, status: ImportStatus, begun: bool, cancelled: bool) -> Stage {
    Stage::of(status, begun, state.queue_place, cancelled)
        .noted(state.note)
        .in_mode(state.job.mode)
        .of_file(&state.job.filename)
}

/// An import as the islands show it.
#[derive(Clone, Copy)]
pub(super) struct LiveState {
    /// The import on the newest page.
    pub(super) job: Signal<ProductImportJob>,
    pub(super) filename: Signal<String>,
    pub(super) created_at: Signal<UnixMillis>,
    pub(super) updated_at: Signal<Option<UnixMillis>>,
    pub(super) mode: ImportMode,
    /// The stream, which is opened when all islands are hydrated.
    pub(super) live: UseProductImportProgressReturn,
    pub(super) pace: Signal<Pace>,
    pub(super) stage: Signal<Stage>,
    pub(super) subject: Signal<Subject>,
    pub(super) cancelled: Signal<bool>,
}

impl LiveState {
    /// Path of the page.
    pub(super) fn here(&self) -> String {
        self.job
            .with_untracked(|job| format!("/imports/{}", job.id))
    }
}

/// Follows an import, and fetches its page whenever that has more than the stream: after the start, after the end, and
/// regularly while it waits.
pub(super) fn use_state(first: ImportState) -> LiveState {
    let mode = first.job.mode;
    let state = RwSignal::new(first);
    let job: Signal<_> = Memo::new(move |_| state.with(|state| state.job.clone())).into();
    let options = UseProgressOptions::default().immediate(false);
    let live = use_product_import_progress_with_options(job, options);
    let begun = Memo::new(move |_| live.progress.with(ImportProgress::has_begun));
    let cancelled: Signal<bool> = Memo::new(move |_| {
        let status = live.status.get();
        let is_said = state.with(ImportState::cancelled);
        status == ImportStatus::Error && (is_said || live.is_cancelled())
    })
    .into();
    let stage = Memo::new(move |_| {
        state.with(|state| stage_of(state, live.status.get(), begun.get(), cancelled.get()))
    });
    let is_over = Memo::new(move |_| live.status.get().is_final());
    // The activity has lost and restored connections to the price monitor.
    let is_polled = Memo::new(move |_| live.connection.get() == Connection::Polling);
    keep_fresh(state, begun, is_over, is_polled);
    LiveState {
        job,
        filename: Signal::derive(move || job.with(|job| job.filename.clone())),
        created_at: Signal::derive(move || job.with(|job| job.created_at)),
        updated_at: Signal::derive(move || Some(job.with(|job| job.updated_at))),
        mode,
        live,
        pace: use_pace(live.progress),
        stage: stage.into(),
        subject: Memo::new(move |_| state.with(ImportState::subject)).into(),
        cancelled,
    }
}

/// The last content of each section.
type Shown = StoredValue<[String; PARTS.len()]>;

fn keep_fresh(
    state: RwSignal<ImportState>,
    begun: Memo<bool>,
    is_over: Memo<bool>,
    is_polled: Memo<bool>,
) {
    let shown = Shown::default();
    // Before islands within change it.
    Effect::new(move |_| shown.set_value(PARTS.map(content_of)));
    let phase = Memo::new(move |_| (begun.get(), is_over.get(), is_polled.get()));
    Effect::new(move |before: Option<(bool, bool, bool)>| {
        let now = phase.get();
        if before.is_some_and(|before| before != now) {
            spawn_local_scoped_with_cancellation(async move {
                for tries in 0..TRIES {
                    if tries > 0 {
                        sleep(ASK_AGAIN).await;
                    }
                    let (_, is_over, _) = now;
                    match refresh(state, shown).await {
                        Some(status) if status.is_final() => return,
                        // The activity is recorded a moment after the counts.
                        Some(_) if !is_over && tries > 0 => return,
                        _ => {}
                    }
                }
            });
        }
        now
    });
    let waits = Memo::new(move |_| {
        let may_change = state.with(|state| {
            let waits = state.note.is_none() && !begun.get();
            state.has_details && (state.queue_place.is_some() || waits)
        });
        may_change && !is_over.get()
    });
    Effect::new(move |_| {
        if waits.get() {
            spawn_local_scoped_with_cancellation(async move {
                loop {
                    sleep(ASK_AGAIN).await;
                    if !document().hidden() {
                        refresh(state, shown).await;
                    }
                }
            });
        }
    });
}

/// Applies the server's page. Returns its status.
async fn refresh(state: RwSignal<ImportState>, shown: Shown) -> Option<ImportStatus> {
    let page = FreshPage::fetch().await?;
    let props = page.props("LiveImport")?;
    let LiveImportPropsSerialized { state: newest } = serde_json::from_str(&props).ok()?;
    let status = newest.job.status;
    let is_news = |state: &ImportState| *state != newest && !is_behind(&newest, state);
    if state.try_with_untracked(is_news)? {
        state.set(newest);
    }
    shown.try_update_value(|shown| {
        for (part, shown) in PARTS.iter().zip(shown) {
            page.show(part, shown);
        }
    });
    Some(status)
}

/// Returns whether a page is older than the end that is already shown.
fn is_behind(page: &ImportState, other: &ImportState) -> bool {
    other.job.status.is_final() && !page.job.status.is_final()
}

pub(crate) fn title(t: Locale, progress: &ImportProgress, stage: Stage, filename: &str) -> String {
    match (stage, shown_percent(progress, ImportStatus::Pending)) {
        (Stage::Running | Stage::Checking, Some(percent)) => {
            format!("{} · {filename}", t.percent(percent))
        }
        (stage, _) => format!("{} · {filename}", stage.word(t)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_says_how_far_its_import_is() {
        let progress = ImportProgress {
            processed_products: 43,
            failed_products: 0,
            total_products: 100,
        };
        assert_eq!(
            title(Locale::English, &progress, Stage::Running, "feed.csv"),
            "43% · feed.csv"
        );
        assert_eq!(
            title(Locale::German, &progress, Stage::Running, "feed.csv"),
            "43\u{a0}% · feed.csv"
        );
        assert_eq!(
            title(Locale::English, &progress, Stage::Failed, "feed.csv"),
            "Failed · feed.csv"
        );
        let none = ImportProgress::default();
        assert_eq!(
            title(Locale::English, &none, Stage::Waiting, "feed.csv"),
            "Waiting · feed.csv"
        );
    }
}
