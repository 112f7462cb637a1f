//! The bar that fills.

use leptos::prelude::*;

use super::format;
use crate::job::{ImportProgress, ImportStatus};

/// A failure that is there is seen, however few they are among how many.
const LEAST_VISIBLE: f64 = 0.8;

/// Draws how much of an import is through, the failed share apart.
///
/// The shares are attributes of an SVG and not styles, so that the page needs no inline styles.
#[component]
pub(crate) fn ProgressBar(
    /// The newest known counts.
    #[prop(into)]
    progress: Signal<ImportProgress>,
    /// Where the import stands.
    #[prop(into)]
    status: Signal<ImportStatus>,
    /// What is in progress, for screen readers.
    #[prop(into)]
    label: String,
    /// How tests find the bar.
    testid: &'static str,
) -> impl IntoView {
    let percent = Memo::new(move |_| shown_percent(&progress.get(), status.get()));
    let shares = Memo::new(move |_| shares(&progress.get(), status.get()));
    view! {
        <div
            class="bar"
            role="progressbar"
            data-testid=testid
            data-status=move || status.get().as_str()
            data-indeterminate=move || percent.get().is_none().then_some("")
            aria-label=label
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || percent.get().map(|percent| percent.to_string())
            aria-valuetext=move || spoken(&progress.get(), status.get())
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

/// Returns the whole percent to show, or `None` while nobody can know.
pub(crate) fn shown_percent(progress: &ImportProgress, status: ImportStatus) -> Option<u8> {
    match status {
        ImportStatus::Success | ImportStatus::PartialSuccess if progress.total_products == 0 => {
            Some(100)
        }
        ImportStatus::Error => Some(format::percent(progress).unwrap_or_default()),
        _ => format::percent(progress),
    }
}

/// Says in words how far an import is.
pub(crate) fn spoken(progress: &ImportProgress, status: ImportStatus) -> String {
    let failed = match progress.failed_products {
        0 => String::new(),
        failed => format!(", {} failed", format::count(failed)),
    };
    match (status, format::percent(progress)) {
        (ImportStatus::Pending, None) if progress.done() == 0 => "Waiting to start".to_owned(),
        (_, None) => format!(
            "{} done{failed}",
            format::counted(progress.done(), "product")
        ),
        (_, Some(percent)) => format!(
            "{percent} percent, {} of {}{failed}",
            format::count(progress.done()),
            format::counted(progress.total_products, "product"),
        ),
    }
}

/// How much of the bar's width is what, in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Shares {
    processed: f64,
    failed: f64,
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
    let processed = (progress.processed_products as f64 / whole * 100.0).min(100.0 - failed);
    Shares { processed, failed }
}

fn of_width(share: f64) -> String {
    format!("{share:.2}%")
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
            spoken(&counts(120, 3, 500), ImportStatus::Pending),
            "24 percent, 123 of 500 products, 3 failed"
        );
        assert_eq!(
            spoken(&counts(0, 0, 0), ImportStatus::Pending),
            "Waiting to start"
        );
        assert_eq!(
            spoken(&counts(1, 0, 0), ImportStatus::Pending),
            "1 product done"
        );
    }
}
