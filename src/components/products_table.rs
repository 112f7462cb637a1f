//! The list of products.

use leptos::prelude::*;

use super::{changes_table::product_path, moment::Moment};
use crate::{
    islands::parts::locale::use_locale,
    model::{base_path::address, product::Product},
};

/// Lists products.
#[component]
pub(crate) fn ProductsTable(
    /// The products, by name.
    products: Vec<Product>,
) -> impl IntoView {
    let t = use_locale();
    let rows = products
        .into_iter()
        .map(|product| view! { <ProductRow product /> })
        .collect_view();
    view! {
        <table class="table products" role="table" data-testid="products-table">
            <caption class="visually-hidden">
                {t.say("Products, by name", "Produkte, nach Namen")}
            </caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Name"</th>
                    <th role="columnheader" scope="col">"SKU"</th>
                    <th role="columnheader" scope="col" class="numeric">{t.say("Price", "Preis")}</th>
                    <th role="columnheader" scope="col">{t.say("Updated", "Aktualisiert")}</th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
}

/// Shows one product in a line. A price is text from the file to here: no float ever holds it.
#[component]
fn ProductRow(product: Product) -> impl IntoView {
    let t = use_locale();
    let Product {
        identity,
        sku,
        name,
        price,
        sale_price,
        updated_at,
        ..
    } = product;
    let none = || "–".to_owned();
    let sale_price = sale_price.map(|price| {
        view! {
            <span class="products-sale" data-testid="product-sale-price">
                {t.say("Sale", "Angebot")} " " {price}
            </span>
        }
    });
    view! {
        <tr role="row" data-testid="product-row">
            <th role="rowheader" scope="row" class="products-name">
                <a href=address(&product_path(&identity))>{name}</a>
            </th>
            <td role="cell" class="products-sku">{sku.unwrap_or_else(none)}</td>
            <td role="cell" class="products-price numeric">
                {price.unwrap_or_else(none)} {sale_price}
            </td>
            <td role="cell" class="products-updated"><Moment at=updated_at /></td>
        </tr>
    }
}
