//! One product and its history.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    not_found::{Missing, NotFound},
    query,
};
use crate::{
    api::changes::product_history,
    components::{
        changes_table::{HistoryTable, availability_word, field_word, product_path},
        crumbs::Crumbs,
        moment::WrittenTime,
        money::money,
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        price_chart::PriceChart,
        thumbnail::{Thumbnail, shown_image},
    },
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::{address, escape},
        changes::{Field, ProductHistory},
        error::ApiError,
        product::Product,
    },
};

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
        prices,
        variants,
    } = history;
    let currency = product
        .as_ref()
        .and_then(|product| product.currency.clone());
    let name = match &product {
        Some(product) => product.name.clone(),
        None => identity.clone(),
    };
    let facts = match product {
        Some(product) => view! { <Facts product /> }.into_any(),
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
            <Crumbs path="/products" name=t.say("Products", "Produkte") />
            <div class="page-title">
                <h1>{name}</h1>
            </div>
        </header>
        <section class="card" aria-label=t.say("Details", "Einzelheiten")>
            {facts} <Variants variants identity=identity.clone() />
            <PriceChart prices currency />
        </section>
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

/// Links to the other variants of a product.
#[component]
fn Variants(variants: Vec<Product>, identity: String) -> impl IntoView {
    let t = use_locale();
    let links = variants
        .into_iter()
        .map(|variant| {
            let options = variant.variant().map(|options| options.join(" / "));
            let label = options.or(variant.sku).unwrap_or(variant.identity.clone());
            let here = (variant.identity == identity).then_some("page");
            view! {
                <li>
                    <a class="chip" href=address(&product_path(&variant.identity)) aria-current=here>
                        {label}
                    </a>
                </li>
            }
        })
        .collect::<Vec<_>>();
    (!links.is_empty()).then(|| {
        view! {
            <nav class="variants" aria-labelledby="variants-title">
                <h2 id="variants-title">{t.say("Variants", "Varianten")}</h2>
                <ul data-testid="variants">{links}</ul>
            </nav>
        }
    })
}

/// The product's fields.
#[component]
fn Facts(product: Product) -> impl IntoView {
    let t = use_locale();
    let options = product.variant().map(|options| options.join(" / "));
    let image = shown_image(&product)
        .is_some()
        .then(|| view! { <Thumbnail product=product.clone() size=160 /> });
    let Product {
        identity,
        sku,
        price,
        sale_price,
        currency,
        gtin,
        stock,
        availability,
        url,
        image: image_url,
        created_at,
        updated_at,
        updated_by,
        ..
    } = product;
    let written = |price: Option<String>| price.map(|price| money(t, &price, currency.as_deref()));
    let link = |url: String| {
        let href = url.clone();
        view! { <a href=href rel="noreferrer nofollow external">{url}</a> }.into_any()
    };
    let by = updated_by.map(|import| {
        let href = address(&format!("/imports/{}", import.id));
        view! { " (" <a href=href>{import.filename}</a> ")" }
    });
    let fact = |name: &'static str, value: Option<AnyView>| {
        value.map(|value| {
            view! {
                <div>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
    };
    let text = |value: Option<String>| value.map(IntoAny::into_any);
    let number = |stock: i64| match u64::try_from(stock) {
        Ok(stock) => t.count(stock),
        Err(_) => stock.to_string(),
    };
    view! {
        <div class="product-main">
            {image} <dl class="product-facts" data-testid="product-facts">
            {fact(field_word(t, Field::Price), text(written(price)))}
            {fact(field_word(t, Field::SalePrice), text(written(sale_price)))}
            {fact(field_word(t, Field::Sku), text(sku))}
            {fact(field_word(t, Field::Options), text(options))}
            {fact(field_word(t, Field::Stock), text(stock.map(number)))}
            {fact(
                field_word(t, Field::Availability),
                text(availability.map(|code| availability_word(t, &code))),
            )}
            {fact(field_word(t, Field::Gtin), text(gtin))}
            {fact(field_word(t, Field::Url), url.map(link))}
            {fact(field_word(t, Field::Image), image_url.map(link))}
            {fact(t.say("Identifier", "Kennung"), text(Some(identity)))}
            {fact(t.say("Added", "Hinzugefügt"), Some(view! { <WrittenTime at=created_at /> }.into_any()))}
            {fact(
                t.say("Updated", "Aktualisiert"),
                Some(view! { <WrittenTime at=updated_at /> {by} }.into_any()),
            )}
            </dl>
        </div>
    }
}
