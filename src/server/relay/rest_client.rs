//! The price monitor's REST API (docs/protocol.md).

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::Stream;
use price_monitor_wire::{Reading, Report, Verdict, answer};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, header, multipart};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::{
    diagnosis::Diagnosis,
    hub::Hub,
    import_calls::MappingBody,
    reasons,
    skips::{Skips, Warnings},
    upstream::{REFUSED_DELAY, rest_origin},
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        error::ApiError,
        import_options::{Instructions, OwnLimits},
        job::{ImportMode, JobId},
        reason::Reason,
        status::ReportSource,
        upload::MODE_FIELD,
    },
    server::{
        config::{MonitorEndpoint, RelayConfig},
        http_client::{self, ReadError},
        identity::user::UserId,
        telemetry::metrics::{Metrics, UpstreamCall},
    },
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(8);
/// The receiver limits an upload's duration.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(3600);
/// Maximum pause that a service can request.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
const RETRY_AFTER: u64 = 30;
const LONGEST_RETRY: u64 = 86_400;
/// How long a 404 is remembered, and for how many jobs.
const MISSING_AGE: Duration = Duration::from_secs(3600);
const MOST_MISSING: usize = 100_000;

#[derive(Clone, Debug)]
pub(crate) struct RestClient {
    pooled: reqwest::Client,
    fresh: reqwest::Client,
    pub(super) origin: Arc<str>,
    pub(super) api_key: SecretString,
    max_answer: usize,
    forgotten_after: Duration,
    permits: Arc<Semaphore>,
    known: Arc<Mutex<Known>>,
    skips: Skips,
    diagnosis: Diagnosis,
    warnings: Warnings,
    metrics: Metrics,
    tasks: TaskTracker,
}

#[derive(Debug, Default)]
struct Known {
    /// Jobs with a pending call, so that slow answers do not pile up.
    pending: HashSet<JobId>,
    /// When the key was last rejected, unless accepted since.
    refused: Option<Instant>,
    paused_until: Option<Instant>,
    /// Since when the service answers 404 for a job.
    missing: HashMap<JobId, Instant>,
}

/// A pending call for a job; ends on drop.
struct PendingCall {
    rest: RestClient,
    job: JobId,
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        self.rest.known().pending.remove(&self.job);
    }
}

const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// The user's ID; services may ignore it.
pub(super) const OWNER: &str = "x-import-owner";
/// Identifies repeated uploads. A service that ignores it imports twice.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

#[derive(Debug, Error)]
pub(crate) enum RestError {
    #[error("{}", ErrorCode::MonitorUnreachable)]
    Unreachable(#[source] reqwest::Error),
    #[error("{}", ErrorCode::MonitorKey)]
    Unauthorized,
    /// Forbidden, in the service's words.
    #[error("{0}")]
    Forbidden(Reason),
    #[error("{}", ErrorCode::MonitorUnknownImport)]
    UnknownJob,
    #[error("{}", ErrorCode::MonitorCannot)]
    NotOffered,
    #[error("{reason}")]
    Busy { reason: Reason, seconds: u64 },
    /// A server error. Its text is not shown, except for shutdown (503) and a full disk (507).
    #[error("{0}")]
    Broken(Reason),
    #[error("{}", ErrorCode::MonitorMoved { status: u64::from(*.0) })]
    Moved(u16),
    #[error("{0}")]
    Refused(Reason),
    #[error("{0}")]
    NoSpace(Reason),
    #[error("{}", ErrorCode::MonitorUnreadable)]
    Unreadable,
}

impl From<ReadError> for RestError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Http(error) => Self::Unreachable(error),
            ReadError::TooLong => Self::Unreadable,
        }
    }
}

