//! The next steps after an import, best first.

use leptos::prelude::*;
use server_fn::ServerFn;

use crate::{
    api::import_controls::{ApproveImport, ImportAgain, UndoImport},
    components::{form::ActionForm, import_actions::IdField},
    i18n::messages::is_of_file,
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::address,
        changes::changes_path,
        import_extras::{ImportExtras, RowKind, correct_path},
        job::{ImportStatus, JobId, ProductImportJob, Question},
    },
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    /// Let the import exceed its limit.
    Approve,
    /// Import after a dry run.
    ImportNow,
    /// Correct failed rows.
    CorrectRows,
    /// See failed rows.
    SeeRows,
    /// Map the columns.
    MapColumns,
    Changes,
    Again,
    /// Change the column mapping.
    Columns,
    Undo,
    /// Undo what an undo left unchanged.
    UndoRest,
    AnotherFile,
}

/// Returns the next steps, best first.
fn steps(
    job: &ProductImportJob,
    extras: &ImportExtras,
    lists_failed: bool,
    is_retried: bool,
) -> Vec<Step> {
    let offers = |action| extras.offers(action);
    let mut steps = Vec::new();
    let mut add = |step, is_there| {
        if is_there && !steps.contains(&step) {
            steps.push(step);
        }
    };
    if !job.status.is_final() {
        add(Step::Approve, offers("approve"));
        add(Step::Changes, offers("approve") && offers("changes"));
        return steps;
    }
    let imports_now = extras.is_check() && offers("again") && job.processed_products > 0;
    let is_well = job.status != ImportStatus::Error;
    let asks_for_columns = extras
        .problem
        .is_some_and(|problem| problem != Question::Approval);
    let is_undone = extras.undone_by.is_some();
    let has_failed = job.failed_products > 0;
    let rows = match offers("correct") {
        true => Step::CorrectRows,
        false => Step::SeeRows,
    };
    let code = job.error.as_ref().and_then(|error| error.code());
    add(Step::MapColumns, asks_for_columns && offers("columns"));
    add(Step::AnotherFile, code.is_some_and(is_of_file));
    add(Step::ImportNow, imports_now);
    add(Step::Again, offers("again") && (!is_well || is_undone));
    add(rows, has_failed && lists_failed && !is_retried);
    add(Step::Changes, offers("changes"));
    add(rows, has_failed && lists_failed);
    add(Step::Again, offers("again") && !imports_now);
    add(Step::Columns, offers("columns") && !asks_for_columns);
    let undo = if is_undone {
        Step::UndoRest
    } else {
        Step::Undo
    };
    add(undo, offers("undo"));
    add(Step::AnotherFile, !offers("again"));
    steps
}

/// Offers the next steps, the best one as the primary button.
#[component]
pub(super) fn NextSteps(
    job: ProductImportJob,
    extras: ImportExtras,
    /// Whether the page lists failed rows.
    lists_failed: bool,
    /// Whether failed rows were imported again.
    is_retried: bool,
) -> impl IntoView {
    let steps = steps(&job, &extras, lists_failed, is_retried);
    if steps.is_empty() {
        return ().into_any();
    }
    let is_to_come = extras.is_check() || !job.status.is_final();
    let is_undo = extras.undoes.is_some();
    let steps = steps.into_iter().enumerate().map(|(index, step)| {
        let id = job.id.clone();
        view! { <WayOn id step is_to_come is_undo is_first={index == 0} /> }
    });
    view! { <div class="outcome-steps">{steps.collect_view()}</div> }.into_any()
}

