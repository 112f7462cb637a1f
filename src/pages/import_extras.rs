//! What the price monitor says of an import beyond its progress, on the import's page.

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::query::{use_page, use_search};
use crate::{
    api::import_controls::{file_columns, import_extras, import_rows},
    components::{
        column_mapping::ColumnMapping,
        failed_products::FailedProducts,
        import_rows::{ImportRowsTable, rows_of},
    },
    model::{
        import_extras::{ImportExtras, RowKind},
        job::{JobId, ProductImportJob},
    },
};

/// How often an import that waits is asked for its place.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Keeps what the price monitor says of an import beyond its progress: asks again when it begins and at its
/// end, and every now and then while it waits for others or may come to wait for an answer.
pub(super) fn use_extras(
    id: JobId,
    first: Option<ImportExtras>,
    is_over: Signal<bool>,
    begun: Signal<bool>,
) -> RwSignal<Option<ImportExtras>> {
    let extras = RwSignal::new(first);
    let ask = Action::new(move |(): &()| import_extras(id.clone()));
    let was_over = is_over.get_untracked();
    let over = Memo::new(move |_| is_over.get());
    Effect::new(move |_| {
        if over.get() && !was_over {
            ask.dispatch(());
        }
    });
    let has_begun = begun.get_untracked();
    Effect::new(move |_| {
        // What it waited for was said, by somebody else perhaps.
        if begun.get() && !has_begun {
            ask.dispatch(());
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(newest)) = ask.value().get() {
            extras.set(newest);
        }
    });
    Effect::new(move |_| {
        let waits = extras.with(|extras| {
            let waits = |it: &ImportExtras| {
                it.queue_position.is_some() || (it.needs.is_none() && !begun.get())
            };
            extras.as_ref().is_some_and(waits)
        });
        let again = move || {
            ask.dispatch(());
        };
        if waits
            && !over.get()
            && let Ok(timeout) = set_timeout_with_handle(again, ASK_AGAIN)
        {
            on_cleanup(move || timeout.clear());
        }
    });
    extras
}

/// Asks what the columns hold, where that is what an import failed of, or somebody wants to say so.
#[component]
pub(super) fn Columns(id: JobId, extras: RwSignal<Option<ImportExtras>>) -> impl IntoView {
    let query = use_query_map();
    let asks = Memo::new(move |_| {
        let is_wanted = query.with(|query| query.get("columns").is_some());
        extras.with(|extras| {
            extras.as_ref().is_some_and(|extras| {
                let is_needed = extras.problem.is_some() || extras.needs.is_some();
                (is_needed || is_wanted) && extras.offers("columns")
            })
        })
    });
    let is_check =
        move || extras.with_untracked(|extras| extras.as_ref().is_some_and(ImportExtras::is_check));
    let file = {
        let id = id.clone();
        Resource::new_blocking(
            move || asks.get(),
            move |asks| {
                let id = id.clone();
                async move {
                    if asks {
                        file_columns(id).await.ok()
                    } else {
                        None
                    }
                }
            },
        )
    };
    view! {
        <Transition>
            {move || {
                let id = id.clone();
                Suspend::new(async move {
                    file.await.map(|file| view! { <ColumnMapping id file is_check=is_check() /> })
                })
            }}
        </Transition>
    }
}

/// The rows of which something is to be said, where the price monitor keeps them; else the names of what
/// failed.
#[component]
pub(super) fn Failures(
    id: JobId,
    job: RwSignal<ProductImportJob>,
    live_failed: Signal<u64>,
    is_over: Signal<bool>,
    extras: RwSignal<Option<ImportExtras>>,
) -> impl IntoView {
    let (page, search) = (use_page(), use_search());
    let query = use_query_map();
    let counts = move || {
        let failed = live_failed.get();
        extras.with(|extras| {
            let extras = extras.as_ref()?;
            // Those that failed are listed by whoever offers them.
            let failed = if extras.offers("failures") { failed } else { 0 };
            Some(RowKind::ALL.map(|kind| rows_of(kind, extras, failed)))
        })
    };
    // Of the kind that is asked for, else of the first that there are any of.
    let kept = Memo::new(move |_| {
        let counts = counts().filter(|_| is_over.get())?;
        let there = || RowKind::ALL.into_iter().zip(counts);
        let asked = query.with(|query| query.get("rows"));
        let asked = asked.and_then(|kind| kind.parse::<RowKind>().ok());
        let first = there().find(|(_, count)| *count > 0);
        let shown = there().find(|(kind, _)| Some(*kind) == asked).or(first);
        shown.map(|(kind, _)| kind)
    });
    let rows = {
        let id = id.clone();
        Resource::new_blocking(
            move || (kept.get(), page.get(), search.get()),
            move |(kept, page, search)| {
                let id = id.clone();
                async move {
                    let kind = kept?;
                    let rows = import_rows(id, kind, page, search).await.ok()?;
                    Some((kind, rows))
                }
            },
        )
    };
    view! {
        <Transition>
            {move || {
                let id = id.clone();
                Suspend::new(async move {
                    match rows.await {
                        Some((kind, rows)) => {
                            let search = search.get_untracked();
                            let counts = untrack(counts).unwrap_or_default();
                            view! { <ImportRowsTable id kind rows search counts /> }.into_any()
                        }
                        None => {
                            view! {
                                <FailedProducts
                                    skus=Signal::derive(move || {
                                        job.with(|job| job.failed_product_skus.clone())
                                    })
                                    failed=live_failed
                                />
                            }
                                .into_any()
                        }
                    }
                })
            }}
        </Transition>
    }
}
