//! Parts of the island that the server alone renders: the bundle has no code for them.

use leptos::prelude::*;

/// The HTML of each place, by its identifier.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug)]
pub(crate) struct Places(pub(crate) Vec<(&'static str, String)>);

/// An element of the island whose content is the server's.
///
/// In the browser it is left as it came: hydration does not look into an element with `inner_html`.
#[component]
pub(super) fn Place(
    /// How it is found on the page as the server renders it anew.
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
