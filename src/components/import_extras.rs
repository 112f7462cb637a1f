//! What can be done with an import, and what became of its products, where the price monitor says so.

use leptos::prelude::*;
use server_fn::ServerFn;

use super::form::{ActionForm, failure};
use crate::{
    api::import_controls::{
        ApproveImport, CancelImport, DeleteImport, ImportAgain, RetryFailedRows, UndoImport,
    },
    i18n::locale::Locale,
    islands::parts::{
        format::Noun,
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::address,
        changes::{OverLimit, Percent, changes_path},
        import_extras::{ImportExtras, failed_rows_path},
        job::{JobId, Question},
    },
};

/// Shows the counts and the ways on.
#[component]
pub(crate) fn ImportControls(
    /// Which import it is.
    id: JobId,
    /// What the price monitor says of it.
    extras: ImportExtras,
    /// Whether it is over.
    is_over: bool,
) -> impl IntoView {
    let t = use_locale();
    let offers = |action| extras.offers(action);
    let is_check = extras.is_check();
    let asks_for_columns = extras.problem.is_some()
        || extras
            .needs
            .is_some_and(|needs| needs != Question::Approval);
    let id_text = StoredValue::new(id.to_string());
    let hidden = move || view! { <input type="hidden" name="id" value=id_text.get_value() /> };
    let failure = failure::<CancelImport>()
        .or_else(failure::<ImportAgain>)
        .or_else(failure::<RetryFailedRows>)
        .or_else(failure::<ApproveImport>)
        .or_else(failure::<UndoImport>)
        .or_else(failure::<DeleteImport>);
    let cancel = (offers("cancel") && !is_over).then(|| {
        view! {
            <ActionForm action=CancelImport::url() attr:data-testid="cancel-form">
                {hidden()}
                <button class="button" data-testid="cancel-import">
                    <Icon glyph=Glyph::Cross />
                    {t.say("Cancel", "Abbrechen")}
                </button>
            </ActionForm>
        }
    });
    let again = offers("again").then(|| {
        view! {
            <ActionForm action=ImportAgain::url()>
                {hidden()}
                <button
                    class="button"
                    class:button-primary=is_check
                    data-testid="import-again"
                >
                    <Icon glyph=Glyph::Upload />
                    {if is_check {
                        t.say("Import now", "Jetzt importieren")
                    } else {
                        t.say("Import again", "Erneut importieren")
                    }}
                </button>
            </ActionForm>
        }
    });
    let retry = offers("retry").then(|| {
        view! {
            <ActionForm action=RetryFailedRows::url()>
                {hidden()}
                <button class="button" data-testid="retry-failed">
                    {t.say("Retry failed rows", "Fehlgeschlagene Zeilen erneut importieren")}
                </button>
            </ActionForm>
        }
    });
    let download = offers("failures").then(|| {
        view! {
            <a
                class="button"
                data-testid="download-failed"
                download="failed-rows.csv"
                href=address(&failed_rows_path(&id))
            >
                <Icon glyph=Glyph::File />
                {t.say("Download failed rows", "Fehlgeschlagene Zeilen herunterladen")}
            </a>
        }
    });
    let changes = offers("changes").then(|| {
        view! {
            <a class="button" data-testid="show-changes" href=address(&changes_path(&id))>
                {if is_check {
                    t.say("Show what would change", "Anzeigen, was sich ändern würde")
                } else {
                    t.say("Show changes", "Änderungen anzeigen")
                }}
            </a>
        }
    });
    let columns = (offers("columns") && !asks_for_columns).then(|| {
        view! {
            <a
                class="button"
                data-testid="change-columns"
                href=address(&format!("/imports/{id}?columns=change#mapping-title"))
            >
                {t.say("Change columns", "Spalten ändern")}
            </a>
        }
    });
    let approve = offers("approve").then(|| {
        view! {
            <ActionForm action=ApproveImport::url()>
                {hidden()}
                <button class="button button-primary" data-testid="approve-import">
                    <Icon glyph=Glyph::Check />
                    {t.say("Approve and import", "Freigeben und importieren")}
                </button>
            </ActionForm>
        }
    });
    let undo = offers("undo").then(|| {
        view! {
            <details class="controls-delete">
                <summary class="button button-quiet" data-testid="undo-import">
                    {t.say("Undo…", "Rückgängig machen…")}
                </summary>
                <ActionForm action=UndoImport::url()>
                    {hidden()}
                    <p>
                        {t.say(
                            "Products that this import updated get their previous values back. Products that it added are removed.",
                            "Produkte, die dieser Import aktualisiert hat, bekommen ihre vorherigen Werte zurück. Produkte, die er hinzugefügt hat, werden entfernt.",
                        )}
                    </p>
                    <label>
                        <input type="checkbox" name="everything" value="true" />
                        " "
                        {t.say(
                            "Include products that later imports have changed",
                            "Auch Produkte, die spätere Importe geändert haben",
                        )}
                    </label>
                    <button class="button" data-testid="undo-confirm">
                        {t.say("Undo this import", "Diesen Import rückgängig machen")}
                    </button>
                </ActionForm>
            </details>
        }
    });
    let over_limit = extras
        .over_limit
        .filter(|_| offers("approve"))
        .map(|over| view! { <p data-testid="over-limit" role="status">{over_limit(t, over)}</p> });
    let link = |id: Option<&String>, text: &'static str| {
        id.map(|id| view! { <p><a href=address(&format!("/imports/{id}"))>{text}</a></p> })
    };
    let undoes = link(
        extras.undoes.as_ref(),
        t.say(
            "This import undoes another one.",
            "Dieser Import macht einen anderen rückgängig.",
        ),
    );
    let undone = link(
        extras.undone_by.as_ref(),
        t.say(
            "This import was undone.",
            "Dieser Import wurde rückgängig gemacht.",
        ),
    );
    let delete = offers("delete").then(|| {
        view! {
            <details class="controls-delete">
                <summary class="button button-quiet" data-testid="delete-import">
                    {t.say("Delete…", "Löschen…")}
                </summary>
                <ActionForm action=DeleteImport::url()>
                    {hidden()}
                    <p>
                        {t.say(
                            "This removes the import from the list. Its products stay in your catalogue.",
                            "Der Import wird aus der Liste entfernt. Seine Produkte bleiben in deinem Katalog.",
                        )}
                    </p>
                    <button class="button" data-testid="delete-confirm">
                        {t.say("Delete import", "Import löschen")}
                    </button>
                </ActionForm>
            </details>
        }
    });
    let problem = failure.map(|error| {
        view! {
            <p class="controls-problem" role="alert">
                {t.error(&error)}
            </p>
        }
    });
    view! {
        <section
            class="card controls"
            data-testid="import-controls"
            aria-labelledby="controls-title"
        >
            <h2 id="controls-title" class="visually-hidden">{t.say("Result and actions", "Ergebnis und Aktionen")}</h2>
            {queue_place(t, &extras).map(|text| view! { <p data-testid="queue-place">{text}</p> })}
            {is_over.then(|| view! { <Outcome extras=extras.clone() /> })}
            {undoes} {undone} {over_limit}
            <div class="controls-row">
                {approve} {cancel} {again} {retry} {download} {changes} {columns} {undo} {delete}
            </div>
            {problem}
        </section>
    }
}

