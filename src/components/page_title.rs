//! A page's title. What may have been written by anybody, such as a file's name, is in it as text.

use leptos::prelude::*;
use leptos_meta::Title;

/// Sets the page's title.
#[component]
pub(crate) fn PageTitle(
    /// What the page shows.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <Title text=as_written(&text) /> }
}

/// A title is written into the page as it is given.
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

    /// A title that is given past this component would be markup.
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
