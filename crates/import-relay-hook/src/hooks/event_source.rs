//! A browser's `EventSource` (WHATWG HTML, section 9.2) that closes when it is dropped.

use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{EventSource, EventSourceInit, MessageEvent};

use super::{
    UseProgressOptions,
    early::{Early, EarlyStream},
    follower::StreamEvent,
    tab_leader::Wants,
};
use crate::model::{
    job::JobId,
    progress::{JobsPerStream, jobs_progress_path, new_jobs_progress_path, progress_path},
};

/// An open `EventSource` and its listeners.
pub(super) struct Source {
    source: EventSource,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_named: Vec<Closure<dyn FnMut(MessageEvent)>>,
    _on_error: Closure<dyn FnMut()>,
}

impl Source {
    /// Opens a stream and passes its events to `emit`. A single job has its own URL; if the page opened it early, that
    /// stream is used.
    ///
    /// # Errors
    ///
    /// If the browser rejects the URL.
    pub(super) fn open(
        wants: &Wants,
        early: Option<Early>,
        options: &UseProgressOptions,
        emit: impl Fn(StreamEvent) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let (url, job) = address(wants, options);
        let early = early.and_then(|mut early| early.take_stream(&url));
        let source = match &early {
            Some(early) => early.source.clone(),
            None if options.with_credentials => with_credentials_too(&url)?,
            None => EventSource::new(&url)?,
        };
        Self::listen(source, job, early, emit)
    }

    /// Opens the stream of one import at another URL.
    ///
    /// # Errors
    ///
    /// If the browser rejects the URL.
    pub(super) fn open_at(
        url: &str,
        emit: impl Fn(StreamEvent) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        Self::listen(EventSource::new(url)?, None, None, emit)
    }

    fn listen(
        source: EventSource,
        job: Option<JobId>,
        early: Option<EarlyStream>,
        emit: impl Fn(StreamEvent) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        if let Some(early) = early {
            if source.ready_state() == EventSource::OPEN {
                emit(StreamEvent::Opened);
            }
            let message = early.message.map(|text| StreamEvent::Message {
                job: job.clone(),
                text,
            });
            let upstream = early.upstream.map(StreamEvent::Upstream);
            message.into_iter().chain(upstream).for_each(&emit);
        }
        let on_open = Closure::new({
            let emit = emit.clone();
            move || emit(StreamEvent::Opened)
        });
        let on_message = Closure::new({
            let emit = emit.clone();
            move |event: MessageEvent| {
                let (job, text) = (job.clone(), text_of(&event));
                emit(StreamEvent::Message { job, text });
            }
        });
        let on_error = Closure::new({
            let (source, emit) = (source.clone(), emit.clone());
            move || {
                let is_closed = source.ready_state() == EventSource::CLOSED;
                emit(if is_closed {
                    StreamEvent::GivenUp
                } else {
                    StreamEvent::Interrupted
                });
            }
        });
        let mut on_named = Vec::new();
        for name in StreamEvent::NAMES {
            let emit = emit.clone();
            let listener = Closure::new(move |event: MessageEvent| {
                if let Some(event) = StreamEvent::named(name, text_of(&event)) {
                    emit(event);
                }
            });
            source.add_event_listener_with_callback(name, function(&listener))?;
            on_named.push(listener);
        }
        source.set_onopen(Some(function(&on_open)));
        source.set_onmessage(Some(function(&on_message)));
        source.set_onerror(Some(function(&on_error)));
        Ok(Self {
            source,
            _on_open: on_open,
            _on_message: on_message,
            _on_named: on_named,
            _on_error: on_error,
        })
    }
}

/// Returns the URL of a stream, and its job if it is for a single one.
pub(super) fn address(wants: &Wants, options: &UseProgressOptions) -> (String, Option<JobId>) {
    let (path, job) = match wants.jobs.as_slice() {
        [job] if !wants.new => (progress_path(job), Some(job.clone())),
        jobs if wants.new => (new_jobs_progress_path(jobs), None),
        jobs => (jobs_progress_path(jobs), None),
    };
    (options.address(&path), job)
}

fn with_credentials_too(url: &str) -> Result<EventSource, JsValue> {
    let options = EventSourceInit::new();
    options.set_with_credentials(true);
    EventSource::new_with_event_source_init_dict(url, &options)
}

/// Returns the data of an event, which is always a string.
fn text_of(event: &MessageEvent) -> String {
    event.data().as_string().unwrap_or_default()
}

impl Drop for Source {
    fn drop(&mut self) {
        // A closed EventSource dispatches no events, so its listeners may be dropped.
        self.source.set_onopen(None);
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}

/// Returns the maximum jobs of one stream, from the page.
pub(super) fn jobs_per_stream() -> JobsPerStream {
    let name = format!("meta[name={}]", JobsPerStream::NAME);
    let meta = document().query_selector(&name).ok().flatten();
    let most = meta.and_then(|meta| meta.get_attribute("content")?.parse().ok());
    most.map(JobsPerStream).unwrap_or_default()
}

/// A listener on `window` or `document` that is removed when it is dropped.
pub(super) struct Listener {
    target: web_sys::EventTarget,
    name: &'static str,
    callback: Closure<dyn FnMut()>,
}

impl Listener {
    /// Calls back at every event of that name.
    pub(super) fn new(
        target: &web_sys::EventTarget,
        name: &'static str,
        callback: impl FnMut() + 'static,
    ) -> Result<Self, JsValue> {
        let callback = Closure::new(callback);
        target.add_event_listener_with_callback(name, function(&callback))?;
        Ok(Self {
            target: target.clone(),
            name,
            callback,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It fails only if there is nothing to remove.
        let _ = self
            .target
            .remove_event_listener_with_callback(self.name, function(&self.callback));
    }
}

fn function<T: ?Sized>(closure: &Closure<T>) -> &js_sys::Function {
    closure.as_ref().unchecked_ref()
}
