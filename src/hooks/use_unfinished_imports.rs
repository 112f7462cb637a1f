//! The live progress of all unfinished imports of the user.

use std::collections::BTreeMap;

use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::{
    Connection, UseProgressOptions,
    feed::{self, Views},
};
use crate::model::job::{ImportProgress, ImportStatus, JobId};

/// An import as [`use_unfinished_imports`] shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveImport {
    /// The newest known counts.
    pub progress: ImportProgress,
    /// Where the import stands. A lost connection does not change it.
    pub status: ImportStatus,
    /// What is wrong with the import or with the connection, for the user to read.
    pub error: Option<String>,
    /// How the browser stands to the stream.
    pub connection: Connection,
}

/// Follows all unfinished imports of the user, new ones as they start, on one stream.
///
/// The map holds what the page has seen of them, their ends too; an import that was over before is
/// not in it. The stream is that of
/// [`use_product_import_progress`](super::use_product_import_progress), and what is said there of
/// lost connections holds here. Dropping the reactive owner leaves the stream. On the server the map
/// is empty.
///
/// # Example
///
/// ```
/// use import_relay::hooks::use_unfinished_imports;
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
/// use import_relay::hooks::{UseProgressOptions, use_unfinished_imports_with_options};
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
        let subscription = SendWrapper::new(feed::follow_all(views, options));
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
