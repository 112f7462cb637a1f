//! The filter of the list of products.

use leptos::prelude::*;

use super::{
    chips::{Chip, Chips},
    form::{AmountFilter, DayFilter, QueryForm, SearchField},
    money::money,
};
use crate::{
    i18n::locale::Locale,
    islands::parts::locale::use_locale,
    model::{base_path::address, product::ImportName, products_filter::ProductsFilter},
};

pub(crate) const PRODUCTS: &str = "/products";

/// Filters products. A plain form: the state is the URL.
#[component]
pub(crate) fn ProductsFilterForm(
    filter: ProductsFilter,
    /// Imports to filter by.
    imports: Vec<ImportName>,
) -> impl IntoView {
    let t = use_locale();
    let chips = chips(t, &filter, &imports);
    let ProductsFilter {
        search,
        since,
        price_from,
        price_to,
        no_price,
        out_of_stock,
        import,
        sort,
    } = filter;
    let chosen = import.map(|import| import.to_string()).unwrap_or_default();
    let options = imports
        .into_iter()
        .map(|import| {
            let selected = import.id == chosen;
            view! { <option value=import.id selected=selected>{import.filename}</option> }
        })
        .collect_view();
    let sort = sort.map(|sort| {
        view! { <input type="hidden" name="sort" value=sort.to_string() /> }
    });
    view! {
        <search class="filter" aria-label=t.say("Filter products", "Produkte filtern")>
            <QueryForm action=PRODUCTS>
                <SearchField
                    id="search"
                    label=t.say("Search products", "Produkte suchen")
                    placeholder=t.say("Name or SKU", "Name oder SKU")
                    testid="products-search"
                    value=search
                />
                <button class="button">{t.say("Search", "Suchen")}</button>
                <details class="filter-more">
                    <summary class="button" data-testid="filter-more">
                        {t.say("Filter", "Filter")}
                    </summary>
                    <div class="filter-fields">
                        <label class="filter-field">
                            <span>{t.say("Import", "Import")}</span>
                            <select class="input" name="import" data-testid="filter-import">
                                <option value="">{t.say("Any import", "Alle Importe")}</option>
                                {options}
                            </select>
                        </label>
                        <DayFilter name="changedSince" label=t.say("Changed since", "Geändert seit") testid="filter-since" value=since />
                        <AmountFilter name="priceFrom" label=t.say("Price from", "Preis von") testid="filter-price-from" value=price_from />
                        <AmountFilter name="priceTo" label=t.say("Price to", "Preis bis") testid="filter-price-to" value=price_to />
                        <label class="filter-check">
                            <input type="checkbox" name="noPrice" value="true" checked=no_price />
                            <span>{t.say("No price", "Ohne Preis")}</span>
                        </label>
                        <label class="filter-check">
                            <input
                                type="checkbox"
                                name="outOfStock"
                                value="true"
                                checked=out_of_stock
                                data-testid="filter-out-of-stock"
                            />
                            <span>{t.say("Out of stock", "Nicht vorrätig")}</span>
                        </label>
                        {sort}
                        <button class="button button-primary" data-testid="filter-submit">
                            {t.say("Apply", "Anwenden")}
                        </button>
                    </div>
                </details>
            </QueryForm>
            <Chips chips all=PRODUCTS />
        </search>
    }
}

/// Returns the active filters.
fn chips(t: Locale, filter: &ProductsFilter, imports: &[ImportName]) -> Vec<Chip> {
    let without = |change: fn(&mut ProductsFilter), text: String| {
        let mut other = filter.clone();
        change(&mut other);
        let href = address(&other.address(PRODUCTS, None));
        Chip { text, href }
    };
    let mut chips = Vec::new();
    if !filter.search.is_empty() {
        let text = t.fill("“{search}”", "„{search}“", &[("search", &filter.search)]);
        chips.push(without(|other| other.search.clear(), text));
    }
    if let Some(import) = &filter.import {
        let named = imports.iter().find(|one| one.id == import.as_str());
        let name = named.map_or_else(|| import.to_string(), |import| import.filename.clone());
        let text = format!("{}: {name}", t.say("Import", "Import"));
        chips.push(without(|other| other.import = None, text));
    }
    if let Some(day) = filter.since {
        let text = format!("{} {day}", t.say("Changed since", "Geändert seit"));
        chips.push(without(|other| other.since = None, text));
    }
    if let Some(from) = &filter.price_from {
        let text = format!(
            "{} {}",
            t.say("Price from", "Preis von"),
            money(t, from.as_str(), None)
        );
        chips.push(without(|other| other.price_from = None, text));
    }
    if let Some(to) = &filter.price_to {
        let text = format!(
            "{} {}",
            t.say("Price to", "Preis bis"),
            money(t, to.as_str(), None)
        );
        chips.push(without(|other| other.price_to = None, text));
    }
    if filter.no_price {
        let text = t.say("No price", "Ohne Preis").to_owned();
        chips.push(without(|other| other.no_price = false, text));
    }
    if filter.out_of_stock {
        let text = t.say("Out of stock", "Nicht vorrätig").to_owned();
        chips.push(without(|other| other.out_of_stock = false, text));
    }
    chips
}
