//! The REST route that lists imports.

use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, answers::OfProgram};
use crate::{
    i18n::messages::{ErrorCode, Params},
    model::{
        error::ApiError,
        imports_filter::ImportsFilter,
        job::{JobId, ProductImportJob},
        reason::Reason,
    },
    server::{http::state::AppState, identity::principal::Principal},
};

/// An import in its newest known state.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Import {
    /// ID of the import.
    #[schema(value_type = String, example = "0199c2a4-7d55-7f06-8d5e-0a6d0f3f7a10")]
    id: JobId,
    /// Name of the file.
    filename: String,
    /// Status. Every status but `PENDING` is final.
    #[schema(value_type = Status)]
    status: &'static str,
    /// Why the import failed, in English or in the words of an external price monitor.
    error: Option<String>,
    /// Error code; null for the words of an external price monitor.
    error_code: Option<String>,
    /// Parameters of the error code.
    #[schema(value_type = Object)]
    error_params: Params,
    /// Whether the import was cancelled.
    cancelled: bool,
    /// Number of products in the file; null until it is known.
    total_products: Option<u64>,
    /// Number of imported products.
    processed_products: u64,
    /// Number of products that could not be imported.
    failed_products: u64,
    /// SKUs of products that could not be imported.
    failed_product_skus: Vec<String>,
    /// Start, in milliseconds since 1970.
    created_at: i64,
    /// Last change, in milliseconds since 1970.
    updated_at: i64,
    /// End, in milliseconds since 1970.
    completed_at: Option<i64>,
    /// Whether the import writes products or only checks them.
    #[schema(value_type = Mode)]
    mode: &'static str,
}

/// Whether an import writes products.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // only its description is used
pub(super) enum Mode {
    /// Write the products.
    Import,
    /// Dry run: report what an import would change, and write nothing.
    Check,
}

/// Status of an import.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(dead_code)] // only its description is used
pub(super) enum Status {
    /// Waiting or running.
    Pending,
    /// All products were imported.
    Success,
    /// Some products could not be imported.
    PartialSuccess,
    /// The import failed.
    Error,
}

impl From<ProductImportJob> for Import {
    fn from(job: ProductImportJob) -> Self {
        Self {
            id: job.id,
            filename: job.filename,
            status: job.status.as_str(),
            error_code: job.error.as_ref().and_then(Reason::code).map(str::to_owned),
            error_params: job
                .error
                .as_ref()
                .map(Reason::params)
                .cloned()
                .unwrap_or_default(),
            cancelled: job.error.as_ref().is_some_and(Reason::is_cancelled),
            error: job.error.as_ref().map(Reason::to_string),
            total_products: job.total_products,
            processed_products: job.processed_products,
            failed_products: job.failed_products,
            failed_product_skus: job.failed_product_skus,
            created_at: job.created_at,
            updated_at: job.updated_at,
            completed_at: job.completed_at,
            mode: job.mode.as_str(),
        }
    }
}

/// A page of imports.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Imports {
    /// Imports on this page, newest first.
    items: Vec<Import>,
    /// Number of this page, from 1.
    page: u64,
    /// Number of pages, at least 1.
    pages: u64,
    /// Number of imports on all pages.
    total: u64,
    /// Whether there are more imports than `total`, which stops counting at a limit. A page after the last one
    /// exists then.
    #[serde(rename = "hasMore")]
    has_more: bool,
}

/// Which page to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Number of the page, from 1. A number past the last page returns the last page.
    #[serde(default = "first")]
    #[param(default = 1, minimum = 1)]
    pub(super) page: u64,
}

pub(super) fn first() -> u64 {
    1
}

/// Lists imports, newest first, 20 per page.
#[utoipa::path(
    get,
    operation_id = "listImports",
    path = "/api/imports",
    params(PageQuery),
    responses(
        (status = 200, description = "The imports", body = Imports),
        (status = 400, description = "The page is not valid", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    wanted: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Imports>, ApiError> {
    let Query(PageQuery { page }) = wanted.map_err(|_| ApiError::invalid(ErrorCode::NotAPage))?;
    if page == 0 {
        return Err(ApiError::invalid(ErrorCode::NotAPage));
    }
    let all = ImportsFilter::default();
    let mut jobs = state.store.find_imports(&who.jobs(), &all, page).await?;
    state.relay.refresh(&mut jobs.items).await;
    Ok(Json(Imports {
        items: jobs.items.into_iter().map(Import::from).collect(),
        page: jobs.page,
        pages: jobs.pages,
        total: jobs.total,
        has_more: jobs.has_more,
    }))
}
