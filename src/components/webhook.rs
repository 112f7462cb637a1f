//! Shared views of webhooks.

use leptos::prelude::*;

use crate::{
    i18n::locale::Locale,
    islands::parts::locale::use_locale,
    model::webhook::{Delivery, DeliveryState, ImportEvent},
};

/// Returns the host of a URL, by which a webhook is named.
pub(crate) fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}

/// Returns the names of events.
pub(crate) fn event_names(t: Locale, events: &[ImportEvent]) -> String {
    let names: Vec<_> = events.iter().map(|event| event.title(t)).collect();
    names.join(", ")
}

/// Shows the result of a delivery, with its error.
#[component]
pub(crate) fn DeliveryResult(delivery: Delivery) -> impl IntoView {
    let t = use_locale();
    let kind = match (delivery.state, delivery.problem) {
        (DeliveryState::Delivered, _) => "success",
        (DeliveryState::Waiting, None) => "waiting",
        (DeliveryState::Waiting, Some(_)) => "trouble",
        (DeliveryState::GivenUp, _) => "error",
    };
    let problem = delivery.problem.map(|problem| {
        view! { <span class="delivery-problem">{problem.words(t)}</span> }
    });
    view! {
        <span class="delivery-state" data-kind=kind data-testid="delivery-state">
            {delivery.state.title(t)}
        </span>
        {problem}
    }
}
