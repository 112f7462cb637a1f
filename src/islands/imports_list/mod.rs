//! The live list of imports.

mod hold;
mod table;

use std::collections::HashSet;

use leptos::{prelude::*, task::spawn_local};

use self::hold::{HeldList, Holding, NewImports};
pub(crate) use self::table::{JobsTable, Sorting};
use super::page::{FreshPage, content_of};
use crate::{
    hooks::use_unfinished_imports,
    model::{
        imports_filter::ImportNote,
        job::{JobId, ProductImportJob},
    },
};

/// ID of the links between pages of the list.
pub(crate) const PAGES: &str = "imports-pages";

/// Lists imports, and updates running ones live. New ones are added at once if they belong at the top of this page.
#[island]
pub(crate) fn ImportsList(
    jobs: Vec<ProductImportJob>,
    sorting: Sorting,
    /// Whether new imports belong at the top of this page.
    takes_new: bool,
    /// Who started each import, if several users may be listed.
    started: Vec<(JobId, String)>,
    /// Notes of those that have one.
    notes: Vec<(JobId, ImportNote)>,
    /// ID of the form for selected imports.
    chosen_by: Option<String>,
    /// Shown if the list is empty.
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
                <JobsTable jobs=list.shown() sorting=Some(sorting) started notes chosen_by />
            </Holding>
        </div>
    }
}

/// Takes the list from the page as the server renders it now, when an import starts that is not listed.
fn list_new_imports(newest: RwSignal<Vec<ProductImportJob>>) {
    let live = use_unfinished_imports();
    // Imports that caused a request, so that each causes only one.
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
                    // The next update tries again.
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
