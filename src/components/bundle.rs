//! The start of the bundle that brings islands to life.

use leptos::{nonce::use_nonce, prelude::*};

use crate::model::{base_path::address, bundle::Bundle};

/// Loads the bundle once the document is read, if there is an island in it.
const SCRIPT: &str = include_str!("bundle.js");

/// The script that starts the bundle. For the head of the document.
#[component]
pub(crate) fn StartBundle(
    /// Where it is.
    bundle: Bundle,
) -> impl IntoView {
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
