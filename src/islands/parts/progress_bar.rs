//! The progress bar.

use leptos::prelude::*;

use super::{clock::browser_now, locale::use_locale};
use crate::{
    i18n::locale::Locale,
    islands::parts::format::{self, Noun},
    model::job::{ImportProgress, ImportStatus, UnixMillis},
};

/// Minimum width of failures in percent, so that a few are visible.
const LEAST_VISIBLE: f64 = 0.8;
/// Maximum percentage before the end.
const UNFINISHED: u8 = 99;

/// Shows the progress of an import, with the failed share.
///
/// Shares are SVG attributes, so that the page needs no inline styles. The bar moves between states in about the time
/// between updates.
#[component]
pub(crate) fn ProgressBar(
    #[prop(into)] progress: Signal<ImportProgress>,
    #[prop(into)] status: Signal<ImportStatus>,
    /// Label for screen readers.
    #[prop(into)]
    label: String,
    testid: &'static str,
) -> impl IntoView {
    let t = use_locale();
    let percent = use_percent(progress, status);
    let shares = Memo::new(move |before: Option<&Shares>| {
        let shares = shares(&progress.get(), status.get());
        match before {
            Some(before) if !status.get().is_final() => shares.no_less_than(*before),
            _ => shares,
        }
    });
    // The bar is indeterminate until anything is processed.
    let is_counting = Memo::new(move |_| {
        percent.get().is_none() && progress.with(|progress| progress.done() > 0)
    });
    let glide = RwSignal::new(GLIDES[1].1);
    Effect::new(move |before: Option<UnixMillis>| {
        progress.track();
        let now = browser_now();
        if let Some(before) = before {
            glide.set(glide_of(now - before));
        }
        now
    });
    view! {
        <div
            class="bar"
            role="progressbar"
            data-testid=testid
            data-status=move || status.get().as_str()
            data-glide=glide
            data-indeterminate=move || is_counting.get().then_some("")
            aria-label=label
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || percent.get().map(|percent| percent.to_string())
            aria-valuetext=move || spoken(t, &progress.get(), status.get())
        >
            <svg class="bar-track" width="100%" height="100%" aria-hidden="true">
                <rect
                    class="bar-processed"
                    height="100%"
                    width=move || of_width(shares.get().processed)
                />
                <rect
                    class="bar-failed"
                    height="100%"
                    x=move || of_width(shares.get().processed)
                    width=move || of_width(shares.get().failed)
                />
            </svg>
        </div>
    }
}

/// Duration of the transition by the longest time between updates, in milliseconds, with its name in the style sheet.
const GLIDES: [(UnixMillis, &str); 5] = [
    (450, "300"),
    (800, "600"),
    (1_500, "1000"),
    (2_500, "2000"),
    (UnixMillis::MAX, "3000"),
];

fn glide_of(gap: UnixMillis) -> &'static str {
    let found = GLIDES.iter().find(|(longest, _)| gap <= *longest);
    found.map_or("3000", |(_, glide)| glide)
}

/// Returns the percentage to show, which never falls during the import, even if the total grows.
pub(crate) fn use_percent(
    progress: Signal<ImportProgress>,
    status: Signal<ImportStatus>,
) -> Memo<Option<u8>> {
    Memo::new(move |before: Option<&Option<u8>>| {
        let percent = shown_percent(&progress.get(), status.get());
        if status.get().is_final() {
            return percent;
        }
        percent.max(before.copied().flatten())
    })
}

/// Returns the percentage to show; `None` while it is unknown.
pub(crate) fn shown_percent(progress: &ImportProgress, status: ImportStatus) -> Option<u8> {
    match status {
        ImportStatus::Success | ImportStatus::PartialSuccess if progress.total_products == 0 => {
            Some(100)
        }
        ImportStatus::Error => Some(format::percent(progress).unwrap_or_default()),
        ImportStatus::Pending => format::percent(progress).map(|percent| percent.min(UNFINISHED)),
        _ => format::percent(progress),
    }
}

/// Describes the progress in words.
pub(crate) fn spoken(t: Locale, progress: &ImportProgress, status: ImportStatus) -> String {
    let failed = match progress.failed_products {
        0 => String::new(),
        failed => format!(
            ", {} {}",
            t.count(failed),
            t.say_of("failed", "fehlgeschlagen", failed)
        ),
    };
    match (status, shown_percent(progress, status)) {
        (ImportStatus::Pending, None) if progress.done() == 0 => {
            t.say("Waiting to start", "Wartet auf den Start").to_owned()
        }
        _ if progress.total_products == 0 => format!(
            "{} {}{failed}",
            t.counted(progress.done(), Noun::Product),
            t.say("done", "fertig")
        ),
        (_, percent) => format!(
            "{} {}, {} {} {}{failed}",
            percent.unwrap_or_default(),
            t.say("percent", "Prozent"),
            t.count(progress.done()),
            t.say("of", "von"),
            t.counted_after_of(progress.total_products, Noun::Product)
        ),
    }
}

