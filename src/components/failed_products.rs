//! The failed products of an import.

use leptos::prelude::*;

use super::copy_button::CopyButton;
use crate::islands::parts::locale::use_locale;

/// Number shown before the list is expanded.
const SHORT: usize = 12;
/// ID of the list.
const LIST: &str = "failed-products";

/// Lists failed products by SKU.
#[component]
pub(crate) fn FailedProducts(
    skus: Vec<String>,
    /// Number of failed products, possibly more than have a SKU.
    failed: u64,
) -> impl IntoView {
    let t = use_locale();
    let all = skus.len();
    if all == 0 {
        return ().into_any();
    }
    let entries = skus
        .into_iter()
        .map(|sku| view! { <li data-testid="failed-sku">{sku}</li> })
        .collect_view();
    // The style sheet hides the rest of a collapsed list.
    let more = (all > SHORT).then(|| {
        view! {
            <details class="failed-rest">
                <summary class="button button-quiet failed-more">
                    <span class="failed-all">
                        {t.say("Show all", "Alle anzeigen:")} " " {t.count(all as u64)}
                    </span>
                    <span class="failed-fewer">{t.say("Show fewer", "Weniger anzeigen")}</span>
                </summary>
            </details>
        }
    });
    view! {
        <section class="card failed" data-testid="failed-skus" aria-labelledby="rows-title">
            <header class="card-head">
                <h2 id="rows-title">
                    {t.say("Failed rows", "Fehlgeschlagene Zeilen")} " "
                    <span class="chip">{t.count(failed)}</span>
                </h2>
                <CopyButton of=LIST />
            </header>
            <ul class="skus" id=LIST>
                {entries}
            </ul>
            {more}
        </section>
    }
    .into_any()
}
