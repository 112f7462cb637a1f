//! The list of products.

use leptos::prelude::*;

use super::{
    changes_table::{availability_word, product_path},
    moment::Moment,
    money::money,
    products_filter::PRODUCTS,
    thumbnail::{Thumbnail, shown_image},
};
use crate::{
    islands::parts::{locale::use_locale, sortable_head::SortableHead},
    model::{
        base_path::address,
        product::Product,
        products_filter::{ProductsFilter, ProductsSort, ProductsSortBy},
    },
};

/// Lists products. In order of names, products of one name are grouped as variants.
#[component]
pub(crate) fn ProductsTable(products: Vec<Product>, filter: ProductsFilter) -> impl IntoView {
    let t = use_locale();
    let sort = filter.order();
    let is_by_name = sort.by == ProductsSortBy::Name;
    let has_images = products.iter().any(|it| shown_image(it).is_some());
    let groups = products.chunk_by(|one, next| is_by_name && one.name == next.name);
    let bodies = groups
        .map(|group| {
            let is_of_many = group.len() > 1;
            let head = group.first().filter(|_| is_of_many).map(|first| {
                let count = t.count(group.len() as u64);
                view! {
                    <tr role="row" class="products-group" data-testid="product-group">
                        <th role="rowheader" scope="rowgroup" colspan="6">
                            {first.name.clone()} " "
                            <span class="chip">{count} " " {t.say("variants", "Varianten")}</span>
                        </th>
                    </tr>
                }
            });
            let rows = group
                .iter()
                .map(|product| {
                    view! { <ProductRow product=product.clone() is_variant=is_of_many has_images /> }
                })
                .collect_view();
            view! { <tbody role="rowgroup">{head} {rows}</tbody> }
        })
        .collect_view();
    let head = |by, name| head(by, name, &filter, sort);
    view! {
        <table class="table products" role="table" data-testid="products-table">
            <caption class="visually-hidden">{t.say("Products", "Produkte")}</caption>
            <thead role="rowgroup">
                <tr role="row">
                    {head(ProductsSortBy::Name, t.say("Name", "Name"))}
                    <th role="columnheader" scope="col">"SKU"</th>
                    {head(ProductsSortBy::Price, t.say("Price", "Preis"))}
                    <th role="columnheader" scope="col">{t.say("Stock", "Bestand")}</th>
                    {head(ProductsSortBy::Updated, t.say("Updated", "Aktualisiert"))}
                    <th role="columnheader" scope="col">{t.say("Import", "Import")}</th>
                </tr>
            </thead>
            {bodies}
        </table>
    }
}

/// A column head that sorts by the column.
fn head(
    by: ProductsSortBy,
    name: &'static str,
    filter: &ProductsFilter,
    sort: ProductsSort,
) -> impl IntoView + use<> {
    let is_sorted = sort.by == by;
    let descending = match is_sorted {
        true => !sort.descending,
        // People look for new ones first.
        false => by == ProductsSortBy::Updated,
    };
    let other = ProductsFilter {
        sort: Some(ProductsSort { by, descending }),
        ..filter.clone()
    };
    view! {
        <SortableHead
            name
            column=by.as_str()
            numeric={by == ProductsSortBy::Price}
            descending=is_sorted.then_some(sort.descending)
            href=Some(address(&other.address(PRODUCTS, None)))
        />
    }
}

/// Shows a product in a row. Prices are text throughout, never floats.
#[component]
fn ProductRow(product: Product, is_variant: bool, has_images: bool) -> impl IntoView {
    let t = use_locale();
    let options = product.variant().map(|options| options.join(" / "));
    let image = has_images.then(|| view! { <Thumbnail product=product.clone() size=40 /> });
    let Product {
        identity,
        sku,
        name,
        price,
        sale_price,
        currency,
        stock,
        availability,
        updated_at,
        updated_by,
        ..
    } = product;
    let none = || "–".to_owned();
    let written = |price: &str| money(t, price, currency.as_deref());
    let sale_price = sale_price.map(|price| {
        view! {
            <span class="products-sale" data-testid="product-sale-price">
                {t.say("Sale", "Angebot")} " " {written(&price)}
            </span>
        }
    });
    let price = price.map_or_else(none, |price| written(&price));
    // Variants are distinguished by options, or else by SKU.
    let label = match (is_variant, options) {
        (true, Some(options)) => options,
        (true, None) => sku.clone().unwrap_or(name),
        (false, Some(options)) => format!("{name} ({options})"),
        (false, None) => name,
    };
    let stock = stock.map(|stock| {
        let minus = if stock < 0 { "-" } else { "" };
        format!("{minus}{}", t.count(stock.unsigned_abs()))
    });
    let availability = availability.map(|code| {
        let word = availability_word(t, &code);
        view! { <span class="products-availability" data-code=code>{word}</span> }
    });
    let by = updated_by.map(|import| {
        let href = address(&format!("/imports/{}", import.id));
        view! { <a href=href data-testid="product-source">{import.filename}</a> }
    });
    view! {
        <tr role="row" data-testid="product-row" class:products-variant=is_variant>
            <th role="rowheader" scope="row" class="products-name">
                <div class="products-label">
                    {image} <a href=address(&product_path(&identity))>{label}</a>
                </div>
            </th>
            <td role="cell" class="products-sku">{sku.unwrap_or_else(none)}</td>
            <td role="cell" class="products-price numeric">{price} {sale_price}</td>
            <td role="cell" class="products-stock" data-label=t.say("Stock", "Bestand")>
                {stock} {availability}
            </td>
            <td role="cell" class="products-updated"><Moment at=updated_at /></td>
            <td role="cell" class="products-source" data-label=t.say("Import", "Import")>{by}</td>
        </tr>
    }
}
