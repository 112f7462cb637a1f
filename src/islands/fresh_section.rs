//! A section of a page that is kept up to date.

use gloo_timers::future::sleep;
use leptos::{prelude::*, task::spawn_local_scoped_with_cancellation};
use std::time::Duration;

use super::page::{FreshPage, content_of};

/// Replaces an element by the server's newest rendering of it every few seconds, while the page is visible.
#[island]
pub(crate) fn FreshSection(
    /// ID of the element.
    id: String,
    /// Seconds between updates.
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
