//! The list of imports.

use leptos::prelude::*;

use super::{
    clock::{Moment, use_now},
    format,
    progress_bar::ProgressBar,
    status_badge::StatusBadge,
};
use crate::{
    hooks::use_product_import_progress,
    job::{ImportProgress, ImportStatus, ProductImportJob},
};

/// Lists imports, the running ones live.
#[component]
pub(crate) fn JobsTable(
    /// The imports, newest first.
    #[prop(into)]
    jobs: Signal<Vec<ProductImportJob>>,
) -> impl IntoView {
    view! {
        // The roles are those the elements have anyway, but for a phone's layout, which makes
        // cards of the rows and would take them away.
        <table class="table jobs" role="table" data-testid="jobs-table">
            <caption class="visually-hidden">"Your imports, newest first"</caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"File"</th>
                    <th role="columnheader" scope="col">"Status"</th>
                    <th role="columnheader" scope="col">"Progress"</th>
                    <th role="columnheader" scope="col">"Created"</th>
                    <th role="columnheader" scope="col" class="numeric">"Duration"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                // A row keeps itself up to date, so a newer record of an unfinished import is the
                // same row.
                <For each=move || jobs.get() key=|job| (job.id.clone(), job.status) let:job>
                    <JobRow job />
                </For>
            </tbody>
        </table>
    }
}

/// Shows one import in a line.
#[component]
pub(crate) fn JobRow(
    /// The import.
    job: ProductImportJob,
) -> impl IntoView {
    let live = use_product_import_progress(job.clone());
    let (progress, status) = (live.progress, live.status);
    let begun = Signal::derive(move || progress.with(|it| it.done() > 0 || it.total_products > 0));
    let href = format!("/imports/{}", job.id);
    view! {
        <tr role="row" data-testid="job-row" data-job-id=job.id.to_string()>
            <th role="rowheader" scope="row" class="jobs-file">
                <a class="row-link" href=href.clone() title=job.filename.clone()>
                    {job.filename.clone()}
                </a>
            </th>
            <td role="cell" class="jobs-status">
                <StatusBadge status begun />
            </td>
            <td role="cell" class="jobs-progress">
                <ProgressBar
                    progress
                    status
                    label=format!("Import of {}", job.filename)
                    testid="row-progress"
                />
                <span class="jobs-counts">{move || counts(&progress.get())}</span>
                <span class="jobs-failed">{move || failed(&progress.get())}</span>
            </td>
            <td role="cell" class="jobs-created">
                <a href=href tabindex="-1" aria-hidden="true">
                    <Moment at=job.created_at />
                </a>
            </td>
            <td role="cell" class="jobs-duration numeric">
                <Duration job=job.clone() status />
            </td>
        </tr>
    }
}

fn counts(progress: &ImportProgress) -> String {
    match progress.total_products {
        0 => format::count(progress.done()),
        total => format!(
            "{} / {}",
            format::count(progress.done()),
            format::count(total)
        ),
    }
}

fn failed(progress: &ImportProgress) -> Option<String> {
    (progress.failed_products > 0)
        .then(|| format!("{} failed", format::count(progress.failed_products)))
}

/// How long the import took, or has taken so far.
#[component]
fn Duration(job: ProductImportJob, status: Signal<ImportStatus>) -> impl IntoView {
    let now = use_now();
    Memo::new(move |before: Option<&String>| {
        if let Some(completed_at) = job.completed_at {
            return format::duration(format::between(job.created_at, completed_at));
        }
        let running = !status.get().is_final();
        match (running.then(|| now.get()).flatten(), before) {
            (Some(now), _) => format::elapsed(format::between(job.created_at, now)),
            // It ended while the row was shown: what the clock showed last.
            (None, Some(shown)) => shown.clone(),
            (None, None) => "–".to_owned(),
        }
    })
}
