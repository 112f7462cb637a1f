//! The page as the server renders it now: where an island gets what the event stream does not tell.

use gloo_net::http::Request;
use leptos::{prelude::*, task::spawn_local};
use web_sys::{
    Document, DomParser, Element, HtmlElement, SupportedType,
    wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen},
};

#[wasm_bindgen]
extern "C" {
    /// Hydrates the islands below an element (`components/bundle.js`).
    #[wasm_bindgen(catch, js_name = hydrateIslands)]
    fn hydrate_islands(root: &Element) -> Result<(), JsValue>;
}

/// Where the focus can be.
const FOCUSABLE: &str = "a[href], button, input, select, summary, textarea";

/// A page that was fetched, and not shown.
pub(super) struct FreshPage(Document);

impl FreshPage {
    /// Fetches the page that is shown. Returns `None` where the server has none to give just now.
    pub(super) async fn fetch() -> Option<Self> {
        let location = window().location();
        let address = format!("{}{}", location.pathname().ok()?, location.search().ok()?);
        let request = Request::get(&address).header("accept", "text/html");
        let answer = request.send().await.ok()?;
        // The sign-in page, to which whoever is signed out is led, is another page.
        if !answer.ok() || answer.redirected() {
            return None;
        }
        let text = answer.text().await.ok()?;
        let parser = DomParser::new().ok()?;
        let document = parser.parse_from_string(&text, SupportedType::TextHtml);
        document.ok().map(Self)
    }

    /// Returns the props of an island of this page, as JSON.
    pub(super) fn props(&self, island: &str) -> Option<String> {
        let selector = format!("leptos-island[data-component^={island}_]");
        let island = self.0.query_selector(&selector).ok()??;
        island.get_attribute("data-props")
    }

    /// Shows this page's content of an element in the place of what is there, if it is another than `shown`, which the
    /// server sent last. The focus stays where it is.
    pub(super) fn show(&self, id: &str, shown: &mut String) {
        let content = self.0.get_element_by_id(id).map(|it| it.inner_html());
        let (Some(content), Some(place)) = (content, document().get_element_by_id(id)) else {
            return;
        };
        if content == *shown {
            return;
        }
        let focused = focused_in(&place);
        place.set_inner_html(&content);
        if let Some(element) = focused.and_then(|index| focusable(&place, index)) {
            // Only an element that is gone cannot have it.
            let _ = element.focus();
        }
        // Under no owner of this island's: within one they would be taken for a part of it.
        spawn_local(async move {
            // It fails only where the bundle is not there, and so neither is this.
            let _ = hydrate_islands(&place);
        });
        *shown = content;
    }
}

/// Returns what is in an element now.
pub(super) fn content_of(id: &str) -> String {
    let place = document().get_element_by_id(id);
    place.map(|it| it.inner_html()).unwrap_or_default()
}

fn focused_in(place: &Element) -> Option<u32> {
    let focused = document().active_element()?;
    if !place.contains(Some(&focused)) {
        return None;
    }
    let all = place.query_selector_all(FOCUSABLE).ok()?;
    (0..all.length()).find(|index| {
        all.get(*index)
            .is_some_and(|it| it.is_same_node(Some(&focused)))
    })
}

fn focusable(place: &Element, index: u32) -> Option<HtmlElement> {
    let all = place.query_selector_all(FOCUSABLE).ok()?;
    all.get(index)?.dyn_into().ok()
}
