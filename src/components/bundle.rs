//! Starts the bundle that hydrates islands.

use leptos::{nonce::use_nonce, prelude::*};

use crate::model::{base_path::address, bundle::Bundle};

/// Loads the bundle, if there is an island in the document.
const SCRIPT: &str = include_str!("bundle.js");

/// The script, for the end of the document: it loads the bundle as soon as all islands are there. Scripts of this type do
/// not wait for style sheets.
#[component]
pub(crate) fn StartBundle(bundle: Bundle) -> impl IntoView {
    let Bundle { script, wasm } = bundle;
    view! {
        <script
            id="bundle"
            type="module"
            async=true
            nonce=use_nonce()
            data-script=address(&script)
            data-wasm=address(&wasm)
        >
            {SCRIPT}
        </script>
    }
}
