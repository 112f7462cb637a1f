//! The live progress of one import as signals.

use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::{Connection, UseProgressOptions, feed, follower::View};
use crate::model::job::{ImportProgress, ImportStatus, ProductImportJob};

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
/// an `EventSource` is opened on [`progress_url`](crate::model::progress::progress_url); when `job`
/// becomes another job, the stream is changed too. All hooks of a page share one stream, and so do
/// all tabs of one browser where it lets them. A lost connection is not a failed job: `status` stays, and after three seconds
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
/// use import_relay::{hooks::use_product_import_progress, model::job::ProductImportJob};
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
    use_product_import_progress_with_options(job, UseProgressOptions::default())
}

/// Follows the progress of an import like [`use_product_import_progress`], with other options.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use import_relay::{
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
    // A newer record of the same unfinished job must not open its stream anew.
    let key = Memo::new(move |_| job.with(|job| (job.id.clone(), job.status)));
    Effect::new(move || {
        // Read, for a memo that is only tracked looks at nothing, and so never changes.
        key.with(|_| ());
        let job = job.get_untracked();
        view.set(View::of(&job));
        if !job.status.is_final() {
            let subscription = SendWrapper::new(feed::follow(job, view, options));
            on_cleanup(move || drop(subscription));
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
