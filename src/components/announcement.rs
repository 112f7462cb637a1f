//! An import's progress for those who hear it.

use leptos::prelude::*;

use super::{format, progress_bar};
use crate::job::{ImportProgress, ImportStatus};

/// Tells a screen reader at every quarter and at the end how far an import is. In between it is
/// silent, whatever the numbers do.
#[component]
pub(crate) fn Announcement(
    /// The newest known counts.
    progress: Signal<ImportProgress>,
    /// Where the import stands.
    status: Signal<ImportStatus>,
) -> impl IntoView {
    let quarter = Memo::new(move |_| format::percent(&progress.get()).map(|percent| percent / 25));
    let text = Memo::new(move |_| {
        quarter.track();
        say(&progress.get_untracked(), status.get())
    });
    view! {
        <p class="visually-hidden" role="status" aria-live="polite">
            {text}
        </p>
    }
}

/// Says in a sentence how an import stands.
pub(super) fn say(progress: &ImportProgress, status: ImportStatus) -> String {
    let processed = format::counted(progress.processed_products, "product");
    match status {
        ImportStatus::Pending => progress_bar::spoken(progress, status),
        ImportStatus::Success => format!("Import finished: {processed} imported."),
        ImportStatus::PartialSuccess => format!(
            "Import finished: {processed} imported, {} failed.",
            format::count(progress.failed_products)
        ),
        ImportStatus::Error => "The import failed.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_said_in_full() {
        let progress = ImportProgress {
            processed_products: 1_497,
            failed_products: 3,
            total_products: 1_500,
        };
        assert_eq!(
            say(&progress, ImportStatus::PartialSuccess),
            "Import finished: 1,497 products imported, 3 failed."
        );
    }
}
