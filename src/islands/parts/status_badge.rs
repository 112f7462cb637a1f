//! Where an import stands, in a word.

use leptos::prelude::*;

use super::{
    icons::{Glyph, Icon},
    locale::use_locale,
};
use crate::{
    i18n::locale::Locale,
    model::job::{ImportProgress, ImportStatus},
};

/// Where an import stands, as people would say it: what its status, its counts and the price monitor
/// say together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// Nothing of it has been seen to happen.
    Waiting,
    /// Somebody has to say how its file is to be read.
    Asking,
    /// Others go first; this is its place.
    Queued(u64),
    /// It runs.
    Running,
    /// Every product is in.
    Success,
    /// Some products are in, some failed.
    PartialSuccess,
    /// It failed as a whole.
    Failed,
    /// Somebody has stopped it. To the contract it is one that failed.
    Cancelled,
}

impl Stage {
    /// Returns where an import stands.
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

    /// Returns the word for it.
    pub(crate) fn word(self, t: Locale) -> String {
        let word = match self {
            Self::Waiting => t.say("Waiting", "Wartet"),
            Self::Asking => t.say("Needs input", "Eingabe nötig"),
            Self::Queued(place) => {
                return match t {
                    Locale::English => format!("Queued ({})", t.ordinal(place)),
                    Locale::German => {
                        format!("In der Warteschlange (Platz {})", t.count(place))
                    }
                };
            }
            Self::Running => t.say("Importing", "Läuft"),
            Self::Success => t.say("Imported", "Importiert"),
            Self::PartialSuccess => t.say("Completed with errors", "Mit Fehlern abgeschlossen"),
            Self::Failed => t.say("Failed", "Fehlgeschlagen"),
            Self::Cancelled => t.say("Cancelled", "Abgebrochen"),
        };
        word.to_owned()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Asking => "asking",
            Self::Queued(_) => "queued",
            Self::Running => "running",
            Self::Success => "success",
            Self::PartialSuccess => "partial-success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn glyph(self) -> Glyph {
        match self {
            Self::Waiting | Self::Queued(_) => Glyph::Clock,
            Self::Running => Glyph::Spinner,
            Self::Success => Glyph::Check,
            Self::PartialSuccess | Self::Asking => Glyph::Alert,
            Self::Failed => Glyph::Cross,
            Self::Cancelled => Glyph::Stop,
        }
    }
}

/// Returns whether anything of an import has been seen to happen.
pub(crate) fn begun(progress: &ImportProgress) -> bool {
    progress.done() > 0 || progress.total_products > 0
}

/// Says where an import stands: by colour, icon and word.
#[component]
pub(crate) fn StatusBadge(
    /// Where it stands.
    #[prop(into)]
    status: Signal<ImportStatus>,
    /// The same, as people would say it.
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

    #[test]
    fn an_import_that_somebody_stopped_is_not_called_failed() {
        let stage = |cancelled| Stage::of(ImportStatus::Error, true, None, cancelled);
        assert_eq!(stage(true).word(Locale::English), "Cancelled");
        assert_eq!(stage(true).word(Locale::German), "Abgebrochen");
        assert_eq!(stage(false).word(Locale::English), "Failed");
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
