//! What can be done with an import beyond what every price monitor offers: looking at it closely,
//! stopping it, importing again, and saying what its columns hold.
//!
//! | call | answer |
//! | --- | --- |
//! | `GET …/{id}` | all that is known of it, and the actions it offers now |
//! | `POST …/{id}/cancel` | 202; the import ends as `ERROR` within a second, what is in stays |
//! | `POST …/{id}/again` | 201 and the new job, which imports the same file |
//! | `POST …/{id}/retry` | 201 and the new job, which imports the rows that failed, or checks them again |
//! | `GET …/{id}/failures?page=&search=` | a page of the rows that failed, and why |
//! | `GET …/{id}/failures.csv` | all of them as a file that imports as it is once corrected |
//! | `GET …/{id}/columns` | the file's first rows and what its columns are taken for |
//! | `POST …/{id}/columns/preview` | what the first rows are under a mapping |
//! | `POST …/{id}/columns` | 201 and the new job, of the same mode, with a mapping that is remembered |
//! | `DELETE …/{id}` | 204; it is forgotten, its products stay |

use std::{collections::BTreeMap, io, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use product_feed::{FailedRowsFile, FeedRow, Header, Mapping, Meaning, Visitor};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::{
    Service,
    message::{FailuresBody, ImportBody, JobBody},
    service::ServiceError,
    upload::{owner, record},
    uploads::stored_name,
};
use crate::server::store::{
    Store, StoreError,
    monitor_imports::{ImportMode, MonitorImport, NewImport},
};

/// Failed rows that are read at once.
const ROWS_AT_ONCE: u64 = 1000;

/// Rows of a preview.
const PREVIEW: usize = 6;

type Created = Result<(StatusCode, Json<JobBody>), ServiceError>;

/// Returns the routes.
pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/api/products/imports/{id}", get(import).delete(remove))
        .route("/api/products/imports/{id}/cancel", post(cancel))
        .route("/api/products/imports/{id}/again", post(again))
        .route("/api/products/imports/{id}/retry", post(retry))
        .route("/api/products/imports/{id}/failures", get(failures))
        .route("/api/products/imports/{id}/failures.csv", get(failures_csv))
        .route(
            "/api/products/imports/{id}/columns",
            get(columns).post(map_columns),
        )
        .route("/api/products/imports/{id}/columns/preview", post(preview))
}

impl Service {
    async fn found(&self, id: &str) -> Result<MonitorImport, ServiceError> {
        self.store
            .monitor_import(id)
            .await?
            .ok_or(ServiceError::NotFound)
    }

    /// Records a further import of a file that is kept.
    async fn import_file_of(
        self: &Arc<Self>,
        import: MonitorImport,
        owner: Option<String>,
        mode: ImportMode,
        mapping: Option<String>,
    ) -> Created {
        if !import.status.is_final() {
            return Err(ServiceError::NotOver);
        }
        if !self.uploads.has(&import.stored_as).await {
            return Err(ServiceError::NotKept);
        }
        let id = Uuid::now_v7().to_string();
        let incoming = self.uploads.share(&import.stored_as, &id).await?;
        let new = NewImport {
            stored_as: stored_name(&id),
            id,
            filename: import.filename,
            owner: owner.or(import.owner),
            mode,
            mapping: mapping.or(import.mapping),
            stored_in: None,
        };
        let recording = record(Arc::clone(self), new, incoming);
        let import = self
            .tasks
            .spawn(recording)
            .await
            .map_err(io::Error::other)??;
        Ok((StatusCode::CREATED, Json(import.into())))
    }
}

