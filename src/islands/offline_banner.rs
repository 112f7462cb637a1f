//! The banner about the network.

use std::time::Duration;

use leptos::{ev, prelude::*};

use super::parts::locale::use_locale;

/// How long the banner says that the connection is back.
const BACK: Duration = Duration::from_secs(4);

/// State of the network.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Network {
    /// Online, as far as the browser knows.
    #[default]
    There,
    /// Offline.
    Gone,
    /// Online again since a moment ago.
    Back,
}

/// Shows that the browser is offline, and when it is online again. It is above the footer, so that nothing moves.
#[island]
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
            translate="no"
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
