//! A notification when an import has ended, for those who asked.

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

use super::{
    announcement,
    icons::{Glyph, Icon},
};
use crate::job::{ImportProgress, ImportStatus};

/// Offers to tell when an import has ended. Where the browser knows no notifications, or the user has
/// ruled them out, nothing is offered.
#[component]
pub(crate) fn NotifyButton(
    /// The newest known counts.
    progress: Signal<ImportProgress>,
    /// Where the import stands.
    status: Signal<ImportStatus>,
    /// What is imported.
    #[prop(into)]
    filename: Signal<String>,
) -> impl IntoView {
    let (is_asked, set_asked) = signal(false);
    let (can_ask, set_can_ask) = signal(false);
    Effect::new(move |_| set_can_ask.set(can_notify()));
    let ask = move |_| {
        spawn_local(async move {
            let is_granted = request().await == Some(NotificationPermission::Granted);
            set_asked.set(is_granted);
            set_can_ask.set(is_granted);
        });
    };
    Effect::new(move |was_final: Option<bool>| {
        let is_final = status.get().is_final();
        if is_final && was_final == Some(false) && is_asked.get_untracked() {
            let text = announcement::say(&progress.get_untracked(), status.get_untracked());
            notify(&filename.get_untracked(), &text);
        }
        is_final
    });
    let is_offered = move || can_ask.get() && !status.get().is_final();
    view! {
        <button
            type="button"
            class="button button-quiet"
            hidden=move || !is_offered()
            aria-pressed=move || is_asked.get().to_string()
            data-testid="notify"
            on:click=ask
        >
            <Icon glyph=Glyph::Bell />
            {move || if is_asked.get() { "You will be notified" } else { "Notify me when it is done" }}
        </button>
    }
}

fn can_notify() -> bool {
    let is_known = js_sys::Reflect::has(&window(), &JsValue::from_str("Notification"));
    is_known == Ok(true) && Notification::permission() != NotificationPermission::Denied
}

async fn request() -> Option<NotificationPermission> {
    let answer = JsFuture::from(Notification::request_permission().ok()?).await;
    NotificationPermission::from_js_value(&answer.ok()?)
}

fn notify(title: &str, text: &str) {
    let options = NotificationOptions::new();
    options.set_body(text);
    options.set_icon(super::tab_icon::ORIGINAL);
    // A browser may take its permission back at any time.
    let _ = Notification::new_with_options(title, &options);
}
