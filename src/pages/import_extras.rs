//! What the price monitor says of an import beyond its progress, on the import's page.

use leptos::prelude::*;

use super::query;
use crate::{
    api::import_controls::{file_columns, import_rows},
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

/// Asks what the columns hold, where that is what an import failed of, or somebody wants to say so.
#[component]
pub(super) fn Columns(id: JobId, extras: Option<ImportExtras>) -> impl IntoView {
    let is_wanted = query::value("columns").is_some();
    let asking = extras.filter(|extras| {
        let is_needed = extras.problem.is_some() || extras.needs.is_some();
        (is_needed || is_wanted) && extras.offers("columns")
    });
    asking.map(|extras| {
        let is_check = extras.is_check();
        Suspend::new(async move {
            let file = file_columns(id.clone()).await.ok();
            file.map(|file| view! { <ColumnMapping id file is_check /> })
        })
    })
}

/// Returns whether the page of an import lists what failed of it.
pub(super) fn lists_failed(job: &ProductImportJob, extras: Option<&ImportExtras>) -> bool {
    extras.is_some_and(|extras| extras.offers("failures")) || !job.failed_product_skus.is_empty()
}

/// The rows of which something is to be said, where the price monitor keeps them; else the names of what
/// failed.
#[component]
pub(super) fn Failures(job: ProductImportJob, extras: Option<ImportExtras>) -> impl IntoView {
    let (page, search) = (query::page(), query::search());
    let offers = |action| extras.as_ref().is_some_and(|extras| extras.offers(action));
    let (can_retry, can_correct) = (offers("retry"), offers("correct"));
    let counts = extras.map(|extras| {
        // Those that failed are listed by whoever offers them.
        let failed = if extras.offers("failures") {
            job.failed_products
        } else {
            0
        };
        RowKind::ALL.map(|kind| rows_of(kind, &extras, failed))
    });
    // Of the kind that is asked for, else of the first that there are any of.
    let asked = query::value("rows");
    let asked = asked.and_then(|kind| kind.parse::<RowKind>().ok());
    let shown = counts.filter(|_| job.status.is_final()).and_then(|counts| {
        let there = || RowKind::ALL.into_iter().zip(counts);
        let first = there().find(|(_, count)| *count > 0);
        let shown = there().find(|(kind, _)| Some(*kind) == asked).or(first);
        shown.map(|(kind, _)| (kind, counts))
    });
    Suspend::new(async move {
        let id = job.id.clone();
        if let Some((kind, counts)) = shown
            && let Ok(rows) = import_rows(id.clone(), kind, page, search.clone()).await
        {
            return view! { <ImportRowsTable id kind rows search counts can_retry can_correct /> }
                .into_any();
        }
        view! { <FailedProducts skus=job.failed_product_skus failed=job.failed_products /> }
            .into_any()
    })
}
