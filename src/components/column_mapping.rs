//! The form for mapping the columns of a file.

use leptos::prelude::*;
use server_fn::ServerFn;

use super::form::{ActionForm, FormError, refused};
use crate::{
    api::import_controls::MapColumns,
    i18n::{locale::Locale, messages::Param},
    islands::{
        ColumnPreview,
        parts::{
            icons::{Glyph, Icon},
            locale::use_locale,
        },
    },
    model::{
        error::ApiError,
        import_extras::FileColumns,
        job::{JobId, Question},
        refused_form::RefusedForm,
    },
};

/// The fields that a column can be mapped to, with their names.
fn choices(t: Locale) -> [(&'static str, &'static str); 19] {
    [
        ("", t.say("Don't import", "Nicht importieren")),
        ("sku", "SKU"),
        ("name", t.say("Name", "Name")),
        ("price", t.say("Price", "Preis")),
        ("sale price", t.say("Sale price", "Angebotspreis")),
        ("currency", t.say("Currency", "Währung")),
        ("gtin", "GTIN (EAN, UPC, ISBN)"),
        ("barcode", "Barcode"),
        ("id", "ID"),
        ("stock", t.say("Stock", "Bestand")),
        ("availability", t.say("Availability", "Verfügbarkeit")),
        ("url", t.say("Link", "Link")),
        ("handle", "Handle (Shopify)"),
        (
            "option",
            t.say("Option value (Shopify)", "Optionswert (Shopify)"),
        ),
        (
            "parent",
            t.say("Parent (WooCommerce)", "Elternprodukt (WooCommerce)"),
        ),
        (
            "kind",
            t.say("Product type (WooCommerce)", "Produkttyp (WooCommerce)"),
        ),
        (
            "attribute",
            t.say(
                "Attribute value (WooCommerce)",
                "Attributwert (WooCommerce)",
            ),
        ),
        (
            "item",
            t.say("Item type (BigCommerce)", "Artikeltyp (BigCommerce)"),
        ),
        ("image", t.say("Image", "Bild")),
    ]
}

/// Maps columns, previews the first rows and starts the import.
#[component]
pub(crate) fn ColumnMapping(
    id: JobId,
    /// First rows and the current mapping.
    file: FileColumns,
    /// Whether the import is a dry run.
    is_check: bool,
) -> impl IntoView {
    let t = use_locale();
    let FileColumns {
        header,
        rows,
        columns,
        decimal_mark,
        currency,
        sheets,
        all_sheets,
        needs,
    } = file;
    // Until a sheet is chosen, the rows may be of another one.
    let asks_for_sheets = needs == Some(Question::Sheets);
    let sent = refused::<MapColumns>();
    let twice = sent.error.as_ref().map(ApiError::reason);
    let twice = twice.filter(|reason| reason.code() == Some("mapped-twice"));
    let choices = header
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let examples = rows
                .iter()
                .filter_map(|row| row.get(index))
                .filter(|cell| !cell.is_empty())
                .take(3)
                .map(|cell| cell.chars().take(40).collect::<String>())
                .collect::<Vec<_>>()
                .join(" · ");
            let current = sent
                .value(&format!("columns[{index}]"))
                .or_else(|| columns.get(index).cloned().flatten())
                .unwrap_or_default();
            let named = |param: &Param| *param == Param::Text(name.clone());
            let invalid = twice
                .as_ref()
                .is_some_and(|it| it.params().iter().any(|(_, it)| named(it)));
            view! { <ColumnChoice index name examples current invalid /> }
        })
        .collect_view();
    let columns = (!asks_for_sheets).then(|| {
        view! {
            <ul class="mapping-columns">{choices}</ul>
            <DecimalMarkChoice
                current=sent.value("decimal_mark").or(decimal_mark).unwrap_or_default()
                is_asked={needs == Some(Question::DecimalMark)}
            />
            <CurrencyField currency=sent.value("currency").or(currency).unwrap_or_default() />
            <ColumnPreview />
        }
    });
    let sheets = (!all_sheets.is_empty())
        .then(|| view! { <SheetChoice all=all_sheets chosen=sheets sent=sent.clone() /> });
    view! {
        <section class="card mapping" data-testid="column-mapping" aria-labelledby="mapping-title">
            <header class="card-head">
                <h2 id="mapping-title">{t.say("Map columns", "Spalten zuordnen")}</h2>
            </header>
            {needs.map(|needs| view! { <p data-testid="mapping-needs">{asked(t, needs)}</p> })}
            <p>
                {t.say(
                    "Match each column to a field. A price and an identifier (such as SKU) are \
                    required. We'll reuse this mapping for files with the same columns.",
                    "Ordne jeder Spalte ein Feld zu. Nötig sind ein Preis und eine Kennung (etwa die \
                    SKU). Für Dateien mit denselben Spalten verwenden wir diese Zuordnung wieder.",
                )}
            </p>
            <ActionForm action=MapColumns::url()>
                <input type="hidden" name="id" value=id.to_string() />
                <FormError error=sent.error id="mapping-failure" testid="mapping-failure" />
                {sheets}
                {columns}
                <button class="button button-primary" data-testid="mapping-import">
                    <Icon glyph=Glyph::Upload />
                    {if is_check {
                        t.say("Dry run with these columns", "Testlauf mit diesen Spalten")
                    } else {
                        t.say("Import with these columns", "Mit diesen Spalten importieren")
                    }}
                </button>
            </ActionForm>
        </section>
    }
}