impl RestClient {
    /// Fails if TLS cannot be set up.
    pub(crate) fn new(
        endpoint: &MonitorEndpoint,
        config: &RelayConfig,
        skips: Skips,
        diagnosis: Diagnosis,
        metrics: Metrics,
        tasks: TaskTracker,
    ) -> Result<Self, reqwest::Error> {
        let client = || http_client::client_for(&endpoint.url).connect_timeout(CONNECT_TIMEOUT);
        // Before the embedded price monitor closes it.
        let pooled = client().pool_idle_timeout(IDLE_TIMEOUT).build()?;
        let fresh = client().pool_max_idle_per_host(0).build()?;
        let concurrency = config.rest_concurrency.min(Semaphore::MAX_PERMITS);
        Ok(Self {
            pooled,
            fresh,
            origin: rest_origin(&endpoint.url).into(),
            api_key: endpoint.api_key.clone(),
            max_answer: config.max_message,
            forgotten_after: config.forgotten_after,
            permits: Arc::new(Semaphore::new(concurrency)),
            known: Arc::default(),
            skips,
            diagnosis,
            warnings: Warnings::default(),
            metrics,
            tasks,
        })
    }

    /// Returns the client for a method. Requests that change something are not repeated, so they never use an idle
    /// connection, which the service may be closing (RFC 9112, section 9.5).
    pub(super) fn client(&self, method: &Method) -> &reqwest::Client {
        if method.is_safe() {
            &self.pooled
        } else {
            &self.fresh
        }
    }

