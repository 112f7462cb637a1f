//! The rows that did not make it, and why.

use leptos::prelude::*;
use leptos_router::{components::Form, location::Url};

use super::{
    format::Noun,
    icons::{Glyph, Icon},
    language::use_locale,
    pagination::{Pagination, Position},
};
use crate::{
    api::import_controls::{FailedRow, FailedRows},
    job::JobId,
};

/// Lists a page of failed rows, with a way to find some of them.
#[component]
pub(crate) fn FailedRowsTable(
    /// Which import they are of.
    id: JobId,
    /// The page.
    rows: FailedRows,
    /// What the rows shown have in them.
    search: String,
    /// How many failed in all.
    failed: u64,
) -> impl IntoView {
    let t = use_locale();
    let FailedRows {
        items,
        page,
        pages,
        total,
    } = rows;
    let here = format!("/imports/{id}");
    let list = items
        .into_iter()
        .map(|row| view! { <FailedRowLine row /> })
        .collect_view();
    let address = {
        let (here, search) = (here.clone(), Url::escape(&search));
        move |page: u64| format!("{here}?search={search}&page={page}")
    };
    let clear = (!search.is_empty())
        .then(|| view! { <a href=here.clone()>{t.say("Clear", "Zurücksetzen")}</a> });
    view! {
        <section class="card card-flush failed" data-testid="failed-skus" aria-labelledby="failed-title">
            <header class="card-head">
                <h2 id="failed-title">
                    {t.say("Failed products", "Fehlgeschlagene Produkte")} " "
                    <span class="chip">{t.count(failed)}</span>
                </h2>
            </header>
            <search class="products-search">
                <Form method="get" action=here>
                    <Icon glyph=Glyph::Search />
                    <label class="visually-hidden" for="failed-search">
                        {t.say("Search failed products", "Fehlgeschlagene Produkte durchsuchen")}
                    </label>
                    <input
                        id="failed-search"
                        class="input"
                        type="search"
                        name="search"
                        placeholder=t.say("SKU, column, value or reason", "SKU, Spalte, Wert oder Grund")
                        autocomplete="off"
                        data-testid="failed-search"
                        value=search
                    />
                    <button class="button">{t.say("Search", "Suchen")}</button>
                    {clear}
                </Form>
            </search>
            <table class="table failed-rows" role="table" data-testid="failed-rows">
                <caption class="visually-hidden">
                    {t.say(
                        "Rows that failed, in the file's order",
                        "Fehlgeschlagene Zeilen in der Reihenfolge der Datei",
                    )}
                </caption>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"SKU"</th>
                        <th role="columnheader" scope="col" class="numeric">{t.say("Line", "Zeile")}</th>
                        <th role="columnheader" scope="col">{t.say("Column", "Spalte")}</th>
                        <th role="columnheader" scope="col">{t.say("Value", "Wert")}</th>
                        <th role="columnheader" scope="col">{t.say("Reason", "Grund")}</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{list}</tbody>
            </table>
            <Pagination position=Position { page, pages, total } noun=Noun::FailedRow href=address />
        </section>
    }
}

#[component]
fn FailedRowLine(row: FailedRow) -> impl IntoView {
    let t = use_locale();
    let FailedRow {
        line,
        sku,
        reason,
        column,
        value,
    } = row;
    view! {
        <tr role="row" data-testid="failed-row">
            <th role="rowheader" scope="row" class="failed-sku" data-testid="failed-sku">{sku}</th>
            <td role="cell" class="numeric">
                <span class="failed-label">{t.say("line", "Zeile")} " "</span>
                {t.count(line)}
            </td>
            <td role="cell">{column}</td>
            <td role="cell" class="failed-value">{value}</td>
            <td role="cell" data-testid="failed-reason">{reason}</td>
        </tr>
    }
}
