//! Uploads files one after the other, and lists their results.

use std::collections::VecDeque;

use leptos::prelude::*;
use send_wrapper::SendWrapper;
use web_sys::File;

use super::transfer::{Choices, Sent, Transfer};
use crate::{
    i18n::messages::ErrorCode,
    islands::parts::locale::use_locale,
    model::{base_path::address, job::JobId, reason::Reason},
};

/// State of the form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    Ready,
    /// Uploading: bytes sent and in total.
    Sending(u64, u64),
    /// Rejected by the form or the server.
    Refused(Reason),
    SignedOut,
}

/// The result of a file.
#[derive(Clone, Debug, PartialEq)]
struct Ended {
    name: String,
    came_of_it: Result<JobId, Reason>,
}

/// A waiting file.
struct Waiting {
    file: File,
    choices: Choices,
    /// Where an earlier upload of it stopped.
    left_at: Option<String>,
}

/// Files to upload one after the other.
#[derive(Clone, Copy)]
pub(super) struct Queue {
    pub(super) stage: RwSignal<Stage>,
    // Wrapped only in the browser: on the server a wrapper must not change threads.
    waiting: StoredValue<VecDeque<SendWrapper<Waiting>>>,
    names: RwSignal<Vec<String>>,
    ended: RwSignal<Vec<Ended>>,
    /// Whether there are several files: then no import's page is opened.
    is_several: StoredValue<bool>,
    transfer: StoredValue<Option<SendWrapper<Transfer>>>,
    /// Whether the browser is opening the import's page.
    is_leading: StoredValue<bool>,
    /// Whether the user has started to leave the page during an upload.
    is_left: StoredValue<bool>,
}

impl Queue {
    pub(super) fn new(stage: Stage) -> Self {
        Self {
            stage: RwSignal::new(stage),
            waiting: StoredValue::default(),
            names: RwSignal::default(),
            ended: RwSignal::default(),
            is_several: StoredValue::new(false),
            transfer: StoredValue::new(None),
            is_leading: StoredValue::new(false),
            is_left: StoredValue::new(false),
        }
    }

    pub(super) fn is_sending(self) -> bool {
        self.stage
            .with_untracked(|stage| matches!(stage, Stage::Sending(..)))
    }

    /// Returns whether there are results. Tracked.
    pub(super) fn has_told(self) -> bool {
        self.ended.with(|ended| !ended.is_empty())
    }

    /// Uploads files after those before them.
    pub(super) fn add(self, files: Vec<File>, choices: &Choices) {
        for file in files {
            self.add_one(file, choices.clone(), None);
        }
    }

    /// Resumes an upload.
    pub(super) fn resume(self, file: File, location: String) {
        self.add_one(file, Choices::default(), Some(location));
    }

    /// Lists a file that cannot be sent, with the reason.
    pub(super) fn refuse(self, file: &File, reason: Reason) {
        self.is_several.set_value(true);
        let (name, came_of_it) = (file.name(), Err(reason));
        self.ended
            .update(|ended| ended.push(Ended { name, came_of_it }));
    }

    fn add_one(self, file: File, choices: Choices, left_at: Option<String>) {
        if !self.is_sending() {
            self.ended.set(Vec::new());
            self.is_several.set_value(false);
            self.is_left.set_value(false);
            self.send(Waiting {
                file,
                choices,
                left_at,
            });
            return;
        }
        self.is_several.set_value(true);
        self.names.update(|names| names.push(file.name()));
        let waiting = SendWrapper::new(Waiting {
            file,
            choices,
            left_at,
        });
        self.waiting.update_value(|all| all.push_back(waiting));
    }

    /// Cancels the current upload, and forgets waiting files.
    pub(super) fn cancel(self) {
        self.waiting.update_value(VecDeque::clear);
        self.names.set(Vec::new());
        self.transfer.set_value(None);
        self.stage.set(Stage::Ready);
    }

    /// Returns whether leaving the page needs a confirmation.
    pub(super) fn asks_before_leaving(self) -> bool {
        let asks = self.is_sending() && !self.is_leading.get_value();
        if asks {
            self.is_left.set_value(true);
        }
        asks
    }

    fn send(self, waiting: Waiting) {
        let name = waiting.file.name();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a size is whole
        let size = waiting.file.size() as u64;
        self.stage.set(Stage::Sending(0, size));
        let Waiting {
            file,
            choices,
            left_at,
        } = waiting;
        let started = Transfer::start(&file, choices, left_at, move |sent| match sent {
            Sent::Bytes { loaded, total } => self.stage.set(Stage::Sending(loaded, total)),
            Sent::SignedOut => {
                self.cancel();
                self.stage.set(Stage::SignedOut);
            }
            Sent::Refused(reason) => self.has_ended(name.clone(), Err(reason)),
            Sent::Started(id) => self.has_ended(name.clone(), Ok(id)),
        });
        match started {
            Ok(started) => self.transfer.set_value(Some(SendWrapper::new(started))),
            Err(_) => self.has_ended(file.name(), Err(ErrorCode::BrowserCannotRead.into())),
        }
    }

    fn has_ended(self, name: String, came_of_it: Result<JobId, Reason>) {
        let next = self.waiting.try_update_value(VecDeque::pop_front).flatten();
        let is_several = self.is_several.get_value();
        // Users who have started to go elsewhere are not redirected.
        let is_led = !is_several && !self.is_left.get_value();
        match &came_of_it {
            Ok(id) if is_led => {
                self.is_leading.set_value(true);
                // Fails only for an invalid URL.
                let _ = window().location().set_href(&page_of(id));
                return;
            }
            Err(reason) if !is_several => {
                self.stage.set(Stage::Refused(reason.clone()));
                return;
            }
            _ => {}
        }
        self.ended
            .update(|ended| ended.push(Ended { name, came_of_it }));
        self.stage.set(Stage::Ready);
        if let Some(next) = next {
            self.names.update(|names| {
                names.remove(0);
            });
            self.send(next.take());
        }
    }
}

fn page_of(id: &JobId) -> String {
    address(&format!("/imports/{id}"))
}

/// Lists waiting files and results.
#[component]
pub(super) fn Queued(queue: Queue) -> impl IntoView {
    let t = use_locale();
    let waiting = move || {
        let names = queue.names.get();
        (!names.is_empty()).then(|| {
            t.fill(
                "Next: {names}",
                "Danach: {names}",
                &[("names", &names.join(", "))],
            )
        })
    };
    let ended = move || {
        let ended = queue.ended.get();
        let line = |ended: Ended| {
            let came_of_it = match ended.came_of_it {
                Ok(id) => {
                    let words = t.say("Import started", "Import gestartet");
                    view! { <a href=page_of(&id)>{words}</a> }.into_any()
                }
                Err(reason) => t.reason(&reason).into_any(),
            };
            view! { <li>{ended.name} ": " {came_of_it}</li> }
        };
        ended.into_iter().map(line).collect_view()
    };
    view! {
        <p class="upload-queue" role="status" translate="no" data-testid="upload-queue">
            {waiting}
        </p>
        <ul class="upload-ended" aria-live="polite" translate="no" data-testid="upload-ended">
            {ended}
        </ul>
    }
}
