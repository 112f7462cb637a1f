//! One import, live.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    import_extras::{Columns, Failures},
    not_found::{Missing, NotFound},
};
use crate::{
    api::{import_controls::import_extras, imports::get_import, share_links::share_links},
    components::{
        early_stream::EarlyStream, import_extras::ImportControls, notice::ErrorNotice,
        page_title::PageTitle, refresh::Refresh, share_links::ShareLinksCard,
    },
    islands::{
        ImportState, LiveImport, LocalTime, OfflineBanner,
        live_import::{DETAILS, title},
        parts::{format, locale::use_locale, status_badge::Stage},
    },
    model::{
        error::ApiError,
        import_extras::ImportExtras,
        job::{JobId, ProductImportJob},
    },
};

/// The page of one import.
#[component]
pub(crate) fn ImportDetailsPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id"));
    let id = id.unwrap_or_default();
    Suspend::new(async move {
        match find(&id).await {
            Ok((job, extras)) => view! { <ImportDetails job extras /> }.into_any(),
            Err(ApiError::NotFound) => view! { <NotFound what=Missing::Import /> }.into_any(),
            Err(error) => view! {
                <PageTitle text="Import" />
                <h1>"Import"</h1>
                <ErrorNotice error here=format!("/imports/{id}") />
            }
            .into_any(),
        }
    })
}

async fn find(id: &str) -> Result<(ProductImportJob, Option<ImportExtras>), ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::NotFound)?;
    let job = get_import(id.clone()).await?;
    // Not every price monitor has more to say.
    let extras = import_extras(id).await.ok().flatten();
    Ok((job, extras))
}

/// An import from its newest snapshot on.
#[component]
fn ImportDetails(job: ProductImportJob, extras: Option<ImportExtras>) -> impl IntoView {
    let t = use_locale();
    let id = job.id.clone();
    let is_over = job.status.is_final();
    let state = ImportState {
        job: ProductImportJob {
            failed_product_skus: Vec::new(),
            ..job.clone()
        },
        queue_place: extras.as_ref().and_then(|extras| extras.queue_position),
        cancelled: extras.as_ref().is_some_and(|extras| extras.cancelled),
        asks: extras.as_ref().is_some_and(|extras| extras.needs.is_some()),
        has_details: extras.is_some(),
    };
    let stage = state.stage();
    let title = title(t, &job.progress(), stage, &job.filename);
    let controls = extras
        .clone()
        .map(|extras| view! { <ImportControls id=id.clone() extras is_over /> });
    let early_stream = (!is_over).then(|| view! { <EarlyStream id=id.clone() /> });
    view! {
        <PageTitle text=title />
        {early_stream}
        <LiveImport state>
            <div id=DETAILS class="page-part">
                {controls}
                <Columns id=id.clone() extras=extras.clone() />
                <Failures job=job.clone() extras />
                <Overview job stage />
                <Sharing id=id.clone() />
            </div>
        </LiveImport>
        <Refresh is_running=!is_over />
        <OfflineBanner />
    }
}

/// The links to the import, for those who may change it.
#[component]
fn Sharing(id: JobId) -> impl IntoView {
    Suspend::new(async move {
        let links = share_links(id.clone()).await.ok();
        links.map(|links| view! { <ShareLinksCard id links /> })
    })
}

/// What is known of the import beside its progress.
#[component]
fn Overview(job: ProductImportJob, stage: Stage) -> impl IntoView {
    let t = use_locale();
    let ProductImportJob {
        id,
        filename,
        created_at,
        completed_at,
        ..
    } = job;
    let completed = match completed_at {
        Some(at) => view! { <LocalTime at /> }.into_any(),
        None => t.say("Not yet", "Noch nicht").into_any(),
    };
    let took = completed_at.map(|end| format::duration(format::between(created_at, end)));
    view! {
        <section class="card overview" aria-labelledby="overview-title">
            <header class="card-head">
                <h2 id="overview-title">{t.say("Overview", "Überblick")}</h2>
            </header>
            <dl>
                <Fact name=t.say("File", "Datei")>{filename}</Fact>
                <Fact name="Status">{stage.word(t)}</Fact>
                <Fact name=t.say("Created", "Erstellt")>
                    <LocalTime at=created_at />
                </Fact>
                <Fact name=t.say("Completed", "Beendet")>{completed}</Fact>
                <Fact name=t.say("Duration", "Dauer")>{took.unwrap_or_else(|| "–".to_owned())}</Fact>
                <Fact name="Import">
                    <span class="code">{id.to_string()}</span>
                </Fact>
            </dl>
        </section>
    }
}

/// One thing that is known, with its name.
#[component]
pub(super) fn Fact(name: &'static str, children: Children) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{children()}</dd>
        </div>
    }
}
