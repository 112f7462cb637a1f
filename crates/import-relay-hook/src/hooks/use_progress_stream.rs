//! Follows an import on a stream at another URL.

use std::time::Duration;

use gloo_timers::future::sleep;
use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use super::{
    Connection, UseProductImportProgressReturn,
    event_source::Source,
    follower::{StreamEvent, View},
    wire,
};
use crate::model::job::ProgressEvent;

/// Delay before a refused stream is opened again.
const AGAIN: Duration = Duration::from_secs(15);

/// Follows an import from its known state to its end, on a stream at another URL, such as that of a link to it. The browser
/// reconnects a broken stream; a refused one is opened again every 15 seconds. On the server the hook returns the known
/// state and opens no stream.
///
/// # Example
///
/// ```
/// use import_relay_hook::{hooks::use_progress_stream, model::job::ProgressEvent};
/// use leptos::prelude::*;
///
/// #[component]
/// fn Shared(secret: String) -> impl IntoView {
///     let url = format!("/shared/{secret}/progress");
///     let import = use_progress_stream(ProgressEvent::default(), url);
///     view! { <p>{move || import.progress.get().processed_products} " products"</p> }
/// }
/// ```
pub fn use_progress_stream(known: ProgressEvent, url: String) -> UseProductImportProgressReturn {
    let view = RwSignal::new(View::new(known));
    let tries = RwSignal::new(0_u32);
    let followed = RwSignal::new(true);
    let is_over = Memo::new(move |_| view.with(|view| view.status.is_final()));
    Effect::new(move |_| {
        tries.track();
        if is_over.get() {
            return;
        }
        if !followed.get() {
            view.update(|view| view.connection = Connection::Closed);
            return;
        }
        let emit = move |event| {
            let refused = matches!(event, StreamEvent::GivenUp);
            if view.try_update(|view| hear(view, event)).is_some() && refused {
                try_again(tries, is_over);
            }
        };
        match Source::open_at(&url, emit) {
            Ok(source) => {
                let source = SendWrapper::new(source);
                on_cleanup(move || drop(source));
            }
            Err(_) => view.update(|view| view.connection = Connection::Refused),
        }
    });
    UseProductImportProgressReturn::of(view, followed)
}

fn try_again(tries: RwSignal<u32>, is_over: Memo<bool>) {
    spawn_local(async move {
        sleep(AGAIN).await;
        if is_over.try_get_untracked() == Some(false) {
            tries.try_update(|tries| *tries = tries.wrapping_add(1));
        }
    });
}

fn hear(view: &mut View, event: StreamEvent) {
    match event {
        StreamEvent::Opened | StreamEvent::Heartbeat => view.connection = Connection::Open,
        StreamEvent::Message { text, .. } => {
            let Some(state) = wire::state(&text) else {
                return;
            };
            view.connection = if state.status.is_final() {
                Connection::Closed
            } else {
                Connection::Open
            };
            view.take(state);
        }
        StreamEvent::Interrupted => view.connection = Connection::Reconnecting,
        StreamEvent::GivenUp if !view.status.is_final() => view.connection = Connection::Refused,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::ImportStatus;

    #[test]
    fn a_view_follows_its_stream_to_the_end() {
        let mut view = View::new(ProgressEvent::default());
        let message = |text: &str| StreamEvent::Message {
            job: None,
            text: text.to_owned(),
        };
        hear(&mut view, StreamEvent::Opened);
        hear(
            &mut view,
            message(r#"{"processedProducts":3,"totalProducts":9}"#),
        );
        assert_eq!(
            (view.progress.processed_products, view.connection),
            (3, Connection::Open)
        );
        hear(&mut view, message("not a state"));
        hear(&mut view, StreamEvent::Interrupted);
        assert_eq!(
            (view.progress.processed_products, view.connection),
            (3, Connection::Reconnecting)
        );
        hear(&mut view, StreamEvent::GivenUp);
        assert_eq!(view.connection, Connection::Refused);
        hear(
            &mut view,
            message(r#"{"processedProducts":9,"totalProducts":9,"status":"SUCCESS"}"#),
        );
        hear(&mut view, StreamEvent::GivenUp);
        assert_eq!(
            (view.status, view.connection),
            (ImportStatus::Success, Connection::Closed)
        );
    }
}