/// Shares of the bar's width in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Shares {
    processed: f64,
    failed: f64,
}

impl Shares {
    /// Never shrinks a share, nor exceeds the whole.
    fn no_less_than(self, before: Self) -> Self {
        let failed = self.failed.max(before.failed);
        let processed = self.processed.max(before.processed);
        Self {
            processed: processed.min(f64::from(UNFINISHED) - failed).max(0.0),
            failed,
        }
    }
}

#[allow(clippy::cast_precision_loss)] // pixels need no more
fn shares(progress: &ImportProgress, status: ImportStatus) -> Shares {
    let whole = progress.total_products.max(progress.done()) as f64;
    if progress.total_products == 0 {
        let processed = f64::from(shown_percent(progress, status).unwrap_or_default());
        return Shares {
            processed,
            failed: 0.0,
        };
    }
    let failed = progress.failed_products as f64 / whole * 100.0;
    let failed = if failed > 0.0 {
        failed.max(LEAST_VISIBLE)
    } else {
        0.0
    };
    let end = if status.is_final() {
        100.0
    } else {
        f64::from(UNFINISHED)
    };
    let failed = failed.min(end);
    let processed = (progress.processed_products as f64 / whole * 100.0).min(end - failed);
    Shares { processed, failed }
}

fn of_width(share: f64) -> String {
    format!("{}%", format::decimal(share, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(processed: u64, failed: u64, total: u64) -> ImportProgress {
        ImportProgress {
            processed_products: processed,
            failed_products: failed,
            total_products: total,
        }
    }

    #[test]
    fn one_failure_in_a_million_is_seen_and_the_bar_still_ends_at_its_end() {
        let shares = shares(&counts(999_999, 1, 1_000_000), ImportStatus::PartialSuccess);
        assert_eq!(
            shares,
            Shares {
                processed: 100.0 - LEAST_VISIBLE,
                failed: LEAST_VISIBLE
            }
        );
    }

    #[test]
    fn a_bar_never_overflows() {
        let shares = shares(&counts(90, 30, 100), ImportStatus::Pending);
        assert!(shares.processed + shares.failed <= 100.0);
    }

    #[test]
    fn an_unknown_total_has_no_percent_until_the_end() {
        assert_eq!(shown_percent(&counts(5, 0, 0), ImportStatus::Pending), None);
        assert_eq!(
            shown_percent(&counts(0, 0, 0), ImportStatus::Success),
            Some(100)
        );
        assert_eq!(
            shown_percent(&counts(0, 0, 0), ImportStatus::Error),
            Some(0)
        );
    }

    #[test]
    fn a_screen_reader_hears_the_counts() {
        assert_eq!(
            spoken(Locale::English, &counts(120, 3, 500), ImportStatus::Pending),
            "24 percent, 123 of 500 products, 3 failed"
        );
        assert_eq!(
            spoken(Locale::English, &counts(0, 0, 0), ImportStatus::Pending),
            "Waiting to start"
        );
        assert_eq!(
            spoken(Locale::English, &counts(1, 0, 0), ImportStatus::Pending),
            "1 product done"
        );
    }

    #[test]
    fn german_is_spoken_in_german() {
        assert_eq!(
            spoken(
                Locale::German,
                &counts(1_200, 3, 5_000),
                ImportStatus::Pending
            ),
            "24 Prozent, 1.203 von 5.000 Produkten, 3 fehlgeschlagen"
        );
    }

    #[test]
    fn only_the_end_is_the_end() {
        let all = counts(99, 1, 100);
        assert_eq!(shown_percent(&all, ImportStatus::Pending), Some(99));
        assert_eq!(shown_percent(&all, ImportStatus::Success), Some(100));
        let pending = shares(&all, ImportStatus::Pending);
        assert!(pending.processed + pending.failed <= 99.0);
        let over = shares(&all, ImportStatus::PartialSuccess);
        assert!(over.processed + over.failed > 99.9);
    }

    #[test]
    fn a_bar_never_goes_back_even_when_there_is_more_to_do_than_was_known() {
        let half = shares(&counts(40, 10, 100), ImportStatus::Pending);
        let more = shares(&counts(41, 10, 1_000), ImportStatus::Pending).no_less_than(half);
        assert_eq!(more, half);
        let later = shares(&counts(700, 10, 1_000), ImportStatus::Pending).no_less_than(more);
        assert!(later.processed > more.processed && later.failed >= more.failed);
    }

    #[test]
    fn the_bar_takes_about_as_long_as_the_next_state() {
        for (gap, glide) in [
            (100, "300"),
            (700, "600"),
            (1_000, "1000"),
            (60_000, "3000"),
        ] {
            assert_eq!(glide_of(gap), glide);
        }
    }
}
