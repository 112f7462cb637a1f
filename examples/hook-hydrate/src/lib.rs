//! A page that is rendered on a server of its own, hydrated, and follows an import of an Import Relay.

use import_relay_hook::{
    hooks::{UseProgressOptions, use_product_import_progress_with_options},
    model::job::{JobId, ProductImportJob},
};
use leptos::prelude::*;
use leptos_router::{
    components::{Route, Router, Routes},
    hooks::{use_params_map, use_query_map},
    path,
};

/// The document.
#[must_use]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <title>"An import"</title>
                <HydrationScripts options />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The app.
#[component]
pub fn App() -> impl IntoView {
    view! {
        <Router>
            <main>
                <Routes fallback=|| "There is no such page.">
                    <Route path=path!("/imports/:id") view=ImportPage />
                </Routes>
            </main>
        </Router>
    }
}

/// Follows the import that the address names: `/imports/…?relay=https://relay.example`.
#[component]
fn ImportPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id"));
    let relay = use_query_map().with_untracked(|query| query.get("relay"));
    match id.and_then(|id| id.parse::<JobId>().ok()) {
        Some(id) => view! { <Import id relay=relay.unwrap_or_default() /> }.into_any(),
        None => "There is no such import.".into_any(),
    }
}

#[component]
fn Import(id: JobId, relay: String) -> impl IntoView {
    let options = UseProgressOptions::default()
        .server(&relay)
        .with_credentials(true);
    let import = use_product_import_progress_with_options(ProductImportJob::pending(id), options);
    view! {
        <p>
            <span id="processed">{move || import.progress.get().processed_products}</span>
            " of "
            <span id="total">{move || import.progress.get().total_products}</span>
            " products: "
            <span id="status">{move || import.status.get().to_string()}</span>
        </p>
        <p id="connection">{move || format!("{:?}", import.connection.get())}</p>
        <p id="error" role="alert">
            {move || import.error.get().map(|error| error.to_string())}
        </p>
        <button id="close" on:click=move |_| import.close()>"Close"</button>
        <button id="open" on:click=move |_| import.open()>"Open"</button>
    }
}

/// Takes over the page that the server has rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    hydrate_body(App);
}
