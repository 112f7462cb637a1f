//! What is in the shop.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::Form, location::Url};

use super::query::{use_page, use_search};
use crate::{
    api::{
        ApiError, Page,
        products::{Product, list_products},
    },
    components::{
        icons::{Glyph, Icon},
        notice::{EmptyState, ErrorNotice},
        pagination::{Pagination, Position},
        products_table::ProductsTable,
        skeleton::RowsSkeleton,
    },
};

/// The page that lists the products.
#[component]
pub(crate) fn ProductsPage() -> impl IntoView {
    let page = use_page();
    let search = use_search();
    let products = Resource::new_blocking(
        move || (search.get(), page.get()),
        |(search, page)| list_products(search, page),
    );
    view! {
        <Title text="Products" />
        <h1>"Products"</h1>
        <section class="card card-flush" aria-label="Products in the shop">
            <SearchForm search />
            <Transition fallback=|| view! { <RowsSkeleton rows=8 /> }>
                {move || Suspend::new(async move {
                    match products.await {
                        Ok(page) => view! { <Products page search=search.get_untracked() /> }.into_any(),
                        Err(ApiError::Unavailable(reason)) => view! { <Elsewhere reason /> }.into_any(),
                        Err(error) => view! { <ErrorNotice error here="/products" /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
}

#[component]
fn SearchForm(search: Memo<String>) -> impl IntoView {
    let clear =
        move || (!search.get().is_empty()).then(|| view! { <a href="/products">"Clear"</a> });
    view! {
        <search class="products-search">
            <Form method="get" action="/products">
                <Icon glyph=Glyph::Search />
                <label class="visually-hidden" for="search">
                    "Search products"
                </label>
                <input
                    id="search"
                    class="input"
                    type="search"
                    name="search"
                    placeholder="Name or SKU"
                    autocomplete="off"
                    data-testid="products-search"
                    value=search.get_untracked()
                    prop:value=search
                />
                <button class="button">"Search"</button>
                {clear}
            </Form>
        </search>
    }
}

#[component]
fn Products(page: Page<Product>, search: String) -> impl IntoView {
    let Page {
        items,
        page,
        pages,
        total,
    } = page;
    if total == 0 && search.is_empty() {
        return view! {
            <EmptyState glyph=Glyph::Box title="No products yet">
                <p>"They appear here as soon as an import has brought some in."</p>
                <p>
                    <a class="button button-primary" href="/imports">
                        "Import products"
                    </a>
                </p>
            </EmptyState>
        }
        .into_any();
    }
    if total == 0 {
        return view! {
            <EmptyState glyph=Glyph::Search title=format!("Nothing matches “{search}”")>
                <p>"Try a part of the name, or the SKU."</p>
            </EmptyState>
        }
        .into_any();
    }
    let href = move |page| format!("/products?search={}&page={page}", Url::escape(&search));
    view! {
        <ProductsTable products=items />
        <Pagination position=Position { page, pages, total } noun="product" href />
    }
    .into_any()
}

/// The products are another service's to show.
#[component]
fn Elsewhere(reason: String) -> impl IntoView {
    view! {
        <div class="elsewhere">
            <EmptyState glyph=Glyph::Box title="The products are kept elsewhere">
                <p>{reason}</p>
            </EmptyState>
        </div>
    }
}