/// Says how many imports go first.
fn queue_place(t: Locale, extras: &ImportExtras) -> Option<String> {
    let text = match extras.queue_position {
        None if extras.waits_for_room => t
            .say(
                "The disk is full. The import continues once there is free space.",
                "Die Festplatte ist voll. Der Import läuft weiter, sobald wieder Platz ist.",
            )
            .to_owned(),
        None => return None,
        _ if extras.waits_for_room => t
            .say(
                "Queued: the disk is full. The import starts once there is free space.",
                "In der Warteschlange: Die Festplatte ist voll. Der Import startet, sobald wieder Platz ist.",
            )
            .to_owned(),
        Some(0 | 1) => t
            .say(
                "Queued: next in line.",
                "In der Warteschlange: als Nächstes an der Reihe.",
            )
            .to_owned(),
        Some(place) => {
            let before = t.counted(place - 1, Noun::Import);
            match t {
                Locale::English => format!("Queued: {before} ahead."),
                Locale::German => format!("In der Warteschlange: {before} davor."),
            }
        }
    };
    Some(text)
}

/// Says how many products are new, changed, or as before.
#[component]
fn Outcome(extras: ImportExtras) -> impl IntoView {
    let t = use_locale();
    let [added, updated, unchanged] = [
        extras.added_products,
        extras.updated_products,
        extras.unchanged_products,
    ]
    .map(|products| t.count(products));
    let removed = match extras.removed_products {
        0 => String::new(),
        removed => format!(" {} {},", t.count(removed), t.say("removed", "entfernt")),
    };
    let text = match (t, extras.is_check()) {
        (Locale::English, true) => format!(
            "Dry run: nothing was imported. Importing would add {added}, update {updated} and \
                    leave {unchanged} unchanged."
        ),
        (Locale::German, true) => format!(
            "Testlauf: Es wurde nichts importiert. Ein Import würde {added} hinzufügen, \
                    {updated} aktualisieren und {unchanged} unverändert lassen."
        ),
        (Locale::English, false) => {
            format!("{added} added, {updated} updated,{removed} {unchanged} unchanged.")
        }
        (Locale::German, false) => {
            format!("{added} neu, {updated} aktualisiert,{removed} {unchanged} unverändert.")
        }
    };
    let rows = rows_read(t, &extras);
    view! {
        <p data-testid="import-outcome">{text}</p>
        {rows.map(|rows| view! { <p data-testid="import-rows">{rows}</p> })}
    }
}

