//! Sends a file and says how far it is; goes on where it broke off, by the tus protocol 1.0, after a
//! reload too. Where the server does not offer that, or another instance of it knows nothing of the
//! upload, the file is sent in one piece.
//!
//! By `XMLHttpRequest`, because `fetch` does not say how much of a request has been sent.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use futures::channel::oneshot;
use leptos::{ev, prelude::*};
use web_sys::{
    Blob, File, FormData, XmlHttpRequest,
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
};

use super::unfinished::Fingerprint;
use crate::{
    i18n::messages::ErrorCode,
    model::{
        base_path::address,
        job::{ImportMode, JobId},
        reason::Reason,
        upload::{MODE_FIELD, RESUMABLE_PATH, UPLOAD_PATH, UploadAnswer},
    },
};

/// How often it is tried again without any headway.
const TRIES: u32 = 8;
/// The time before it is tried again for the first time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest time before it is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

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
    /// The file was not taken, or did not arrive.
    Refused(Reason),
}

/// A file on its way. Dropping it ends the upload.
pub(super) struct Transfer {
    shared: Rc<Shared>,
}

/// What the running upload and its owner share.
struct Shared {
    fingerprint: Fingerprint,
    request: RefCell<Option<XmlHttpRequest>>,
    /// Where the upload is, once it has begun.
    location: RefCell<Option<String>>,
    is_dropped: Cell<bool>,
}

impl Shared {
    /// The upload is there now.
    fn has_begun(&self, location: String) {
        self.fingerprint.remember(&location);
        self.location.replace(Some(location));
    }

    /// There is nothing of the upload to go on with, or to take back.
    fn is_over(&self) {
        self.fingerprint.forget();
        self.location.replace(None);
    }
}

