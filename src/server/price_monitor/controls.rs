//! Operations on an import that only the embedded price monitor has.
//!
//! | call | answer |
//! | --- | --- |
//! | `GET …/{id}` | the import and its available actions |
//! | `POST …/{id}/cancel` | 202; the import ends as `ERROR` within a second and keeps imported products |
//! | `POST …/{id}/again` | 201 and a new job, which imports the same file |
//! | `POST …/{id}/retry` | 201 and a new job, which imports or checks the failed rows |
//! | `GET …/{id}/failures?page=&search=` | a page of failed rows with reasons |
//! | `GET …/{id}/failures.csv` | all failed rows as an importable file |
//! | `GET …/{id}/cells?kind=&page=` | a page of failed rows or rows with warnings, by cell |
//! | `POST …/{id}/correct` | 201 and a new job, which imports rows with corrected cells |
//! | `GET …/{id}/notes?kind=&page=&search=` | a page of skipped rows, replaced rows or warnings |
//! | `GET …/{id}/notes.csv?kind=` | all recorded notes |
//! | `GET …/{id}/columns` | the first rows and the meanings of their columns |
//! | `POST …/{id}/columns/preview` | the first rows under a mapping |
//! | `POST …/{id}/columns` | 200 and the job if it waits for an answer; else 201 and a new job of the same mode. Stores
//! the mapping |
//! | `DELETE …/{id}` | 204; deletes the import, not its products |

use std::{collections::BTreeMap, io, pin::pin, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::{Stream, TryStreamExt as _, stream};
use product_feed::{
    DecimalMark, FailedRowsFile, FeedError, FeedRow, Header, Mapping, Meaning, Visitor,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Service, beginning,
    changes::noted_as,
    corrections,
    message::{ErrorFields, ImportBody, JobBody, Kept, Place, RowsBody},
    reasons,
    service::ServiceError,
    upload::{owner, record},
    uploads::stored_name,
};
use crate::{
    i18n::{locale::Locale, messages::ErrorCode},
    server::store::{
        Store, StoreError,
        janitor::ago,
        monitor_imports::{ImportMode, MonitorImport, NewImport, Question},
        row_notes::{NoteKind, RowNote},
    },
};

const ROWS_AT_ONCE: u64 = 1000;

const PREVIEW: usize = 6;

pub(super) type Created = Result<(StatusCode, Json<JobBody>), ServiceError>;

pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/api/products/imports/{id}", get(import).delete(remove))
        .route("/api/products/imports/{id}/cancel", post(cancel))
        .route("/api/products/imports/{id}/again", post(again))
        .route("/api/products/imports/{id}/retry", post(retry))
        .route("/api/products/imports/{id}/failures", get(failures))
        .route("/api/products/imports/{id}/failures.csv", get(failures_csv))
        .route("/api/products/imports/{id}/cells", get(corrections::cells))
        .route(
            "/api/products/imports/{id}/correct",
            post(corrections::correct),
        )
        .route("/api/products/imports/{id}/notes", get(notes))
        .route("/api/products/imports/{id}/notes.csv", get(notes_csv))
        .route(
            "/api/products/imports/{id}/columns",
            get(columns).post(map_columns),
        )
        .route("/api/products/imports/{id}/columns/preview", post(preview))
}

