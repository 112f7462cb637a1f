//! The list of imports, and the upload form.

use leptos::prelude::*;

use super::{delete_imports::DELETE_PATH, query::imports_query};
use crate::{
    api::imports::{imports_overview, list_imports, upload_form},
    components::{
        import_options::MoreOptions,
        imports_filter::ImportsFilterForm,
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        pagination::{Pagination, Position},
        refresh::Refresh,
    },
    islands::{
        FromAddress, ImportsList, OfflineBanner, UploadForm,
        imports_list::{PAGES, Sorting},
        parts::{
            format::Noun,
            icons::{Glyph, Icon},
            locale::use_locale,
        },
    },
    model::{
        base_path,
        error::ApiError,
        imports_filter::{ImportsFilter, ImportsOverview, ImportsQuery, Sort, SortBy},
        job::ProductImportJob,
        page::Page,
        refused_form::RefusedForm,
        upload::{ADDRESS_FIELD, ADDRESS_PATH, UPLOAD_PATH, UploadFormState},
    },
};

/// ID of the form for selected imports.
const CHOSEN: &str = "chosen-imports";

/// A sample product file.
const SAMPLE_PATH: &str = "/sample-products.csv";

#[component]
pub(crate) fn ImportsPage() -> impl IntoView {
    let t = use_locale();
    let query = imports_query();
    let form = Suspend::new(async {
        match upload_form().await {
            Ok(state) => {
                let UploadFormState {
                    offers_checks,
                    fetches,
                    ..
                } = state;
                // A price monitor that offers dry runs offers these options too.
                let options = move |form: &RefusedForm| {
                    let options = form.import_options();
                    offers_checks.then(|| view! { <MoreOptions options /> })
                };
                let upload = RefusedForm::sent_to(UPLOAD_PATH);
                let from_address = fetches.then(|| {
                    let form = RefusedForm::sent_to(ADDRESS_PATH);
                    let url = form.value(ADDRESS_FIELD);
                    view! { <FromAddress offers_checks url>{options(&form)}</FromAddress> }
                });
                view! {
                    <UploadForm state>{options(&upload)}</UploadForm>
                    {from_address}
                }
                .into_any()
            }
            // The list shows the same error with a link to sign in, and viewers do not need the form.
            Err(ApiError::SignedOut | ApiError::Forbidden) => ().into_any(),
            Err(error) => view! { <ErrorNotice error here="/imports" /> }.into_any(),
        }
    });
    let list = Suspend::new(async move {
        match find(&query).await {
            Ok((imports, overview)) => view! { <Imports imports overview query /> }.into_any(),
            Err(error) => {
                let here = query.filter.address(query.page);
                view! { <ErrorNotice error here /> }.into_any()
            }
        }
    });
    view! {
        <PageTitle text=t.say("Imports", "Importe") />
        <h1>{t.say("Imports", "Importe")}</h1>
        {form}
        <section class="card card-flush" aria-labelledby="imports-title">
            <header class="card-head">
                <h2 id="imports-title">{t.say("Your imports", "Deine Importe")}</h2>
            </header>
            {list}
        </section>
        <OfflineBanner />
    }
}

async fn find(query: &ImportsQuery) -> Result<(Page<ProductImportJob>, ImportsOverview), ApiError> {
    let imports = list_imports(query.page, query.filter.clone()).await?;
    let ids = imports.items.iter().map(|job| job.id.clone()).collect();
    Ok((imports, imports_overview(ids).await?))
}

#[component]
fn Imports(
    imports: Page<ProductImportJob>,
    overview: ImportsOverview,
    query: ImportsQuery,
) -> impl IntoView {
    let t = use_locale();
    let Page {
        items,
        page,
        pages,
        total,
        has_more,
    } = imports;
    let ImportsQuery { filter, .. } = query;
    // Nothing to filter in an empty list.
    let finder = (total > 0 || filter.is_narrow()).then(|| {
        let (filter, overview) = (filter.clone(), overview.clone());
        view! { <ImportsFilterForm filter overview /> }
    });
    let (started, notes) = (overview.started, overview.notes);
    let chosen_by = (overview.may_delete && total > 0).then(|| CHOSEN.to_owned());
    let delete = chosen_by.is_some().then(|| {
        view! {
            <form id=CHOSEN class="jobs-chosen" method="get" action=base_path::address(DELETE_PATH)>
                <button class="button button-quiet" data-testid="delete-chosen">
                    <Icon glyph=Glyph::Trash />
                    {t.say("Delete selected…", "Ausgewählte löschen…")}
                </button>
            </form>
        }
    });
    if total == 0 && filter.is_narrow() {
        return view! {
            {finder}
            <EmptyState glyph=Glyph::Search title=t.say("No matching imports", "Keine passenden Importe")>
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
        .into_any();
    }
    let jobs: Vec<_> = items
        .into_iter()
        .map(|job| ProductImportJob {
            failed_product_skus: Vec::new(),
            ..job
        })
        .collect();
    let is_running = jobs.iter().any(|job| !job.status.is_final());
    let takes_new = page == 1 && filter == ImportsFilter::default();
    let pagination = (total > 0).then(|| {
        let position = Position {
            page,
            pages,
            total,
            has_more,
        };
        let filter = filter.clone();
        let href = move |page| filter.address(page);
        view! { <Pagination position noun=Noun::Import href /> }
    });
    let sample = base_path::address(SAMPLE_PATH);
    view! {
        {finder}
        <ImportsList jobs sorting=sorting(&filter) takes_new started notes chosen_by>
            <EmptyState glyph=Glyph::Upload title=t.say("No imports yet", "Noch keine Importe")>
                <p>
                    {t.say(
                        "Upload a product file to start your first import.",
                        "Lade eine Produktdatei hoch, um deinen ersten Import zu starten.",
                    )}
                </p>
                <p>
                    <a class="button" href=sample download="sample-products.csv" data-testid="sample-file">
                        <Icon glyph=Glyph::File />
                        {t.say("Download a sample file", "Beispieldatei herunterladen")}
                    </a>
                </p>
            </EmptyState>
        </ImportsList>
        {delete}
        <div id=PAGES>{pagination}</div>
        <Refresh is_running />
    }
    .into_any()
}

/// Returns the links of the column heads: sort by the column, or reverse the current order.
fn sorting(filter: &ImportsFilter) -> Sorting {
    let address = |by: SortBy| {
        let is_same = filter.sort.by == by;
        let descending = match by {
            _ if is_same => !filter.sort.descending,
            // People look for new and long ones first.
            SortBy::Created | SortBy::Duration => true,
            SortBy::File | SortBy::Status => false,
        };
        let sorted = ImportsFilter {
            sort: Sort { by, descending },
            ..filter.clone()
        };
        (by, base_path::address(&sorted.address(1)))
    };
    Sorting {
        sort: filter.sort,
        addresses: SortBy::ALL.into_iter().map(address).collect(),
    }
}
