//! Parts of an island that only the server renders. The bundle has no code for them.

use leptos::prelude::*;

/// The HTML of each part by ID.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug)]
pub(crate) struct Places(pub(crate) Vec<(&'static str, String)>);

/// An element whose content is the server's.
///
/// In the browser it stays as it came: hydration does not enter an element with `inner_html`.
#[component]
pub(super) fn Place(
    /// ID of the element in the page.
    id: &'static str,
) -> impl IntoView {
    view! { <div id=id class="place" inner_html=content(id)></div> }
}

#[cfg(feature = "ssr")]
fn content(id: &str) -> String {
    let places = use_context::<Places>().map(|Places(places)| places);
    let mut places = places.into_iter().flatten();
    let found = places.find(|(place, _)| *place == id);
    found.map(|(_, html)| html).unwrap_or_default()
}

#[cfg(not(feature = "ssr"))]
fn content(_: &str) -> String {
    String::new()
}
