//! Upload requests: `fetch` if they have no file, `XMLHttpRequest` if they do, because `fetch` does not report upload
//! progress.

use std::{cell::RefCell, time::Duration};

use futures::channel::oneshot;
use gloo_net::http::{Method, RequestBuilder};
use gloo_timers::future::sleep;
use leptos::ev;
use web_sys::{
    Blob, FormData, XmlHttpRequest,
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
};

use super::answer::Answer;

/// Attempts and interval for deleting an upload that the server is still writing.
const BUSY: (u32, Duration) = (20, Duration::from_millis(500));
/// The server is still writing a part of this upload.
const LOCKED: u16 = 423;

/// The body of a request.
pub(super) enum Body<'a> {
    Part(&'a Blob),
    Form(&'a FormData),
}

/// Sends a request without a body.
pub(super) async fn ask(method: Method, path: &str, headers: &[(&str, String)]) -> Answer {
    let mut request = RequestBuilder::new(path)
        .method(method)
        .header("Tus-Resumable", "1.0.0")
        .header("Accept", "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let Ok(answer) = request.send().await else {
        return Answer::default();
    };
    let header = |name| answer.headers().get(name);
    Answer {
        location: header("Location"),
        offset: header("Upload-Offset").and_then(|offset| offset.parse().ok()),
        job: header("Import-Job").and_then(|job| job.parse().ok()),
        status: answer.status(),
        text: answer.text().await.unwrap_or_default(),
    }
}

/// Deletes an upload. If that fails, it expires.
pub(super) async fn throw_away(location: String) {
    let (tries, wait) = BUSY;
    for _ in 0..tries {
        if ask(Method::DELETE, &location, &[]).await.status != LOCKED {
            return;
        }
        // The server is still reading the aborted part.
        sleep(wait).await;
    }
}

/// Sends a file or a part of it, and reports progress. `current` has the running request.
pub(super) async fn send(
    method: &str,
    path: &str,
    headers: &[(&str, String)],
    body: Body<'_>,
    current: &RefCell<Option<XmlHttpRequest>>,
    on_bytes: impl Fn(u64) + 'static,
) -> Answer {
    let Ok(request) = opened(method, path, headers) else {
        return Answer::default();
    };
    let (ended, end) = oneshot::channel();
    let mut ended = Some(ended);
    let on_end = Closure::<dyn FnMut()>::new(move || {
        if let Some(ended) = ended.take() {
            let _ = ended.send(());
        }
    });
    let on_progress =
        Closure::<dyn FnMut(ev::ProgressEvent)>::new(move |event: ev::ProgressEvent| {
            on_bytes(whole(event.loaded()));
        });
    request.set_onloadend(Some(on_end.as_ref().unchecked_ref()));
    if let Ok(upload) = request.upload() {
        upload.set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
    }
    let sent = match body {
        Body::Part(part) => request.send_with_opt_blob(Some(part)),
        Body::Form(form) => request.send_with_opt_form_data(Some(form)),
    };
    if sent.is_err() {
        return Answer::default();
    }
    current.replace(Some(request.clone()));
    let _ = end.await;
    if let Ok(upload) = request.upload() {
        upload.set_onprogress(None);
    }
    request.set_onloadend(None);
    current.replace(None);
    let header = |name| request.get_response_header(name).ok().flatten();
    Answer {
        status: request.status().unwrap_or_default(),
        text: request.response_text().ok().flatten().unwrap_or_default(),
        location: None,
        offset: header("Upload-Offset").and_then(|offset| offset.parse().ok()),
        job: header("Import-Job").and_then(|job| job.parse().ok()),
    }
}

fn opened(method: &str, path: &str, headers: &[(&str, String)]) -> Result<XmlHttpRequest, JsValue> {
    let request = XmlHttpRequest::new()?;
    request.open_with_async(method, path, true)?;
    request.set_request_header("Tus-Resumable", "1.0.0")?;
    request.set_request_header("Accept", "application/json")?;
    for (name, value) in headers {
        request.set_request_header(name, value)?;
    }
    Ok(request)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // sizes are whole and positive
pub(super) fn whole(bytes: f64) -> u64 {
    bytes as u64
}
