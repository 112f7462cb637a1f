//! The live progress of one import as signals.

use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::abortable,
};
use gloo_timers::callback::Interval;
use leptos::{prelude::*, task::spawn_local};

use super::{
    event_source::{Listener, Source},
    follower::{Action, Event, Follower, View},
};
use crate::{
    api::progress::{job_state, progress_url},
    job::{ImportProgress, ImportStatus, JobId, ProductImportJob},
};

/// How often a follower looks at the clock.
const TICK_MILLIS: u32 = 1_000;

/// How the browser stands to the progress stream.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Connection {
    /// Nothing is open, and nothing will be: the job is over.
    #[default]
    Closed,
    /// The first connection is being made.
    Connecting,
    /// The stream is open and alive.
    Open,
    /// The stream was lost; the browser, or the hook, is getting it back.
    Reconnecting,
    /// The server said what ends it for good: signed out, or no such import.
    Refused,
}

/// What [`use_product_import_progress`] gives. Each signal changes only when its own value does.
#[derive(Clone, Copy, Debug)]
pub struct UseProductImportProgressReturn {
    /// The newest known counts.
    pub progress: Signal<ImportProgress>,
    /// Where the import stands. A lost connection does not change it.
    pub status: Signal<ImportStatus>,
    /// What is wrong with the job or with the connection, for the user to read.
    pub error: Signal<Option<String>>,
    /// Whether the first state is still to come.
    pub loading: Signal<bool>,
    /// How the browser stands to the stream.
    pub connection: Signal<Connection>,
}

/// Follows the progress of an import over Server-Sent Events.
///
/// A job that is over opens no connection: its own values are the answer, at once. For a pending one
/// an `EventSource` is opened on [`progress_url`]; when `job` becomes another job, the stream is
/// changed too. A lost connection is not a failed job: `status` stays, and after three seconds
/// `error` says "Connection error" until the stream is back. Unreadable data sets `error` to "Failed
/// to parse progress data".
///
/// While the browser reconnects by itself the hook leaves it alone. When the stream was refused, or
/// silent for two and a half heartbeats, the hook asks the server what is the matter: signed out and
/// not found are final, a finished job gives its state, and all else is tried again with growing,
/// jittered delays, at once when the browser comes online or the page becomes visible.
///
/// Dropping the reactive owner closes the `EventSource` and frees its listeners. On the server the
/// hook gives the job's own values and opens nothing.
///
/// # Example
///
/// ```
/// use import_relay::{hooks::use_product_import_progress, job::ProductImportJob};
/// use leptos::prelude::*;
///
/// #[component]
/// fn Progress(job: ProductImportJob) -> impl IntoView {
///     let import = use_product_import_progress(job);
///     view! {
///         <p>
///             {move || import.progress.get().processed_products} " of "
///             {move || import.progress.get().total_products} " products: "
///             {move || import.status.get().to_string()}
///         </p>
///         <p role="alert">{move || import.error.get()}</p>
///     }
/// }
/// ```
pub fn use_product_import_progress(
    job: impl Into<Signal<ProductImportJob>>,
) -> UseProductImportProgressReturn {
    let job = job.into();
    let view = RwSignal::new(job.with_untracked(View::of));
    // A newer record of the same unfinished job must not open its stream anew.
    let key = Memo::new(move |_| job.with(|job| (job.id.clone(), job.status)));
    Effect::new(move || {
        key.track();
        let job = job.get_untracked();
        view.set(View::of(&job));
        if !job.status.is_final() {
            follow(job, view);
        }
    });
    UseProductImportProgressReturn {
        progress: Memo::new(move |_| view.with(|view| view.progress)).into(),
        status: Memo::new(move |_| view.with(|view| view.status)).into(),
        error: Memo::new(move |_| view.with(|view| view.error.clone())).into(),
        loading: Memo::new(move |_| view.with(|view| view.loading)).into(),
        connection: Memo::new(move |_| view.with(|view| view.connection)).into(),
    }
}

/// Follows a job until it is over or the current owner is cleaned up.
fn follow(job: ProductImportJob, view: RwSignal<View>) {
    let (events, incoming) = unbounded();
    let (task, handle) = abortable(Task::new(&job, events, view).run(incoming));
    spawn_local(async move {
        // Aborted or over: both are an end.
        let _ = task.await;
    });
    on_cleanup(move || handle.abort());
}

/// The browser's side of one follower. Dropping it closes the stream.
struct Task {
    job: JobId,
    follower: Follower,
    source: Option<Source>,
    events: UnboundedSender<Event>,
    view: RwSignal<View>,
    _ticks: Interval,
    _listeners: Vec<Listener>,
}

impl Task {
    fn new(job: &ProductImportJob, events: UnboundedSender<Event>, view: RwSignal<View>) -> Self {
        let ticks = Interval::new(TICK_MILLIS, emitter(&events, || Some(Event::Tick)));
        let listeners = [
            Listener::new(&window(), "online", emitter(&events, || Some(Event::Awake))),
            Listener::new(
                &document(),
                "visibilitychange",
                emitter(&events, || (!document().hidden()).then_some(Event::Awake)),
            ),
        ];
        Self {
            job: job.id.clone(),
            follower: Follower::new(job, js_sys::Date::now()),
            source: None,
            events,
            view,
            _ticks: ticks,
            _listeners: listeners.into_iter().flatten().collect(),
        }
    }

    async fn run(mut self, mut incoming: UnboundedReceiver<Event>) {
        log(&format!("Connecting to the progress of job {}", self.job));
        self.open();
        while let Some(event) = incoming.next().await {
            self.report(&event);
            match self
                .follower
                .step(event, js_sys::Date::now(), js_sys::Math::random())
            {
                Action::Wait => {}
                Action::Open => {
                    log(&format!("Reconnecting to the progress of job {}", self.job));
                    self.open();
                }
                Action::Ask => {
                    self.source = None;
                    self.ask();
                }
                Action::Finish => {
                    log(&format!("Closing the progress of job {}", self.job));
                    self.source = None;
                    self.show();
                    return;
                }
            }
            self.show();
        }
    }

    fn report(&self, event: &Event) {
        match event {
            Event::Opened => log(&format!("Connected to the progress of job {}", self.job)),
            Event::Interrupted | Event::GivenUp => {
                log(&format!("Reconnecting to the progress of job {}", self.job));
            }
            _ => {}
        }
    }

    fn open(&mut self) {
        let events = self.events.clone();
        // A receiver that is gone has been told the end.
        let emit = move |event| drop(events.unbounded_send(event));
        match Source::open(&progress_url(&self.job), emit) {
            Ok(source) => self.source = Some(source),
            Err(_) => drop(self.events.unbounded_send(Event::GivenUp)),
        }
    }

    fn ask(&self) {
        let (job, events) = (self.job.clone(), self.events.clone());
        spawn_local(async move {
            let answer = job_state(job).await;
            drop(events.unbounded_send(Event::Answered(answer)));
        });
    }

    fn show(&self) {
        let view = self.follower.view(js_sys::Date::now());
        // Once the owner is gone there is nobody to show anything to.
        if self.view.try_with_untracked(|shown| *shown != view) == Some(true) {
            self.view.set(view);
        }
    }
}

fn emitter(
    events: &UnboundedSender<Event>,
    event: impl Fn() -> Option<Event> + 'static,
) -> impl FnMut() + 'static {
    let events = events.clone();
    move || {
        if let Some(event) = event() {
            drop(events.unbounded_send(event));
        }
    }
}

fn log(text: &str) {
    web_sys::console::log_1(&text.into());
}
