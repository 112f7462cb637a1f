//! The list of imports, and the way to start one.

use std::time::Duration;

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
        jobs_table::{JobsTable, goes_stale},
        notice::{EmptyState, ErrorNotice},
        pagination::{Pagination, Position},
        skeleton::{CardSkeleton, RowsSkeleton},
        upload::UploadForm,
    },
    job::ProductImportJob,
};

/// How often the list is asked for again while it shows running imports that no row follows.
const REFRESH: Duration = Duration::from_secs(5);

type Imports = Resource<Result<Page<ProductImportJob>, ApiError>>;

/// The page on which imports are started and listed.
#[component]
pub(crate) fn ImportsPage() -> impl IntoView {
    let page = use_page();
    let form = Resource::new_blocking(|| (), |()| upload_form());
    let imports = Resource::new_blocking(move || page.get(), list_imports);
    refresh_while_stale(imports);
    view! {
        <Title text="Imports" />
        <h1>"Imports"</h1>
        <Transition fallback=CardSkeleton>
            {move || Suspend::new(async move {
                match form.await {
                    Ok(state) => view! { <UploadForm state /> }.into_any(),
                    // The list below says it already, with the way in.
                    Err(ApiError::SignedOut) => ().into_any(),
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

/// Asks for the list again, every now and then, while there are imports that change unseen.
fn refresh_while_stale(imports: Imports) {
    let stale = move || {
        imports
            .get()
            .and_then(Result::ok)
            .is_some_and(|it| goes_stale(&it.items))
    };
    Effect::new(move |_| {
        if stale()
            && let Ok(timeout) = set_timeout_with_handle(move || imports.refetch(), REFRESH)
        {
            on_cleanup(move || timeout.clear());
        }
    });
}
