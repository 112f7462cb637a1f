//! One import, live.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{
    import_extras::{Columns, Failures, use_extras},
    not_found::NotFound,
};
use crate::{
    api::{
        ApiError,
        import_controls::{ImportExtras, import_extras},
        imports::get_import,
    },
    components::{
        clock::LocalTime,
        format,
        icons::{Glyph, Icon},
        import_extras::ImportControls,
        notice::ErrorNotice,
        progress_bar::shown_percent,
        progress_card::ProgressCard,
        skeleton::CardSkeleton,
        status_badge::{self, StatusBadge},
        timeline::Timeline,
    },
    hooks::use_product_import_progress,
    job::{ImportProgress, ImportStatus, JobId, ProductImportJob},
};

/// The page of one import.
#[component]
pub(crate) fn ImportDetailsPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).unwrap_or_default());
    let import = Resource::new_blocking(
        move || id.get(),
        |id| async move {
            match id.parse::<JobId>() {
                Ok(id) => {
                    let job = get_import(id.clone()).await?;
                    // Not every price monitor has more to say.
                    let extras = import_extras(id).await.ok().flatten();
                    Ok((job, extras))
                }
                Err(_) => Err(ApiError::NotFound),
            }
        },
    );
    view! {
        <Transition fallback=CardSkeleton>
            {move || Suspend::new(async move {
                match import.await {
                    Ok((job, extras)) => view! { <ImportDetails job extras /> }.into_any(),
                    Err(ApiError::NotFound) => view! { <NotFound what="import" /> }.into_any(),
                    Err(error) => {
                        let here = format!("/imports/{}", id.get_untracked());
                        view! {
                            <Title text="Import" />
                            <ErrorNotice error here />
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
}

/// An import from its newest snapshot on.
#[component]
fn ImportDetails(job: ProductImportJob, extras: Option<ImportExtras>) -> impl IntoView {
    let filename = job.filename.clone();
    let job = RwSignal::new(job);
    let live = use_product_import_progress(job);
    complete_at_the_end(job, live.status);
    let id = job.with_untracked(|job| job.id.clone());
    let is_over = Signal::derive(move || live.status.get().is_final());
    let live_failed = Signal::derive(move || live.progress.with(|it| it.failed_products));
    let extras = use_extras(id.clone(), extras, is_over);
    let begun = Signal::derive(move || {
        live.progress
            .with(|it| it.done() > 0 || it.total_products > 0)
    });
    let title = {
        let filename = filename.clone();
        Memo::new(move |_| title(&live.progress.get(), live.status.get(), &filename))
    };
    view! {
        <Title text=title />
        <header class="page-head">
            <nav class="crumbs" aria-label="Breadcrumb">
                <a href="/imports">
                    <Icon glyph=Glyph::ChevronLeft />
                    "Imports"
                </a>
            </nav>
            <div class="page-title">
                <h1 class="filename">{filename.clone()}</h1>
                <StatusBadge status=live.status begun />
            </div>
        </header>
        <ProgressCard
            live
            filename
            created_at=Signal::derive(move || job.with(|job| job.created_at))
            completed_at=Signal::derive(move || job.with(|job| job.completed_at))
        />
        <Refresh status=live.status />
        <ImportControls id=id.clone() extras=extras.into() is_over />
        <Columns id=id.clone() extras />
        <Failures id job live_failed is_over extras />
        <Overview job status=live.status begun />
        <Timeline
            live
            created_at=job.with_untracked(|job| job.created_at)
            completed_at=Signal::derive(move || job.with(|job| job.completed_at))
        />
    }
}

/// Has a browser without script load the page again while the import runs. Its content is no part of
/// the document where there is script, so nothing is looked for in it.
#[component]
fn Refresh(status: Signal<ImportStatus>) -> impl IntoView {
    let content = move || {
        let is_running = !status.get().is_final();
        is_running.then_some(r#"<meta http-equiv="refresh" content="5">"#)
    };
    view! { <noscript inner_html=move || content().unwrap_or_default()></noscript> }
}

/// What is known of the import beside its progress.
#[component]
fn Overview(
    job: RwSignal<ProductImportJob>,
    status: Signal<ImportStatus>,
    begun: Signal<bool>,
) -> impl IntoView {
    let created_at = job.with_untracked(|job| job.created_at);
    let id = job.with_untracked(|job| job.id.to_string());
    let filename = job.with_untracked(|job| job.filename.clone());
    let completed_at = Memo::new(move |_| job.with(|job| job.completed_at));
    let took = move || {
        completed_at
            .get()
            .map(|end| format::duration(format::between(created_at, end)))
    };
    view! {
        <section class="card overview" aria-labelledby="overview-title">
            <header class="card-head">
                <h2 id="overview-title">"Overview"</h2>
            </header>
            <dl>
                <Fact name="File">{filename}</Fact>
                <Fact name="Status">
                    {move || status_badge::word(status.get(), begun.get())}
                </Fact>
                <Fact name="Created">
                    <LocalTime at=created_at />
                </Fact>
                <Fact name="Completed">
                    {move || match completed_at.get() {
                        Some(at) => view! { <LocalTime at /> }.into_any(),
                        None => "Not yet".into_any(),
                    }}
                </Fact>
                <Fact name="Duration">{move || took().unwrap_or_else(|| "–".to_owned())}</Fact>
                <Fact name="Import">
                    <span class="code">{id}</span>
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

/// Gets the job once more when the stream says that it is over: the stream tells neither when it
/// ended nor which products failed. Nothing is redrawn but what is new.
fn complete_at_the_end(job: RwSignal<ProductImportJob>, status: Signal<ImportStatus>) {
    let refetch = Action::new(|id: &JobId| get_import(id.clone()));
    Effect::new(move |_| {
        let known = job.with_untracked(|job| job.status.is_final());
        if status.get().is_final() && !known {
            refetch.dispatch(job.with_untracked(|job| job.id.clone()));
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(newest)) = refetch.value().get()
            && newest.status.is_final()
        {
            job.set(newest);
        }
    });
}

fn title(progress: &ImportProgress, status: ImportStatus, filename: &str) -> String {
    match (status, shown_percent(progress, status)) {
        (ImportStatus::Pending, Some(percent)) => format!("{percent}% · {filename}"),
        (status, _) => format!(
            "{} · {filename}",
            status_badge::word(status, progress.done() > 0)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_says_how_far_its_import_is() {
        let progress = ImportProgress {
            processed_products: 43,
            failed_products: 0,
            total_products: 100,
        };
        assert_eq!(
            title(&progress, ImportStatus::Pending, "feed.csv"),
            "43% · feed.csv"
        );
        assert_eq!(
            title(&progress, ImportStatus::Error, "feed.csv"),
            "Failed · feed.csv"
        );
        let none = ImportProgress::default();
        assert_eq!(
            title(&none, ImportStatus::Pending, "feed.csv"),
            "Waiting · feed.csv"
        );
    }
}
