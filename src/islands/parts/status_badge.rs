//! The status of an import as a badge.

use leptos::prelude::*;

use super::{
    icons::{Glyph, Icon},
    locale::use_locale,
};
use crate::{
    i18n::locale::Locale,
    model::{
        changes::is_undo,
        imports_filter::ImportNote,
        job::{ImportMode, ImportStatus, Question},
    },
};

/// The status as users see it, from the wire's status, the counts and what the price monitor reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// No progress yet.
    Waiting,
    /// Needs a column mapping, decimal mark or sheet.
    Asking,
    /// Needs approval.
    Approval,
    /// In the queue, at this position.
    Queued(u64),
    Running,
    /// A dry run is running.
    Checking,
    Success,
    PartialSuccess,
    /// A dry run found that every product can be imported.
    Checked,
    /// A dry run found that some products would fail.
    CheckedWithErrors,
    Failed,
    /// Cancelled; on the wire this is an error.
    Cancelled,
    Undone,
    /// An undo restored all products.
    Restored,
    /// An undo left products unchanged.
    PartlyRestored,
}

impl Stage {
    pub(crate) fn of(
        status: ImportStatus,
        begun: bool,
        queue_place: Option<u64>,
        cancelled: bool,
    ) -> Self {
        match (status, queue_place) {
            (ImportStatus::Pending, _) if begun => Self::Running,
            (ImportStatus::Pending, Some(place)) => Self::Queued(place.max(1)),
            (ImportStatus::Pending, None) => Self::Waiting,
            (ImportStatus::Success, _) => Self::Success,
            (ImportStatus::PartialSuccess, _) => Self::PartialSuccess,
            (ImportStatus::Error, _) if cancelled => Self::Cancelled,
            (ImportStatus::Error, _) => Self::Failed,
        }
    }

    /// Replaces stages of which a note says more.
    pub(crate) fn noted(self, note: Option<ImportNote>) -> Self {
        match (self, note) {
            (Self::Waiting | Self::Queued(_), Some(ImportNote::Asks(question))) => match question {
                Question::Approval => Self::Approval,
                _ => Self::Asking,
            },
            (Self::Success | Self::PartialSuccess, Some(ImportNote::Undone)) => Self::Undone,
            (other, _) => other,
        }
    }

    /// Replaces stages that do not apply to a dry run.
    pub(crate) fn in_mode(self, mode: ImportMode) -> Self {
        match (mode, self) {
            (ImportMode::Check, Self::Running) => Self::Checking,
            (ImportMode::Check, Self::Success) => Self::Checked,
            (ImportMode::Check, Self::PartialSuccess) => Self::CheckedWithErrors,
            (ImportMode::Import | ImportMode::Check, other) => other,
        }
    }

    /// Replaces the end of an undo, which its file name tells.
    pub(crate) fn of_file(self, filename: &str) -> Self {
        match self {
            Self::Success if is_undo(filename) => Self::Restored,
            Self::PartialSuccess if is_undo(filename) => Self::PartlyRestored,
            other => other,
        }
    }

    pub(crate) fn word(self, t: Locale) -> String {
        let word = match self {
            Self::Waiting => t.say("Waiting", "Wartet"),
            Self::Asking => t.say("Needs input", "Eingabe nötig"),
            Self::Approval => t.say("Needs your approval", "Braucht deine Freigabe"),
            Self::Queued(place) => {
                let (place, count) = (t.ordinal(place), t.count(place));
                return t.fill(
                    "Queued ({place})",
                    "In der Warteschlange (Platz {count})",
                    &[("place", &place), ("count", &count)],
                );
            }
            Self::Running => t.say("Importing", "Läuft"),
            Self::Checking => t.say("Checking", "Wird geprüft"),
            Self::Checked => t.say("Checked", "Geprüft"),
            Self::CheckedWithErrors => t.say("Checked: errors found", "Geprüft: Fehler gefunden"),
            Self::Success => t.say("Imported", "Importiert"),
            Self::PartialSuccess => t.say("Completed with errors", "Mit Fehlern abgeschlossen"),
            Self::Failed => t.say("Failed", "Fehlgeschlagen"),
            Self::Cancelled => t.say("Cancelled", "Abgebrochen"),
            Self::Undone => t.say("Undone", "Rückgängig gemacht"),
            Self::Restored => t.say("Restored", "Wiederhergestellt"),
            Self::PartlyRestored => t.say("Partly restored", "Teilweise wiederhergestellt"),
        };
        word.to_owned()
    }

