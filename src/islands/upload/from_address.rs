//! The form that imports a file from a URL.

use leptos::{ev, prelude::*};

use crate::{
    islands::parts::locale::use_locale,
    model::{
        base_path::address,
        job::ImportMode,
        upload::{ADDRESS_FIELD, ADDRESS_PATH, MODE_FIELD},
    },
};

/// Imports a file from a URL. A plain form, because the answer is another page.
#[island]
pub(crate) fn FromAddress(
    /// Whether dry runs are offered.
    offers_checks: bool,
    /// The URL of the form that was refused before.
    url: Option<String>,
    /// Further fields of the form.
    children: Children,
) -> impl IntoView {
    let t = use_locale();
    let fetching = RwSignal::new(false);
    Effect::new(move |_| {
        // The browser may restore this page from its history.
        let handle = window_event_listener(ev::pagehide, move |_| fetching.set(false));
        on_cleanup(move || handle.remove());
    });
    let check = offers_checks.then(|| {
        view! {
            <button class="button" name=MODE_FIELD value=ImportMode::Check.as_str() data-testid="address-check">
                {t.say("Dry run", "Testlauf")}
            </button>
        }
    });
    view! {
        <form
            class="card from-address"
            method="post"
            action=address(ADDRESS_PATH)
            data-testid="address-form"
            aria-label=t.say("Import from a URL", "Von einer URL importieren")
            aria-busy=move || fetching.get().to_string()
            on:submit=move |_| fetching.set(true)
        >
            <div class="field">
                <label for="address">
                    {t.say(
                        "Or import from a URL",
                        "Oder von einer URL importieren",
                    )}
                </label>
                <input
                    id="address"
                    class="input"
                    type="url"
                    name=ADDRESS_FIELD
                    value=url
                    required
                    pattern="\\s*https://.+"
                    title="https://…"
                    placeholder="https://supplier.example/products.csv"
                    autocomplete="url"
                    data-testid="address-input"
                />
            </div>
            <div class="from-address-foot">
                <span class="from-address-note" role="status" translate="no">
                    {move || {
                        fetching
                            .get()
                            .then(|| t.say("Downloading the file…", "Die Datei wird heruntergeladen…"))
                    }}
                </span>
                {check}
                <button class="button" data-testid="address-submit">
                    {t.say("Import from URL", "Von URL importieren")}
                </button>
            </div>
            {children()}
        </form>
    }
}
