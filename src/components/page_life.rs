//! What happens to a page as a whole: it is gone to, put aside and brought back, cut off and connected.

use std::time::Duration;

use leptos::{ev, prelude::*};
use leptos_router::hooks::use_location;
use web_sys::wasm_bindgen::JsCast;

use super::{language::use_locale, site_header::Visitor};

/// How long it is said that the connection is back.
const BACK: Duration = Duration::from_secs(4);

/// Moves the focus to the content when another page is gone to, as a browser does with a document of
/// its own, so that a screen reader begins there.
pub(crate) fn focus_on_navigation() {
    let pathname = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = pathname.get();
        if before.is_some_and(|before| before != path) {
            // After the page is there.
            request_animation_frame(|| {
                let content = document().get_element_by_id("content");
                if let Some(content) =
                    content.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok())
                {
                    // Only an element that is gone cannot have it.
                    let _ = content.focus();
                }
            });
        }
        path
    });
}

/// Asks who looks at the page when it comes back from the history: they may have signed out meanwhile.
pub(crate) fn ask_again_when_brought_back(visitor: Resource<Visitor>) {
    Effect::new(move |_| {
        let handle = window_event_listener(ev::pageshow, move |event| {
            if event.persisted() {
                visitor.refetch();
            }
        });
        on_cleanup(move || handle.remove());
    });
}

/// Keeps the title that the server has sent until the page has its own: the first `Title` that comes alive
/// clears it. Stands behind that.
#[component]
pub(crate) fn KeepTitle() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    let sent = document().title();
    move || {
        #[cfg(feature = "hydrate")]
        document().set_title(&sent);
    }
}

/// How the browser stands to the network.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Network {
    /// It has one, as far as it knows.
    #[default]
    There,
    /// It has none.
    Gone,
    /// It has had one again for a moment.
    Back,
}

/// Says that the browser is offline, and when it is back. Its place is above the page's foot, so it
/// moves nothing.
#[component]
pub(crate) fn OfflineBanner() -> impl IntoView {
    let t = use_locale();
    let network = RwSignal::new(Network::There);
    Effect::new(move |_| {
        if !window().navigator().on_line() {
            network.set(Network::Gone);
        }
        let handles = [
            window_event_listener(ev::offline, move |_| network.set(Network::Gone)),
            window_event_listener(ev::online, move |_| network.set(Network::Back)),
        ];
        on_cleanup(move || handles.into_iter().for_each(|handle| handle.remove()));
    });
    Effect::new(move |_| {
        let forget = move || network.set(Network::There);
        if network.get() == Network::Back
            && let Ok(timeout) = set_timeout_with_handle(forget, BACK)
        {
            on_cleanup(move || timeout.clear());
        }
    });
    let text = move || match network.get() {
        Network::There => "",
        Network::Gone => t.say(
            "You're offline. Showing the last known state; imports keep running.",
            "Du bist offline. Angezeigt wird der letzte bekannte Stand; Importe laufen weiter.",
        ),
        Network::Back => t.say("You're back online.", "Du bist wieder online."),
    };
    view! {
        <p
            class="offline"
            role="status"
            data-testid="offline"
            data-network=move || match network.get() {
                Network::There => "there",
                Network::Gone => "gone",
                Network::Back => "back",
            }
        >
            {text}
        </p>
    }
}
