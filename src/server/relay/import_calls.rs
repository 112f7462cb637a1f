//! Optional actions of a price monitor: details, cancel, import again, columns. It lists them in `GET
//! /api/products/imports/{id}`; a service without that call has fewer features.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use reqwest::{Method, RequestBuilder, StatusCode, header};
use secrecy::ExposeSecret;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Relay,
    rest_client::{RestClient, RestError},
};
use crate::{
    i18n::locale::Locale,
    model::{
        audit::AuditAction,
        changes::{ChangesFilter, ChangesPage},
        error::ApiError,
        import_extras::{
            CorrectedCells, FileColumns, FileMapping, ImportExtras, ImportRows, PreviewRow,
            RowKind, RowsToCorrect,
        },
        job::JobId,
    },
    server::identity::{
        job_scope::{ChangeableJob, VisibleJob},
        user::UserId,
    },
};

const EXTRAS_TIMEOUT: Duration = Duration::from_millis(1500);
const ACTION_TIMEOUT: Duration = Duration::from_secs(30);
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(3600);

impl RestClient {
    fn about(&self, method: Method, job: &JobId, what: &str) -> RequestBuilder {
        let path = format!("{}/api/products/imports/{job}{what}", self.origin);
        self.client(&method)
            .request(method, path)
            .header("x-api-key", self.api_key.expose_secret())
            .timeout(ACTION_TIMEOUT)
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, RestError> {
        let response = request.send().await.map_err(RestError::Unreachable)?;
        let body = self.accepted(response).await?;
        price_monitor_wire::from_slice(&body).map_err(|_| RestError::Unreadable)
    }

    async fn done(&self, request: RequestBuilder) -> Result<(), RestError> {
        let response = request.send().await.map_err(RestError::Unreachable)?;
        self.accepted(response).await.map(drop)
    }

    async fn created(&self, request: RequestBuilder, user: &UserId) -> Result<JobId, RestError> {
        let request = request.header(super::rest_client::OWNER, user.as_str());
        let response = request.send().await.map_err(RestError::Unreachable)?;
        let body = self.accepted(response).await?;
        self.created_id(&body)
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rerun {
    Again,
    Retry,
    Undo {
        /// Including products that later imports have changed.
        everything: bool,
    },
}

impl Rerun {
    pub(crate) fn action(self) -> AuditAction {
        match self {
            Self::Again | Self::Retry => AuditAction::ImportRetried,
            Self::Undo { .. } => AuditAction::ImportUndone,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Again => "/again",
            Self::Retry => "/retry",
            Self::Undo { everything: false } => "/undo",
            Self::Undo { everything: true } => "/undo?everything=true",
        }
    }
}

impl Relay {
    /// Returns `None` if the service has no details or does not answer in time.
    pub(crate) async fn extras(&self, job: &VisibleJob) -> Option<ImportExtras> {
        let request = self.rest.about(Method::GET, &job.id, "");
        let asked = tokio::time::timeout(EXTRAS_TIMEOUT, self.rest.answer(request));
        asked.await.ok()?.ok()
    }

    pub(crate) async fn cancel(&self, job: &ChangeableJob) -> Result<(), ApiError> {
        let request = self.rest.about(Method::POST, &job.id, "/cancel");
        self.rest.done(request).await.map_err(api_error)
    }

    pub(crate) async fn approve(&self, job: &ChangeableJob) -> Result<(), ApiError> {
        let request = self.rest.about(Method::POST, &job.id, "/approve");
        self.rest.done(request).await.map_err(api_error)
    }

    pub(crate) async fn rerun(
        &self,
        user: &UserId,
        of: &ChangeableJob,
        what: Rerun,
    ) -> Result<JobId, ApiError> {
        let request = self.rest.about(Method::POST, &of.id, what.path());
        self.rest.created(request, user).await.map_err(api_error)
    }

    pub(crate) async fn is_forgotten(&self, job: &ChangeableJob) -> bool {
        matches!(
            self.rest.progress(&job.id).await,
            Err(RestError::UnknownJob)
        )
    }

    /// Deletes the price monitor's record of an import, if it offers that.
    pub(crate) async fn delete_upstream(&self, job: &ChangeableJob) -> Result<(), ApiError> {
        let request = self.rest.about(Method::DELETE, &job.id, "");
        match self.rest.done(request).await {
            Ok(()) | Err(RestError::UnknownJob | RestError::NotOffered) => Ok(()),
            Err(error) => Err(api_error(error)),
        }
    }

    pub(crate) async fn rows(
        &self,
        job: &VisibleJob,
        kind: RowKind,
        page: u64,
        search: &str,
    ) -> Result<ImportRows, ApiError> {
        let path = rows_path(kind, page, search);
        let request = self.rest.about(Method::GET, &job.id, &path);
        self.rest.answer(request).await.map_err(api_error)
    }

    /// Returns a page of rows, by cell.
    pub(crate) async fn cells(
        &self,
        job: &VisibleJob,
        kind: RowKind,
        page: u64,
    ) -> Result<RowsToCorrect, ApiError> {
        let path = format!("/cells?kind={}&page={page}", kind.as_str());
        let request = self.rest.about(Method::GET, &job.id, &path);
        self.rest.answer(request).await.map_err(api_error)
    }

    pub(crate) async fn correct(
        &self,
        user: &UserId,
        of: &ChangeableJob,
        kind: RowKind,
        rows: &CorrectedCells,
    ) -> Result<JobId, ApiError> {
        let request = self.rest.about(Method::POST, &of.id, "/correct");
        let request = request.json(&Corrected {
            kind: kind.as_str(),
            rows,
        });
        self.rest.created(request, user).await.map_err(api_error)
    }

    pub(crate) async fn rows_file(
        &self,
        job: &VisibleJob,
        kind: RowKind,
        language: Locale,
    ) -> Result<impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static + use<>, ApiError>
    {
        let path = match kind {
            RowKind::Failed => "/failures.csv".to_owned(),
            _ => format!("/notes.csv?kind={}", kind.as_str()),
        };
        self.file(job, &path, language).await
    }

    async fn file(
        &self,
        job: &VisibleJob,
        path: &str,
        language: Locale,
    ) -> Result<impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static + use<>, ApiError>
    {
        let request = self.rest.about(Method::GET, &job.id, path);
        let request = request.header(header::ACCEPT_LANGUAGE, language.tag());
        let response = request.timeout(DOWNLOAD_TIMEOUT).send().await;
        let response = response.map_err(|error| api_error(RestError::Unreachable(error)))?;
        match response.status() {
            StatusCode::OK => Ok(response.bytes_stream().map_err(std::io::Error::other)),
            _ => Err(ApiError::NotFound),
        }
    }

    pub(crate) async fn changes(
        &self,
        job: &VisibleJob,
        filter: &ChangesFilter,
        after: u64,
    ) -> Result<ChangesPage, ApiError> {
        let path = changes_path("changes", filter, Some(after));
        let request = self.rest.about(Method::GET, &job.id, &path);
        self.rest.answer(request).await.map_err(api_error)
    }

    pub(crate) async fn changes_file(
        &self,
        job: &VisibleJob,
        filter: &ChangesFilter,
    ) -> Result<impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static + use<>, ApiError>
    {
        let path = changes_path("changes.csv", filter, None);
        self.file(job, &path, Locale::default()).await
    }

    pub(crate) async fn columns(&self, job: &VisibleJob) -> Result<FileColumns, ApiError> {
        let request = self.rest.about(Method::GET, &job.id, "/columns");
        self.rest.answer(request).await.map_err(api_error)
    }

    /// Returns the first rows as products, under a mapping.
    pub(crate) async fn preview(
        &self,
        job: &VisibleJob,
        mapping: &FileMapping,
    ) -> Result<Vec<PreviewRow>, ApiError> {
        let request = self.rest.about(Method::POST, &job.id, "/columns/preview");
        let request = request.json(&MappingBody::new(mapping));
        self.rest.answer(request).await.map_err(api_error)
    }

    /// Imports a file with a mapping; an import that waits for one continues.
    pub(crate) async fn map_columns(
        &self,
        user: &UserId,
        of: &ChangeableJob,
        mapping: &FileMapping,
    ) -> Result<JobId, ApiError> {
        let request = self.rest.about(Method::POST, &of.id, "/columns");
        let request = request.json(&MappingBody::new(mapping));
        self.rest.created(request, user).await.map_err(api_error)
    }
}

fn rows_path(kind: RowKind, page: u64, search: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("page", &page.to_string())
        .append_pair("search", search);
    let list = match kind {
        RowKind::Failed => "failures",
        _ => {
            query.append_pair("kind", kind.as_str());
            "notes"
        }
    };
    format!("/{list}?{}", query.finish())
}

fn changes_path(list: &str, filter: &ChangesFilter, after: Option<u64>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(filter.pairs());
    if let Some(after) = after {
        query.append_pair("after", &after.to_string());
    }
    format!("/{list}?{}", query.finish())
}

#[derive(Serialize)]
struct Corrected<'a> {
    kind: &'a str,
    rows: &'a CorrectedCells,
}

/// A mapping in the service's format.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MappingBody<'a> {
    columns: std::collections::BTreeMap<usize, &'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    decimal_mark: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    currency: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    sheets: &'a [String],
}

impl<'a> MappingBody<'a> {
    pub(super) fn json(&self) -> String {
        // Serializing text and numbers cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn new(mapping: &'a FileMapping) -> Self {
        let words = mapping.columns.iter().map(String::as_str).enumerate();
        Self {
            columns: words.filter(|(_, word)| !word.is_empty()).collect(),
            decimal_mark: &mapping.decimal_mark,
            currency: &mapping.currency,
            sheets: &mapping.sheets,
        }
    }
}

fn api_error(error: RestError) -> ApiError {
    tracing::debug!(
        error = &error as &dyn std::error::Error,
        "the price monitor refused"
    );
    match error {
        RestError::UnknownJob => ApiError::NotFound,
        error => error.into(),
    }
}
