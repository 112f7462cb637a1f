//! Saying what the columns of a file hold, where it cannot be told.

use leptos::{form::ActionForm, prelude::*};

use super::icons::{Glyph, Icon};
use crate::{
    api::import_controls::{FileColumns, MapColumns, PreviewRow, preview_columns},
    job::JobId,
};

/// What a column can be said to hold: the word for it, and what people call it.
const CHOICES: [(&str, &str); 19] = [
    ("", "Nothing that matters"),
    ("sku", "SKU"),
    ("name", "Name"),
    ("price", "Price"),
    ("sale price", "Sale price"),
    ("currency", "Currency"),
    ("gtin", "GTIN (EAN, UPC, ISBN)"),
    ("barcode", "Barcode"),
    ("id", "ID"),
    ("stock", "Stock"),
    ("availability", "Availability"),
    ("url", "Link"),
    ("handle", "Handle (Shopify)"),
    ("option", "Option value (Shopify)"),
    ("parent", "Parent (WooCommerce)"),
    ("kind", "Product type (WooCommerce)"),
    ("attribute", "Attribute value (WooCommerce)"),
    ("item", "Item type (BigCommerce)"),
    ("image", "Picture"),
];

/// Asks what each column holds, shows what the first rows are then, and imports.
#[component]
pub(crate) fn ColumnMapping(
    /// Which import it is.
    id: JobId,
    /// What the file holds, and what its columns are taken for.
    file: FileColumns,
    /// Whether the file is checked again, not imported.
    is_check: bool,
) -> impl IntoView {
    let FileColumns {
        header,
        rows,
        columns,
    } = file;
    let import = ServerAction::<MapColumns>::new();
    let chosen = RwSignal::new(
        (0..header.len())
            .map(|index| columns.get(index).cloned().flatten().unwrap_or_default())
            .collect::<Vec<_>>(),
    );
    let preview = Resource::new(move || chosen.get(), {
        let id = id.clone();
        move |columns| preview_columns(id.clone(), columns)
    });
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
            view! { <ColumnChoice index name examples chosen /> }
        })
        .collect_view();
    let failure = move || import.value().get().and_then(Result::err);
    view! {
        <section class="card mapping" data-testid="column-mapping" aria-labelledby="mapping-title">
            <header class="card-head">
                <h2 id="mapping-title">"What the columns hold"</h2>
            </header>
            <p>
                "Say which columns hold what. A SKU, or something else to know a product by, and a price are needed. \
                 Files with the same columns are then imported so by themselves."
            </p>
            <ActionForm action=import>
                <input type="hidden" name="id" value=id.to_string() />
                <ul class="mapping-columns">{choices}</ul>
                <Transition>
                    {move || Suspend::new(async move {
                        match preview.await {
                            Ok(rows) => view! { <Preview rows /> }.into_any(),
                            Err(error) => {
                                view! {
                                    <p class="mapping-problem" data-testid="mapping-problem">
                                        {error.to_string()}
                                    </p>
                                }
                                    .into_any()
                            }
                        }
                    })}
                </Transition>
                <button class="button button-primary" data-testid="mapping-import">
                    <Icon glyph=Glyph::Upload />
                    {if is_check { "Check with these columns" } else { "Import with these columns" }}
                </button>
            </ActionForm>
            <p class="controls-problem" role="alert" hidden=move || failure().is_none()>
                {move || failure().map(|error| error.to_string())}
            </p>
        </section>
    }
}

#[component]
fn ColumnChoice(
    index: usize,
    name: String,
    examples: String,
    chosen: RwSignal<Vec<String>>,
) -> impl IntoView {
    let field = format!("columns[{index}]");
    let label = format!("column-{index}");
    let current = chosen.with_untracked(|chosen| chosen[index].clone());
    // As one text: a browser's parser keeps nothing but options in a select, so that hydration would
    // not find its markers there. The words are our own and need no escape.
    let options: String = CHOICES
        .into_iter()
        .map(|(word, text)| {
            let selected = if current == word { " selected" } else { "" };
            format!("<option value=\"{word}\"{selected}>{text}</option>")
        })
        .collect();
    let title = if name.is_empty() {
        format!("Column {}", index + 1)
    } else {
        name
    };
    let choose = move |event| {
        chosen.update(|chosen| chosen[index] = event_target_value(&event));
    };
    // What was chosen before the page was alive.
    let select = NodeRef::<leptos::html::Select>::new();
    Effect::new(move |_| {
        if let Some(select) = select.get() {
            let value = select.value();
            if chosen.with_untracked(|chosen| chosen[index] != value) {
                chosen.update(|chosen| chosen[index] = value);
            }
        }
    });
    view! {
        <li class="mapping-column">
            <label for=label.clone()>
                <strong>{title}</strong>
                <span class="mapping-examples">{examples}</span>
            </label>
            <select
                node_ref=select
                id=label.clone()
                class="input"
                name=field
                data-testid="mapping-select"
                on:change=choose
                inner_html=options
            ></select>
        </li>
    }
}

/// What the first rows are.
#[component]
fn Preview(rows: Vec<PreviewRow>) -> impl IntoView {
    let lines = rows
        .into_iter()
        .map(|row| {
            let none = || "–".to_owned();
            let is_bad = row.error.is_some();
            view! {
                <tr role="row" data-testid="mapping-row" data-bad=is_bad.then_some("")>
                    <th role="rowheader" scope="row">{row.sku.unwrap_or_else(none)}</th>
                    <td role="cell">{row.name.or(row.error).unwrap_or_else(none)}</td>
                    <td role="cell" class="numeric">{row.price.unwrap_or_else(none)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="table" role="table" data-testid="mapping-preview">
            <caption>"The first rows, so understood"</caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"SKU"</th>
                    <th role="columnheader" scope="col">"Name"</th>
                    <th role="columnheader" scope="col" class="numeric">"Price"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">{lines}</tbody>
        </table>
    }
}