#[component]
fn WayOn(id: JobId, step: Step, is_to_come: bool, is_undo: bool, is_first: bool) -> impl IntoView {
    let t = use_locale();
    let stored = StoredValue::new(id.clone());
    let class = if is_first {
        "button button-primary"
    } else {
        "button"
    };
    let link = |testid: &'static str, path: String, text: &'static str| {
        view! {
            <a class=class data-testid=testid href=address(&path)>
                {text}
            </a>
        }
        .into_any()
    };
    let again = |text: &'static str| {
        view! {
            <ActionForm action=ImportAgain::url()>
                <IdField id=stored.get_value() />
                <button class=class data-testid="import-again">
                    {text}
                </button>
            </ActionForm>
        }
        .into_any()
    };
    match step {
        Step::Approve => view! {
            <ActionForm action=ApproveImport::url()>
                <IdField id=stored.get_value() />
                <button class=class data-testid="approve-import">
                    <Icon glyph=Glyph::Check />
                    {t.say("Approve and import", "Freigeben und importieren")}
                </button>
            </ActionForm>
        }
        .into_any(),
        Step::ImportNow => again(t.say("Import now", "Jetzt importieren")),
        Step::CorrectRows => link(
            "correct-failed",
            correct_path(&id, RowKind::Failed),
            t.say("Correct failed rows", "Fehlgeschlagene Zeilen korrigieren"),
        ),
        Step::SeeRows => link(
            "see-rows",
            format!("/imports/{id}?rows=failed#rows-title"),
            if is_undo {
                t.say(
                    "Show products left unchanged",
                    "Unveränderte Produkte anzeigen",
                )
            } else {
                t.say("Show failed rows", "Fehlgeschlagene Zeilen anzeigen")
            },
        ),
        Step::MapColumns => link(
            "map-columns",
            format!("/imports/{id}#mapping-title"),
            t.say("Map columns", "Spalten zuordnen"),
        ),
        Step::Changes => link(
            "show-changes",
            changes_path(&id),
            if is_to_come {
                t.say("Show what would change", "Anzeigen, was sich ändern würde")
            } else {
                t.say("Show changes", "Änderungen anzeigen")
            },
        ),
        Step::Again => again(t.say("Import again", "Erneut importieren")),
        Step::Columns => link(
            "change-columns",
            format!("/imports/{id}?columns=change#mapping-title"),
            t.say("Change columns", "Spalten ändern"),
        ),
        Step::Undo | Step::UndoRest => {
            view! { <Undo id rest={step == Step::UndoRest} /> }.into_any()
        }
        Step::AnotherFile => link(
            "another-file",
            "/imports".to_owned(),
            t.say("Import another file", "Weitere Datei importieren"),
        ),
    }
}

