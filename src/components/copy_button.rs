//! A button that copies text.

use leptos::prelude::*;

use crate::islands::parts::{
    icons::{Glyph, Icon},
    locale::use_locale,
};

/// Copies the value of an input, or the entries of a list, one per line. The script is that of
/// [`shortcuts`](super::shortcuts).
#[component]
pub(crate) fn CopyButton(
    /// ID of the input or list.
    #[prop(into)]
    of: String,
) -> impl IntoView {
    let t = use_locale();
    view! {
        <button type="button" class="button button-quiet script-only" data-copy=of data-testid="copy">
            <Icon glyph=Glyph::Copy />
            <span aria-live="polite" data-copied=t.say("Copied", "Kopiert")>
                {t.say("Copy", "Kopieren")}
            </span>
        </button>
    }
}
