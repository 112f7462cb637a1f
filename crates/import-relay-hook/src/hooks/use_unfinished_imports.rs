//! Follows all unfinished imports of the user.

use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::{
    Connection, ProgressError, UseProgressOptions,
    feed::{self, Views},
    follower::View,
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

/// Return value of [`use_unfinished_imports`]. Each import is a signal of its own.
#[derive(Clone, Copy, Debug)]
pub struct UseUnfinishedImportsReturn {
    views: RwSignal<Views>,
}

impl UseUnfinishedImportsReturn {
    /// Returns the imports seen by the page. Tracks which they are, not what becomes of them.
    #[must_use]
    pub fn ids(&self) -> Vec<JobId> {
        self.views.with(|views| views.keys().cloned().collect())
    }

    /// Returns an import; `None` if the page has not seen it. Tracks this import, and which there are.
    #[must_use]
    pub fn get(&self, id: &JobId) -> Option<LiveImport> {
        let view = self.views.with(|views| views.get(id).cloned())?;
        Some(view.with(LiveImport::of))
    }
}

impl LiveImport {
    fn of(view: &View) -> Self {
        Self {
            progress: view.progress,
            status: view.status,
            error: view.error.clone(),
            connection: view.connection,
        }
    }
}

/// Follows all unfinished imports of the user on one stream, including new ones.
///
/// It has every import seen by the page, with its end; imports that ended before are not in it. A state that
/// arrives changes the signal of its import alone. The stream is shared with [`use_product_import_progress`](super::use_product_import_progress), which documents
/// how lost connections are handled. Dropping the reactive owner unsubscribes. On the server there are none.
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
///     let line = move |id| {
///         let import = move || imports.get(&id).map(|import| import.progress.processed_products);
///         view! { <li>{import}</li> }
///     };
///     view! { <ul><For each=move || imports.ids() key=|id| id.clone() children=line /></ul> }
/// }
/// ```
pub fn use_unfinished_imports() -> UseUnfinishedImportsReturn {
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
///     view! { <p>{move || imports.ids().len()} " imports seen"</p> }
/// }
/// ```
pub fn use_unfinished_imports_with_options(
    options: UseProgressOptions,
) -> UseUnfinishedImportsReturn {
    let views = RwSignal::new(Views::new());
    Effect::new(move || {
        let subscription = SendWrapper::new(feed::follow_all(views, options.clone()));
        on_cleanup(move || drop(subscription));
    });
    UseUnfinishedImportsReturn { views }
}