impl Service {
    pub(super) async fn found(&self, id: &str) -> Result<MonitorImport, ServiceError> {
        self.store
            .monitor_import(id)
            .await?
            .ok_or(ServiceError::NotFound)
    }

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
        let owner = owner.or(import.owner);
        let shared = self.uploads.share(&import.stored_as, &id, owner.as_deref());
        let incoming = shared.await?;
        let new = NewImport {
            stored_as: stored_name(&id),
            id,
            filename: import.filename,
            owner,
            mode,
            mapping: mapping.or(import.mapping),
            stored_in: None,
            file: import.file.unwrap_or_default(),
            undoes: None,
            options: import.options,
            limits: import.limits,
            source: import.source,
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
    let place = Place {
        position: service.workers.place(&id).await?,
        waits_for_room: service.queue.waits_for_room(),
        stands_still: service.queue.stands_still(&id),
    };
    let oldest = service.options.retention.rows.map(ago);
    let noted = noted_as(&import);
    let kept = Kept {
        file: service.uploads.has(&import.stored_as).await,
        rows: import
            .completed_at
            .is_none_or(|ended| oldest.is_none_or(|oldest| ended >= oldest)),
        changes: service.store.has_changes(&noted).await?,
        undone_by: service.store.undone_by(&id).await?,
        changed_since: match (import.mode, import.needs) {
            (_, Some(Question::Approval)) => service.store.changed_since_check(&noted).await?,
            (ImportMode::Check, _) if import.status.is_final() => {
                service.store.changed_since_check(&noted).await?
            }
            _ => 0,
        },
    };
    Ok(Json(ImportBody::new(import, place, kept)))
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
    // Its worker may still be cleaning up.
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
    if import.progress.failed_products == 0 || import.undoes.is_some() {
        return Err(ServiceError::NothingFailed);
    }
    let rows = FailedRows::new(Locale::default(), service.store.clone(), import.clone())?;
    import_rows(service, import, &headers, rows.parts()).await
}

/// Imports some rows of an import, written as a new file.
pub(super) async fn import_rows(
    service: Arc<Service>,
    import: MonitorImport,
    headers: &HeaderMap,
    rows: impl Stream<Item = io::Result<Vec<u8>>> + Send,
) -> Created {
    let new_id = Uuid::now_v7().to_string();
    let owner = owner(headers).or_else(|| import.owner.clone());
    service.may_begin(owner.as_deref()).await?;
    let mut writing = service.uploads.begin(owner.as_deref()).await?;
    let mut rows = pin!(rows);
    while let Some(bytes) = rows.try_next().await? {
        writing.count(bytes.len())?;
        writing.write(&bytes).await?;
    }
    let (incoming, file) = service.uploads.complete(writing, &new_id).await?;
    let new = NewImport {
        stored_as: stored_name(&new_id),
        id: new_id,
        filename: import.filename,
        owner,
        mode: import.mode,
        mapping: import.mapping,
        stored_in: None,
        file,
        undoes: None,
        options: import.options.of_some_rows(),
        limits: import.limits,
        source: import.source,
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
) -> Result<Json<RowsBody>, ServiceError> {
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
struct NotesQuery {
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

async fn notes(
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

async fn notes_csv(
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
        behind: Some((0, 0)),
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
    behind: Option<(u64, u64)>,
    is_begun: bool,
}

impl Notes {
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(behind) = self.behind else {
            return Ok(None);
        };
        let notes = self
            .store
            .row_notes_behind(&self.import, self.kind, behind, ROWS_AT_ONCE)
            .await
            .map_err(io::Error::other)?;
        self.behind = notes.last().map(|note| (note.row, note.part));
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

/// Returns the mapping that an import used, once known.
pub(super) fn understood(import: &MonitorImport) -> Option<Mapping> {
    let answers = import.tally.understood.as_deref()?;
    serde_json::from_str(answers).ok()
}

/// Failed rows of an import, streamed as CSV in chunks.
struct FailedRows {
    language: Locale,
    store: Store,
    import: MonitorImport,
    file: FailedRowsFile,
    behind: Option<u64>,
}

/// Creates a file for rows of an import, with the import's mapping.
pub(super) fn file_of_rows(import: &MonitorImport) -> io::Result<FailedRowsFile> {
    let header = import.header.as_deref().unwrap_or_default();
    match understood(import) {
        Some(answers) => FailedRowsFile::of(header, &answers),
        None => FailedRowsFile::new(header),
    }
}

impl FailedRows {
    fn new(language: Locale, store: Store, import: MonitorImport) -> io::Result<Self> {
        Ok(Self {
            language,
            store,
            file: file_of_rows(&import)?,
            import,
            behind: Some(0),
        })
    }

    fn parts(self) -> impl Stream<Item = io::Result<Vec<u8>>> + Send {
        stream::try_unfold(self, |mut rows| async {
            let bytes = rows.next().await?;
            Ok(bytes.map(|bytes| (bytes, rows)))
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
            self.file
                .add(&row.cells, &self.language.reason(&row.reason))?;
        }
        self.file.take().map(Some)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ColumnsBody {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    columns: Vec<Option<&'static str>>,
    decimal_mark: Option<&'static str>,
    currency: Option<&'static str>,
    sheets: Vec<String>,
    all_sheets: Vec<String>,
    needs: Option<Question>,
}

async fn columns(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<Json<ColumnsBody>, ServiceError> {
    let import = service.found(&id).await?;
    let mapping = mapping_of(&import);
    let mut rows = first_rows(&service, &import, mapping.sheets()).await?;
    let columns = if mapping.has_columns() {
        let said = |index| mapping.meaning_of(index);
        (0..rows[0].len()).map(said).collect()
    } else {
        product_feed::suggest(&rows)
    };
    let header = rows.remove(0);
    rows.truncate(PREVIEW - 1);
    let all_sheets = match import.needs {
        Some(Question::Sheets) => all_sheets(&service, &import).await?,
        _ => Vec::new(),
    };
    Ok(Json(ColumnsBody {
        header,
        rows,
        columns: columns
            .into_iter()
            .map(|meaning| meaning.map(Meaning::as_str))
            .collect(),
        decimal_mark: mapping.decimal_mark().map(DecimalMark::as_str),
        currency: mapping.currency(),
        sheets: mapping.sheets().to_vec(),
        all_sheets,
        needs: import.needs,
    }))
}

fn mapping_of(import: &MonitorImport) -> Mapping {
    let said = import.mapping.as_deref();
    said.and_then(|mapping| serde_json::from_str(mapping).ok())
        .unwrap_or_default()
}

/// Returns the first rows of an import's file, or of these sheets.
async fn first_rows(
    service: &Arc<Service>,
    import: &MonitorImport,
    sheets: &[String],
) -> Result<Vec<Vec<String>>, ServiceError> {
    // Without its file an import's columns cannot be changed.
    if !service.uploads.has(&import.stored_as).await {
        return Err(ServiceError::NotKept);
    }
    let rows = if sheets.is_empty() {
        match service.store.import_beginning(&import.id).await? {
            Some(rows) => rows,
            None => keep_first_rows(service, import).await?,
        }
    } else {
        // The stored rows may be of another sheet.
        let owner = import.owner.as_deref().unwrap_or_default();
        let place = service.readers.look(owner).await?;
        let (input, limits) = (
            service.uploads.input(&import.stored_as),
            service.options.limits(),
        );
        let sheets = sheets.to_vec();
        place
            .read(move || beginning::of_sheets(input, &limits, sheets))
            .await?
    };
    if rows.is_empty() {
        return Err(ServiceError::NoColumns);
    }
    Ok(rows)
}

/// Stores the first rows of an import of an older version, or one that has not begun.
async fn keep_first_rows(
    service: &Arc<Service>,
    import: &MonitorImport,
) -> Result<Vec<Vec<String>>, ServiceError> {
    let owner = import.owner.as_deref().unwrap_or_default();
    let place = service.readers.look(owner).await?;
    // Another request may have stored them.
    if let Some(rows) = service.store.import_beginning(&import.id).await? {
        return Ok(rows);
    }
    let (input, limits) = (
        service.uploads.input(&import.stored_as),
        service.options.limits(),
    );
    let rows = place.read(move || beginning::of(input, &limits)).await?;
    service
        .store
        .keep_import_beginning(&import.id, &rows)
        .await?;
    Ok(rows)
}

async fn all_sheets(
    service: &Arc<Service>,
    import: &MonitorImport,
) -> Result<Vec<String>, ServiceError> {
    let (input, limits) = (
        service.uploads.input(&import.stored_as),
        service.options.limits(),
    );
    let owner = import.owner.as_deref().unwrap_or_default();
    let place = service.readers.look(owner).await?;
    let count = move || product_feed::count(input, &limits, None);
    match place.read(count).await {
        Err(ServiceError::Feed(FeedError::UnknownSheet(names))) => Ok(names),
        _ => Ok(Vec::new()),
    }
}

/// The stated meanings of columns, by index from 0, and the decimal mark, currency and sheets.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MappingBody {
    columns: BTreeMap<usize, String>,
    decimal_mark: Option<String>,
    currency: Option<String>,
    sheets: Vec<String>,
}

impl MappingBody {
    pub(super) fn has_columns(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Returns the sheets after this is merged; column indices refer to them.
    fn sheets_after<'a>(&'a self, before: &'a Mapping) -> &'a [String] {
        if self.sheets.is_empty() {
            before.sheets()
        } else {
            &self.sheets
        }
    }

    /// Merges this into an earlier mapping.
    pub(super) fn added_to(
        self,
        before: Mapping,
        header: &[String],
    ) -> Result<Mapping, ServiceError> {
        let bad = ServiceError::BadMapping;
        let mut mapping = before;
        let columns = self
            .columns
            .into_iter()
            .filter(|(_, word)| !word.is_empty())
            .map(|(index, word)| {
                let meaning = word.parse::<Meaning>();
                meaning
                    .map(|meaning| (index, meaning))
                    .map_err(|_| bad(ErrorCode::UnknownMeaning { word }))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if !columns.is_empty() {
            mapping = mapping.with_columns(columns).of(header);
        }
        if let Some(text) = self.decimal_mark.filter(|text| !text.is_empty()) {
            let mark = text
                .parse()
                .map_err(|_| bad(ErrorCode::UnknownDecimalMark { word: text }))?;
            mapping = mapping.with_decimal_mark(mark);
        }
        if let Some(text) = self.currency.filter(|text| !text.trim().is_empty()) {
            let said = mapping.with_currency(text.trim());
            mapping = said.map_err(|_| bad(ErrorCode::UnknownMappedCurrency { word: text }))?;
        }
        if !self.sheets.is_empty() {
            mapping = mapping.with_sheets(self.sheets);
        }
        Ok(mapping)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PreviewRow {
    line: u64,
    sku: Option<String>,
    name: Option<String>,
    price: Option<String>,
    #[serde(flatten)]
    error: Option<ErrorFields>,
}

async fn preview(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Json(body): Json<MappingBody>,
) -> Result<Json<Vec<PreviewRow>>, ServiceError> {
    let import = service.found(&id).await?;
    let before = mapping_of(&import);
    let first = first_rows(&service, &import, body.sheets_after(&before)).await?;
    let mapping = body.added_to(before, &first[0])?;
    let limits = service.options.limits();
    if !mapping.sheets().is_empty() {
        let input = service.uploads.input(&import.stored_as);
        let owner = import.owner.as_deref().unwrap_or_default();
        let place = service.readers.look(owner).await?;
        let read = move || {
            let mut rows = Vec::new();
            let mut preview = Preview(&mut rows);
            product_feed::read(input, &limits, Some(&mapping), &mut preview).map(|()| rows)
        };
        return Ok(Json(place.read(read).await?));
    }
    // Few enough rows to read here.
    let mut rows = Vec::new();
    product_feed::read_rows(&first, Some(&mapping), &mut Preview(&mut rows))?;
    Ok(Json(rows))
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
                error: Some(ErrorFields::of(reasons::of_row(&failure.error))),
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
    let before = mapping_of(&import);
    let cells = first_rows(&service, &import, body.sheets_after(&before))
        .await?
        .remove(0);
    let mapping = body.added_to(before, &cells)?;
    if mapping.has_columns() {
        product_feed::check_mapping(&cells, &mapping)
            .map_err(|error| ServiceError::BadMapping(reasons::of_mapping(error)))?;
    }
    let json = serde_json::to_string(&mapping).map_err(io::Error::other)?;
    let fingerprint = Header::fingerprint(&cells);
    let source = import.source.as_deref();
    let remembering = service.store.remember_mapping(source, &fingerprint, &json);
    remembering.await?;
    if import.needs.is_none() {
        let (owner, mode) = (owner(&headers), import.mode);
        return service
            .import_file_of(import, owner, mode, Some(json))
            .await;
    }
    if !service.store.answer_monitor_import(&id, &json).await? {
        return Err(ServiceError::Answered);
    }
    service.queue.wake();
    let import = service.found(&id).await?;
    Ok((StatusCode::OK, Json(import.into())))
}
