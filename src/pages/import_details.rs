//! One import, live.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    import_extras::{Columns, Failures, lists_failed},
    not_found::{Missing, NotFound},
};
use crate::{
    api::{
        import_controls::{import_activity, import_extras},
        imports::get_import,
        share_links::share_links,
    },
    components::{
        crumbs::Crumbs, early_stream::EarlyStream, import_actions::ImportActions,
        import_activity::ImportActivity, import_outcome::ImportOutcome, notice::ErrorNotice,
        page_title::PageTitle, refresh::Refresh, share_links::ShareLinksCard,
    },
    islands::{
        ImportState, LiveCard, LiveFoot, LiveImport, LiveNotify, LiveStatus, OfflineBanner,
        live_import::{ACTIONS, DETAILS, OUTCOME, title},
        parts::locale::use_locale,
    },
    model::{
        activity::Activity,
        error::ApiError,
        import_extras::ImportExtras,
        job::{JobId, ProductImportJob},
    },
};

#[component]
pub(crate) fn ImportDetailsPage() -> impl IntoView {
    let t = use_locale();
    let id = use_params_map().with_untracked(|params| params.get("id"));
    let id = id.unwrap_or_default();
    Suspend::new(async move {
        match find(&id).await {
            Ok((job, extras, activity)) => {
                view! { <ImportDetails job extras activity /> }.into_any()
            }
            Err(ApiError::NotFound) => view! { <NotFound what=Missing::Import /> }.into_any(),
            Err(error) => view! {
                <PageTitle text=t.say("Import", "Import") />
                <h1>{t.say("Import", "Import")}</h1>
                <ErrorNotice error here=format!("/imports/{id}") />
            }
            .into_any(),
        }
    })
}

/// The import, what the price monitor reports beyond its progress, and its activity.
type Found = (ProductImportJob, Option<ImportExtras>, Vec<Activity>);

async fn find(id: &str) -> Result<Found, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::NotFound)?;
    let job = get_import(id.clone()).await?;
    // Not every price monitor reports more.
    let extras = import_extras(id.clone()).await.ok().flatten();
    let activity = import_activity(id).await?;
    Ok((job, extras, activity))
}

#[component]
fn ImportDetails(
    job: ProductImportJob,
    extras: Option<ImportExtras>,
    activity: Vec<Activity>,
) -> impl IntoView {
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
        note: extras.as_ref().and_then(ImportExtras::note),
        is_undo: extras
            .as_ref()
            .is_some_and(|extras| extras.undoes.is_some()),
        has_details: extras.is_some(),
    };
    let title = title(t, &job.progress(), state.stage(), &job.filename);
    let actions = extras.clone().map(|extras| {
        view! { <ImportActions id=id.clone() extras is_over /> }
    });
    let lists_failed = lists_failed(&job, extras.as_ref());
    let outcome = view! {
        <ImportOutcome job=job.clone() extras=extras.clone() lists_failed activity=activity.clone() />
    };
    let filename = job.filename.clone();
    let early_stream = (!is_over).then(|| view! { <EarlyStream id=id.clone() /> });
    view! {
        <PageTitle text=title />
        {early_stream}
        <LiveImport state>
            <header class="page-head">
                <Crumbs path="/imports" name=t.say("Imports", "Importe") />
                <div class="page-title">
                    <h1 class="filename" translate="no">
                        {filename}
                    </h1>
                    <LiveStatus />
                    <div class="head-actions">
                        <LiveNotify />
                        <div id=ACTIONS class="place">
                            {actions}
                        </div>
                    </div>
                </div>
            </header>
            <LiveCard>
                <LiveFoot>
                    <div id=OUTCOME class="place">
                        {outcome}
                    </div>
                </LiveFoot>
            </LiveCard>
            <div id=DETAILS class="page-part">
                <Columns id=id.clone() extras=extras.clone() />
                <Failures job=job.clone() extras />
                <ImportActivity job activity />
                <Sharing id=id.clone() />
            </div>
        </LiveImport>
        <Refresh is_running=!is_over />
        <OfflineBanner />
    }
}

/// The links to the import, for users who may change it.
#[component]
fn Sharing(id: JobId) -> impl IntoView {
    Suspend::new(async move {
        let links = share_links(id.clone()).await.ok();
        links.map(|links| view! { <ShareLinksCard id links /> })
    })
}

/// A name and its value.
#[component]
pub(super) fn Fact(name: &'static str, children: Children) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{children()}</dd>
        </div>
    }
}
