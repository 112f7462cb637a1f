//! The activity of an import as stored by the server; the same for all users.

use leptos::prelude::*;

use super::moment::WrittenTime;
use crate::{
    i18n::locale::Locale,
    islands::parts::locale::use_locale,
    model::{
        activity::{Activity, ActivityKind, Place},
        base_path::address,
        job::{ImportStatus, ProductImportJob, UnixMillis},
    },
};

/// An entry.
struct Line {
    at: UnixMillis,
    text: String,
    kind: &'static str,
    /// Path of another import that the entry is about.
    about: Option<String>,
}

/// Lists the activity in order.
#[component]
pub(crate) fn ImportActivity(
    /// The import, for its start and end.
    job: ProductImportJob,
    activity: Vec<Activity>,
) -> impl IntoView {
    let t = use_locale();
    let seen = t.say("See that import", "Zu diesem Import");
    let id = job.id.to_string();
    let lines = lines(t, &job, activity).into_iter().map(|line| {
        let about = line
            .about
            .map(|path| view! { " " <a href=address(&path)>{seen}</a> });
        view! {
            <li data-kind=line.kind>
                <span class="timeline-text">{line.text} {about}</span>
                <WrittenTime at=line.at />
            </li>
        }
    });
    view! {
        <section class="card timeline" aria-labelledby="timeline-title" data-testid="timeline">
            <header class="card-head">
                <h2 id="timeline-title">{t.say("Activity", "Verlauf")}</h2>
            </header>
            <ol>{lines.collect_view()}</ol>
            <p class="import-id">{t.say("Import", "Import")} " " <span class="code">{id}</span></p>
        </section>
    }
}

fn lines(t: Locale, job: &ProductImportJob, activity: Vec<Activity>) -> Vec<Line> {
    let (begun, later): (Vec<_>, Vec<_>) = activity
        .into_iter()
        .partition(|entry| entry.kind.place() == Place::First);
    // Imports of earlier versions have none.
    let begun = begun.into_iter().next().unwrap_or(Activity {
        at: job.created_at,
        kind: ActivityKind::Uploaded,
        who: None,
        about: None,
    });
    // The price monitor may have recorded an entry before the app.
    let (after, later): (Vec<_>, Vec<_>) = later
        .into_iter()
        .partition(|entry| entry.kind.place() == Place::AfterEnd);
    let is_undo = begun.kind == ActivityKind::UndoStarted;
    let first = later.iter().map(|entry| entry.at).min();
    let begun = Activity {
        at: first.map_or(begun.at, |first| first.min(begun.at)),
        ..begun
    };
    let ended = job.completed_at.filter(|_| job.status.is_final());
    // What happened before a quick end may be recorded after it.
    let before_the_end = |entry: Activity| Activity {
        at: ended.map_or(entry.at, |ended| entry.at.min(ended)),
        ..entry
    };
    let entries = std::iter::once(begun).chain(later.into_iter().map(before_the_end));
    let mut lines: Vec<_> = entries.map(|entry| line(t, entry)).collect();
    if let Some(at) = ended {
        let (kind, text) = end(t, job, is_undo);
        lines.push(Line {
            at,
            text: text.to_owned(),
            kind,
            about: None,
        });
    }
    lines.extend(after.into_iter().map(|entry| line(t, entry)));
    lines
}

fn line(t: Locale, entry: Activity) -> Line {
    let words = entry.kind.words(t);
    let text = match entry.who {
        Some(who) => format!("{words} {} {who}", t.say("by", "von")),
        None => words.to_owned(),
    };
    Line {
        at: entry.at,
        text,
        kind: entry.kind.tone().as_str(),
        about: entry.about.map(|about| format!("/imports/{about}")),
    }
}

/// Describes how an import ended.
fn end(t: Locale, job: &ProductImportJob, is_undo: bool) -> (&'static str, &'static str) {
    let is_check = !job.mode.is_import();
    match job.status {
        ImportStatus::Success if is_check => (
            "success",
            t.say("Checked: no errors found", "Geprüft: keine Fehler gefunden"),
        ),
        ImportStatus::Success if is_undo => (
            "success",
            t.say("All products restored", "Alle Produkte wiederhergestellt"),
        ),
        ImportStatus::Success => (
            "success",
            t.say("All products imported", "Alle Produkte importiert"),
        ),
        ImportStatus::PartialSuccess if is_check => (
            "warning",
            t.say("Checked: errors found", "Geprüft: Fehler gefunden"),
        ),
        ImportStatus::PartialSuccess if is_undo => (
            "warning",
            t.say(
                "Some products restored",
                "Einige Produkte wiederhergestellt",
            ),
        ),
        ImportStatus::PartialSuccess => (
            "warning",
            t.say("Finished with errors", "Mit Fehlern abgeschlossen"),
        ),
        _ if job.is_cancelled() => ("quiet", t.say("Import cancelled", "Import abgebrochen")),
        _ => ("danger", t.say("Import failed", "Import fehlgeschlagen")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::messages::ErrorCode;

    fn job(status: ImportStatus) -> ProductImportJob {
        ProductImportJob {
            filename: "shop.csv".to_owned(),
            status,
            total_products: Some(8),
            processed_products: 8,
            created_at: 20,
            updated_at: 20,
            completed_at: status.is_final().then_some(30),
            ..ProductImportJob::pending("a".parse().unwrap())
        }
    }

    fn entry(at: UnixMillis, kind: ActivityKind, who: Option<&str>) -> Activity {
        Activity {
            at,
            kind,
            who: who.map(str::to_owned),
            about: None,
        }
    }

    fn told(job: &ProductImportJob, activity: Vec<Activity>) -> Vec<(UnixMillis, String)> {
        let lines = lines(Locale::English, job, activity);
        lines.into_iter().map(|line| (line.at, line.text)).collect()
    }

    #[test]
    fn it_begins_with_the_upload_and_ends_with_the_end() {
        let activity = vec![
            entry(19, ActivityKind::Queued, None),
            entry(21, ActivityKind::Uploaded, Some("Ada")),
            // Recorded just after the end.
            entry(31, ActivityKind::Started, None),
            entry(40, ActivityKind::Undone, Some("Ada")),
        ];
        let text = |at, text: &str| (at, text.to_owned());
        assert_eq!(
            told(&job(ImportStatus::Success), activity),
            [
                text(19, "File uploaded by Ada"),
                text(19, "Queued"),
                text(30, "Import started"),
                text(30, "All products imported"),
                text(40, "Undo requested by Ada"),
            ]
        );
    }

    #[test]
    fn an_undo_restores_products() {
        let last = |status| {
            let activity = vec![entry(20, ActivityKind::UndoStarted, Some("Ada"))];
            told(&job(status), activity).pop().unwrap().1
        };
        assert_eq!(last(ImportStatus::Success), "All products restored");
        assert_eq!(last(ImportStatus::PartialSuccess), "Some products restored");
    }

    #[test]
    fn an_import_of_an_earlier_version_has_its_own_beginning() {
        let told = told(&job(ImportStatus::Pending), Vec::new());
        assert_eq!(told, [(20, "File uploaded".to_owned())]);
    }

    #[test]
    fn one_that_was_cancelled_did_not_fail() {
        let mut job = job(ImportStatus::Error);
        job.error = Some(ErrorCode::CancelledBefore.into());
        assert_eq!(told(&job, Vec::new())[1].1, "Import cancelled");
    }
}
