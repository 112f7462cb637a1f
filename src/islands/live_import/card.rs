//! The progress card of an import.

use leptos::prelude::*;

use super::{
    announcement::Announcement,
    connection_line::ConnectionLine,
    headline::{Subject, headline},
    pace::Pace,
    progress_notes::{JobError, Quiet, SignedOut},
    tab_icon::TabIcon,
    throughput::Speed,
};
use crate::{
    hooks::UseProductImportProgressReturn,
    islands::parts::{
        clock::use_now,
        format,
        locale::use_locale,
        progress_bar::{self, ProgressBar},
        status_badge::Stage,
    },
    model::job::{ImportMode, ImportProgress, ImportStatus, UnixMillis},
};

/// Labels stand above any number of products, so they have the form for several.
const MANY: u64 = 2;

/// Shows how far an import is, how long it takes, and whether the page is live, around its [foot](CardFoot).
///
/// Everything that may appear during the import has its place from the start, so that nothing moves.
#[component]
pub(crate) fn ProgressCard(
    live: UseProductImportProgressReturn,
    #[prop(into)] filename: Signal<String>,
    #[prop(into)] created_at: Signal<UnixMillis>,
    /// The stage as users see it.
    #[prop(into)]
    stage: Signal<Stage>,
    mode: ImportMode,
    #[prop(optional, into)] subject: Signal<Subject>,
    pace: Signal<Pace>,
    /// Path of the page.
    here: String,
    children: Children,
) -> impl IntoView {
    let t = use_locale();
    let UseProductImportProgressReturn {
        progress,
        status,
        error,
        connection,
        completed_at,
        ..
    } = live;
    let percent = progress_bar::use_percent(progress, status);
    let headline = Memo::new(move |_| {
        error.with(|error| {
            let (subject, progress) = (subject.get(), progress.get());
            let (stage, percent) = (stage.get(), percent.get());
            headline(t, subject, stage, &progress, percent, error.as_ref())
        })
    });
    let of_total = move || match progress.get().total_products {
        0 => "–".to_owned(),
        total => t.count(total),
    };
    let is_undo = subject.with_untracked(|subject| subject.is_undo);
    let processed = match mode {
        ImportMode::Import if is_undo => t.say("Restored", "Wiederhergestellt"),
        ImportMode::Import => t.say_of("Imported", "Importiert", MANY),
        ImportMode::Check => t.say("Without errors", "Ohne Fehler"),
    };
    let failed = match is_undo {
        true => t.say("Left unchanged", "Unverändert gelassen"),
        false => t.say_of("Failed", "Fehlgeschlagen", MANY),
    };
    let label = move |name: &String| format!("{} {name}", t.say("Import of", "Import von"));
    view! {
        <section
            class="card progress-card"
            data-testid="progress-card"
            data-status=move || status.get().as_str()
            data-stage=move || stage.get().name()
            aria-labelledby="progress-title"
        >
            <header class="progress-head">
                <h2 id="progress-title" class="visually-hidden">
                    {t.say("Progress", "Fortschritt")}
                </h2>
                <p
                    class="progress-percent"
                    data-testid="progress-percent"
                    translate="no"
                >
                    {headline}
                </p>
                <ConnectionLine connection status error here />
            </header>
            <ProgressBar
                progress
                status
                label=filename.with_untracked(label)
                testid="progress-bar"
            />
            <dl class="counts">
                <Count
                    name=processed
                    kind="processed"
                    testid="count-processed"
                >
                    {move || t.count(progress.get().processed_products)}
                </Count>
                <Count
                    name=failed
                    kind="failed"
                    testid="count-failed"
                >
                    {move || t.count(progress.get().failed_products)}
                </Count>
                <Count name=t.say("Total", "Gesamt") kind="total" testid="count-total">
                    {of_total}
                </Count>
                <Time progress status pace created_at completed_at />
            </dl>
            {children()}
        </section>
    }
}

/// Shows how fast an import runs and what is wrong with it, above its result (`children`), which replaces what is only
/// useful before the end.
#[component]
pub(crate) fn CardFoot(
    live: UseProductImportProgressReturn,
    /// When the newest counts were recorded.
    #[prop(optional, into)]
    updated_at: Signal<Option<UnixMillis>>,
    mode: ImportMode,
    #[prop(optional, into)] cancelled: Signal<bool>,
    pace: Signal<Pace>,
    /// Path of the page.
    here: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let UseProductImportProgressReturn {
        progress,
        status,
        error,
        connection,
        ..
    } = live;
    view! {
        <div class="progress-foot">
            <div class="progress-live">
                <Speed progress status pace />
                <div class="progress-note">
                    <Quiet progress status connection updated_at />
                    <SignedOut connection error here />
                </div>
            </div>
            <JobError status error cancelled />
            {children.map(|children| children())}
        </div>
        <Announcement progress status mode cancelled />
        <TabIcon progress status cancelled />
    }
}

/// A number and its name.
#[component]
fn Count(
    name: &'static str,
    kind: &'static str,
    testid: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="count" data-kind=kind>
            <dt>{name}</dt>
            <dd translate="no" data-testid=testid>
                {children()}
            </dd>
        </div>
    }
}

/// The duration so far, and the estimated time left.
#[component]
fn Time(
    progress: Signal<ImportProgress>,
    status: Signal<ImportStatus>,
    pace: Signal<Pace>,
    created_at: Signal<UnixMillis>,
    completed_at: Signal<Option<UnixMillis>>,
) -> impl IntoView {
    let t = use_locale();
    let now = use_now();
    let took = Memo::new(move |before: Option<&Option<String>>| {
        let end = completed_at.get().or_else(|| {
            let running = !status.get().is_final();
            running.then(|| now.get()).flatten()
        });
        let took = end.map(|end| format::elapsed(format::between(created_at.get(), end)));
        // Until the time of the end is known, what the clock showed last.
        took.or_else(|| before.cloned().flatten())
    });
    let name = move || {
        if status.get().is_final() {
            t.say("Duration", "Dauer")
        } else {
            t.say("Elapsed", "Bisher")
        }
    };
    let left = Memo::new(move |_| {
        let now = (!status.get().is_final()).then(|| now.get()).flatten()?;
        let left = pace.with(|pace| pace.left(now, &progress.get()))?;
        let left = format::rough_duration(left);
        Some(t.fill("about {left} left", "noch etwa {left}", &[("left", &left)]))
    });
    view! {
        <div class="count" data-kind="time">
            <dt translate="no">{name}</dt>
            <dd translate="no">{move || took.get().unwrap_or_else(|| "–".to_owned())}</dd>
            <dd class="count-note" translate="no" data-testid="time-left">
                {left}
            </dd>
        </div>
    }
}
