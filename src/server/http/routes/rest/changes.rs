//! REST routes for product changes.

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Problem,
    answers::OfImport,
    imports::{Id, parsed},
    unreadable,
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        changes::{ChangeKind, ChangesFilter, Field, FieldChange, ProductChange},
        error::ApiError,
        job::JobId,
    },
    server::{
        http::{csv_injection::CsvEscaping, state::AppState},
        identity::principal::Principal,
    },
};

/// Which changes to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChangesQuery {
    /// Only products that were added, updated or removed.
    #[param(inline, value_type = Option<ChangeKind>)]
    kind: Option<String>,
    /// Only changes to this field.
    #[param(inline, value_type = Option<Field>)]
    field: Option<String>,
    /// Only changes that lower the price by more than this percentage, with at most two decimals.
    #[param(example = "30")]
    price_down: Option<String>,
    /// Only changes that raise the price by more than this percentage. With `priceDown`, changes in either
    /// direction.
    #[param(example = "30")]
    price_up: Option<String>,
    /// Text in the product's name, SKU or identity. If more than 1,000 products match, only 1,000 are considered.
    search: Option<String>,
    /// Row of the file to continue after: `next` of the previous page.
    after: Option<u64>,
}

impl ChangesQuery {
    fn filter(&self) -> Result<ChangesFilter, ApiError> {
        let filter = ChangesFilter::read(|name| match name {
            "kind" => self.kind.clone(),
            "field" => self.field.clone(),
            "priceDown" => self.price_down.clone(),
            "priceUp" => self.price_up.clone(),
            _ => self.search.clone(),
        });
        filter.map_err(|name| {
            ApiError::invalid(ErrorCode::InvalidParameter {
                name: name.to_string(),
            })
        })
    }
}

/// A page of the changes that an import made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changes {
    /// Changes, at most 50, in the order of the file. A page may have fewer even if more follow, because a search
    /// stops after some time.
    items: Vec<Change>,
    /// `after` for the next page; null on the last page.
    next: Option<u64>,
}

/// The changes that an import made to one product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    /// Row of the file, from 1.
    row: u64,
    /// What identifies the product.
    identity: String,
    /// Stock-keeping unit after the change.
    sku: Option<String>,
    /// Name after the change.
    name: Option<String>,
    /// What was done to the product.
    #[schema(value_type = ChangeKind)]
    kind: &'static str,
    /// Change of the price in percent; null if it did not change, or if a price is unknown.
    price_change_percent: Option<f64>,
    /// Changed fields; for a new product, the fields it has.
    fields: Vec<Value>,
}

/// A field before and after a change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Value {
    /// Name of the field.
    #[schema(value_type = Field)]
    field: &'static str,
    /// Value before the change.
    old: Option<String>,
    /// Value after the change.
    new: Option<String>,
}

impl From<ProductChange> for Change {
    fn from(change: ProductChange) -> Self {
        Self {
            row: change.row,
            identity: change.identity,
            sku: change.sku,
            name: change.name,
            kind: change.kind.as_str(),
            #[allow(clippy::cast_precision_loss)] // it is at most 10⁹
            price_change_percent: change.price_change.map(|change| change as f64 / 100.0),
            fields: change.fields.into_iter().map(Value::from).collect(),
        }
    }
}

impl From<FieldChange> for Value {
    fn from(change: FieldChange) -> Self {
        Self {
            field: change.field.as_str(),
            old: change.old,
            new: change.new,
        }
    }
}

/// Lists the products that an import changed, with old and new values, 50 per page.
#[utoipa::path(
    get,
    operation_id = "listImportChanges",
    path = "/api/imports/{id}/changes",
    params(("id" = String, Path, description = "ID of the import"), ChangesQuery),
    responses(
        (status = 200, description = "The changes", body = Changes),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 503, description = "The price monitor cannot be reached or doesn't support this", body = Problem),
        OfImport,
    )
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    wanted: Result<Query<ChangesQuery>, QueryRejection>,
) -> Result<Json<Changes>, ApiError> {
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    let filter = wanted.filter()?;
    let job = state.imports.find_visible(&who, &parsed(id)?).await?;
    let after = wanted.after.unwrap_or_default();
    let page = state.relay.changes(&job, &filter, after).await?;
    Ok(Json(Changes {
        items: page.items.into_iter().map(Change::from).collect(),
        next: page.next,
    }))
}

/// Exports the changes of an import as CSV, one line per changed field.
#[utoipa::path(
    get,
    operation_id = "exportImportChanges",
    path = "/api/imports/{id}/changes.csv",
    params(("id" = String, Path, description = "ID of the import"), ChangesQuery),
    responses(
        (status = 200, description = "The changes", body = String, content_type = "text/csv"),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 503, description = "The price monitor cannot be reached", body = Problem),
        OfImport,
    )
)]
pub(crate) async fn file(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    wanted: Result<Query<ChangesQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    changes_file(&state, &who, &parsed(id)?, &wanted.filter()?).await
}

/// `GET /imports/{job}/changes.csv`, for a person.
pub(crate) async fn file_for_person(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    Path(job): Path<String>,
    wanted: Result<Query<ChangesQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    let job: JobId = job.parse().map_err(|_| ApiError::NotFound)?;
    changes_file(&state, &who, &job, &wanted.filter()?).await
}

async fn changes_file(
    state: &AppState,
    who: &Principal,
    job: &JobId,
    filter: &ChangesFilter,
) -> Result<Response, ApiError> {
    let job = state.imports.find_visible(who, job).await?;
    let changes = state.relay.changes_file(&job, filter).await?;
    let mut escaping = CsvEscaping::default();
    let changes = changes.map_ok(move |chunk| escaping.next(&chunk));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"changes.csv\"",
        ),
    ];
    Ok((headers, Body::from_stream(changes)).into_response())
}
