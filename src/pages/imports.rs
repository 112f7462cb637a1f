//! The list of imports, and the way to start one.

use std::collections::HashSet;

use leptos::prelude::*;
use leptos_meta::Title;

use super::query::use_page;
use crate::{
    api::{
        ApiError, Page,
        imports::{list_imports, upload_form},
    },
    components::{
        icons::Glyph,
        jobs_table::JobsTable,
        notice::{EmptyState, ErrorNotice},
        pagination::{Pagination, Position},
        skeleton::{CardSkeleton, RowsSkeleton},
        upload::UploadForm,
    },
    hooks::use_unfinished_imports,
    job::{JobId, ProductImportJob},
};

type Imports = Resource<Result<Page<ProductImportJob>, ApiError>>;

/// The page on which imports are started and listed.
#[component]
pub(crate) fn ImportsPage() -> impl IntoView {
    let page = use_page();
    let form = Resource::new_blocking(|| (), |()| upload_form());
    let imports = Resource::new_blocking(move || page.get(), list_imports);
    list_new_imports(imports, page);
    view! {
        <Title text="Imports" />
        <h1>"Imports"</h1>
        <Transition fallback=CardSkeleton>
            {move || Suspend::new(async move {
                match form.await {
                    Ok(state) => view! { <UploadForm state /> }.into_any(),
                    // The list below says it already, with the way in; and who watches only needs none.
                    Err(ApiError::SignedOut | ApiError::Forbidden) => ().into_any(),
                    Err(error) => view! { <ErrorNotice error here="/imports" /> }.into_any(),
                }
            })}
        </Transition>
        <section class="card card-flush" aria-labelledby="imports-title">
            <header class="card-head">
                <h2 id="imports-title">"Your imports"</h2>
            </header>
            <Transition fallback=|| view! { <RowsSkeleton rows=5 /> }>
                <ImportsList imports />
            </Transition>
        </section>
    }
}

/// What there is to list, without the list, so that a list that is asked for again stays.
#[derive(Clone, Debug, PartialEq)]
enum Shown {
    Nothing,
    List(Position),
    Failure(ApiError),
}

#[component]
fn ImportsList(imports: Imports) -> impl IntoView {
    let shown = Memo::new(move |_| imports.get().map(shown));
    let jobs = Signal::derive(move || match imports.get() {
        Some(Ok(page)) => page.items,
        _ => Vec::new(),
    });
    move || {
        shown.get().map(|shown| match shown {
            Shown::Failure(error) => view! { <ErrorNotice error here="/imports" /> }.into_any(),
            Shown::Nothing => view! {
                <EmptyState glyph=Glyph::Upload title="No imports yet">
                    <p>"Choose a product file above. Its progress will be shown here, live."</p>
                </EmptyState>
            }
            .into_any(),
            Shown::List(position) => view! {
                <JobsTable jobs />
                <Pagination position noun="import" href=|page| format!("/imports?page={page}") />
            }
            .into_any(),
        })
    }
}

fn shown(imports: Result<Page<ProductImportJob>, ApiError>) -> Shown {
    match imports {
        Err(error) => Shown::Failure(error),
        Ok(Page { total: 0, .. }) => Shown::Nothing,
        Ok(Page {
            page, pages, total, ..
        }) => Shown::List(Position { page, pages, total }),
    }
}

/// Asks for the first page of the list again when an import has started that is not on it.
fn list_new_imports(imports: Imports, page: Memo<u64>) {
    let live = use_unfinished_imports();
    // Those that the list was asked for because of, so that it is asked for once.
    let known = StoredValue::new(HashSet::new());
    Effect::new(move |_| {
        let Some(Ok(list)) = imports.get() else {
            return;
        };
        let is_new = live.with(|live| {
            let listed = |id: &JobId| list.items.iter().any(|job| job.id == *id);
            let new = live.keys().filter(|id| !listed(id)).cloned();
            known.try_update_value(|known| {
                let before = known.len();
                known.extend(new);
                known.len() > before
            })
        });
        if page.get_untracked() == 1 && is_new == Some(true) {
            imports.refetch();
        }
    });
}
