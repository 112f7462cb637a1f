//! Follows one import as signals.

use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::{Connection, ProgressError, UseProgressOptions, feed, follower::View};
use crate::model::job::{ImportProgress, ImportStatus, JobId, ProductImportJob, UnixMillis};

/// Return value of [`use_product_import_progress`]. Each signal changes only with its own value.
#[derive(Clone, Copy, Debug)]
pub struct UseProductImportProgressReturn {
    /// The newest counts.
    pub progress: Signal<ImportProgress>,
    /// The status. A lost connection does not change it.
    pub status: Signal<ImportStatus>,
    /// What is wrong with the job or the connection. Its `Display` is for the user.
    pub error: Signal<Option<ProgressError>>,
    /// Whether no state has arrived yet.
    pub loading: Signal<bool>,
    /// The state of the connection.
    pub connection: Signal<Connection>,
    /// When the import ended; `None` before.
    pub completed_at: Signal<Option<UnixMillis>>,
    /// The SKUs of the products that failed, once it is over; `None` while they are not known. An end that was just told
    /// names no more than a hundred.
    pub failed_product_skus: Signal<Option<Vec<String>>>,
    /// Whether the import is followed ([`open`](Self::open), [`close`](Self::close)).
    pub followed: RwSignal<bool>,
}

/// Follows the progress of an import over Server-Sent Events.
///
/// For an unfinished job it opens an `EventSource` on
/// [`progress_url`](crate::model::progress::progress_url), and changes it with `job`. A finished job needs
/// no connection. All hooks of a page share one stream, and so do all tabs of a browser that has Web Locks.
///
/// A lost connection is not a failed job: `status` stays, and after three seconds `error` is "Connection
/// error" until the stream is back. Unreadable data sets `error` to "Failed to parse progress data".
///
/// The browser reconnects by itself after a broken connection. When the stream was refused, or was silent
/// for two and a half heartbeats, the hook requests the state from the server: signed out and not found are
/// final, a finished job gives its state, and anything else is retried with growing, jittered delays, or at
/// once when the browser comes online or the page becomes visible.
///
/// Dropping the reactive owner closes the `EventSource` and its listeners, and so does
/// [`close`](UseProductImportProgressReturn::close). On the server the hook returns the job's own values and opens
/// nothing.
///
/// # Compared with `use_event_source`
///
/// leptos-use's `use_event_source` is for any stream: it takes an address and a codec, and gives the newest message,
/// the ready state and the browser's error event. This hook is for this stream alone, and takes a job:
///
/// | | `leptos_use::use_event_source` | this hook |
/// | --- | --- | --- |
/// | data | the newest message by a codec, `None` until one comes | counts, status and error as a signal each, from the first render on |
/// | end | the caller closes | a final state closes |
/// | lost connection | an error at once; tried again every few seconds, as often as is set | the last state stays; an error after 3 s; retried without end, at growing intervals |
/// | refused | an error | the server is asked why: signed out, not found, ended meanwhile, or try again |
/// | silence | goes unnoticed | a missing heartbeat, or a proxy that holds the stream back, is found; states are requested meanwhile |
/// | several on a page | a connection each | one connection for all hooks, and for all tabs |
/// | `open`, `close`, credentials | yes | yes |
///
/// # Example
///
/// ```
/// use import_relay_hook::{hooks::use_product_import_progress, model::job::ProductImportJob};
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
///         <p role="alert">{move || import.error.get().map(|error| error.to_string())}</p>
///     }
/// }
/// ```
pub fn use_product_import_progress(
    job: impl Into<Signal<ProductImportJob>>,
) -> UseProductImportProgressReturn {
    use_product_import_progress_with_options(job, UseProgressOptions::default())
}

/// Follows the progress of an import like [`use_product_import_progress`], with other options.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use import_relay_hook::{
///     hooks::{UseProgressOptions, use_product_import_progress_with_options},
///     model::job::ProductImportJob,
/// };
/// use leptos::prelude::*;
///
/// #[component]
/// fn Patient(job: ProductImportJob) -> impl IntoView {
///     let options = UseProgressOptions::default().stale_after(Duration::from_secs(120));
///     let import = use_product_import_progress_with_options(job, options);
///     view! { <p>{move || import.progress.get().processed_products}</p> }
/// }
/// ```
pub fn use_product_import_progress_with_options(
    job: impl Into<Signal<ProductImportJob>>,
    options: UseProgressOptions,
) -> UseProductImportProgressReturn {
    let job = job.into();
    let view = RwSignal::new(job.with_untracked(View::of));
    let followed = RwSignal::new(options.immediate);
    // Hooks that differ only in it share a stream.
    let options = options.immediate(true);
    // A newer record of the same unfinished job must not reopen its stream.
    let key = Memo::new(move |_| job.with(|job| (job.id.clone(), job.status)));
    Effect::new(move |before: Option<(JobId, ImportStatus)>| {
        // Read, because a memo that is only tracked never changes.
        let key = key.get();
        let mut job = job.get_untracked();
        if before.as_ref() != Some(&key) {
            view.set(View::of(&job));
        }
        let is_over = view.with_untracked(|view| view.status.is_final());
        if !followed.get() {
            if before.is_some() {
                view.update(|view| view.connection = Connection::Closed);
            }
        } else if !is_over {
            // Keeps the counts from before it was closed.
            view.with_untracked(|view| view.keep_in(&mut job));
            let subscription = SendWrapper::new(feed::follow(job, view, options.clone()));
            on_cleanup(move || drop(subscription));
        }
        key
    });
    UseProductImportProgressReturn::of(view, followed)
}

impl UseProductImportProgressReturn {
    /// Returns whether somebody cancelled the import. Tracks the error.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.error.with(|error| {
            let error = error.as_ref();
            error.is_some_and(ProgressError::is_cancelled)
        })
    }

    /// Follows the import again after [`close`](Self::close).
    pub fn open(&self) {
        self.followed.set(true);
    }

    /// Stops following the import: its last known state stays.
    pub fn close(&self) {
        self.followed.set(false);
    }

    /// Parts a view into signals.
    pub(super) fn of(view: RwSignal<View>, followed: RwSignal<bool>) -> Self {
        Self {
            followed,
            progress: Memo::new(move |_| view.with(|view| view.progress)).into(),
            status: Memo::new(move |_| view.with(|view| view.status)).into(),
            error: Memo::new(move |_| view.with(|view| view.error.clone())).into(),
            loading: Memo::new(move |_| view.with(|view| view.loading)).into(),
            connection: Memo::new(move |_| view.with(|view| view.connection)).into(),
            completed_at: Memo::new(move |_| view.with(|view| view.completed_at)).into(),
            failed_product_skus: Memo::new(move |_| {
                view.with(|view| view.failed_product_skus.clone())
            })
            .into(),
        }
    }
}
