//! The table of imports.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    hooks::use_product_import_progress,
    i18n::locale::Locale,
    islands::parts::{
        clock::{Moment, use_now},
        format,
        locale::use_locale,
        progress_bar::ProgressBar,
        sortable_head::SortableHead,
        status_badge::{Stage, StatusBadge},
    },
    model::{
        base_path,
        imports_filter::{ImportNote, Sort, SortBy},
        job::{ImportProgress, ImportStatus, JobId, ProductImportJob},
    },
};

/// The order of a list, and the links that change it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Sorting {
    /// The current order.
    pub(crate) sort: Sort,
    /// URLs that sort by a column, or reverse the order.
    pub(crate) addresses: Vec<(SortBy, String)>,
}

/// Lists imports, and updates running ones live.
#[component]
pub(crate) fn JobsTable(
    #[prop(into)] jobs: Signal<Vec<ProductImportJob>>,
    /// The order; without it the column heads are no links.
    sorting: Option<Sorting>,
    /// Who started each import, if several users may be listed.
    #[prop(optional)]
    started: Vec<(JobId, String)>,
    /// Notes of those that have one.
    #[prop(optional)]
    notes: Vec<(JobId, ImportNote)>,
    /// ID of the form for selected imports.
    #[prop(optional_no_strip)]
    chosen_by: Option<String>,
) -> impl IntoView {
    let t = use_locale();
    let notes = StoredValue::new(notes);
    let (started, chosen_by) = (StoredValue::new(started), StoredValue::new(chosen_by));
    let head = |by, name| head(by, name, sorting.as_ref());
    let ids = move || jobs.with(|jobs| jobs.iter().map(|job| job.id.clone()).collect::<Vec<_>>());
    view! {
        // Explicit roles, because the phone layout shows rows as cards, which removes the implicit ones.
        <table class="table jobs" role="table" data-testid="jobs-table">
            <caption class="visually-hidden">{t.say("Your imports", "Deine Importe")}</caption>
            <thead role="rowgroup">
                <tr role="row">
                    {head(SortBy::File, t.say("File", "Datei"))}
                    {head(SortBy::Status, t.say("Status", "Status"))}
                    <th role="columnheader" scope="col">
                        {t.say("Progress", "Fortschritt")}
                    </th>
                    {head(SortBy::Created, t.say("Created", "Erstellt"))}
                    {head(SortBy::Duration, t.say("Duration", "Dauer"))}
                </tr>
            </thead>
            <tbody role="rowgroup">
                // A row updates itself, even if the list does not change.
                <For each=ids key=JobId::clone let:id>
                    <ListedJob id jobs started notes chosen_by />
                </For>
            </tbody>
        </table>
    }
}

/// A column head that sorts by the column.
fn head(by: SortBy, name: &'static str, sorting: Option<&Sorting>) -> AnyView {
    let descending = sorting
        .map(|sorting| sorting.sort)
        .filter(|sort| sort.by == by)
        .map(|sort| sort.descending);
    let href = sorting.and_then(|sorting| {
        let found = sorting.addresses.iter().find(|(column, _)| *column == by);
        found.map(|(_, address)| address.clone())
    });
    let numeric = by == SortBy::Duration;
    view! { <SortableHead name column=by.as_str() numeric descending href /> }.into_any()
}

/// An import as it is in the newest list.
#[component]
fn ListedJob(
    id: JobId,
    jobs: Signal<Vec<ProductImportJob>>,
    started: StoredValue<Vec<(JobId, String)>>,
    notes: StoredValue<Vec<(JobId, ImportNote)>>,
    chosen_by: StoredValue<Option<String>>,
) -> impl IntoView {
    let (by, note) = (of_import(started, &id), of_import(notes, &id));
    let find = move |jobs: &Vec<ProductImportJob>| jobs.iter().find(|job| job.id == id).cloned();
    let first = jobs.with_untracked(&find);
    first.map(|first| {
        // A row about to be removed keeps its last state.
        let job = Memo::new(move |before: Option<&ProductImportJob>| {
            jobs.with(&find)
                .or_else(|| before.cloned())
                .unwrap_or_else(|| first.clone())
        });
        view! { <JobRow job by note chosen_by=chosen_by.get_value() /> }
    })
}

