//! One import, live.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    import_extras::{Columns, Failures, use_extras},
    not_found::{Missing, NotFound},
};
use crate::{
    api::{import_controls::import_extras, imports::get_import},
    components::{
        clock::LocalTime,
        format,
        icons::{Glyph, Icon},
        import_extras::ImportControls,
        language::use_locale,
        notice::ErrorNotice,
        page_title::PageTitle,
        progress_bar::shown_percent,
        progress_card::ProgressCard,
        refresh::Refresh,
        skeleton::CardSkeleton,
        slice::Slice,
        status_badge::{self, Stage, StatusBadge},
        timeline::Timeline,
    },
    hooks::use_product_import_progress,
    i18n::locale::Locale,
    model::{
        base_path::address,
        error::ApiError,
        import_extras::ImportExtras,
        job::{ImportProgress, ImportStatus, JobId, ProductImportJob},
    },
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
                    Ok((job, extras)) => view! { <Slice><ImportDetails job extras /></Slice> }.into_any(),
                    Err(ApiError::NotFound) => view! { <NotFound what=Missing::Import /> }.into_any(),
                    Err(error) => {
                        let here = format!("/imports/{}", id.get_untracked());
                        view! {
                            <PageTitle text="Import" />
                            <h1>"Import"</h1>
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
    let t = use_locale();
    let filename = job.filename.clone();
    let job = RwSignal::new(job);
    let live = use_product_import_progress(job);
    complete_at_the_end(job, live.status);
    let id = job.with_untracked(|job| job.id.clone());
    let is_over = Signal::derive(move || live.status.get().is_final());
    let live_failed = Signal::derive(move || live.progress.with(|it| it.failed_products));
    // A memo: what follows it asks the server, and not at every number.
    let begun: Signal<bool> = Memo::new(move |_| live.progress.with(status_badge::begun)).into();
    let extras = use_extras(id.clone(), extras, is_over, begun);
    let queue_place = Signal::derive(move || extras.with(|extras| extras.as_ref()?.queue_position));
    let cancelled: Signal<bool> = Memo::new(move |_| {
        let status = live.status.get();
        let is_said = extras.with(|extras| extras.as_ref().is_some_and(|it| it.cancelled));
        status == ImportStatus::Error
            && (is_said || live.error.with(|it| status.is_cancelled(it.as_deref())))
    })
    .into();
    let asks = Signal::derive(move || {
        let needs = extras.with(|extras| extras.as_ref().is_some_and(|it| it.needs.is_some()));
        needs && !begun.get() && !is_over.get()
    });
    let stage = Memo::new(move |_| {
        if asks.get() {
            return Stage::Asking;
        }
        Stage::of(
            live.status.get(),
            begun.get(),
            queue_place.get(),
            cancelled.get(),
        )
    });
    let heading = filename.clone();
    let title = {
        let filename = filename.clone();
        Memo::new(move |_| title(t, &live.progress.get(), stage.get(), &filename))
    };
    // On the server the head is written last, when what the page was drawn with may be gone.
    let first_title = title.get_untracked();
    let title = move || title.try_get().unwrap_or_else(|| first_title.clone());
    let [card_id, controls_id, columns_id] = std::array::from_fn(|_| id.clone());
    view! {
        <PageTitle text=title />
        <Slice>
            <header class="page-head">
                <nav class="crumbs" aria-label=t.say("Breadcrumb", "Navigationspfad")>
                    <a href=address("/imports")>
                        <Icon glyph=Glyph::ChevronLeft />
                        {t.say("Imports", "Importe")}
                    </a>
                </nav>
                <div class="page-title">
                    <h1 class="filename">{heading}</h1>
                    <StatusBadge status=live.status begun queue_place cancelled asks />
                </div>
            </header>
        </Slice>
        <Slice>
            <ProgressCard
                live
                filename
                created_at=Signal::derive(move || job.with(|job| job.created_at))
                completed_at=Signal::derive(move || job.with(|job| job.completed_at))
                updated_at=Signal::derive(move || Some(job.with(|job| job.updated_at)))
                id=card_id
                queue_place
                cancelled
            />
        </Slice>
        <Refresh is_running=Signal::derive(move || !is_over.get()) />
        <Slice>
            <ImportControls id=controls_id extras=extras.into() is_over />
        </Slice>
        <Slice>
            <Columns id=columns_id extras />
        </Slice>
        <Slice>
            <Failures id job live_failed is_over extras />
        </Slice>
        <Slice>
            <Overview job stage />
        </Slice>
        <Slice>
            <Timeline
                live
                created_at=job.with_untracked(|job| job.created_at)
                completed_at=Signal::derive(move || job.with(|job| job.completed_at))
                cancelled
            />
        </Slice>
    }
}

/// What is known of the import beside its progress.
#[component]
fn Overview(job: RwSignal<ProductImportJob>, stage: Memo<Stage>) -> impl IntoView {
    let t = use_locale();
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
                <h2 id="overview-title">{t.say("Overview", "Überblick")}</h2>
            </header>
            <dl>
                <Fact name=t.say("File", "Datei")>{filename}</Fact>
                <Fact name="Status">{move || stage.get().word(t)}</Fact>
                <Fact name=t.say("Created", "Erstellt")>
                    <LocalTime at=created_at />
                </Fact>
                <Fact name=t.say("Completed", "Beendet")>
                    {move || match completed_at.get() {
                        Some(at) => view! { <LocalTime at /> }.into_any(),
                        None => t.say("Not yet", "Noch nicht").into_any(),
                    }}
                </Fact>
                <Fact name=t.say("Duration", "Dauer")>{move || took().unwrap_or_else(|| "–".to_owned())}</Fact>
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

fn title(t: Locale, progress: &ImportProgress, stage: Stage, filename: &str) -> String {
    match (stage, shown_percent(progress, ImportStatus::Pending)) {
        (Stage::Running, Some(percent)) => format!("{} · {filename}", t.percent(percent)),
        (stage, _) => format!("{} · {filename}", stage.word(t)),
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
            title(Locale::English, &progress, Stage::Running, "feed.csv"),
            "43% · feed.csv"
        );
        assert_eq!(
            title(Locale::German, &progress, Stage::Running, "feed.csv"),
            "43\u{a0}% · feed.csv"
        );
        assert_eq!(
            title(Locale::English, &progress, Stage::Failed, "feed.csv"),
            "Failed · feed.csv"
        );
        let none = ImportProgress::default();
        assert_eq!(
            title(Locale::English, &none, Stage::Waiting, "feed.csv"),
            "Waiting · feed.csv"
        );
    }
}
