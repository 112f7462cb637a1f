//! Starts the bundle that hydrates islands.

use leptos::{nonce::use_nonce, prelude::*};

use crate::model::{base_path::address, bundle::Bundle};

/// Loads the bundle after the document, if there is an island in it.
const SCRIPT: &str = include_str!("bundle.js");

/// The script, for the head of the document.
#[component]
pub(crate) fn StartBundle(bundle: Bundle) -> impl IntoView {
    let Bundle { script, wasm } = bundle;
    view! {
        <script
            id="bundle"
            type="module"
            nonce=use_nonce()
            data-script=address(&script)
            data-wasm=address(&wasm)
        >
            {SCRIPT}
        </script>
    }
}