/// Returns what is told of an import.
fn of_import<T: Clone + Send + Sync + 'static>(
    told: StoredValue<Vec<(JobId, T)>>,
    id: &JobId,
) -> Option<T> {
    told.with_value(|told| {
        let found = told.iter().find(|(other, _)| other == id);
        found.map(|(_, value)| value.clone())
    })
}

/// Shows an import in a row.
#[component]
pub(crate) fn JobRow(
    #[prop(into)] job: Signal<ProductImportJob>,
    /// Who started it, if several users may be listed.
    #[prop(optional_no_strip)]
    by: Option<String>,
    note: Option<ImportNote>,
    /// ID of the form for selected imports.
    #[prop(optional_no_strip)]
    chosen_by: Option<String>,
) -> impl IntoView {
    let t = use_locale();
    let live = use_product_import_progress(job);
    let (progress, status) = (live.progress, live.status);
    let stage = Memo::new(move |_| {
        let status = status.get();
        let begun = progress.with(ImportProgress::has_begun);
        let cancelled = live.is_cancelled();
        let stage = Stage::of(status, begun, None, cancelled).noted(note);
        job.with(|job| stage.in_mode(job.mode).of_file(&job.filename))
    });
    let (id, filename) = job.with_untracked(|job| (job.id.to_string(), job.filename.clone()));
    let href = base_path::address(&format!("/imports/{id}"));
    let choose = chosen_by.map(|form| {
        view! {
            <input
                type="checkbox"
                class="jobs-choose"
                name="id"
                value=id.clone()
                form=form
                aria-label=format!("{} {filename}", t.say("Select", "Auswählen:"))
                data-testid="choose-import"
            />
        }
    });
    view! {
        <tr role="row" data-testid="job-row" data-job-id=id.clone()>
            <th role="rowheader" scope="row" class="jobs-file">
                {choose}
                <a class="row-link" href=href.clone() title=filename.clone()>
                    {filename.clone()}
                </a>
                {by.map(|name| view! { <span class="jobs-by" data-testid="started-by">{name}</span> })}
            </th>
            <td role="cell" class="jobs-status">
                <StatusBadge status stage />
            </td>
            <td role="cell" class="jobs-progress">
                <ProgressBar
                    progress
                    status
                    label=format!("{} {filename}", t.say("Import of", "Import von"))
                    testid="row-progress"
                />
                <span class="jobs-counts" translate="no">
                    {move || counts(t, &progress.get())}
                </span>
                <span class="jobs-failed" translate="no">
                    {move || failed(t, &progress.get())}
                </span>
            </td>
            <td role="cell" class="jobs-created">
                <a href=href tabindex="-1" aria-hidden="true">
                    <Moment at=Signal::derive(move || job.with(|job| job.created_at)) />
                </a>
            </td>
            <td role="cell" class="jobs-duration numeric" translate="no">
                <Duration job status />
            </td>
        </tr>
    }
}

fn counts(t: Locale, progress: &ImportProgress) -> String {
    match progress.total_products {
        0 => t.count(progress.done()),
        total => format!("{} / {}", t.count(progress.done()), t.count(total)),
    }
}

fn failed(t: Locale, progress: &ImportProgress) -> Option<String> {
    (progress.failed_products > 0).then(|| {
        format!(
            "{} {}",
            t.count(progress.failed_products),
            t.say_of("failed", "fehlgeschlagen", progress.failed_products)
        )
    })
}

/// The duration of the import so far.
#[component]
fn Duration(job: Signal<ProductImportJob>, status: Signal<ImportStatus>) -> impl IntoView {
    let now = use_now();
    Memo::new(move |before: Option<&String>| {
        let (created_at, completed_at) = job.with(|job| (job.created_at, job.completed_at));
        if let Some(completed_at) = completed_at {
            return format::duration(format::between(created_at, completed_at));
        }
        let running = !status.get().is_final();
        match (running.then(|| now.get()).flatten(), before) {
            (Some(now), _) => format::elapsed(format::between(created_at, now)),
            // It ended while the row was shown: keeps the last value of the clock.
            (None, Some(shown)) => shown.clone(),
            (None, None) => "–".to_owned(),
        }
    })
}