/// Confirms the undo, or that of what an earlier undo left unchanged.
#[component]
fn Undo(id: JobId, rest: bool) -> impl IntoView {
    let t = use_locale();
    let (button, help, confirm) = if rest {
        (
            t.say("Undo the rest…", "Rest rückgängig machen…"),
            t.say(
                "Products that the last undo left unchanged get their previous values back, although later imports have changed them.",
                "Produkte, die beim letzten Rückgängigmachen unverändert blieben, bekommen ihre vorherigen Werte zurück, obwohl spätere Importe sie geändert haben.",
            ),
            t.say("Undo the rest", "Rest rückgängig machen"),
        )
    } else {
        (
            t.say("Undo…", "Rückgängig machen…"),
            t.say(
                "Products that this import updated get their previous values back. Products that it added are removed.",
                "Produkte, die dieser Import aktualisiert hat, bekommen ihre vorherigen Werte zurück. Produkte, die er hinzugefügt hat, werden entfernt.",
            ),
            t.say("Undo this import", "Diesen Import rückgängig machen"),
        )
    };
    let everything = if rest {
        view! { <input type="hidden" name="everything" value="true" /> }.into_any()
    } else {
        view! {
            <label class="upload-check">
                <input type="checkbox" name="everything" value="true" />
                {t.say(
                    "Include products that later imports have changed",
                    "Auch Produkte, die spätere Importe geändert haben",
                )}
            </label>
        }
        .into_any()
    };
    view! {
        <details class="popover">
            <summary class="button" data-testid="undo-import">
                <Icon glyph=Glyph::Undo />
                {button}
            </summary>
            <ActionForm action=UndoImport::url()>
                <IdField id />
                <p>{help}</p>
                {everything}
                <button class="button button-danger" data-testid="undo-confirm">
                    {confirm}
                </button>
            </ActionForm>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::messages::ErrorCode;

    fn job(status: ImportStatus, processed: u64, failed: u64) -> ProductImportJob {
        ProductImportJob {
            filename: "shop.csv".to_owned(),
            status,
            total_products: Some(8),
            processed_products: processed,
            failed_products: failed,
            ..ProductImportJob::pending("a".parse().unwrap())
        }
    }

    fn extras(mode: &str, actions: &[&str]) -> ImportExtras {
        ImportExtras {
            mode: mode.to_owned(),
            actions: actions.iter().map(|&it| it.to_owned()).collect(),
            ..ImportExtras::default()
        }
    }

    const OVER: &[&str] = &["again", "columns", "failures", "changes", "undo", "delete"];

    #[test]
    fn failed_rows_are_fixed_first_and_everything_else_is_still_there() {
        let partial = job(ImportStatus::PartialSuccess, 4, 4);
        assert_eq!(
            steps(&partial, &extras("import", OVER), true, false),
            [
                Step::SeeRows,
                Step::Changes,
                Step::Again,
                Step::Columns,
                Step::Undo
            ]
        );
    }

    #[test]
    fn of_a_whole_import_the_changes_are_seen_first() {
        let whole = job(ImportStatus::Success, 8, 0);
        assert_eq!(
            steps(&whole, &extras("import", OVER), false, false)[0],
            Step::Changes
        );
    }

    #[test]
    fn what_was_checked_is_imported_first_unless_nothing_of_it_could_be() {
        let checked = extras("check", OVER);
        let ways = steps(
            &job(ImportStatus::PartialSuccess, 4, 4),
            &checked,
            true,
            false,
        );
        assert_eq!(ways[..2], [Step::ImportNow, Step::SeeRows]);
        assert!(!ways.contains(&Step::Again));
        let none = steps(
            &job(ImportStatus::PartialSuccess, 0, 8),
            &checked,
            true,
            false,
        );
        assert_eq!(none[0], Step::SeeRows);
        assert!(none.contains(&Step::Again));
    }

    #[test]
    fn what_failed_was_cancelled_or_undone_is_imported_again_first() {
        let error = job(ImportStatus::Error, 0, 0);
        assert_eq!(
            steps(&error, &extras("import", OVER), false, false)[0],
            Step::Again
        );
        let mut undone = extras("import", OVER);
        undone.undone_by = Some("b".to_owned());
        let whole = job(ImportStatus::Success, 8, 0);
        let ways = steps(&whole, &undone, false, false);
        assert_eq!(ways[0], Step::Again);
        assert!(ways.contains(&Step::UndoRest) && !ways.contains(&Step::Undo));
    }

    #[test]
    fn what_fails_because_of_its_file_needs_another_one() {
        let of = |code: ErrorCode| {
            let error = ProductImportJob {
                error: Some(code.into()),
                ..job(ImportStatus::Error, 0, 0)
            };
            steps(&error, &extras("import", OVER), false, false)[0]
        };
        assert_eq!(of(ErrorCode::NoProducts), Step::AnotherFile);
        assert_eq!(of(ErrorCode::ProductsNotSaved), Step::Again);
    }

    #[test]
    fn rows_that_were_imported_again_are_not_the_first_step() {
        let partial = job(ImportStatus::PartialSuccess, 4, 4);
        let mut offered = OVER.to_vec();
        offered.push("correct");
        let first = |is_retried| steps(&partial, &extras("import", &offered), true, is_retried)[0];
        assert_eq!(first(false), Step::CorrectRows);
        assert_eq!(first(true), Step::Changes);
    }

    #[test]
    fn where_the_price_monitor_offers_nothing_another_file_can_be_imported() {
        let counts = job(ImportStatus::PartialSuccess, 4, 4);
        assert_eq!(
            steps(&counts, &ImportExtras::default(), false, false),
            [Step::AnotherFile]
        );
    }

    #[test]
    fn before_the_end_there_is_only_what_it_waits_for() {
        let pending = job(ImportStatus::Pending, 0, 0);
        assert_eq!(
            steps(&pending, &extras("import", &["cancel"]), false, false),
            []
        );
        let waits = extras("import", &["cancel", "changes", "approve", "delete"]);
        assert_eq!(
            steps(&pending, &waits, false, false),
            [Step::Approve, Step::Changes]
        );
    }
}
