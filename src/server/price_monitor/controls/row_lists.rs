//! Rows of an import with what was noted about them: pages and CSV files.

use std::{io, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream};
use product_feed::{FailedRowsFile, Mapping};
use serde::Deserialize;

use crate::{
    i18n::{locale::Locale, messages::ErrorCode},
    server::{
        price_monitor::{Service, message::RowsBody, service::ServiceError},
        store::{
            Store, StoreError,
            monitor_imports::MonitorImport,
            row_notes::{NoteKind, RowNote},
        },
    },
};

const ROWS_AT_ONCE: u64 = 1000;

#[derive(Debug, Deserialize)]
pub(super) struct FailuresQuery {
    #[serde(default)]
    page: u64,
    #[serde(default)]
    search: String,
}

pub(super) async fn failures(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Query(query): Query<FailuresQuery>,
) -> Result<Json<RowsBody>, ServiceError> {
    service.found(&id).await?;
    let search = query.search.trim();
    let page = service
        .store
        .list_monitor_failed_rows(&id, search, query.page)
        .await?;
    Ok(Json(page.into()))
}

pub(super) async fn failures_csv(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ServiceError> {
    let import = service.found(&id).await?;
    let body = FailedRows::new(language(&headers), service.store.clone(), import)?.parts();
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

#[derive(Debug, Deserialize)]
pub(super) struct NotesQuery {
    kind: String,
    #[serde(default)]
    page: u64,
    #[serde(default)]
    search: String,
}

impl NotesQuery {
    fn kind(&self) -> Result<NoteKind, ServiceError> {
        NoteKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == self.kind)
            .ok_or(ServiceError::NotFound)
    }
}

pub(super) async fn notes(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Query(query): Query<NotesQuery>,
) -> Result<Json<RowsBody>, ServiceError> {
    let kind = query.kind()?;
    service.found(&id).await?;
    let search = query.search.trim();
    let page = service
        .store
        .list_row_notes(&id, kind, search, query.page)
        .await?;
    Ok(Json(page.into()))
}

pub(super) async fn notes_csv(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Query(query): Query<NotesQuery>,
    headers: HeaderMap,
) -> Result<Response, ServiceError> {
    let kind = query.kind()?;
    service.found(&id).await?;
    let notes = Notes {
        language: language(&headers),
        store: service.store.clone(),
        import: id,
        kind,
        after: Some((0, 0)),
        is_begun: false,
    };
    let body = stream::try_unfold(notes, |mut notes| async {
        let bytes = notes.next().await?;
        Ok::<_, io::Error>(bytes.map(|bytes| (bytes, notes)))
    });
    let disposition = format!("attachment; filename=\"{}-rows.csv\"", kind.as_str());
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

fn language(headers: &HeaderMap) -> Locale {
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    Locale::negotiate(None, accepted.and_then(|tag| tag.to_str().ok()))
}

/// Notes of an import, streamed as CSV in chunks.
struct Notes {
    language: Locale,
    store: Store,
    import: String,
    kind: NoteKind,
    after: Option<(u64, u64)>,
    is_begun: bool,
}

impl Notes {
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(after) = self.after else {
            return Ok(None);
        };
        let notes = self
            .store
            .row_notes_after(&self.import, self.kind, after, ROWS_AT_ONCE)
            .await
            .map_err(io::Error::other)?;
        self.after = notes.last().map(|note| (note.row, note.part));
        let mut file = csv::Writer::from_writer(Vec::new());
        if !std::mem::replace(&mut self.is_begun, true) {
            file.write_record(["Line", "SKU", "Column", "Value", "Reason"])?;
        }
        for note in &notes {
            file.write_record(note_record(self.language, note))?;
        }
        file.into_inner()
            .map(Some)
            .map_err(|error| io::Error::other(error.to_string()))
    }
}

fn note_record(language: Locale, note: &RowNote) -> [String; 5] {
    let reason = match note.by_line {
        Some(line) => language.reason(&ErrorCode::ReplacedBy { line }.into()),
        None => language.reason(&note.reason),
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (column, value) = (text(&note.column), text(&note.value));
    [
        note.line.to_string(),
        note.label.clone(),
        column,
        value,
        reason,
    ]
}

/// Failed rows of an import, streamed as CSV in chunks.
pub(super) struct FailedRows {
    language: Locale,
    store: Store,
    import: MonitorImport,
    file: FailedRowsFile,
    after: Option<u64>,
}

/// Creates a file for rows of an import, with the import's mapping.
pub(in crate::server::price_monitor) fn file_of_rows(
    import: &MonitorImport,
) -> io::Result<FailedRowsFile> {
    let header = import.header.as_deref().unwrap_or_default();
    match understood(import) {
        Some(answers) => FailedRowsFile::of(header, &answers),
        None => FailedRowsFile::new(header),
    }
}

impl FailedRows {
    pub(super) fn new(language: Locale, store: Store, import: MonitorImport) -> io::Result<Self> {
        Ok(Self {
            language,
            store,
            file: file_of_rows(&import)?,
            import,
            after: Some(0),
        })
    }

    pub(super) fn parts(self) -> impl Stream<Item = io::Result<Vec<u8>>> + Send {
        stream::try_unfold(self, |mut rows| async {
            let bytes = rows.next().await?;
            Ok(bytes.map(|bytes| (bytes, rows)))
        })
    }

    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(after) = self.after else {
            return Ok(None);
        };
        let failed = |error: StoreError| io::Error::other(error);
        let rows = self
            .store
            .monitor_failed_rows_after(&self.import.id, after, ROWS_AT_ONCE)
            .await
            .map_err(failed)?;
        self.after = rows.last().map(|row| row.row);
        for row in &rows {
            self.file
                .add(&row.cells, &self.language.reason(&row.reason))?;
        }
        self.file.take().map(Some)
    }
}

/// Returns the mapping that an import used, once known.
pub(in crate::server::price_monitor) fn understood(import: &MonitorImport) -> Option<Mapping> {
    let answers = import.tally.understood.as_deref()?;
    serde_json::from_str(answers).ok()
}
