//! Product changes of an import.
//!
//! | call | answer |
//! | --- | --- |
//! | `GET …/{id}/changes?after=&limit=&kind=&field=&priceDown=&priceUp=&search=` | a page of changes after a row of the
//! file, and the row to continue after |
//! | `GET …/{id}/changes.csv?…` | all changes, one line per value |

use std::{collections::HashMap, io, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;

use super::{Service, service::ServiceError};
use crate::{
    model::{
        changes::{ChangesFilter, ChangesPage, ProductChange},
        job::Question,
    },
    server::store::{Store, monitor_imports::MonitorImport, preview::preview_of},
};

const PAGE: u64 = 50;

/// Maximum page size; also rows per chunk of a download.
const MOST: u64 = 1000;

pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/api/products/imports/{id}/changes", get(list))
        .route("/api/products/imports/{id}/changes.csv", get(file))
}

/// Returns the name of the change set to show: the preview while the import waits for approval, else its changes.
pub(super) fn noted_as(import: &MonitorImport) -> String {
    match import.needs {
        Some(Question::Approval) => preview_of(&import.id),
        _ => import.id.clone(),
    }
}

type Parameters = Query<HashMap<String, String>>;

fn filter(parameters: &HashMap<String, String>) -> Result<ChangesFilter, ServiceError> {
    ChangesFilter::read(|name| parameters.get(name).cloned()).map_err(ServiceError::BadParameter)
}

fn number(
    parameters: &HashMap<String, String>,
    name: &'static str,
) -> Result<Option<u64>, ServiceError> {
    match parameters.get(name).map_or("", String::as_str) {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| ServiceError::BadParameter(name)),
    }
}

async fn list(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Query(parameters): Parameters,
) -> Result<Json<ChangesPage>, ServiceError> {
    let import = service.found(&id).await?;
    let filter = filter(&parameters)?;
    let after = number(&parameters, "after")?.unwrap_or_default();
    let limit = number(&parameters, "limit")?.unwrap_or(PAGE).clamp(1, MOST);
    let noted = noted_as(&import);
    let page = service.store.changes_after(&noted, &filter, after, limit);
    Ok(Json(page.await?))
}

async fn file(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Query(parameters): Parameters,
) -> Result<Response, ServiceError> {
    let import = service.found(&id).await?;
    let changes = Changes {
        store: service.store.clone(),
        import: noted_as(&import),
        filter: filter(&parameters)?,
        after: Some(0),
        is_begun: false,
    };
    let body = stream::try_unfold(changes, |mut changes| async {
        let bytes = changes.next().await?;
        Ok::<_, io::Error>(bytes.map(|bytes| (bytes, changes)))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"changes.csv\"",
        ),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Changes of an import, streamed as CSV in chunks.
struct Changes {
    store: Store,
    import: String,
    filter: ChangesFilter,
    after: Option<u64>,
    is_begun: bool,
}

impl Changes {
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(after) = self.after else {
            return Ok(None);
        };
        let page = self
            .store
            .changes_after(&self.import, &self.filter, after, MOST)
            .await
            .map_err(io::Error::other)?;
        self.after = page.next;
        let mut file = csv::Writer::from_writer(Vec::new());
        if !std::mem::replace(&mut self.is_begun, true) {
            file.write_record([
                "Row", "Identity", "SKU", "Name", "Change", "Field", "Old", "New",
            ])?;
        }
        for change in page.items {
            write(&mut file, &change)?;
        }
        file.into_inner()
            .map(Some)
            .map_err(|error| io::Error::other(error.to_string()))
    }
}

/// Writes one line per changed value, or one line if there is none.
fn write(file: &mut csv::Writer<Vec<u8>>, change: &ProductChange) -> io::Result<()> {
    let row = change.row.to_string();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (sku, name) = (text(&change.sku), text(&change.name));
    let mut line = |field: &str, old: &str, new: &str| {
        file.write_record([
            row.as_str(),
            &change.identity,
            &sku,
            &name,
            change.kind.as_str(),
            field,
            old,
            new,
        ])
    };
    if change.fields.is_empty() {
        line("", "", "")?;
    }
    for field in &change.fields {
        line(field.field.as_str(), &text(&field.old), &text(&field.new))?;
    }
    Ok(())
}