    /// Uploads a product file as a stream; returns the created job.
    pub(crate) async fn create_import<S, E>(
        &self,
        user: &UserId,
        what: Instructions,
        key: Option<String>,
        filename: String,
        file: S,
    ) -> Result<JobId, RestError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let began = Instant::now();
        let response = self
            .upload(user.as_str(), what, key, filename, file)
            .send()
            .await
            .map_err(RestError::Unreachable)?;
        self.metrics
            .upstream_answered(UpstreamCall::Create, began.elapsed());
        let body = self.accepted(response).await?;
        self.created_id(&body)
    }

    pub(super) fn upload<S, E>(
        &self,
        owner: &str,
        what: Instructions,
        key: Option<String>,
        filename: String,
        file: S,
    ) -> RequestBuilder
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let part = multipart::Part::stream(Body::wrap_stream(file)).file_name(filename);
        let mut query = what.options.pairs();
        if what.mode == ImportMode::Check {
            query.insert(0, (MODE_FIELD, what.mode.as_str().to_owned()));
        }
        if !what.mapping.is_empty() {
            query.push(("said", MappingBody::new(&what.mapping).json()));
        }
        if what.limits != OwnLimits::default() {
            // Serializing text cannot fail.
            let limits = serde_json::to_string(&what.limits).unwrap_or_default();
            query.push(("limits", limits));
        }
        if let Some(source) = what.source {
            query.push(("source", source));
        }
        let mut said = url::form_urlencoded::Serializer::new(String::new());
        let said = said.extend_pairs(query).finish();
        let mark = if said.is_empty() { "" } else { "?" };
        let path = format!("{}/api/products/imports{mark}{said}", self.origin);
        let request = self
            .fresh
            .post(path)
            .header("x-api-key", self.api_key.expose_secret())
            .header(OWNER, owner);
        let request = match key {
            Some(key) => request.header(IDEMPOTENCY_KEY, key),
            None => request,
        };
        request
            .multipart(multipart::Form::new().part("file", part))
            .timeout(UPLOAD_TIMEOUT)
    }

    /// Parses the created job's ID; logs the answer's outline if there is none.
    pub(super) fn created_id(&self, body: &[u8]) -> Result<JobId, RestError> {
        let id = answer::created_id(body);
        match id.as_deref().map(str::parse) {
            Some(Ok(id)) => Ok(id),
            _ => {
                tracing::warn!(
                    came = answer::outline(body),
                    id = id.map(|id| self.without_key(&format!("{id:.200?}"))),
                    expected =
                        "id, _id, jobId or importId: 1 to 128 ASCII letters, digits and -_.:~",
                    "the price monitor accepted a file, but its response has no usable import ID"
                );
                Err(RestError::Unreadable)
            }
        }
    }

    pub(crate) async fn progress(&self, job: &JobId) -> Result<Reading, RestError> {
        let began = Instant::now();
        let response = self
            .pooled
            .get(format!(
                "{}/api/products/imports/{job}/progress",
                self.origin
            ))
            .header("x-api-key", self.api_key.expose_secret())
            .timeout(PROGRESS_TIMEOUT)
            .send()
            .await
            .map_err(RestError::Unreachable)?;
        self.metrics
            .upstream_answered(UpstreamCall::Progress, began.elapsed());
        let body = self.accepted(response).await?;
        Reading::from_slice(&body).map_err(|error| {
            self.skips.note(Some(job.as_str()), &error.to_string());
            RestError::Unreadable
        })
    }

    /// Polls a job and returns a report, if any. A job that is unknown for long enough fails.
    pub(super) async fn poll(&self, job: &JobId) -> Option<Report> {
        if self.is_resting() || !self.known().pending.insert(job.clone()) {
            return None;
        }
        let call = PendingCall {
            rest: self.clone(),
            job: job.clone(),
        };
        let _permit = self.permits.acquire().await;
        if self.is_resting() {
            return None; // while this one waited
        }
        match self.progress(&call.job).await {
            Ok(reading) => {
                self.knows(job);
                self.note_report(ReportSource::Answers, &reading);
                Some(reading.report)
            }
            Err(RestError::UnknownJob) => {
                self.warn(job, &RestError::UnknownJob);
                self.is_forgotten(job).then(|| Report {
                    verdict: Verdict::Failed(reasons::failure(&ErrorCode::Forgotten)),
                    ..Report::default()
                })
            }
            Err(error) => {
                if let RestError::Busy { seconds, .. } = error {
                    let pause = Duration::from_secs(seconds).min(LONGEST_PAUSE);
                    self.known().paused_until = Some(Instant::now() + pause);
                }
                self.warn(job, &error);
                None
            }
        }
    }

    /// Polls jobs in the background and reports to the hub.
    pub(crate) fn spawn_polls(&self, jobs: Vec<JobId>, hub: &Hub) {
        if self.is_resting() {
            return;
        }
        for job in jobs {
            let (rest, hub) = (self.clone(), hub.clone());
            if self.known().pending.contains(&job) {
                continue;
            }
            self.tasks.spawn(async move {
                if let Some(report) = rest.poll(&job).await {
                    hub.report(&job, report);
                }
            });
        }
    }

    /// Logs a failed poll once a minute, so that a wrong URL or a forgotten job is noticed.
    fn warn(&self, job: &JobId, error: &RestError) {
        match self.warnings.count() {
            Some(count) => {
                tracing::warn!(%error, %job, count, "the price monitor's REST API did not report progress");
            }
            None => tracing::debug!(%error, %job, "the REST API did not report progress"),
        }
    }

    pub(super) fn note_report(&self, source: ReportSource, reading: &Reading) {
        let clean = |name: &String| self.without_key(name);
        self.diagnosis.note_report(source, reading, clean);
    }

    pub(super) fn knows(&self, job: &JobId) {
        self.known().missing.remove(job);
    }

    /// Records a 404. Returns whether it has lasted long enough.
    fn is_forgotten(&self, job: &JobId) -> bool {
        let mut known = self.known();
        let missing = &mut known.missing;
        if missing.len() >= MOST_MISSING {
            missing.retain(|_, since| since.elapsed() < MISSING_AGE);
        }
        if missing.len() >= MOST_MISSING && !missing.contains_key(job) {
            return false;
        }
        let since = missing.entry(job.clone()).or_insert_with(Instant::now);
        let is_forgotten = since.elapsed() >= self.forgotten_after;
        if is_forgotten {
            missing.remove(job);
        }
        is_forgotten
    }

    pub(crate) fn is_refused(&self) -> bool {
        let refused = self.known().refused;
        refused.is_some_and(|at| at.elapsed() < REFUSED_DELAY)
    }

    /// Returns whether polling is paused: after a rejected key, or at the service's request.
    pub(super) fn is_resting(&self) -> bool {
        let paused_until = self.known().paused_until;
        self.is_refused() || paused_until.is_some_and(|until| Instant::now() < until)
    }

    pub(crate) fn without_key(&self, text: &str) -> String {
        text.replace(self.api_key.expose_secret(), "…")
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn accepted(&self, response: Response) -> Result<Vec<u8>, RestError> {
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = http_client::read_limited(response, self.max_answer).await;
        match status {
            StatusCode::UNAUTHORIZED => self.known().refused = Some(Instant::now()),
            status if status.is_success() => self.known().refused = None,
            // Errors of a broken service or proxy say nothing about the key.
            _ => {}
        }
        if status.is_success() {
            return Ok(body?);
        }
        let code = status.as_u16();
        let own = body.ok().and_then(|body| answer::failure(&body));
        let own = own.map(|mut failure| {
            failure.message = self.without_key(&failure.message);
            reasons::of(&failure)
        });
        let or = |otherwise: ErrorCode| own.clone().unwrap_or_else(|| otherwise.into());
        let status_code = u64::from(code);
        Err(match status {
            StatusCode::UNAUTHORIZED => RestError::Unauthorized,
            StatusCode::FORBIDDEN => RestError::Forbidden(or(ErrorCode::MonitorForbids)),
            StatusCode::NOT_FOUND => RestError::UnknownJob,
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => RestError::NotOffered,
            StatusCode::TOO_MANY_REQUESTS => {
                let seconds = retry_after.unwrap_or(RETRY_AFTER).clamp(1, LONGEST_RETRY);
                let reason = or(ErrorCode::MonitorBusy);
                RestError::Busy { reason, seconds }
            }
            StatusCode::INSUFFICIENT_STORAGE => RestError::NoSpace(or(ErrorCode::MonitorNoSpace)),
            status if status.is_server_error() => {
                let fault = ErrorCode::MonitorBroken {
                    status: status_code,
                };
                RestError::Broken(if code == 503 { or(fault) } else { fault.into() })
            }
            status if status.is_redirection() => RestError::Moved(code),
            _ => RestError::Refused(or(ErrorCode::MonitorRefused {
                status: status_code,
            })),
        })
    }
}

