//! The page as the server renders it now, for what the event stream does not contain.

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

/// Elements that can have the focus.
const FOCUSABLE: &str = "a[href], button, input, select, summary, textarea";

/// A fetched page that is not shown.
pub(super) struct FreshPage(Document);

impl FreshPage {
    /// Fetches the current page again; `None` if the server does not return it.
    pub(super) async fn fetch() -> Option<Self> {
        let location = window().location();
        let address = format!("{}{}", location.pathname().ok()?, location.search().ok()?);
        let request = Request::get(&address).header("accept", "text/html");
        let answer = request.send().await.ok()?;
        // Signed-out users are redirected to another page, the sign-in page.
        if !answer.ok() || answer.redirected() {
            return None;
        }
        let text = answer.text().await.ok()?;
        let parser = DomParser::new().ok()?;
        let document = parser.parse_from_string(&text, SupportedType::TextHtml);
        document.ok().map(Self)
    }

    /// Returns the props of an island on this page, as JSON.
    pub(super) fn props(&self, island: &str) -> Option<String> {
        let selector = format!("leptos-island[data-component^={island}_]");
        let island = self.0.query_selector(&selector).ok()??;
        island.get_attribute("data-props")
    }

    /// Replaces an element by its content on this page, if that differs from `shown`, which the server sent last.
    /// Keeps the focus.
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
            // Fails only if the element is gone.
            let _ = element.focus();
        }
        // Not as a child of this island's reactive owner: nested islands would count as part of it.
        spawn_local(async move {
            // Fails only without the bundle, which runs this.
            let _ = hydrate_islands(&place);
        });
        *shown = content;
    }
}

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
