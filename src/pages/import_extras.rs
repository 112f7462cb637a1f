//! What the price monitor reports about an import beyond its progress.

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

/// The form for the columns, if the import needs it or a user asked to change them.
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

/// Returns whether the page lists failed rows.
pub(super) fn lists_failed(job: &ProductImportJob, extras: Option<&ImportExtras>) -> bool {
    extras.is_some_and(|extras| extras.offers("failures")) || !job.failed_product_skus.is_empty()
}

/// Lists the rows with a note if the price monitor keeps them; otherwise the SKUs of failed products.
#[component]
pub(super) fn Failures(job: ProductImportJob, extras: Option<ImportExtras>) -> impl IntoView {
    let (page, search) = (query::page(), query::search());
    let offers = |action| extras.as_ref().is_some_and(|extras| extras.offers(action));
    let (can_retry, can_correct) = (offers("retry"), offers("correct"));
    let is_undo = extras
        .as_ref()
        .is_some_and(|extras| extras.undoes.is_some());
    let counts = extras.as_ref().map(|extras| {
        // Failed rows are listed if the price monitor offers them.
        let failed = if extras.offers("failures") {
            job.failed_products
        } else {
            0
        };
        RowKind::ALL.map(|kind| rows_of(kind, extras, failed))
    });
    let skipped = extras.map(|extras| extras.passed_over).unwrap_or_default();
    // The kind in the query, or else the first kind with any rows.
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
            return view! { <ImportRowsTable id kind rows search counts skipped can_retry can_correct is_undo /> }
                .into_any();
        }
        view! { <FailedProducts skus=job.failed_product_skus failed=job.failed_products /> }
            .into_any()
    })
}
