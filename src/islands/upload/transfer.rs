//! Uploads a file and reports progress. Resumes after interruptions and reloads by the tus protocol 1.0. Sends the
//! file as one request if the server does not offer tus, a proxy blocks it, or another instance does not know the
//! upload.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use gloo_net::http::Method;
use gloo_timers::future::sleep;
use leptos::{prelude::window, task::spawn_local};
use web_sys::{File, FormData, XmlHttpRequest, wasm_bindgen::JsValue};

use super::{
    answer::{Answer, End, not_arrived},
    request::{Body, ask, send, throw_away, whole},
    unfinished::Unfinished,
};
use crate::model::{
    base_path::address,
    job::{ImportMode, JobId},
    reason::Reason,
    upload::{MODE_FIELD, RESUMABLE_PATH, UPLOAD_PATH, UploadAnswer},
};

/// Attempts without progress.
const TRIES: u32 = 8;
/// Delay before the first retry.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest delay before a retry.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Maximum and minimum bytes of a part: widely used proxies allow 100 MB, some a tenth of that, and nginx 1 MB by
/// default.
const LARGEST_PART: u64 = 32 << 20;
const SMALLEST_PART: u64 = 256 << 10;
/// The price monitor rejected the file, and the server has deleted the upload.
const REFUSED: u16 = 422;

/// Progress of an upload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Sent {
    Bytes {
        /// Sent bytes.
        loaded: u64,
        /// Total bytes.
        total: u64,
    },
    Started(JobId),
    SignedOut,
    /// Rejected, or not arrived.
    Refused(Reason),
}

/// What to do with a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Choices {
    /// Whether it is a dry run.
    pub(super) only_check: bool,
    /// Further parameters.
    pub(super) options: Vec<(&'static str, String)>,
}

/// A running upload. Dropping it cancels it.
pub(super) struct Transfer {
    shared: Rc<Shared>,
}

/// Shared by the running upload and its owner.
struct Shared {
    request: RefCell<Option<XmlHttpRequest>>,
    /// URL of the upload, once created.
    location: RefCell<Option<String>>,
    is_dropped: Cell<bool>,
}

impl Transfer {
    /// Starts an upload, or resumes one.
    ///
    /// # Errors
    ///
    /// If the browser refuses.
    pub(super) fn start(
        file: &File,
        choices: Choices,
        left_at: Option<String>,
        on_sent: impl Fn(Sent) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let shared = Rc::new(Shared {
            request: RefCell::default(),
            location: RefCell::default(),
            is_dropped: Cell::default(),
        });
        let upload = Upload {
            metadata: metadata(&file.name(), &choices)?,
            choices,
            left_at,
            total: whole(file.size()),
            part: Cell::new(LARGEST_PART),
            file: file.clone(),
            shared: Rc::clone(&shared),
        };
        spawn_local(async move {
            let end = upload.run(&on_sent).await;
            if !upload.shared.is_dropped.get() {
                on_sent(end);
            }
        });
        Ok(Self { shared })
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.shared.is_dropped.set(true);
        if let Some(request) = self.shared.request.take() {
            // Fails only for a request that was never opened.
            let _ = request.abort();
        }
        // The received part is not needed any more.
        if let Some(location) = self.shared.location.take() {
            Unfinished::forget(&location);
            spawn_local(throw_away(location));
        }
    }
}

struct Upload {
    file: File,
    total: u64,
    choices: Choices,
    metadata: String,
    left_at: Option<String>,
    /// Bytes of the next part.
    part: Cell<u64>,
    shared: Rc<Shared>,
}

impl Upload {
    /// Records that the upload was created.
    fn has_begun(&self, location: String) {
        if self.shared.is_dropped.get() {
            // Cancelled meanwhile.
            spawn_local(throw_away(location));
            return;
        }
        Unfinished::new(&self.file, &self.told(), &location).remember();
        self.shared.location.replace(Some(location));
    }

    /// Records that there is nothing left to resume or delete.
    fn is_over(&self) -> Option<String> {
        let location = self.shared.location.take()?;
        Unfinished::forget(&location);
        Some(location)
    }

