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

/// How many rows may follow their import live. Over HTTP/1.1 a browser opens six connections to a
/// server at most, and the page needs some of them for everything else.
const LIVE_ROWS: usize = 3;

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
                <For each=move || rows(jobs.get()) key=Row::key let:row>
                    <JobRow job=row.job live=row.live />
                </For>
            </tbody>
        </table>
    }
}

/// An import and whether its row follows it.
#[derive(Clone, Debug)]
struct Row {
    job: ProductImportJob,
    live: bool,
}

impl Row {
    /// What makes it the same row after a refetch. A live row keeps itself up to date; every other
    /// one is made anew when something about it has changed.
    fn key(&self) -> (String, bool, ImportStatus, Option<[u64; 3]>) {
        let seen = (!self.live).then(|| {
            let progress = self.job.progress();
            [
                progress.processed_products,
                progress.failed_products,
                progress.total_products,
            ]
        });
        (self.job.id.to_string(), self.live, self.job.status, seen)
    }
}

fn rows(jobs: Vec<ProductImportJob>) -> Vec<Row> {
    let mut live_rows = 0;
    jobs.into_iter()
        .map(|job| {
            let live = !job.status.is_final() && live_rows < LIVE_ROWS;
            live_rows += usize::from(live);
            Row { job, live }
        })
        .collect()
}

/// Returns whether some of the imports are running without a row that follows them, so that the
/// list has to be asked for again.
pub(crate) fn goes_stale(jobs: &[ProductImportJob]) -> bool {
    jobs.iter().filter(|job| !job.status.is_final()).count() > LIVE_ROWS
}

/// Shows one import in a line.
#[component]
pub(crate) fn JobRow(
    /// The import.
    job: ProductImportJob,
    /// Whether to follow it while it runs.
    live: bool,
) -> impl IntoView {
    let (progress, status) = if live {
        let live = use_product_import_progress(job.clone());
        (live.progress, live.status)
    } else {
        let (progress, status) = (job.progress(), job.status);
        (
            Signal::derive(move || progress),
            Signal::derive(move || status),
        )
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str, status: ImportStatus) -> ProductImportJob {
        ProductImportJob {
            id: id.parse().unwrap(),
            filename: "feed.csv".to_owned(),
            status,
            error: None,
            total_products: None,
            processed_products: 0,
            failed_products: 0,
            failed_product_skus: Vec::new(),
            created_at: 0,
            updated_at: 0,
            completed_at: None,
        }
    }

    #[test]
    fn only_the_first_running_imports_are_followed() {
        let jobs: Vec<_> = ["a", "b", "c", "d", "e"]
            .into_iter()
            .map(|id| {
                job(
                    id,
                    if id == "b" {
                        ImportStatus::Success
                    } else {
                        ImportStatus::Pending
                    },
                )
            })
            .collect();
        assert!(goes_stale(&jobs));
        let live: Vec<_> = rows(jobs).into_iter().map(|row| row.live).collect();
        assert_eq!(live, [true, false, true, true, false]);
    }

    #[test]
    fn a_followed_row_survives_a_refetch_and_another_does_not() {
        let mut pending = job("a", ImportStatus::Pending);
        let key = |job: &ProductImportJob, live| {
            Row {
                job: job.clone(),
                live,
            }
            .key()
        };
        let (followed, other) = (key(&pending, true), key(&pending, false));
        pending.processed_products = 7;
        assert_eq!(key(&pending, true), followed);
        assert_ne!(key(&pending, false), other);
    }
}
