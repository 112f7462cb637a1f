//! A page's title. What may have been written by anybody, such as a file's name, is in it as text.

use leptos::{prelude::*, text_prop::TextProp};
use leptos_meta::Title;

/// Sets the page's title.
#[component]
pub(crate) fn PageTitle(
    /// What the page shows.
    #[prop(into)]
    text: TextProp,
) -> impl IntoView {
    view! { <Title text=move || as_written(text.get().to_string()) /> }
}

/// The server writes a title into the page as it is given, the browser sets it as text.
#[cfg(feature = "ssr")]
fn as_written(text: String) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(not(feature = "ssr"))]
fn as_written(text: String) -> String {
    text
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_title_holds_no_markup() {
        assert_eq!(
            as_written("<img src=x onerror=a> & co.csv".to_owned()),
            "&lt;img src=x onerror=a&gt; &amp; co.csv"
        );
    }

    /// A title that is given past this component would be markup.
    #[test]
    fn every_page_sets_its_title_here() {
        let pages = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages");
        for entry in std::fs::read_dir(pages).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("leptos_meta"), "{}", path.display());
        }
    }
}
