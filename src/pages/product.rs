//! One product, and what became of it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    not_found::{Missing, NotFound},
    query,
};
use crate::{
    api::changes::product_history,
    components::{
        changes_table::{HistoryTable, product_path},
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
    },
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::{address, escape},
        changes::ProductHistory,
        error::ApiError,
    },
};

/// The page of a product.
#[component]
pub(crate) fn ProductPage() -> impl IntoView {
    let identity = use_params_map().with_untracked(|params| params.get("identity"));
    let identity = identity.unwrap_or_default();
    let from = query::value("from").unwrap_or_default();
    Suspend::new(async move {
        let is_first = from.is_empty();
        match product_history(identity.clone(), from).await {
            Ok(history) => view! { <History identity history is_first /> }.into_any(),
            Err(ApiError::NotFound) => view! { <NotFound what=Missing::Page /> }.into_any(),
            Err(error) => {
                let here = product_path(&identity);
                view! {
                    <PageTitle text=identity.clone() />
                    <h1>{identity}</h1>
                    <ErrorNotice error here />
                }
                .into_any()
            }
        }
    })
}

#[component]
fn History(identity: String, history: ProductHistory, is_first: bool) -> impl IntoView {
    let t = use_locale();
    let ProductHistory {
        product,
        entries,
        next,
    } = history;
    let name = match &product {
        Some(product) => product.name.clone(),
        None => identity.clone(),
    };
    let facts = match product {
        Some(product) => {
            let price = product.price.map(|price| match product.currency {
                Some(currency) => format!("{price} {currency}"),
                None => price,
            });
            let none = || "–".to_owned();
            view! {
                <p class="product-facts" data-testid="product-facts">
                    <span class="products-sku">{product.sku.unwrap_or(identity.clone())}</span>
                    " · "
                    {price.unwrap_or_else(none)}
                </p>
            }
            .into_any()
        }
        None => view! {
            <p data-testid="product-gone">
                {t.say("This product no longer exists.", "Dieses Produkt gibt es nicht mehr.")}
            </p>
        }
        .into_any(),
    };
    let list = if entries.is_empty() {
        view! {
            <EmptyState glyph=Glyph::Box title=t.say("No changes", "Keine Änderungen")>
                <p>
                    {t.say(
                        "No changes have been recorded for this product.",
                        "Für dieses Produkt wurden keine Änderungen aufgezeichnet.",
                    )}
                </p>
            </EmptyState>
        }
        .into_any()
    } else {
        view! { <HistoryTable entries /> }.into_any()
    };
    let here = product_path(&identity);
    let first = (!is_first).then(|| address(&here));
    let next = next.map(|next| address(&format!("{here}?from={}", escape(&next))));
    view! {
        <PageTitle text=name.clone() />
        <header class="page-head">
            <nav class="crumbs" aria-label=t.say("Breadcrumb", "Navigationspfad")>
                <a href=address("/products")>
                    <Icon glyph=Glyph::ChevronLeft />
                    {t.say("Products", "Produkte")}
                </a>
            </nav>
            <div class="page-title">
                <h1>{name}</h1>
            </div>
            {facts}
        </header>
        <section class="card card-flush" aria-labelledby="history-title">
            <header class="card-head">
                <h2 id="history-title">{t.say("History", "Verlauf")}</h2>
            </header>
            {list}
            <nav class="pagination" aria-label=t.say("Pages", "Seiten")>
                {first
                    .map(|href| {
                        view! {
                            <a class="button button-quiet" rel="first" href=href>
                                {t.say("Newest", "Neueste")}
                            </a>
                        }
                    })}
                {next
                    .map(|href| {
                        view! {
                            <a class="button button-quiet" rel="next" href=href>
                                {t.say("Older", "Ältere")}
                                <Icon glyph=Glyph::ChevronRight />
                            </a>
                        }
                    })}
            </nav>
        </section>
    }
}
