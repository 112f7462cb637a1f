//! The list of imports, and the way to start one.

use std::collections::HashSet;

use leptos::prelude::*;

use super::query::{imports_address, use_imports_query};
use crate::{
    api::imports::{list_imports, upload_form},
    components::{
        format::Noun,
        icons::Glyph,
        imports_filter::ImportsFilterForm,
        jobs_table::{JobsTable, Sorting},
        language::use_locale,
        list_hold::{HeldList, Holding, NewImports},
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        pagination::{Pagination, Position},
        refresh::Refresh,
        skeleton::{CardSkeleton, RowsSkeleton},
        slice::Slice,
        upload::UploadForm,
    },
    hooks::use_unfinished_imports,
    model::{
        base_path,
        error::ApiError,
        imports_filter::{ImportsFilter, ImportsQuery, Sort, SortBy},
        job::{JobId, ProductImportJob},
        page::Page,
    },
};

type Imports = Resource<Result<Page<ProductImportJob>, ApiError>>;

/// The page on which imports are started and listed.
#[component]
pub(crate) fn ImportsPage() -> impl IntoView {
    let t = use_locale();
    let query = use_imports_query();
    let form = Resource::new_blocking(|| (), |()| upload_form());
    let imports = Resource::new_blocking(
        move || query.get(),
        |ImportsQuery { page, filter }| list_imports(page, filter),
    );
    list_new_imports(imports, query);
    view! {
        <PageTitle text=t.say("Imports", "Importe") />
        <h1>{t.say("Imports", "Importe")}</h1>
        <Slice>
            <Transition fallback=CardSkeleton>
                {move || Suspend::new(async move {
                    match form.await {
                        Ok(state) => view! { <Slice><UploadForm state /></Slice> }.into_any(),
                        // The list below says it already, with the way in; and who watches only needs none.
                        Err(ApiError::SignedOut | ApiError::Forbidden) => ().into_any(),
                        Err(error) => view! { <ErrorNotice error here="/imports" /> }.into_any(),
                    }
                })}
            </Transition>
        </Slice>
        <section class="card card-flush" aria-labelledby="imports-title">
            <header class="card-head">
                <h2 id="imports-title">{t.say("Your imports", "Deine Importe")}</h2>
            </header>
            <Slice>
                <ImportsFilterForm filter=Signal::derive(move || query.get().filter) />
            </Slice>
            <Slice>
                <Transition fallback=|| view! { <RowsSkeleton rows=5 /> }>
                    <ImportsList imports query />
                </Transition>
            </Slice>
        </section>
    }
}

/// What there is to list, without the list, so that a list that is asked for again stays.
#[derive(Clone, Debug, PartialEq)]
enum Shown {
    /// There is none at all.
    Nothing,
    /// There is none of those that were asked for.
    NoMatch,
    List,
    Failure(ApiError),
}