    /// Sends the file to its end, resuming after interruptions.
    async fn run(&self, on_sent: &(impl Fn(Sent) + Clone + 'static)) -> Sent {
        let mut offset = 0;
        let mut tries = 0;
        let mut last_problem = None;
        let recalled = self.left_at.clone().or_else(|| {
            let left = Unfinished::find()?;
            left.is_of(&self.file, &self.told())
                .then_some(left.location)
        });
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
                match &answer.location {
                    Some(location) if answer.status == 201 => {
                        self.has_begun(location.clone());
                        tries = 0;
                    }
                    _ if answer.lets_no_part_through() => return self.send_whole(on_sent).await,
                    _ => match answer.end() {
                        End::Final(sent) => return sent,
                        End::Passing(problem) => last_problem = Some(problem),
                    },
                }
                continue;
            };
            if tries > 1 || is_recalled {
                // How much of the interrupted request arrived?
                let answer = ask(Method::HEAD, &location, &[]).await;
                match (answer.status, answer.offset) {
                    (200, Some(there)) => {
                        if let Some(job) = answer.job {
                            self.is_over();
                            return Sent::Started(job);
                        }
                        if there > offset {
                            tries = 1;
                        }
                        offset = there;
                        is_recalled = false;
                    }
                    // It belongs to another user of this browser, or has expired.
                    _ if is_recalled && answer.has_no_parts() => {
                        self.is_over();
                        is_recalled = false;
                        tries = 0;
                        continue;
                    }
                    _ if answer.has_no_parts() => return self.send_whole(on_sent).await,
                    _ => match answer.end() {
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
                self.is_over();
                return Sent::Started(job);
            }
            if let (204, Some(there)) = (answer.status, answer.offset)
                && there > offset
            {
                (offset, tries) = (there, 0);
                continue;
            }
            let sent = self.part.get().min(self.total - offset);
            if answer.wants_smaller_parts() && sent > SMALLEST_PART {
                self.part.set((sent / 2).max(SMALLEST_PART));
                tries = 0;
                continue;
            }
            if answer.lets_no_part_through() {
                return self.send_whole(on_sent).await;
            }
            if answer.status == REFUSED {
                self.is_over();
            }
            match answer.end() {
                End::Final(sent) => return sent,
                End::Passing(problem) => last_problem = Some(problem),
            }
        }
        // Keeps what has arrived, to resume later.
        self.shared.location.replace(None);
        Sent::Refused(last_problem.unwrap_or_else(not_arrived))
    }

    /// Sends the file as one request. After an interruption the result is unknown.
    async fn send_whole(&self, on_sent: &(impl Fn(Sent) + Clone + 'static)) -> Sent {
        if let Some(location) = self.is_over() {
            spawn_local(throw_away(location));
        }
        if self.shared.is_dropped.get() {
            return Sent::Refused(not_arrived());
        }
        let Ok(form) = self.form() else {
            return Sent::Refused(not_arrived());
        };
        let (on_sent, total) = (on_sent.clone(), self.total);
        // Other form data is small enough to ignore.
        let on_bytes = move |sent: u64| {
            on_sent(Sent::Bytes {
                loaded: sent.min(total),
                total,
            });
        };
        let path = address(UPLOAD_PATH);
        let current = &self.shared.request;
        let answer = send("POST", &path, &[], Body::Form(&form), current, on_bytes).await;
        if let (201, Ok(UploadAnswer::Started { id })) =
            (answer.status, serde_json::from_str(&answer.text))
        {
            return Sent::Started(id);
        }
        match answer.end() {
            End::Final(sent) => sent,
            End::Passing(problem) => Sent::Refused(problem),
        }
    }

    fn form(&self) -> Result<FormData, JsValue> {
        let form = FormData::new()?;
        if self.choices.only_check {
            form.append_with_str(MODE_FIELD, ImportMode::Check.as_str())?;
        }
        for (name, value) in &self.choices.options {
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
        ask(Method::POST, &address(RESUMABLE_PATH), &headers).await
    }

    async fn append(
        &self,
        location: &str,
        offset: u64,
        on_sent: impl Fn(Sent) + 'static,
    ) -> Answer {
        let total = self.total;
        let end = (offset + self.part.get()).min(total);
        #[allow(clippy::cast_precision_loss)] // no file has 2^53 bytes
        let Ok(part) = self.file.slice_with_f64_and_f64(offset as f64, end as f64) else {
            return Answer::default();
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
        let current = &self.shared.request;
        send(
            "PATCH",
            location,
            &headers,
            Body::Part(&part),
            current,
            on_bytes,
        )
        .await
    }

    /// Returns what to do with the file, to distinguish uploads.
    fn told(&self) -> String {
        let mut told = self.choices.only_check.to_string();
        for (name, value) in &self.choices.options {
            told.push_str(&format!(" {name}={value}"));
        }
        told
    }
}

/// Doubles with each try.
fn wait_before(tries: u32) -> Duration {
    FIRST_WAIT
        .saturating_mul(1 << tries.saturating_sub(1).min(10))
        .min(LONGEST_WAIT)
}

/// Returns `Upload-Metadata` with the file's name and options, in Base64 of UTF-8.
fn metadata(name: &str, choices: &Choices) -> Result<String, JsValue> {
    let bytes: String = name.bytes().map(char::from).collect();
    let mut metadata = format!("filename {}", window().btoa(&bytes)?);
    if choices.only_check {
        let mode = window().btoa(ImportMode::Check.as_str())?;
        metadata.push_str(&format!(",{MODE_FIELD} {mode}"));
    }
    for (name, value) in &choices.options {
        metadata.push_str(&format!(",{name} {}", window().btoa(value)?));
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_again_after_longer_and_longer_waits() {
        assert_eq!(wait_before(1), Duration::from_secs(1));
        assert_eq!(wait_before(3), Duration::from_secs(4));
        assert_eq!(wait_before(40), Duration::from_secs(30));
    }
}
