//! What can be done with an import, and what became of its products, where the price monitor says so.

use leptos::prelude::*;

use super::{
    form::ActionForm,
    format::Noun,
    icons::{Glyph, Icon},
    language::use_locale,
    slice::Slice,
};
use crate::{
    api::import_controls::{CancelImport, DeleteImport, ImportAgain, RetryFailedRows},
    i18n::locale::Locale,
    model::{
        base_path::address,
        changes::changes_path,
        import_extras::{ImportExtras, failed_rows_path},
        job::JobId,
    },
};

/// Shows the counts and the ways on.
#[component]
pub(crate) fn ImportControls(
    /// Which import it is.
    id: JobId,
    /// What the price monitor says of it.
    extras: Signal<Option<ImportExtras>>,
    /// Whether it is over.
    is_over: Signal<bool>,
) -> impl IntoView {
    let t = use_locale();
    let cancel = ServerAction::<CancelImport>::new();
    let again = ServerAction::<ImportAgain>::new();
    let retry = ServerAction::<RetryFailedRows>::new();
    let delete = ServerAction::<DeleteImport>::new();
    let offers = move |action: &'static str| {
        extras.with(|extras| extras.as_ref().is_some_and(|extras| extras.offers(action)))
    };
    let is_check =
        move || extras.with(|extras| extras.as_ref().is_some_and(ImportExtras::is_check));
    let asks_for_columns = move || {
        let asks = |it: &ImportExtras| it.problem.is_some() || it.needs.is_some();
        extras.with(|extras| extras.as_ref().is_some_and(asks))
    };
    let id_text = StoredValue::new(id.to_string());
    let hidden = move || view! { <input type="hidden" name="id" value=id_text.get_value() /> };
    let failure = move || {
        let failures = [
            cancel.value().get().and_then(Result::err),
            again.value().get().and_then(Result::err),
            retry.value().get().and_then(Result::err),
            delete.value().get().and_then(Result::err),
        ];
        failures.into_iter().flatten().next()
    };
    let cancelling = move || cancel.pending().get() || matches!(cancel.value().get(), Some(Ok(())));
    view! {
        <section
            class="card controls"
            data-testid="import-controls"
            aria-labelledby="controls-title"
            hidden=move || extras.with(Option::is_none)
        >
            <h2 id="controls-title" class="visually-hidden">{t.say("Result and actions", "Ergebnis und Aktionen")}</h2>
            <Slice>
                <QueuePlace extras />
                <Outcome extras is_over />
            </Slice>
            <div class="controls-row">
                <Slice>
                    <div hidden=move || !offers("cancel") || is_over.get()>
                        <ActionForm action=cancel attr:data-testid="cancel-form">
                            {hidden}
                            <button class="button" data-testid="cancel-import" disabled=cancelling>
                                <Icon glyph=Glyph::Cross />
                                {move || {
                                    if cancelling() {
                                        t.say("Cancelling…", "Bricht ab…")
                                    } else {
                                        t.say("Cancel", "Abbrechen")
                                    }
                                }}
                            </button>
                        </ActionForm>
                    </div>
                </Slice>
                <Slice>
                    <div hidden=move || !offers("again")>
                        <ActionForm action=again>
                            {hidden}
                            <button
                                class="button"
                                class:button-primary=is_check
                                data-testid="import-again"
                            >
                                <Icon glyph=Glyph::Upload />
                                {move || {
                                    if is_check() {
                                        t.say("Import now", "Jetzt importieren")
                                    } else {
                                        t.say("Import again", "Erneut importieren")
                                    }
                                }}
                            </button>
                        </ActionForm>
                    </div>
                </Slice>
                <Slice>
                    <div hidden=move || !offers("retry")>
                        <ActionForm action=retry>
                            {hidden}
                            <button class="button" data-testid="retry-failed">
                                {t.say("Retry failed rows", "Fehlgeschlagene Zeilen erneut importieren")}
                            </button>
                        </ActionForm>
                    </div>
                </Slice>
                <Slice>
                    <a
                        class="button"
                        data-testid="download-failed"
                        rel="external"
                        download="failed-rows.csv"
                        href=address(&failed_rows_path(&id))
                        hidden=move || !offers("failures")
                    >
                        <Icon glyph=Glyph::File />
                        {t.say("Download failed rows", "Fehlgeschlagene Zeilen herunterladen")}
                    </a>
                    <a
                        class="button"
                        data-testid="show-changes"
                        href=address(&changes_path(&id))
                        hidden=move || !offers("changes")
                    >
                        {t.say("Show changes", "Änderungen anzeigen")}
                    </a>
                    <a
                        class="button"
                        data-testid="change-columns"
                        href=address(&format!("/imports/{id}?columns=change#mapping-title"))
                        hidden=move || !offers("columns") || asks_for_columns()
                    >
                        {t.say("Change columns", "Spalten ändern")}
                    </a>
                </Slice>
                <Slice>
                    <details class="controls-delete" hidden=move || !offers("delete")>
                        <summary class="button button-quiet" data-testid="delete-import">
                            {t.say("Delete…", "Löschen…")}
                        </summary>
                        <ActionForm action=delete>
                            {hidden}
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
                </Slice>
            </div>
            <p class="controls-problem" role="alert" hidden=move || failure().is_none()>
                {move || failure().map(|error| t.error(&error))}
            </p>
        </section>
    }
}

/// Says how many imports go first.
#[component]
fn QueuePlace(extras: Signal<Option<ImportExtras>>) -> impl IntoView {
    let t = use_locale();
    let place =
        move || extras.with(|extras| extras.as_ref().and_then(|extras| extras.queue_position));
    let needs_room =
        move || extras.with(|extras| extras.as_ref().is_some_and(|extras| extras.waits_for_room));
    let text = move || {
        match place() {
        None => String::new(),
        Some(_) if needs_room() => t
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
    }
    };
    view! {
        <p data-testid="queue-place" hidden=move || place().is_none()>
            {text}
        </p>
    }
}

/// Says how many products are new, changed, or as before.
#[component]
fn Outcome(extras: Signal<Option<ImportExtras>>, is_over: Signal<bool>) -> impl IntoView {
    let t = use_locale();
    let counts = move || extras.get().filter(|_| is_over.get());
    let text = move || {
        counts().map(|extras| {
            let [added, updated, unchanged] = [
                extras.added_products,
                extras.updated_products,
                extras.unchanged_products,
            ]
            .map(|products| t.count(products));
            match (t, extras.is_check()) {
                (Locale::English, true) => format!(
                    "Dry run: nothing was imported. Importing would add {added}, update {updated} and \
                    leave {unchanged} unchanged."
                ),
                (Locale::German, true) => format!(
                    "Testlauf: Es wurde nichts importiert. Ein Import würde {added} hinzufügen, \
                    {updated} aktualisieren und {unchanged} unverändert lassen."
                ),
                (Locale::English, false) => {
                    format!("{added} added, {updated} updated, {unchanged} unchanged.")
                }
                (Locale::German, false) => {
                    format!("{added} neu, {updated} aktualisiert, {unchanged} unverändert.")
                }
            }
        })
    };
    let rows = move || counts().and_then(|extras| rows_read(t, &extras));
    view! {
        <p data-testid="import-outcome" hidden=move || counts().is_none()>
            {text}
        </p>
        <p data-testid="import-rows" hidden=move || rows().is_none()>
            {rows}
        </p>
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
