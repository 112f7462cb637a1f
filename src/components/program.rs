//! The start of the browser's program.
//!
//! Its files are large, and a page can be read without them: they are asked for once the page is
//! painted, all at the same time.

use leptos::{nonce::use_nonce, prelude::*};

use crate::model::{base_path::address, program::Program};

/// What starts the program.
const SCRIPT: &str = include_str!("program.js");

/// The script that starts the program. For the head of the document.
#[component]
pub(crate) fn StartProgram(
    /// Where the program is.
    program: Program,
    /// Whether the page is made of the program's first part alone.
    is_first_part: bool,
) -> impl IntoView {
    let parts = if is_first_part {
        Vec::new()
    } else {
        program.parts
    };
    let files: Vec<_> = [program.script, program.wasm]
        .into_iter()
        .chain(program.loader)
        .chain(parts)
        .map(|path| address(&path))
        .collect();
    // Names of files: they always serialize.
    let files = serde_json::to_string(&files).unwrap_or_default();
    let script = format!("{{const script=document.currentScript;{SCRIPT}}}");
    view! {
        <script nonce=use_nonce() data-files=files>
            {script}
        </script>
    }
}
