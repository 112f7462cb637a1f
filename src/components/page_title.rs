//! The title of a page. Untrusted text such as a file name is escaped.

use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub(crate) fn PageTitle(#[prop(into)] text: String) -> impl IntoView {
    view! { <Title text=as_written(&text) /> }
}

/// Escapes a title, because Leptos inserts titles as they are.
fn as_written(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_holds_no_markup() {
        assert_eq!(
            as_written("<img src=x onerror=a> & co.csv"),
            "&lt;img src=x onerror=a&gt; &amp; co.csv"
        );
    }

    /// A title set without this component would not be escaped.
    #[test]
    fn every_page_sets_its_title_here() {
        let mut directories =
            vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages")];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(!text.contains("leptos_meta"), "{}", path.display());
            }
        }
    }
}
