//! A part of a page that is kept as the server would render it now.

use gloo_timers::future::sleep;
use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use std::time::Duration;

use super::page::{FreshPage, content_of};

/// Shows an element of the page as the server renders it, again every few seconds while somebody looks.
#[island]
pub(crate) fn FreshSection(
    /// The identifier of the element.
    id: String,
    /// How many seconds lie between two looks.
    seconds: u64,
) -> impl IntoView {
    Effect::new(move |_| {
        let id = id.clone();
        spawn_local_scoped_with_cancellation(async move {
            let mut shown = content_of(&id);
            loop {
                sleep(Duration::from_secs(seconds)).await;
                if document().hidden() {
                    continue;
                }
                if let Some(page) = FreshPage::fetch().await {
                    page.show(&id, &mut shown);
                }
            }
        });
    });
}
