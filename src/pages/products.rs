//! What is in the shop.

use leptos::prelude::*;

use super::query;
use crate::{
    api::products::list_products,
    components::{
        form::QueryForm,
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        pagination::{Pagination, Position},
        products_table::ProductsTable,
    },
    islands::parts::{
        format::Noun,
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::{address, escape},
        error::ApiError,
        page::Page,
        product::Product,
        reason::Reason,
    },
};

/// The page that lists the products.
#[component]
pub(crate) fn ProductsPage() -> impl IntoView {
    let t = use_locale();
    let (page, search) = (query::page(), query::search());
    let products = {
        let search = search.clone();
        Suspend::new(async move {
            match list_products(search.clone(), page).await {
                Ok(page) => view! { <Products page search /> }.into_any(),
                Err(ApiError::Unavailable(reason)) => view! { <Elsewhere reason /> }.into_any(),
                Err(error) => view! { <ErrorNotice error here="/products" /> }.into_any(),
            }
        })
    };
    view! {
        <PageTitle text=t.say("Products", "Produkte") />
        <h1>{t.say("Products", "Produkte")}</h1>
        <section class="card card-flush" aria-label=t.say("Products", "Produkte")>
            <SearchForm search />
            {products}
        </section>
    }
}

#[component]
fn SearchForm(search: String) -> impl IntoView {
    let t = use_locale();
    let clear = (!search.is_empty())
        .then(|| view! { <a href=address("/products")>{t.say("Clear", "Zurücksetzen")}</a> });
    view! {
        <search class="products-search">
            <QueryForm action="/products">
                <Icon glyph=Glyph::Search />
                <label class="visually-hidden" for="search">
                    {t.say("Search products", "Produkte suchen")}
                </label>
                <input
                    id="search"
                    class="input"
                    type="search"
                    name="search"
                    placeholder=t.say("Name or SKU", "Name oder SKU")
                    autocomplete="off"
                    data-testid="products-search"
                    value=search
                />
                <button class="button">{t.say("Search", "Suchen")}</button>
                {clear}
            </QueryForm>
        </search>
    }
}

#[component]
fn Products(page: Page<Product>, search: String) -> impl IntoView {
    let t = use_locale();
    let Page {
        items,
        page,
        pages,
        total,
        has_more,
    } = page;
    if total == 0 && search.is_empty() {
        return view! {
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
        }
        .into_any();
    }
    if total == 0 {
        return view! {
            <EmptyState glyph=Glyph::Search title=t.fill("No products match “{search}”", "Keine Produkte zu „{search}“ gefunden", &[("search", &search)])>
                <p>
                    {t.say(
                        "Try part of the name or the SKU.",
                        "Versuche es mit einem Teil des Namens oder der SKU.",
                    )}
                </p>
            </EmptyState>
        }
        .into_any();
    }
    let href = move |page| format!("/products?search={}&page={page}", escape(&search));
    view! {
        <ProductsTable products=items />
        <Pagination position=Position { page, pages, total, has_more } noun=Noun::Product href />
    }
    .into_any()
}

/// The products are another service's to show.
#[component]
fn Elsewhere(reason: Reason) -> impl IntoView {
    let t = use_locale();
    let title = t.say(
        "Products are managed in your price monitor",
        "Produkte werden in deinem Preismonitor verwaltet",
    );
    view! {
        <div class="elsewhere">
            <EmptyState glyph=Glyph::Box title>
                <p>{t.reason(&reason)}</p>
            </EmptyState>
        </div>
    }
}