async fn import(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<Json<ImportBody>, ServiceError> {
    let import = service.announcer.up_to_date(service.found(&id).await?);
    let has_file = service.uploads.has(&import.stored_as).await;
    let place = service.workers.place(&id).await?;
    Ok(Json(ImportBody::new(import, place, has_file)))
}

async fn remove(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ServiceError> {
    service.found(&id).await?;
    let removed = service.store.remove_monitor_import(&id).await?;
    let removed = removed.ok_or(ServiceError::NotOver)?;
    service.uploads.remove(&removed.stored_as).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn cancel(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ServiceError> {
    let import = service.found(&id).await?;
    // Its worker may still be putting its things away.
    if import.status.is_final() {
        return Err(ServiceError::Over);
    }
    service.queue.cancel(&id).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn again(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Created {
    let import = service.found(&id).await?;
    let (owner, mode) = (owner(&headers), ImportMode::Import);
    service.import_file_of(import, owner, mode, None).await
}

async fn retry(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Created {
    let import = service.found(&id).await?;
    if !import.status.is_final() {
        return Err(ServiceError::NotOver);
    }
    if import.progress.failed_products == 0 {
        return Err(ServiceError::NothingFailed);
    }
    let new_id = Uuid::now_v7().to_string();
    let (incoming, mut file) = service.uploads.begin().await?;
    let mut rows = FailedRows::new(service.store.clone(), import.clone())?;
    while let Some(bytes) = rows.next().await? {
        file.write_all(&bytes).await?;
    }
    file.flush().await?;
    file.sync_all().await?;
    let incoming = service.uploads.complete(incoming, &new_id).await?;
    let new = NewImport {
        stored_as: stored_name(&new_id),
        id: new_id,
        filename: import.filename,
        owner: owner(&headers).or(import.owner),
        mode: import.mode,
        mapping: import.mapping,
        stored_in: None,
    };
    let recording = record(Arc::clone(&service), new, incoming);
    let import = service
        .tasks
        .spawn(recording)
        .await
        .map_err(io::Error::other)??;
    Ok((StatusCode::CREATED, Json(import.into())))
}

#[derive(Debug, Deserialize)]
struct FailuresQuery {
    #[serde(default)]
    page: u64,
    #[serde(default)]
    search: String,
}

async fn failures(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Query(query): Query<FailuresQuery>,
) -> Result<Json<FailuresBody>, ServiceError> {
    service.found(&id).await?;
    let search = query.search.trim();
    let page = service
        .store
        .list_monitor_failed_rows(&id, search, query.page)
        .await?;
    Ok(Json(page.into()))
}

async fn failures_csv(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<Response, ServiceError> {
    let import = service.found(&id).await?;
    let rows = FailedRows::new(service.store.clone(), import)?;
    let body = stream::try_unfold(rows, |mut rows| async {
        let bytes = rows.next().await?;
        Ok::<_, io::Error>(bytes.map(|bytes| (bytes, rows)))
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"failed-rows.csv\""),
        ),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// The failed rows of an import as a file, part by part.
struct FailedRows {
    store: Store,
    import: MonitorImport,
    file: FailedRowsFile,
    /// The last row that is written; `None` when all are.
    behind: Option<u64>,
}

impl FailedRows {
    fn new(store: Store, import: MonitorImport) -> io::Result<Self> {
        let header = import.header.as_deref().unwrap_or_default();
        Ok(Self {
            store,
            file: FailedRowsFile::new(header)?,
            import,
            behind: Some(0),
        })
    }

    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(behind) = self.behind else {
            return Ok(None);
        };
        let failed = |error: StoreError| io::Error::other(error);
        let rows = self
            .store
            .monitor_failed_rows_behind(&self.import.id, behind, ROWS_AT_ONCE)
            .await
            .map_err(failed)?;
        self.behind = rows.last().map(|row| row.row);
        for row in &rows {
            self.file.add(&row.cells, &row.reason)?;
        }
        self.file.take().map(Some)
    }
}

/// The first rows of a file, and what its columns are taken for.
#[derive(Debug, Serialize)]
struct ColumnsBody {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    columns: Vec<Option<&'static str>>,
}

async fn columns(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<Json<ColumnsBody>, ServiceError> {
    let import = service.found(&id).await?;
    let mapping = import
        .mapping
        .as_deref()
        .and_then(|mapping| serde_json::from_str::<Mapping>(mapping).ok());
    let mut rows = first_rows(&service, &import).await?;
    let header = rows.remove(0);
    let columns = header
        .iter()
        .enumerate()
        .map(|(index, name)| match &mapping {
            Some(mapping) => mapping.meaning_of(index),
            None => product_feed::guess(name),
        })
        .map(|meaning| meaning.map(Meaning::as_str))
        .collect();
    Ok(Json(ColumnsBody {
        header,
        rows,
        columns,
    }))
}

async fn first_rows(
    service: &Arc<Service>,
    import: &MonitorImport,
) -> Result<Vec<Vec<String>>, ServiceError> {
    if !service.uploads.has(&import.stored_as).await {
        return Err(ServiceError::NotKept);
    }
    let (input, limits) = (
        service.uploads.input(&import.stored_as),
        service.options.limits(),
    );
    let rows =
        tokio::task::spawn_blocking(move || product_feed::first_rows(input, &limits, PREVIEW));
    Ok(rows.await.map_err(io::Error::other)??)
}

/// What columns hold: their places from 0, and the words for what is in them.
#[derive(Debug, Deserialize)]
struct MappingBody {
    columns: BTreeMap<usize, String>,
}

impl MappingBody {
    fn mapping(self, header: &[String]) -> Result<Mapping, ServiceError> {
        let columns = self
            .columns
            .into_iter()
            .filter(|(_, word)| !word.is_empty());
        let columns = columns
            .map(|(index, word)| {
                let meaning = word.parse::<Meaning>();
                meaning
                    .map(|meaning| (index, meaning))
                    .map_err(|error| ServiceError::BadMapping(format!("{word:?}: {error}.")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Mapping::new(columns).of(header))
    }
}

/// What a row is under a mapping.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PreviewRow {
    line: u64,
    sku: Option<String>,
    name: Option<String>,
    price: Option<String>,
    error: Option<String>,
}

async fn preview(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Json(body): Json<MappingBody>,
) -> Result<Json<Vec<PreviewRow>>, ServiceError> {
    let import = service.found(&id).await?;
    let header = first_rows(&service, &import).await?.remove(0);
    let mapping = body.mapping(&header)?;
    let (input, limits) = (
        service.uploads.input(&import.stored_as),
        service.options.limits(),
    );
    let rows = tokio::task::spawn_blocking(move || {
        let mut rows = Vec::new();
        product_feed::read(input, &limits, Some(&mapping), &mut Preview(&mut rows)).map(|()| rows)
    });
    Ok(Json(rows.await.map_err(io::Error::other)??))
}

struct Preview<'a>(&'a mut Vec<PreviewRow>);

impl Visitor for Preview<'_> {
    fn row(&mut self, row: FeedRow) -> std::ops::ControlFlow<()> {
        let line = row.line;
        self.0.push(match row.outcome {
            Ok(product) => PreviewRow {
                line,
                sku: product.sku.or(Some(product.identity)),
                name: Some(product.name),
                price: product.price,
                error: None,
            },
            Err(failure) => PreviewRow {
                line,
                sku: failure.label,
                name: None,
                price: None,
                error: Some(failure.error.to_string()),
            },
        });
        if self.0.len() < PREVIEW {
            std::ops::ControlFlow::Continue(())
        } else {
            std::ops::ControlFlow::Break(())
        }
    }
}

async fn map_columns(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<MappingBody>,
) -> Created {
    let import = service.found(&id).await?;
    let cells = first_rows(&service, &import).await?.remove(0);
    let mapping = body.mapping(&cells)?;
    product_feed::check_mapping(&cells, &mapping)
        .map_err(|error| ServiceError::BadMapping(error.to_string()))?;
    let json = serde_json::to_string(&mapping).map_err(io::Error::other)?;
    let owner = owner(&headers).or_else(|| import.owner.clone());
    if let Some(owner) = &owner {
        let fingerprint = Header::fingerprint(&cells);
        service
            .store
            .remember_mapping(owner, &fingerprint, &json)
            .await?;
    }
    let mode = import.mode;
    service
        .import_file_of(import, owner, mode, Some(json))
        .await
}
