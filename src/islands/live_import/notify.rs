//! A notification at the end of an import, for users who want one.

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

use super::{announcement, tab_icon};
use crate::{
    i18n::locale::Locale,
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::address,
        job::{ImportMode, ImportProgress, ImportStatus, JobId},
    },
};

/// Whether the user wants a notification.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Wish {
    #[default]
    None,
    Asked,
    /// Wanted, but denied by the browser's settings.
    Denied,
    /// Wanted, but not supported: on Android, pages cannot notify by themselves.
    Impossible,
}

/// Offers a notification at the end of an import, remembers the choice over reloads, and explains if it is not
/// possible. Offers nothing if the browser has no notifications, but keeps its space until the end.
#[component]
pub(crate) fn NotifyButton(
    progress: Signal<ImportProgress>,
    status: Signal<ImportStatus>,
    mode: ImportMode,
    #[prop(optional)] cancelled: Signal<bool>,
    #[prop(into)] filename: Signal<String>,
    /// The import, to remember the choice; without it a reload forgets the choice.
    #[prop(default = None)]
    id: Option<JobId>,
) -> impl IntoView {
    let t = use_locale();
    let memory = StoredValue::new(id.map(|id| format!("notify:{id}")));
    let wish = RwSignal::new(Wish::None);
    let is_known = RwSignal::new(false);
    Effect::new(move |_| {
        is_known.set(knows_notifications());
        if is_known.get_untracked()
            && Notification::permission() == NotificationPermission::Granted
            && memory.with_value(remembered)
        {
            wish.set(Wish::Asked);
        }
    });
    let toggle = move |_| {
        if wish.get_untracked() == Wish::Asked {
            wish.set(Wish::None);
            memory.with_value(|memory| remember(memory, false));
            return;
        }
        spawn_local(async move {
            let came_of_it = ask().await;
            wish.try_set(came_of_it);
            memory.try_with_value(|memory| remember(memory, came_of_it == Wish::Asked));
        });
    };
    Effect::new(move |was_final: Option<bool>| {
        let is_final = status.get().is_final();
        if is_final && was_final == Some(false) && wish.get_untracked() == Wish::Asked {
            let text = announcement::say(
                t,
                &progress.get_untracked(),
                status.get_untracked(),
                mode,
                cancelled.get_untracked(),
            );
            // The permission may have been withdrawn; then only the page shows the end.
            let _ = notify(&filename.get_untracked(), &text);
        }
        if is_final {
            memory.with_value(|memory| remember(memory, false));
        }
        is_final
    });
    view! {
        <div
            class="notify"
            hidden=move || status.get().is_final()
            data-off=move || (!is_known.get()).then_some("")
        >
            <button
                type="button"
                class="button button-quiet"
                aria-pressed=move || (wish.get() == Wish::Asked).to_string()
                data-testid="notify"
                on:click=toggle
            >
                <Icon glyph=Glyph::Bell />
                {t.say("Notify me when it's done", "Benachrichtigen, wenn fertig")}
            </button>
            <p class="notify-answer" role="status" translate="no" data-testid="notify-answer">
                {move || answer(t, wish.get())}
            </p>
        </div>
    }
}

/// Returns nothing, not an empty text, where there is none: the style sheet can tell that it is empty then.
fn answer(t: Locale, wish: Wish) -> Option<&'static str> {
    Some(match wish {
        Wish::None => return None,
        Wish::Asked => t.say("You'll be notified.", "Du wirst benachrichtigt."),
        Wish::Denied => t.say(
            "Notifications are blocked. Allow them in your browser settings.",
            "Benachrichtigungen sind blockiert. Erlaube sie in den Einstellungen deines Browsers.",
        ),
        Wish::Impossible => t.say(
            "This browser doesn't support notifications.",
            "Dieser Browser unterstützt keine Benachrichtigungen.",
        ),
    })
}

fn knows_notifications() -> bool {
    js_sys::Reflect::has(&window(), &JsValue::from_str("Notification")) == Ok(true)
}

/// Requests the permission, and tests whether it works.
async fn ask() -> Wish {
    match request().await {
        Some(NotificationPermission::Granted) => {}
        _ => return Wish::Denied,
    }
    match notify_with("", NotificationOptions::new()) {
        Ok(trial) => {
            trial.close();
            Wish::Asked
        }
        Err(_) => Wish::Impossible,
    }
}

async fn request() -> Option<NotificationPermission> {
    let answer = JsFuture::from(Notification::request_permission().ok()?).await;
    NotificationPermission::from_js_value(&answer.ok()?)
}

fn notify(title: &str, text: &str) -> Result<Notification, JsValue> {
    let options = NotificationOptions::new();
    options.set_body(text);
    options.set_icon(&address(tab_icon::ORIGINAL));
    notify_with(title, options)
}

fn notify_with(title: &str, options: NotificationOptions) -> Result<Notification, JsValue> {
    options.set_tag("import");
    Notification::new_with_options(title, &options)
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn remembered(memory: &Option<String>) -> bool {
    let kept = memory.as_ref().zip(storage());
    kept.is_some_and(|(key, storage)| matches!(storage.get_item(key), Ok(Some(_))))
}

/// Without storage a reload forgets the choice.
fn remember(memory: &Option<String>, wish: bool) {
    let Some((key, storage)) = memory.as_ref().zip(storage()) else {
        return;
    };
    let _ = if wish {
        storage.set_item(key, "1")
    } else {
        storage.remove_item(key)
    };
}