    /// Returns the name in style sheets.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Asking => "asking",
            Self::Approval => "approval",
            Self::Queued(_) => "queued",
            // Looks the same.
            Self::Running | Self::Checking => "running",
            Self::Success => "success",
            // Looks the same.
            Self::PartialSuccess | Self::PartlyRestored => "partial-success",
            Self::Checked => "checked",
            Self::CheckedWithErrors => "checked-with-errors",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Undone => "undone",
            Self::Restored => "restored",
        }
    }

    fn glyph(self) -> Glyph {
        match self {
            Self::Waiting | Self::Queued(_) => Glyph::Clock,
            Self::Running | Self::Checking => Glyph::Spinner,
            Self::Success | Self::Checked | Self::Restored => Glyph::Check,
            Self::PartialSuccess | Self::PartlyRestored | Self::CheckedWithErrors => Glyph::Alert,
            Self::Asking | Self::Approval => Glyph::Person,
            Self::Failed => Glyph::Cross,
            Self::Cancelled => Glyph::Stop,
            Self::Undone => Glyph::Undo,
        }
    }
}

/// Shows a stage by colour, icon and word.
#[component]
pub(crate) fn StatusBadge(
    #[prop(into)] status: Signal<ImportStatus>,
    /// The stage, if more is known than the status.
    #[prop(into)]
    stage: Signal<Stage>,
) -> impl IntoView {
    let t = use_locale();
    view! {
        <span
            class="badge"
            data-testid="job-status"
            data-status=move || status.get().as_str()
            data-stage=move || stage.get().name()
        >
            <Icon glyph=Signal::derive(move || stage.get().glyph()) />
            <span translate="no">{move || stage.get().word(t)}</span>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::changes::undo_name;

    #[test]
    fn an_import_that_somebody_stopped_is_not_called_failed() {
        let stage = |cancelled| Stage::of(ImportStatus::Error, true, None, cancelled);
        assert_eq!(stage(true).word(Locale::English), "Cancelled");
        assert_eq!(stage(true).word(Locale::German), "Abgebrochen");
        assert_eq!(stage(false).word(Locale::English), "Failed");
    }

    #[test]
    fn a_dry_run_is_never_called_imported() {
        let word = |status, mode| {
            let stage = Stage::of(status, true, None, false).in_mode(mode);
            stage.word(Locale::English)
        };
        let (success, partial) = (ImportStatus::Success, ImportStatus::PartialSuccess);
        assert_eq!(word(success, ImportMode::Import), "Imported");
        assert_eq!(word(ImportStatus::Pending, ImportMode::Check), "Checking");
        assert_eq!(word(success, ImportMode::Check), "Checked");
        assert_eq!(word(partial, ImportMode::Check), "Checked: errors found");
        assert_eq!(word(ImportStatus::Error, ImportMode::Check), "Failed");
    }

    #[test]
    fn an_undone_import_is_not_called_imported_and_an_undo_neither() {
        let word = |status, note, filename| {
            let stage = Stage::of(status, true, None, false).noted(note);
            stage.of_file(filename).word(Locale::English)
        };
        let (undo, undone) = (undo_name("a.csv"), Some(ImportNote::Undone));
        let (success, partial) = (ImportStatus::Success, ImportStatus::PartialSuccess);
        assert_eq!(word(success, undone, "a.csv"), "Undone");
        assert_eq!(word(partial, undone, "a.csv"), "Undone");
        assert_eq!(word(success, None, &undo), "Restored");
        assert_eq!(word(partial, None, &undo), "Partly restored");
        assert_eq!(word(success, undone, &undo), "Undone");
    }

    #[test]
    fn a_place_in_the_queue_is_told_until_it_begins() {
        let stage = |begun| Stage::of(ImportStatus::Pending, begun, Some(2), false);
        assert_eq!(stage(false).word(Locale::English), "Queued (2nd)");
        assert_eq!(stage(true).word(Locale::English), "Importing");
        let waiting = Stage::of(ImportStatus::Pending, false, None, false);
        assert_eq!(waiting.word(Locale::English), "Waiting");
    }
}