/// Says which limit an import goes over.
fn over_limit(t: Locale, over: OverLimit) -> String {
    match over {
        OverLimit::Prices { count, of, by } => {
            let [count, of] = [count, of].map(|it| t.count(it));
            let by = Percent::of_hundredths(by);
            match t {
                Locale::English => format!(
                    "Needs your approval: {count} of the {of} compared prices would change by more than {by}%. Nothing has been imported yet."
                ),
                Locale::German => format!(
                    "Braucht deine Freigabe: {count} der {of} verglichenen Preise würden sich um mehr als {by}\u{a0}% ändern. Bisher wurde nichts importiert."
                ),
            }
        }
        OverLimit::Failed { count, of } => {
            let [count, of] = [count, of].map(|it| t.count(it));
            match t {
                Locale::English => format!(
                    "Needs your approval: {count} of the first {of} rows would fail. Nothing has been imported yet."
                ),
                Locale::German => format!(
                    "Braucht deine Freigabe: {count} der ersten {of} Zeilen würden fehlschlagen. Bisher wurde nichts importiert."
                ),
            }
        }
    }
}

/// Says what the rows of the file were, where not every one is a product by itself.
fn rows_read(t: Locale, extras: &ImportExtras) -> Option<String> {
    let ImportExtras {
        rows_read,
        replaced_rows,
        passed_over_rows,
        warnings,
        ..
    } = extras;
    if *rows_read == 0 || replaced_rows + passed_over_rows + warnings == 0 {
        return None;
    }
    let products = extras.added_products + extras.updated_products + extras.unchanged_products;
    let processed = products + replaced_rows;
    let failed = rows_read.saturating_sub(processed + passed_over_rows);
    let [products, replaced, passed_over, failed] =
        [products, *replaced_rows, *passed_over_rows, failed].map(|count| t.count(count));
    let rows = t.counted(*rows_read, Noun::Row);
    let mut text = match t {
        Locale::English => format!(
            "{rows} read: {products} products, {replaced} replaced by a later row, {failed} failed, \
            {passed_over} skipped."
        ),
        Locale::German => format!(
            "{rows} gelesen: {products} Produkte, {replaced} durch eine spätere Zeile ersetzt, {failed} \
            fehlgeschlagen, {passed_over} übersprungen."
        ),
    };
    if *warnings > 0 {
        let warnings = t.count(*warnings);
        text.push_str(&match t {
            Locale::English => {
                format!(" Warnings: {warnings}. The affected fields were left unchanged.")
            }
            Locale::German => {
                format!(" Warnungen: {warnings}. Die betroffenen Felder bleiben unverändert.")
            }
        });
    }
    Some(text)
}