impl From<RestError> for ApiError {
    fn from(error: RestError) -> Self {
        match error {
            RestError::Refused(reason) | RestError::Forbidden(reason) => Self::Invalid(reason),
            RestError::Busy { reason, seconds } => Self::Busy { reason, seconds },
            RestError::NoSpace(reason) => Self::NoSpace(reason),
            RestError::UnknownJob => Self::BadGateway(ErrorCode::MonitorNotThere.into()),
            RestError::Moved(status) => {
                let status = status.into();
                Self::BadGateway(ErrorCode::MonitorMoved { status }.into())
            }
            RestError::NotOffered => Self::BadGateway(ErrorCode::MonitorCannot.into()),
            RestError::Unreadable => Self::BadGateway(ErrorCode::MonitorUnreadable.into()),
            RestError::Unreachable(_) => Self::Unavailable(ErrorCode::MonitorUnreachable.into()),
            RestError::Unauthorized => Self::Unavailable(ErrorCode::MonitorKey.into()),
            RestError::Broken(reason) => Self::Unavailable(reason),
        }
    }
}

/// Returns the seconds of `Retry-After` (RFC 9110, section 10.2.3).
fn retry_after(response: &Response) -> Option<u64> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().or_else(|| {
        let at = httpdate::parse_http_date(value).ok()?;
        let wait = at.duration_since(std::time::SystemTime::now()).ok()?;
        Some(wait.as_secs() + 1)
    })
}
