//! Follows all unfinished imports of the user.

use std::collections::BTreeMap;

use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::{
    Connection, ProgressError, UseProgressOptions,
    feed::{self, Views},
};
use crate::model::job::{ImportProgress, ImportStatus, JobId};

/// An import followed by [`use_unfinished_imports`].
#[derive(Clone, Debug, PartialEq)]
pub struct LiveImport {
    /// The newest counts.
    pub progress: ImportProgress,
    /// The status. A lost connection does not change it.
    pub status: ImportStatus,
    /// What is wrong with the import or the connection.
    pub error: Option<ProgressError>,
    /// The state of the connection.
    pub connection: Connection,
}

/// Follows all unfinished imports of the user on one stream, including new ones.
///
/// The map has every import seen by the page, with its end; imports that ended before are not in it. The
/// stream is shared with [`use_product_import_progress`](super::use_product_import_progress), which documents
/// how lost connections are handled. Dropping the reactive owner unsubscribes. On the server the map is empty.
///
/// # Example
///
/// ```
/// use import_relay_hook::hooks::use_unfinished_imports;
/// use leptos::prelude::*;
///
/// #[component]
/// fn Running() -> impl IntoView {
///     let imports = use_unfinished_imports();
///     view! { <p>{move || imports.with(|it| it.len())} " imports seen"</p> }
/// }
/// ```
pub fn use_unfinished_imports() -> Signal<BTreeMap<JobId, LiveImport>> {
    use_unfinished_imports_with_options(UseProgressOptions::default())
}

/// Follows all unfinished imports of the user like [`use_unfinished_imports`], with other options.
///
/// # Example
///
/// ```
/// use import_relay_hook::hooks::{UseProgressOptions, use_unfinished_imports_with_options};
/// use leptos::prelude::*;
///
/// #[component]
/// fn Running() -> impl IntoView {
///     let alone = UseProgressOptions::default().share_tabs(false);
///     let imports = use_unfinished_imports_with_options(alone);
///     view! { <p>{move || imports.with(|it| it.len())} " imports seen"</p> }
/// }
/// ```
pub fn use_unfinished_imports_with_options(
    options: UseProgressOptions,
) -> Signal<BTreeMap<JobId, LiveImport>> {
    let views = RwSignal::new(Views::new());
    Effect::new(move || {
        let subscription = SendWrapper::new(feed::follow_all(views, options.clone()));
        on_cleanup(move || drop(subscription));
    });
    Memo::new(move |_| {
        views.with(|views| {
            let live = |(id, view): (&JobId, &super::follower::View)| {
                let import = LiveImport {
                    progress: view.progress,
                    status: view.status,
                    error: view.error.clone(),
                    connection: view.connection,
                };
                (id.clone(), import)
            };
            views.iter().map(live).collect()
        })
    })
    .into()
}
