//! The headline of an import's page: progress, then result.

use crate::{
    hooks::ProgressError,
    i18n::locale::Locale,
    islands::parts::{format::Noun, status_badge::Stage},
    model::job::ImportProgress,
};

/// The words for an import.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Subject {
    /// What is counted: rows, or products if the price monitor reports no rows.
    pub(crate) noun: Noun,
    /// Whether it undoes another import.
    pub(crate) is_undo: bool,
}

impl Default for Subject {
    fn default() -> Self {
        Self {
            noun: Noun::Product,
            is_undo: false,
        }
    }
}

pub(super) fn headline(
    t: Locale,
    subject: Subject,
    stage: Stage,
    progress: &ImportProgress,
    percent: Option<u8>,
    error: Option<&ProgressError>,
) -> String {
    let text = match stage {
        Stage::Waiting => t.say("Waiting to start", "Wartet auf den Start"),
        Stage::Queued(_) => t.say("Queued", "In der Warteschlange"),
        Stage::Asking => t.say("Waiting for your input", "Wartet auf deine Eingabe"),
        Stage::Approval => t.say("Waiting for your approval", "Wartet auf deine Freigabe"),
        Stage::Running | Stage::Checking => match percent {
            Some(percent) => return t.percent(percent),
            None => t.say("Counting…", "Zählt…"),
        },
        Stage::Success | Stage::PartialSuccess | Stage::Restored | Stage::PartlyRestored => {
            return imported(t, subject, progress);
        }
        Stage::Checked | Stage::CheckedWithErrors => return checked(t, subject.noun, progress),
        Stage::Failed => t.say("Import failed", "Import fehlgeschlagen"),
        Stage::Cancelled => match error {
            Some(error) => return t.progress_error(error).trim_end_matches('.').to_owned(),
            None => t.say("Import cancelled", "Import abgebrochen"),
        },
        Stage::Undone => t.say(
            "This import was undone",
            "Dieser Import wurde rückgängig gemacht",
        ),
    };
    text.to_owned()
}

/// `Imported 4 of 8 rows`.
fn imported(t: Locale, subject: Subject, progress: &ImportProgress) -> String {
    let Subject { noun, is_undo } = subject;
    let done = progress.processed_products;
    let all = progress.total_products.max(progress.done());
    let what = if done == all {
        t.counted(done, noun)
    } else {
        let of = t.say("of", "von");
        format!("{} {of} {}", t.count(done), t.counted_after_of(all, noun))
    };
    let what = [("what", what.as_str())];
    if is_undo {
        t.fill("Restored {what}", "{what} wiederhergestellt", &what)
    } else {
        t.fill("Imported {what}", "{what} importiert", &what)
    }
}

/// `Checked 8 rows: nothing was imported`.
fn checked(t: Locale, noun: Noun, progress: &ImportProgress) -> String {
    let rows = t.counted(progress.done(), noun);
    t.fill(
        "Checked {rows}: nothing was imported",
        "{rows} geprüft, nichts importiert",
        &[("rows", &rows)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::messages::ErrorCode;

    fn counts(processed: u64, failed: u64, total: u64) -> ImportProgress {
        ImportProgress {
            processed_products: processed,
            failed_products: failed,
            total_products: total,
        }
    }

    fn rows(t: Locale, stage: Stage, progress: &ImportProgress) -> String {
        let subject = Subject {
            noun: Noun::Row,
            is_undo: false,
        };
        headline(t, subject, stage, progress, Some(41), None)
    }

    #[test]
    fn while_it_runs_it_is_the_percentage() {
        let running = counts(40, 1, 100);
        assert_eq!(rows(Locale::English, Stage::Running, &running), "41%");
        let unknown = headline(
            Locale::English,
            Subject::default(),
            Stage::Running,
            &counts(40, 1, 0),
            None,
            None,
        );
        assert_eq!(unknown, "Counting…");
    }

    #[test]
    fn when_it_is_over_it_is_what_came_of_it() {
        let half = counts(4, 4, 8);
        for (t, stage, text) in [
            (
                Locale::English,
                Stage::PartialSuccess,
                "Imported 4 of 8 rows",
            ),
            (
                Locale::German,
                Stage::PartialSuccess,
                "4 von 8 Zeilen importiert",
            ),
            (
                Locale::English,
                Stage::CheckedWithErrors,
                "Checked 8 rows: nothing was imported",
            ),
        ] {
            assert_eq!(rows(t, stage, &half), text);
        }
        let all = counts(1_500, 0, 1_500);
        assert_eq!(
            rows(Locale::English, Stage::Success, &all),
            "Imported 1,500 rows"
        );
    }

    #[test]
    fn where_only_counts_are_told_they_are_of_products() {
        let text = |t, is_undo| {
            let subject = Subject {
                is_undo,
                ..Subject::default()
            };
            let progress = counts(4, 4, 8);
            headline(t, subject, Stage::PartialSuccess, &progress, None, None)
        };
        assert_eq!(text(Locale::English, false), "Imported 4 of 8 products");
        assert_eq!(text(Locale::German, false), "4 von 8 Produkten importiert");
        assert_eq!(text(Locale::English, true), "Restored 4 of 8 products");
    }

    #[test]
    fn a_cancelled_one_says_how_far_it_was() {
        let text = |t, error| {
            let progress = counts(3, 0, 10);
            headline(
                t,
                Subject::default(),
                Stage::Cancelled,
                &progress,
                None,
                error,
            )
        };
        let reason = ErrorCode::CancelledAfter { done: 3, total: 10 }.into();
        let error = ProgressError::Import(reason);
        assert_eq!(
            text(Locale::English, Some(&error)),
            "Cancelled after importing 3 of 10 products"
        );
        assert_eq!(
            text(Locale::German, Some(&error)),
            "Nach 3 von 10 Produkten abgebrochen"
        );
        assert_eq!(text(Locale::English, None), "Import cancelled");
    }
}