/// Returns the question to the user.
fn asked(t: Locale, needs: Question) -> &'static str {
    match needs {
        Question::Columns => t.say(
            "We couldn't identify the columns in this file. Map them to continue.",
            "Wir konnten die Spalten dieser Datei nicht erkennen. Ordne sie zu, um fortzufahren.",
        ),
        Question::DecimalMark => t.say(
            "The prices in this file can be read in two ways. Choose the decimal separator to continue.",
            "Die Preise in dieser Datei lassen sich auf zwei Arten lesen. Wähle das \
            Dezimaltrennzeichen, um fortzufahren.",
        ),
        Question::Approval => "",
        Question::Sheets => t.say(
            "This workbook has several sheets. Choose the ones with products to continue.",
            "Diese Arbeitsmappe hat mehrere Blätter. Wähle die mit den Produkten, um fortzufahren.",
        ),
    }
}

/// The choice of the decimal mark.
#[component]
fn DecimalMarkChoice(current: String, is_asked: bool) -> impl IntoView {
    let t = use_locale();
    let first = if is_asked {
        t.say("Select…", "Auswählen…")
    } else {
        t.say("Detect automatically", "Automatisch erkennen")
    };
    // Our own words need no escaping.
    let options: String = [
        ("", first),
        ("point", t.say("Point: 1,299.50", "Punkt: 1,299.50")),
        ("comma", t.say("Comma: 1.299,50", "Komma: 1.299,50")),
    ]
    .into_iter()
    .map(|(word, text)| {
        let selected = if current == word { " selected" } else { "" };
        format!("<option value=\"{word}\"{selected}>{text}</option>")
    })
    .collect();
    view! {
        <div class="mapping-column">
            <label for="decimal-mark">
                <strong>{t.say("Decimal separator", "Dezimaltrennzeichen")}</strong>
            </label>
            <select
                id="decimal-mark"
                class="input"
                name="decimal_mark"
                required=is_asked
                data-testid="mapping-decimal-mark"
                inner_html=options
            ></select>
        </div>
    }
}

/// The currency for prices without one.
#[component]
fn CurrencyField(currency: String) -> impl IntoView {
    let t = use_locale();
    view! {
        <div class="mapping-column">
            <label for="currency">
                <strong>{t.say("Currency", "Währung")}</strong>
                <span class="mapping-examples">
                    {t.say("if not in the file", "falls nicht in der Datei")}
                </span>
            </label>
            <input
                id="currency"
                class="input"
                name="currency"
                maxlength="3"
                pattern="[A-Za-z]{3}"
                placeholder="EUR"
                autocomplete="off"
                data-testid="mapping-currency"
                value=currency
            />
        </div>
    }
}

/// The choice of sheets.
#[component]
fn SheetChoice(all: Vec<String>, chosen: Vec<String>, sent: RefusedForm) -> impl IntoView {
    let t = use_locale();
    let sheets = all
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let field = format!("sheets[{index}]");
            let checked = sent.has(&field, &name, chosen.contains(&name));
            view! {
                <label class="upload-check">
                    <input
                        type="checkbox"
                        name=field
                        value=name.clone()
                        checked=checked
                        data-testid="mapping-sheet"
                    />
                    {name.clone()}
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="mapping-sheets">
            <legend>{t.say("Sheets to import", "Zu importierende Blätter")}</legend>
            {sheets}
        </fieldset>
    }
}

#[component]
fn ColumnChoice(
    index: usize,
    name: String,
    examples: String,
    current: String,
    invalid: bool,
) -> impl IntoView {
    let t = use_locale();
    let field = format!("columns[{index}]");
    let label = format!("column-{index}");
    // Our own words need no escaping.
    let options: String = choices(t)
        .into_iter()
        .map(|(word, text)| {
            let selected = if current == word { " selected" } else { "" };
            format!("<option value=\"{word}\"{selected}>{text}</option>")
        })
        .collect();
    let title = if name.is_empty() {
        format!("{} {}", t.say("Column", "Spalte"), index + 1)
    } else {
        name
    };
    view! {
        <li class="mapping-column">
            <label for=label.clone()>
                <strong>{title}</strong>
                <span class="mapping-examples">{examples}</span>
            </label>
            <select
                id=label.clone()
                class="input"
                name=field
                data-testid="mapping-select"
                aria-describedby="mapping-problem mapping-failure"
                aria-invalid=invalid.then_some("true")
                inner_html=options
            ></select>
        </li>
    }
}
