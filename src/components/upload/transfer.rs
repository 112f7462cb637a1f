//! Sends a file and says how far it is.
//!
//! By `XMLHttpRequest`, because `fetch` does not say how much of a request has been sent.

use leptos::ev;
use web_sys::{
    File, FormData, XmlHttpRequest,
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
};

use crate::{
    api::imports::{UPLOAD_PATH, UploadAnswer},
    job::JobId,
};

/// What happens to a file on its way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Sent {
    /// So many bytes of so many are through.
    Bytes {
        /// Those that are.
        loaded: u64,
        /// All of them.
        total: u64,
    },
    /// The import has begun.
    Started(JobId),
    /// There is no session.
    SignedOut,
    /// The file was not taken, or did not arrive. The text is for the user.
    Refused(String),
}

/// A file on its way. Dropping it aborts the request.
pub(super) struct Transfer {
    request: XmlHttpRequest,
    // The browser calls these for as long as the request lives.
    _on_progress: Closure<dyn FnMut(ev::ProgressEvent)>,
    _on_end: Closure<dyn FnMut(web_sys::Event)>,
}

impl Transfer {
    /// Starts to send a file.
    ///
    /// # Errors
    ///
    /// When the browser will not.
    pub(super) fn start(
        file: &File,
        on_sent: impl Fn(Sent) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let form = FormData::new()?;
        form.append_with_blob_and_filename("file", file, &file.name())?;
        let request = XmlHttpRequest::new()?;
        request.open_with_async("POST", UPLOAD_PATH, true)?;
        request.set_request_header("Accept", "application/json")?;

        let on_progress = Closure::new({
            let on_sent = on_sent.clone();
            move |event: ev::ProgressEvent| {
                on_sent(Sent::Bytes {
                    loaded: whole(event.loaded()),
                    total: whole(event.total()),
                });
            }
        });
        let on_end = Closure::new({
            let request = request.clone();
            move |_| on_sent(answer(&request))
        });
        request
            .upload()?
            .set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
        request.set_onloadend(Some(on_end.as_ref().unchecked_ref()));
        request.send_with_opt_form_data(Some(&form))?;
        Ok(Self {
            request,
            _on_progress: on_progress,
            _on_end: on_end,
        })
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Ok(upload) = self.request.upload() {
            upload.set_onprogress(None);
        }
        self.request.set_onloadend(None);
        // Only a request that was never opened cannot be aborted.
        let _ = self.request.abort();
    }
}

/// Reads how a request ended.
fn answer(request: &XmlHttpRequest) -> Sent {
    let status = request.status().unwrap_or_default();
    let text = request.response_text().ok().flatten().unwrap_or_default();
    read(status, &text)
}

fn read(status: u16, text: &str) -> Sent {
    match (status, serde_json::from_str(text)) {
        (401, _) => Sent::SignedOut,
        (200..300, Ok(UploadAnswer::Started { id })) => Sent::Started(id),
        (_, Ok(UploadAnswer::Refused { error })) => Sent::Refused(error),
        // No answer at all: the network, or a server that closed while it was still being sent to.
        (0, _) => Sent::Refused(
            "The file did not arrive. Check your connection and send it again.".to_owned(),
        ),
        (413, _) => Sent::Refused("The file is too large.".to_owned()),
        _ => Sent::Refused("The server did not take the file. Try again in a moment.".to_owned()),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // sizes are whole and positive
fn whole(bytes: f64) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_says_something() {
        assert_eq!(
            read(201, r#"{"id":"a1"}"#),
            Sent::Started("a1".parse().unwrap())
        );
        assert_eq!(
            read(422, r#"{"error":"No header."}"#),
            Sent::Refused("No header.".to_owned())
        );
        assert_eq!(read(401, ""), Sent::SignedOut);
        for (status, body) in [(0, ""), (413, "<html>"), (502, "<html>"), (200, "<html>")] {
            assert!(matches!(read(status, body), Sent::Refused(text) if !text.is_empty()));
        }
    }
}
