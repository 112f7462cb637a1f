//! Tables of product changes.

use leptos::prelude::*;

use super::{data_table::DataTable, moment::WrittenTime, money::money};
use crate::{
    i18n::locale::Locale,
    islands::parts::locale::use_locale,
    model::{
        base_path::{address, escape},
        changes::{ChangeKind, Field, FieldChange, HistoryEntry, ProductChange},
        product::values_of,
    },
};

pub(crate) fn product_path(identity: &str) -> String {
    format!("/products/{}", escape(identity))
}

/// Returns the word for a kind of change.
pub(crate) fn kind_word(t: Locale, kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => t.say("Added", "Neu"),
        ChangeKind::Updated => t.say("Updated", "Aktualisiert"),
        ChangeKind::Removed => t.say("Removed", "Entfernt"),
    }
}

/// Returns the name of a field.
pub(crate) fn field_word(t: Locale, field: Field) -> &'static str {
    match field {
        Field::Sku => "SKU",
        Field::Name => t.say("Name", "Name"),
        Field::Price => t.say("Price", "Preis"),
        Field::SalePrice => t.say("Sale price", "Angebotspreis"),
        Field::Currency => t.say("Currency", "Währung"),
        Field::Gtin => "GTIN",
        Field::Stock => t.say("Stock", "Bestand"),
        Field::Availability => t.say("Availability", "Verfügbarkeit"),
        Field::Url => "URL",
        Field::Image => t.say("Image", "Bild"),
        Field::Options => t.say("Options", "Optionen"),
    }
}

/// Returns the word for an availability.
pub(crate) fn availability_word(t: Locale, code: &str) -> String {
    let text = match code {
        "in_stock" => t.say("In stock", "Vorrätig"),
        "out_of_stock" => t.say("Out of stock", "Nicht vorrätig"),
        "preorder" => t.say("Pre-order", "Vorbestellbar"),
        "backorder" => t.say("Back-order", "Nachbestellbar"),
        other => other,
    };
    text.to_owned()
}

/// Formats a value in the reader's language.
fn written(t: Locale, field: Field, value: String, currency: Option<&str>) -> String {
    match field {
        Field::Price | Field::SalePrice => money(t, &value, currency),
        Field::Availability => availability_word(t, &value),
        Field::Stock => match value.parse::<u64>() {
            Ok(stock) => t.count(stock),
            Err(_) => value,
        },
        Field::Options => values_of(&value).join(" / "),
        Field::Sku | Field::Name | Field::Currency | Field::Gtin | Field::Url | Field::Image => {
            value
        }
    }
}

/// Formats a price change: `−30%`.
fn moved(t: Locale, change: i64) -> String {
    let sign = if change < 0 { '−' } else { '+' };
    format!("{sign}{}", t.percent_of_hundredths(change.unsigned_abs()))
}

#[component]
pub(crate) fn ChangesTable(
    /// The changes, in the order of the file.
    changes: Vec<ProductChange>,
) -> impl IntoView {
    let t = use_locale();
    let rows = changes
        .into_iter()
        .map(|change| {
            let or_identity = |text: Option<&str>| text.unwrap_or(&change.identity).to_owned();
            let label = or_identity(change.name.as_deref().or(change.value(Field::Name)));
            let code = or_identity(change.sku.as_deref().or(change.value(Field::Sku)));
            let (row, kind) = (change.row, change.kind);
            let product = if change.name.is_some() {
                let href = address(&product_path(&change.identity));
                view! { <a href=href>{label}</a> }.into_any()
            } else {
                label.into_any()
            };
            view! {
                <tr role="row" data-testid="change-row" data-kind=kind.as_str()>
                    <th role="rowheader" scope="row" class="changes-product">
                        {product}
                        <span class="products-sku">{code}</span>
                    </th>
                    <td role="cell" class="changes-kind">{kind_word(t, kind)}</td>
                    <td role="cell"><Values change /></td>
                    <td role="cell" class="numeric changes-row">{t.count(row)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="table changes" role="table" data-testid="changes-table">
            <caption class="visually-hidden">
                {t.say("Changes, in file order", "Änderungen, in Dateireihenfolge")}
            </caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">{t.say("Product", "Produkt")}</th>
                    <th role="columnheader" scope="col">{t.say("Change", "Änderung")}</th>
                    <th role="columnheader" scope="col">{t.say("Values", "Werte")}</th>
                    <th role="columnheader" scope="col" class="numeric">{t.say("Row", "Zeile")}</th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
}

/// Lists the changes of one product.
#[component]
pub(crate) fn HistoryTable(
    /// The changes, newest first.
    entries: Vec<HistoryEntry>,
) -> impl IntoView {
    let t = use_locale();
    let rows = entries
        .into_iter()
        .map(|entry| {
            let HistoryEntry {
                import,
                filename,
                at,
                change,
            } = entry;
            let by = match import {
                Some(id) => {
                    let name = filename.unwrap_or_else(|| id.clone());
                    let href = address(&format!("/imports/{id}"));
                    view! { <a href=href>{name}</a> }.into_any()
                }
                None => t
                    .say(
                        "An import you can't see",
                        "Ein Import, den du nicht sehen kannst",
                    )
                    .into_any(),
            };
            let kind = change.kind;
            view! {
                <tr role="row" data-testid="history-row" data-kind=kind.as_str()>
                    <th role="rowheader" scope="row"><WrittenTime at /></th>
                    <td role="cell" class="changes-kind">{kind_word(t, kind)}</td>
                    <td role="cell"><Values change /></td>
                    <td role="cell" class="changes-import">{by}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <DataTable
            class="table changes"
            testid="history-table"
            caption=t.say("Changes, newest first", "Änderungen, neueste zuerst")
            heads=vec![t.say("Time", "Zeit"), t.say("Change", "Änderung"), t.say("Values", "Werte"), t.say("Import", "Import")]
        >
            {rows}
        </DataTable>
    }
}

/// Lists changed fields with old and new values.
#[component]
fn Values(change: ProductChange) -> impl IntoView {
    let t = use_locale();
    let [before, after] = change.currencies().map(|it| it.map(str::to_owned));
    let ProductChange {
        kind,
        price_change,
        fields,
        ..
    } = change;
    let items = fields
        .into_iter()
        .map(|FieldChange { field, old, new }| {
            let by = price_change.filter(|_| field == Field::Price).map(|change| {
                let direction = if change < 0 { "down" } else { "up" };
                view! { " " <span class="changes-moved" data-direction=direction>{moved(t, change)}</span> }
            });
            let none = || "–".to_owned();
            let old = old.map(|value| written(t, field, value, before.as_deref()));
            let new = new.map(|value| written(t, field, value, after.as_deref()));
            let old = (kind != ChangeKind::Added).then(|| {
                view! { <del>{old.unwrap_or_else(none)}</del> }
            });
            let new = (kind != ChangeKind::Removed).then(|| {
                view! { <ins>{new.unwrap_or_else(none)}</ins> }
            });
            let arrow = (kind == ChangeKind::Updated).then_some(" → ");
            view! {
                <div data-field=field.as_str()>
                    <dt>{field_word(t, field)}</dt>
                    <dd>{old} {arrow} {new} {by}</dd>
                </div>
            }
        })
        .collect_view();
    view! { <dl class="changes-values">{items}</dl> }
}
