//! The list of products.

use leptos::prelude::*;

use super::query;
use crate::{
    api::products::list_products,
    components::{
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        pagination::CursorPages,
        products_filter::{PRODUCTS, ProductsFilterForm},
        products_table::ProductsTable,
    },
    islands::parts::{format::Noun, icons::Glyph, locale::use_locale},
    model::{
        base_path::address, error::ApiError, product::ProductsList,
        products_filter::ProductsFilter, reason::Reason,
    },
};

#[component]
pub(crate) fn ProductsPage() -> impl IntoView {
    let t = use_locale();
    let given = query::values(&ProductsFilter::NAMES);
    let from = query::value("from").unwrap_or_default();
    let filter = ProductsFilter::read(|name| given.get(name).cloned()).unwrap_or_default();
    let products = Suspend::new(async move {
        let is_first = from.is_empty();
        match list_products(given, from).await {
            Ok(list) => view! { <Products list filter is_first /> }.into_any(),
            Err(ApiError::Unavailable(reason)) => view! { <Elsewhere reason /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here=PRODUCTS /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=t.say("Products", "Produkte") />
        <h1>{t.say("Products", "Produkte")}</h1>
        {products}
    }
}

#[component]
fn Products(list: ProductsList, filter: ProductsFilter, is_first: bool) -> impl IntoView {
    let t = use_locale();
    let ProductsList {
        items,
        next,
        total,
        has_more,
        imports,
    } = list;
    if total == 0 && !filter.is_narrow() {
        return view! {
            <section class="card card-flush" aria-label=t.say("Products", "Produkte")>
                <EmptyState glyph=Glyph::Box title=t.say("No products yet", "Noch keine Produkte")>
                    <p>
                        {t.say(
                            "Products appear here after your first import.",
                            "Produkte erscheinen hier nach deinem ersten Import.",
                        )}
                    </p>
                    <p>
                        <a class="button button-primary" href=address("/imports")>
                            {t.say("Import products", "Produkte importieren")}
                        </a>
                    </p>
                </EmptyState>
            </section>
        }
        .into_any();
    }
    let count = match (filter.is_narrow(), is_first, &next) {
        (false, ..) if has_more => t.counted_at_least(total, Noun::Product),
        (false, ..) => t.counted(total, Noun::Product),
        (true, true, None) => t.counted(items.len() as u64, Noun::Product),
        (true, true, Some(_)) => t.counted_at_least(items.len() as u64, Noun::Product),
        (true, false, _) => String::new(),
    };
    let first = (!is_first).then(|| address(&filter.address(PRODUCTS, None)));
    let next = next.map(|next| address(&filter.address(PRODUCTS, Some(&next))));
    // Further pages may have what is looked for.
    let is_empty = items.is_empty() && next.is_none() && is_first;
    let list = if items.is_empty() {
        let title = match (&next, filter.search.is_empty()) {
            (Some(_), _) => t
                .say("No matches on this page", "Keine Treffer auf dieser Seite")
                .to_owned(),
            (None, true) => t
                .say("No matching products", "Keine passenden Produkte")
                .to_owned(),
            (None, false) => t.fill(
                "No products match “{search}”",
                "Keine Produkte zu „{search}“ gefunden",
                &[("search", &filter.search)],
            ),
        };
        view! {
            <EmptyState glyph=Glyph::Search title>
                <p>
                    {t.say(
                        "Try part of the name or the SKU, or remove a filter.",
                        "Versuche es mit einem Teil des Namens oder der SKU, oder entferne einen Filter.",
                    )}
                </p>
            </EmptyState>
        }
        .into_any()
    } else {
        view! { <ProductsTable products=items filter=filter.clone() /> }.into_any()
    };
    let files = [("csv", "CSV"), ("xlsx", "Excel"), ("jsonl", "JSON Lines")];
    let files = files
        .map(|(ending, name)| {
            let href = address(&filter.address(&format!("/products.{ending}"), None));
            view! {
                <li>
                    <a href=href download=format!("products.{ending}") data-testid=format!("export-{ending}")>
                        {name}
                    </a>
                </li>
            }
        })
        .collect_view();
    let exports = (!is_empty).then(|| {
        view! {
            <div class="exports">
                <span id="exports">{t.say("Export this list:", "Diese Liste exportieren:")}</span>
                <ul aria-labelledby="exports">{files}</ul>
            </div>
        }
    });
    view! {
        <section class="card card-flush" aria-label=t.say("Products", "Produkte")>
            <ProductsFilterForm filter imports />
            {list}
            <CursorPages first next testid="products-next" count />
            {exports}
        </section>
    }
    .into_any()
}

/// Shows that products are managed by an external price monitor.
#[component]
fn Elsewhere(reason: Reason) -> impl IntoView {
    let t = use_locale();
    let title = t.say(
        "Products are managed in your price monitor",
        "Produkte werden in deinem Preismonitor verwaltet",
    );
    view! {
        <section class="card card-flush" aria-label=t.say("Products", "Produkte")>
            <EmptyState glyph=Glyph::Box title>
                <p>{t.reason(&reason)}</p>
            </EmptyState>
        </section>
    }
}
