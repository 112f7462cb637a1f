//! What did not make it.

use std::time::Duration;

use js_sys::{Reflect, futures::JsFuture};
use leptos::prelude::*;

use super::{
    icons::{Glyph, Icon},
    language::use_locale,
};

/// How many are shown before somebody asks for all.
const SHORT: usize = 12;
/// How long a copied list says so.
const COPIED: Duration = Duration::from_secs(2);

/// Lists the products that could not be imported, by what the file calls them.
#[component]
pub(crate) fn FailedProducts(
    /// What the file calls them.
    #[prop(into)]
    skus: Signal<Vec<String>>,
    /// How many failed, which may be more than have a name.
    #[prop(into)]
    failed: Signal<u64>,
) -> impl IntoView {
    let t = use_locale();
    let (all, set_all) = signal(false);
    let length = Memo::new(move |_| skus.with(Vec::len));
    let shown = move || {
        let limit = if all.get() { usize::MAX } else { SHORT };
        skus.with(|skus| {
            skus.iter()
                .take(limit)
                .cloned()
                .enumerate()
                .collect::<Vec<_>>()
        })
    };
    view! {
        <section
            class="card failed"
            data-testid="failed-skus"
            aria-labelledby="failed-title"
            hidden=move || length.get() == 0
        >
            <header class="card-head">
                <h2 id="failed-title">
                    {t.say("Failed rows", "Fehlgeschlagene Zeilen")} " "
                    <span class="chip">{move || t.count(failed.get())}</span>
                </h2>
                <CopyButton text=Signal::derive(move || skus.with(|skus| skus.join("\n"))) />
            </header>
            <ul class="skus">
                <For each=shown key=|(index, sku)| (*index, sku.clone()) let((_, sku))>
                    <li data-testid="failed-sku">{sku}</li>
                </For>
            </ul>
            <button
                type="button"
                class="button button-quiet failed-more"
                aria-expanded=move || all.get().to_string()
                hidden=move || length.get() <= SHORT
                on:click=move |_| set_all.update(|all| *all = !*all)
            >
                {move || match all.get() {
                    true => t.say("Show fewer", "Weniger anzeigen").to_owned(),
                    false => {
                        format!(
                            "{} {}",
                            t.say("Show all", "Alle anzeigen:"),
                            t.count(length.get() as u64),
                        )
                    }
                }}
            </button>
        </section>
    }
}

/// Puts a text on the clipboard and says so.
#[component]
fn CopyButton(text: Signal<String>) -> impl IntoView {
    let t = use_locale();
    let (copied, set_copied) = signal(false);
    let copy = move |_| {
        let navigator = window().navigator();
        // There is none where the page came over plain HTTP from another machine.
        if !Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|it| it.is_object()) {
            return;
        }
        let written = navigator.clipboard().write_text(&text.get_untracked());
        leptos::task::spawn_local(async move {
            if JsFuture::from(written).await.is_ok() {
                set_copied.try_set(true);
                let forget = move || {
                    set_copied.try_set(false);
                };
                set_timeout(forget, COPIED);
            }
        });
    };
    let glyph = Signal::derive(move || {
        if copied.get() {
            Glyph::Check
        } else {
            Glyph::Copy
        }
    });
    view! {
        <button type="button" class="button button-quiet script-only" on:click=copy>
            <Icon glyph />
            <span aria-live="polite">
                {move || {
                    if copied.get() {
                        t.say("Copied", "Kopiert")
                    } else {
                        t.say("Copy", "Kopieren")
                    }
                }}
            </span>
        </button>
    }
}