#[component]
fn ImportsList(imports: Imports, query: Memo<ImportsQuery>) -> impl IntoView {
    let t = use_locale();
    let newest = Signal::derive(move || match imports.get() {
        Some(Ok(page)) => page.items,
        _ => Vec::new(),
    });
    let view: Signal<ImportsQuery> = query.into();
    let list = HeldList::new(newest, view);
    let shown = Memo::new(move |_| {
        let imports = imports.get()?;
        Some(shown(
            &imports,
            query.with(|query| query.filter.is_narrow()),
        ))
    });
    let position = Memo::new(move |_| match imports.get() {
        Some(Ok(Page {
            page,
            pages,
            total,
            has_more,
            ..
        })) => Some(Position {
            page,
            pages,
            total,
            has_more,
        }),
        _ => None,
    });
    let sorting = Signal::derive(move || Some(sorting(&query.get().filter)));
    let runs = Signal::derive(move || {
        let is_running = |job: &ProductImportJob| !job.status.is_final();
        list.shown().with(|jobs| jobs.iter().any(is_running))
    });
    let pagination = move || {
        position.get().map(|position| {
            let filter = query.with_untracked(|query| query.filter.clone());
            let href = move |page| imports_address(page, &filter);
            view! { <Pagination position noun=Noun::Import href /> }
        })
    };
    move || {
        shown.get().map(|shown| match shown {
            Shown::Failure(error) => {
                let here = query.with_untracked(|it| imports_address(it.page, &it.filter));
                view! { <ErrorNotice error here /> }.into_any()
            }
            Shown::Nothing => view! {
                <EmptyState glyph=Glyph::Upload title=t.say("No imports yet", "Noch keine Importe")>
                    <p>
                        {t.say(
                            "Upload a product file to start your first import.",
                            "Lade eine Produktdatei hoch, um deinen ersten Import zu starten.",
                        )}
                    </p>
                </EmptyState>
            }
            .into_any(),
            Shown::NoMatch => view! {
                <EmptyState
                    glyph=Glyph::Search
                    title=t.say("No matching imports", "Keine passenden Importe")
                >
                    <p>
                        {t.say(
                            "Try a different name, status or date range.",
                            "Versuche es mit einem anderen Namen, Status oder Zeitraum.",
                        )}
                    </p>
                    <p>
                        <a class="button" href=base_path::address("/imports")>
                            {t.say("Show all imports", "Alle Importe anzeigen")}
                        </a>
                    </p>
                </EmptyState>
            }
            .into_any(),
            Shown::List => view! {
                <Holding list>
                    <NewImports list />
                    <Slice>
                        <JobsTable jobs=list.shown() sorting />
                    </Slice>
                </Holding>
                {pagination}
                <Refresh is_running=runs />
            }
            .into_any(),
        })
    }
}

fn shown(imports: &Result<Page<ProductImportJob>, ApiError>, is_narrow: bool) -> Shown {
    match imports {
        Err(error) => Shown::Failure(error.clone()),
        Ok(Page { total: 0, .. }) if is_narrow => Shown::NoMatch,
        Ok(Page { total: 0, .. }) => Shown::Nothing,
        Ok(_) => Shown::List,
    }
}

/// Returns where the list is sorted otherwise: by a column, and by the one it is sorted by already the
/// other way round.
fn sorting(filter: &ImportsFilter) -> Sorting {
    let address = |by: SortBy| {
        let is_same = filter.sort.by == by;
        let descending = match by {
            _ if is_same => !filter.sort.descending,
            // What is new or long is looked for more often than what is old or short.
            SortBy::Created | SortBy::Duration => true,
            SortBy::File | SortBy::Status => false,
        };
        let sorted = ImportsFilter {
            sort: Sort { by, descending },
            ..filter.clone()
        };
        (by, imports_address(1, &sorted))
    };
    Sorting {
        sort: filter.sort,
        addresses: SortBy::ALL.into_iter().map(address).collect(),
    }
}

/// Asks for the first page of the list again when an import has started that is not on it, where it
/// would be the first.
fn list_new_imports(imports: Imports, query: Memo<ImportsQuery>) {
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
        let would_be_first = query
            .with_untracked(|query| query.page == 1 && query.filter == ImportsFilter::default());
        if would_be_first && is_new == Some(true) {
            imports.refetch();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_s_head_sorts_by_it_and_then_the_other_way_round() {
        let address = |sort: &str, by| {
            let filter = ImportsFilter {
                search: "a b".to_owned(),
                sort: sort.parse().unwrap(),
                ..ImportsFilter::default()
            };
            let addresses = sorting(&filter).addresses;
            let found = addresses.into_iter().find(|(column, _)| *column == by);
            found.unwrap().1
        };
        assert_eq!(
            address("-created", SortBy::File),
            "/imports?search=a%20b&sort=file"
        );
        assert_eq!(
            address("file", SortBy::File),
            "/imports?search=a%20b&sort=-file"
        );
        assert_eq!(address("file", SortBy::Created), "/imports?search=a%20b");
        assert_eq!(
            address("-created", SortBy::Created),
            "/imports?search=a%20b&sort=created"
        );
    }

    #[test]
    fn a_list_that_a_filter_has_emptied_says_so() {
        let empty = Ok(Page {
            items: Vec::new(),
            page: 1,
            pages: 1,
            total: 0,
            has_more: false,
        });
        assert_eq!(shown(&empty, true), Shown::NoMatch);
        assert_eq!(shown(&empty, false), Shown::Nothing);
    }
}