impl Transfer {
    /// Starts to send a file, to be imported or only checked, with further parameters.
    ///
    /// # Errors
    ///
    /// When the browser will not.
    pub(super) fn start(
        file: &File,
        only_check: bool,
        options: Vec<(&'static str, String)>,
        on_sent: impl Fn(Sent) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let shared = Rc::new(Shared {
            fingerprint: Fingerprint::of(file, &told(only_check, &options)),
            request: RefCell::default(),
            location: RefCell::default(),
            is_dropped: Cell::default(),
        });
        let upload = Upload {
            only_check,
            metadata: metadata(&file.name(), only_check, &options)?,
            options,
            total: whole(file.size()),
            file: file.clone(),
            shared: Rc::clone(&shared),
        };
        leptos::task::spawn_local(async move {
            let end = upload.run(&on_sent).await;
            if !upload.shared.is_dropped.get() {
                on_sent(end);
            }
        });
        Ok(Self { shared })
    }
}

/// The most bytes that are sent in one request: widely used proxies take no more than 100 MB.
const PART: u64 = 64 << 20;

/// The price monitor refused the file, and the server has thrown the upload away: there is nothing to
/// take back.
const REFUSED: u16 = 422;

impl Drop for Transfer {
    fn drop(&mut self) {
        self.shared.is_dropped.set(true);
        if let Some(request) = self.shared.request.take() {
            // Only a request that was never opened cannot be aborted.
            let _ = request.abort();
        }
        // What has arrived is of no use to anybody. Whether this is heard does not matter: it expires.
        if let Some(location) = self.shared.location.take() {
            self.shared.fingerprint.forget();
            if let Ok(request) = opened("DELETE", &location) {
                let _ = request.send();
            }
        }
    }
}

/// An upload that goes on.
struct Upload {
    file: File,
    total: u64,
    only_check: bool,
    options: Vec<(&'static str, String)>,
    metadata: String,
    shared: Rc<Shared>,
}

/// What a request carries.
enum Body<'a> {
    Nothing,
    Part(&'a Blob),
    Form(&'a FormData),
}

/// How a request was answered.
struct Answer {
    status: u16,
    text: String,
    location: Option<String>,
    offset: Option<u64>,
    job: Option<JobId>,
}

impl Upload {
    /// Sends the file to its end, however often that breaks off.
    async fn run(&self, on_sent: &(impl Fn(Sent) + Clone + 'static)) -> Sent {
        let mut offset = 0;
        let mut tries = 0;
        let mut last_problem = None;
        let recalled = self.shared.fingerprint.recall();
        let mut is_recalled = recalled.is_some();
        self.shared.location.replace(recalled);
        while tries <= TRIES && !self.shared.is_dropped.get() {
            if tries > 0 {
                sleep(wait_before(tries)).await;
            }
            tries += 1;
            let known = self.shared.location.borrow().clone();
            let Some(location) = known else {
                let answer = self.create().await;
                match answer.location {
                    Some(location) if answer.status == 201 => {
                        self.shared.has_begun(location);
                        tries = 0;
                    }
                    _ if has_no_parts(answer.status) => return self.send_whole(on_sent).await,
                    _ => match end_of(&answer) {
                        End::Final(sent) => return sent,
                        End::Passing(problem) => last_problem = Some(problem),
                    },
                }
                continue;
            };
            if tries > 1 || is_recalled {
                // What arrived of the request that broke off?
                let answer = self.ask(&location).await;
                match (answer.status, answer.offset) {
                    (200, Some(there)) => {
                        if let Some(job) = answer.job {
                            self.shared.is_over();
                            return Sent::Started(job);
                        }
                        if there > offset {
                            tries = 1;
                        }
                        offset = there;
                        is_recalled = false;
                    }
                    // It was somebody else's in this browser, or it is too old.
                    (status, _) if is_recalled && has_no_parts(status) => {
                        self.shared.is_over();
                        is_recalled = false;
                        tries = 0;
                        continue;
                    }
                    (status, _) if has_no_parts(status) => return self.send_whole(on_sent).await,
                    _ => match end_of(&answer) {
                        End::Final(sent) => return sent,
                        End::Passing(problem) => {
                            last_problem = Some(problem);
                            continue;
                        }
                    },
                }
            }
            let answer = self.append(&location, offset, on_sent.clone()).await;
            if let (204, Some(job)) = (answer.status, answer.job.clone()) {
                self.shared.is_over();
                return Sent::Started(job);
            }
            if let (204, Some(there)) = (answer.status, answer.offset)
                && there > offset
            {
                (offset, tries) = (there, 0);
                continue;
            }
            if has_no_parts(answer.status) {
                return self.send_whole(on_sent).await;
            }
            if answer.status == REFUSED {
                self.shared.is_over();
            }
            match end_of(&answer) {
                End::Final(sent) => return sent,
                End::Passing(problem) => last_problem = Some(problem),
            }
        }
        // What has arrived stays for when it is sent again.
        self.shared.location.replace(None);
        Sent::Refused(last_problem.unwrap_or_else(not_arrived))
    }

    /// Sends the file in one piece. Should that break off, it is not known what came of it.
    async fn send_whole(&self, on_sent: &(impl Fn(Sent) + Clone + 'static)) -> Sent {
        self.shared.is_over();
        let Ok(form) = self.form() else {
            return Sent::Refused(not_arrived());
        };
        let (on_sent, total) = (on_sent.clone(), self.total);
        // What the form adds to the file does not matter.
        let on_bytes = move |sent: u64| {
            on_sent(Sent::Bytes {
                loaded: sent.min(total),
                total,
            });
        };
        let path = address(UPLOAD_PATH);
        let sending = self.request("POST", &path, &[], Body::Form(&form), on_bytes);
        let answer = sending.await;
        if let (201, Ok(UploadAnswer::Started { id })) =
            (answer.status, serde_json::from_str(&answer.text))
        {
            return Sent::Started(id);
        }
        match end_of(&answer) {
            End::Final(sent) => sent,
            End::Passing(problem) => Sent::Refused(problem),
        }
    }

    fn form(&self) -> Result<FormData, JsValue> {
        let form = FormData::new()?;
        if self.only_check {
            form.append_with_str(MODE_FIELD, ImportMode::Check.as_str())?;
        }
        for (name, value) in &self.options {
            form.append_with_str(name, value)?;
        }
        form.append_with_blob_and_filename("file", &self.file, &self.file.name())?;
        Ok(form)
    }

    async fn create(&self) -> Answer {
        let headers = [
            ("Upload-Length", self.total.to_string()),
            ("Upload-Metadata", self.metadata.clone()),
        ];
        let path = address(RESUMABLE_PATH);
        self.request("POST", &path, &headers, Body::Nothing, |_| {})
            .await
    }

    async fn ask(&self, location: &str) -> Answer {
        self.request("HEAD", location, &[], Body::Nothing, |_| {})
            .await
    }

    async fn append(
        &self,
        location: &str,
        offset: u64,
        on_sent: impl Fn(Sent) + 'static,
    ) -> Answer {
        let total = self.total;
        let end = (offset + PART).min(total);
        #[allow(clippy::cast_precision_loss)] // no file has 2^53 bytes
        let Ok(part) = self.file.slice_with_f64_and_f64(offset as f64, end as f64) else {
            return Answer::none();
        };
        let headers = [
            ("Upload-Offset", offset.to_string()),
            ("Content-Type", "application/offset+octet-stream".to_owned()),
        ];
        let on_bytes = move |sent: u64| {
            on_sent(Sent::Bytes {
                loaded: (offset + sent).min(total),
                total,
            });
        };
        self.request("PATCH", location, &headers, Body::Part(&part), on_bytes)
            .await
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Body<'_>,
        on_bytes: impl Fn(u64) + 'static,
    ) -> Answer {
        let Ok(request) = opened(method, path) else {
            return Answer::none();
        };
        for (name, value) in headers {
            let _ = request.set_request_header(name, value);
        }
        let (ended, end) = oneshot::channel();
        let ended = RefCell::new(Some(ended));
        let on_end = Closure::<dyn FnMut(web_sys::Event)>::new(move |_| {
            if let Some(ended) = ended.take() {
                let _ = ended.send(());
            }
        });
        let on_progress =
            Closure::<dyn FnMut(ev::ProgressEvent)>::new(move |event: ev::ProgressEvent| {
                on_bytes(whole(event.loaded()))
            });
        request.set_onloadend(Some(on_end.as_ref().unchecked_ref()));
        if !matches!(body, Body::Nothing)
            && let Ok(upload) = request.upload()
        {
            upload.set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
        }
        let sent = match body {
            Body::Part(part) => request.send_with_opt_blob(Some(part)),
            Body::Form(form) => request.send_with_opt_form_data(Some(form)),
            Body::Nothing => request.send(),
        };
        if sent.is_err() {
            return Answer::none();
        }
        self.shared.request.replace(Some(request.clone()));
        let _ = end.await;
        if let Ok(upload) = request.upload() {
            upload.set_onprogress(None);
        }
        request.set_onloadend(None);
        self.shared.request.replace(None);
        Answer::of(&request)
    }
}

impl Answer {
    /// No answer at all.
    fn none() -> Self {
        Self {
            status: 0,
            text: String::new(),
            location: None,
            offset: None,
            job: None,
        }
    }

    fn of(request: &XmlHttpRequest) -> Self {
        let header = |name| request.get_response_header(name).ok().flatten();
        Self {
            status: request.status().unwrap_or_default(),
            text: request.response_text().ok().flatten().unwrap_or_default(),
            location: header("Location"),
            offset: header("Upload-Offset").and_then(|offset| offset.parse().ok()),
            job: header("Import-Job").and_then(|job| job.parse().ok()),
        }
    }
}

fn opened(method: &str, path: &str) -> Result<XmlHttpRequest, JsValue> {
    let request = XmlHttpRequest::new()?;
    request.open_with_async(method, path, true)?;
    request.set_request_header("Tus-Resumable", "1.0.0")?;
    request.set_request_header("Accept", "application/json")?;
    Ok(request)
}

async fn sleep(time: Duration) {
    let (over, wait) = oneshot::channel();
    let over = move || {
        let _ = over.send(());
    };
    set_timeout(over, time);
    let _ = wait.await;
}

/// Twice as long each time.
fn wait_before(tries: u32) -> Duration {
    FIRST_WAIT
        .saturating_mul(1 << tries.saturating_sub(1).min(10))
        .min(LONGEST_WAIT)
}

/// Says what is to be done with a file, to tell its uploads apart.
fn told(only_check: bool, options: &[(&'static str, String)]) -> String {
    let mut told = only_check.to_string();
    for (name, value) in options {
        told.push_str(&format!(" {name}={value}"));
    }
    told
}

/// The file's name, and what is to be done with it, as tus writes it: in Base64, of UTF-8.
fn metadata(
    name: &str,
    only_check: bool,
    options: &[(&'static str, String)],
) -> Result<String, JsValue> {
    let bytes: String = name.bytes().map(char::from).collect();
    let mut metadata = format!("filename {}", window().btoa(&bytes)?);
    if only_check {
        let mode = window().btoa(ImportMode::Check.as_str())?;
        metadata.push_str(&format!(",{MODE_FIELD} {mode}"));
    }
    for (name, value) in options {
        metadata.push_str(&format!(",{name} {}", window().btoa(value)?));
    }
    Ok(metadata)
}

/// Whether the server has no parts of uploads, or none of this one, so that it must come in one piece.
fn has_no_parts(status: u16) -> bool {
    matches!(status, 404 | 405 | 410 | 501 | 507)
}

/// What an answer means that is not what was hoped for.
#[derive(Debug, Eq, PartialEq)]
enum End {
    /// The upload is over.
    Final(Sent),
    /// The next try may do better. This is told should there be none.
    Passing(Reason),
}

fn end_of(answer: &Answer) -> End {
    end(answer.status, &answer.text)
}

fn end(status: u16, text: &str) -> End {
    let said = match serde_json::from_str(text) {
        Ok(UploadAnswer::Refused(body)) => Some(Reason::from(body)),
        _ => None,
    };
    match (status, said) {
        // The server itself says what is the matter; a proxy before it has no such words.
        (502 | 503, Some(said)) => End::Final(Sent::Refused(said)),
        (status, said) => end_by_status(status, said),
    }
}

fn end_by_status(status: u16, said: Option<Reason>) -> End {
    match status {
        401 => End::Final(Sent::SignedOut),
        // No answer at all: the network, or a server that is starting again.
        0 => End::Passing(not_arrived()),
        408 | 409 | 423 | 425 | 502..=504 => End::Passing(said.unwrap_or_else(not_arrived)),
        413 => End::Final(Sent::Refused(
            said.unwrap_or_else(|| ErrorCode::TooLargeForServer.into()),
        )),
        _ => End::Final(Sent::Refused(
            said.unwrap_or_else(|| ErrorCode::UploadFailed.into()),
        )),
    }
}

fn not_arrived() -> Reason {
    ErrorCode::UploadUnreachable.into()
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
            end(422, r#"{"error":"No header."}"#),
            End::Final(Sent::Refused(Reason::words("No header.")))
        );
        assert_eq!(end(401, ""), End::Final(Sent::SignedOut));
        for (status, body) in [(413, "<html>"), (500, "<html>"), (400, "")] {
            assert!(
                matches!(end(status, body), End::Final(Sent::Refused(text)) if !text.is_empty())
            );
        }
        assert_eq!(
            end(503, r#"{"error":"The price monitor cannot be reached."}"#),
            End::Final(Sent::Refused(Reason::words(
                "The price monitor cannot be reached."
            )))
        );
        for status in [0, 408, 423, 502] {
            assert!(matches!(end(status, "<html>"), End::Passing(text) if !text.is_empty()));
        }
    }

    #[test]
    fn a_server_without_parts_gets_the_file_in_one_piece() {
        for status in [404, 405, 507] {
            assert!(has_no_parts(status));
        }
        for status in [0, 201, 401, 409, 413, 422, 423, 500, 503] {
            assert!(!has_no_parts(status));
        }
    }

    #[test]
    fn it_is_tried_again_after_longer_and_longer_waits() {
        assert_eq!(wait_before(1), Duration::from_secs(1));
        assert_eq!(wait_before(3), Duration::from_secs(4));
        assert_eq!(wait_before(40), Duration::from_secs(30));
    }
}
