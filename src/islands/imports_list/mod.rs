//! The list of imports, live.

mod hold;
mod table;

use std::collections::HashSet;

use leptos::{prelude::*, task::spawn_local};

use self::hold::{HeldList, Holding, NewImports};
pub(crate) use self::table::{JobsTable, Sorting};
use super::page::{FreshPage, content_of};
use crate::{
    hooks::use_unfinished_imports,
    model::job::{JobId, ProductImportJob},
};

/// The identifier of the links between the pages of the list.
pub(crate) const PAGES: &str = "imports-pages";

/// Lists imports, the running ones live. Those that start are on it at once where they would be the first.
#[island]
pub(crate) fn ImportsList(
    /// The imports.
    jobs: Vec<ProductImportJob>,
    /// How they are sorted.
    sorting: Sorting,
    /// Whether an import that starts now would be the first.
    takes_new: bool,
    /// Who started them, where that may be somebody else.
    started: Vec<(JobId, String)>,
    /// The identifier of the form by which some of them are chosen.
    chosen_by: Option<String>,
    /// What is shown while there are none.
    children: Children,
) -> impl IntoView {
    let newest = RwSignal::new(jobs);
    let list = HeldList::new(newest.into());
    let is_empty = Memo::new(move |_| list.shown().with(Vec::is_empty));
    if takes_new {
        list_new_imports(newest);
    }
    view! {
        <div hidden=move || !is_empty.get()>{children()}</div>
        <div hidden=is_empty>
            <Holding list>
                <NewImports list />
                <JobsTable jobs=list.shown() sorting=Some(sorting) started chosen_by />
            </Holding>
        </div>
    }
}

/// Takes the list from the page as the server renders it now, when an import has started that is not on it.
fn list_new_imports(newest: RwSignal<Vec<ProductImportJob>>) {
    let live = use_unfinished_imports();
    // Those that the list was asked for because of, so that it is asked for once.
    let known = StoredValue::new(HashSet::new());
    let shown = StoredValue::new(String::new());
    Effect::new(move |_| shown.set_value(content_of(PAGES)));
    Effect::new(move |_| {
        let mut new = live.ids();
        newest.with_untracked(|jobs| new.retain(|id| jobs.iter().all(|job| job.id != *id)));
        let is_news = known.try_update_value(|known| {
            let before = known.len();
            known.extend(new);
            known.len() > before
        });
        if is_news == Some(true) {
            spawn_local(async move {
                let Some(page) = FreshPage::fetch().await else {
                    // With the next news it is tried again.
                    known.try_update_value(HashSet::clear);
                    return;
                };
                let props = page.props("ImportsList");
                if let Some(props) = props
                    .and_then(|json| serde_json::from_str::<ImportsListPropsSerialized>(&json).ok())
                {
                    newest.try_set(props.jobs);
                }
                shown.try_update_value(|shown| page.show(PAGES, shown));
            });
        }
    });
}
