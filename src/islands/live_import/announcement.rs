//! Announces an import's progress to screen readers.

use leptos::prelude::*;

use crate::{
    i18n::locale::Locale,
    islands::parts::{
        format::{self, Noun},
        locale::use_locale,
        progress_bar,
    },
    model::job::{ImportMode, ImportProgress, ImportStatus},
};

/// Announces each quarter and the end. It is silent in between, however often the numbers change.
#[component]
pub(crate) fn Announcement(
    progress: Signal<ImportProgress>,
    status: Signal<ImportStatus>,
    mode: ImportMode,
    #[prop(optional)] cancelled: Signal<bool>,
) -> impl IntoView {
    let t = use_locale();
    let quarter = Memo::new(move |_| format::percent(&progress.get()).map(|percent| percent / 25));
    let text = Memo::new(move |_| {
        // A memo is only computed if it is read.
        quarter.with(|_| ());
        let progress = progress.get_untracked();
        say(t, &progress, status.get(), mode, cancelled.get())
    });
    view! {
        <p
            class="visually-hidden"
            role="status"
            aria-live="polite"
            translate="no"
            data-testid="announcement"
        >
            {text}
        </p>
    }
}

/// Describes the state of an import in a sentence.
pub(super) fn say(
    t: Locale,
    progress: &ImportProgress,
    status: ImportStatus,
    mode: ImportMode,
    cancelled: bool,
) -> String {
    let processed = t.counted(progress.processed_products, Noun::Product);
    let failed = t.count(progress.failed_products);
    match status {
        ImportStatus::Pending => progress_bar::spoken(t, progress, status),
        ImportStatus::Error if cancelled => t
            .say("The import was cancelled.", "Der Import wurde abgebrochen.")
            .to_owned(),
        ImportStatus::Error => t
            .say("The import failed.", "Der Import ist fehlgeschlagen.")
            .to_owned(),
        ImportStatus::Success | ImportStatus::PartialSuccess if mode == ImportMode::Check => t.fill(
            "Dry run finished: {processed} without errors, {failed} failed. Nothing was imported.",
            "Testlauf beendet: {processed} ohne Fehler, {failed} fehlgeschlagen. Nichts wurde importiert.",
            &[("processed", &processed), ("failed", &failed)],
        ),
        ImportStatus::Success => t.fill(
            "Import finished: {processed} imported.",
            "Import beendet: {processed} importiert.",
            &[("processed", &processed)],
        ),
        ImportStatus::PartialSuccess => t.fill(
            "Import finished: {processed} imported, {failed} failed.",
            "Import beendet: {processed} importiert, {failed} fehlgeschlagen.",
            &[("processed", &processed), ("failed", &failed)],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_says_that_nothing_was_imported() {
        let progress = ImportProgress {
            processed_products: 7,
            failed_products: 1,
            total_products: 8,
        };
        let status = ImportStatus::PartialSuccess;
        assert_eq!(
            say(Locale::English, &progress, status, ImportMode::Check, false),
            "Dry run finished: 7 products without errors, 1 failed. Nothing was imported."
        );
    }

    #[test]
    fn the_end_is_said_in_full() {
        let progress = ImportProgress {
            processed_products: 1_497,
            failed_products: 3,
            total_products: 1_500,
        };
        assert_eq!(
            say(
                Locale::English,
                &progress,
                ImportStatus::PartialSuccess,
                ImportMode::Import,
                false
            ),
            "Import finished: 1,497 products imported, 3 failed."
        );
        assert_eq!(
            say(
                Locale::German,
                &progress,
                ImportStatus::PartialSuccess,
                ImportMode::Import,
                false
            ),
            "Import beendet: 1.497 Produkte importiert, 3 fehlgeschlagen."
        );
        assert_eq!(
            say(
                Locale::English,
                &progress,
                ImportStatus::Error,
                ImportMode::Import,
                true
            ),
            "The import was cancelled."
        );
    }
}
