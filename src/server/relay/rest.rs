//! The price monitor's REST calls (CONTRACT section 2).

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::Stream;
use reqwest::{Body, Response, StatusCode, multipart};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{
    hub::Hub,
    report::Report,
    upstream::{REFUSED_DELAY, rest_origin},
};
use crate::{
    job::JobId,
    server::{
        config::MonitorEndpoint,
        outgoing::{self, ReadError},
        store::users::UserId,
        telemetry::metrics::{Metrics, UpstreamCall},
    },
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer about a job's progress may take.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(8);
/// How long an upload may take in all. Its headway is watched where it comes in.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(3600);
/// The most bytes of an answer that are read.
const MAX_ANSWER: usize = 4 << 20;
/// The most characters of a refusal that are shown.
const MAX_WORDS: usize = 300;

/// The REST side of a price monitor. Clones share one pool of connections.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    pub(super) client: reqwest::Client,
    pub(super) origin: Arc<str>,
    pub(super) api_key: SecretString,
    permits: Arc<Semaphore>,
    /// The jobs that are being asked for, so that slow answers do not pile up.
    asking: Arc<Mutex<HashSet<JobId>>>,
    /// When our key was last refused, where it has not been accepted since.
    refused: Arc<Mutex<Option<Instant>>>,
    metrics: Metrics,
    tasks: TaskTracker,
}

/// A job that is being asked for. Dropping it is having asked.
struct Question {
    rest: Rest,
    job: JobId,
}

impl Drop for Question {
    fn drop(&mut self) {
        self.rest.asking().remove(&self.job);
    }
}

/// In whose name we ask. A service that does not know it ignores it.
pub(super) const OWNER: &str = "x-import-owner";
/// By what a file is known that may be handed in again, should the answer get lost. A service that does not
/// know it takes it for another file.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What is to be done with a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum UploadMode {
    /// Import it.
    #[default]
    Import,
    /// Say what importing it would do: for services that are known to offer it.
    Check,
}

impl UploadMode {
    fn query(self) -> &'static str {
        match self {
            Self::Import => "",
            Self::Check => "?mode=check",
        }
    }
}

/// Why a REST call did not give what was asked. The texts are for users.
#[derive(Debug, Error)]
pub(crate) enum RestError {
    /// The service is not there, or breaks off.
    #[error("The price monitor cannot be reached. Try again in a moment.")]
    Unreachable(#[source] reqwest::Error),
    /// The service does not accept our key.
    #[error("The price monitor does not accept this server's key. Ask whoever runs this server.")]
    Unauthorized,
    /// The service does not know the job.
    #[error("The price monitor does not know this import.")]
    UnknownJob,
    /// The service does not offer what was asked for.
    #[error("The price monitor does not offer this.")]
    NotOffered,
    /// The service says no, in these words.
    #[error("{0}")]
    Refused(String),
    /// The answer cannot be understood.
    #[error("The price monitor answered in a way that cannot be understood.")]
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

impl Rest {
    /// Makes the client.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub(crate) fn new(
        endpoint: &MonitorEndpoint,
        concurrency: usize,
        metrics: Metrics,
        tasks: TaskTracker,
    ) -> Result<Self, reqwest::Error> {
        let client = outgoing::client_for(&endpoint.url)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()?;
        Ok(Self {
            client,
            origin: rest_origin(&endpoint.url).into(),
            api_key: endpoint.api_key.clone(),
            permits: Arc::new(Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS))),
            asking: Arc::default(),
            refused: Arc::default(),
            metrics,
            tasks,
        })
    }

    /// Hands a product file in and returns the job that was made of it. The file is streamed.
    ///
    /// # Errors
    ///
    /// When the service cannot be reached, refuses, or gives no usable identifier.
    pub(crate) async fn create_import<S, E>(
        &self,
        user: &UserId,
        mode: UploadMode,
        key: Option<Uuid>,
        filename: String,
        file: S,
    ) -> Result<JobId, RestError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let began = Instant::now();
        let part = multipart::Part::stream(Body::wrap_stream(file)).file_name(filename);
        let mut request = self
            .client
            .post(format!(
                "{}/api/products/imports{}",
                self.origin,
                mode.query()
            ))
            .header("x-api-key", self.api_key.expose_secret())
            .header(OWNER, user.as_str());
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key.to_string());
        }
        let response = request
            .multipart(multipart::Form::new().part("file", part))
            .timeout(UPLOAD_TIMEOUT)
            .send()
            .await
            .map_err(RestError::Unreachable)?;
        self.metrics
            .upstream_answered(UpstreamCall::Create, began.elapsed());
        let body = self.accepted(response).await?;
        created_id(&body).ok_or(RestError::Unreadable)
    }

    /// Asks for a job's progress.
    ///
    /// # Errors
    ///
    /// When the service cannot be reached in time, refuses, or does not know the job.
    pub(crate) async fn progress(&self, job: &JobId) -> Result<Report, RestError> {
        let began = Instant::now();
        let response = self
            .client
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
        Report::from_json(&body).map_err(|_| RestError::Unreadable)
    }

    /// Asks for the progress of these jobs in the background and gives the answers to the hub. After
    /// our key was refused it asks for none for a while: it will hardly be right a moment later.
    pub(crate) fn settle(&self, jobs: Vec<JobId>, hub: &Hub) {
        for job in jobs {
            if self.is_refused() || !self.asking().insert(job.clone()) {
                continue;
            }
            let (rest, hub) = (self.clone(), hub.clone());
            let question = Question {
                rest: self.clone(),
                job,
            };
            self.tasks.spawn(async move {
                let job = &question.job;
                // The semaphore is never closed.
                let _permit = rest.permits.acquire().await;
                if rest.is_refused() {
                    return; // while this one waited
                }
                match rest.progress(job).await {
                    Ok(report) => hub.report(job, report),
                    Err(error) => tracing::debug!(%error, %job, "REST did not tell the progress"),
                }
            });
        }
    }

    /// Returns whether our key has just been refused.
    pub(crate) fn is_refused(&self) -> bool {
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_some_and(|at| at.elapsed() < REFUSED_DELAY)
    }

    fn heard_of_key(&self, is_accepted: bool) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused = (!is_accepted).then(Instant::now);
    }

    /// Returns a text of the service with our key taken out, should it hold it.
    pub(crate) fn without_key(&self, text: &str) -> String {
        text.replace(self.api_key.expose_secret(), "…")
    }

    fn asking(&self) -> std::sync::MutexGuard<'_, HashSet<JobId>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the body of a good answer, and turns any other into what it says.
    pub(super) async fn accepted(&self, response: Response) -> Result<Vec<u8>, RestError> {
        let status = response.status();
        let body = outgoing::read_limited(response, MAX_ANSWER).await?;
        let is_unauthorized = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        // What a broken service or a proxy before it says is no word on the key.
        if is_unauthorized || !status.is_server_error() {
            self.heard_of_key(!is_unauthorized);
        }
        match status {
            status if status.is_success() => Ok(body),
            _ if is_unauthorized => Err(RestError::Unauthorized),
            StatusCode::NOT_FOUND => Err(RestError::UnknownJob),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                Err(RestError::NotOffered)
            }
            status => Err(match own_words(&body) {
                Some(words) => RestError::Refused(self.without_key(&words)),
                None => RestError::Refused(format!(
                    "The price monitor refused the file (HTTP {}).",
                    status.as_u16()
                )),
            }),
        }
    }
}

/// Finds the identifier in a created job: `id`, `_id` or `jobId`, bare or wrapped in `data`.
pub(super) fn created_id(body: &[u8]) -> Option<JobId> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let job = if answer["data"].is_object() {
        &answer["data"]
    } else {
        &answer
    };
    ["id", "_id", "jobId"]
        .into_iter()
        .find_map(|name| match &job[name] {
            Value::String(id) => id.parse().ok(),
            Value::Number(id) => id.to_string().parse().ok(),
            _ => None,
        })
}

/// Finds what the service says of its refusal: `error` or `message`, or a short plain text.
fn own_words(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let words = match serde_json::from_str::<Value>(text) {
        Ok(answer) => ["message", "error"]
            .into_iter()
            .find_map(|name| match &answer[name] {
                Value::String(words) => Some(words.clone()),
                Value::Object(inner) => inner.get("message")?.as_str().map(str::to_owned),
                Value::Array(all) => {
                    let all: Vec<_> = all.iter().filter_map(Value::as_str).collect();
                    (!all.is_empty()).then(|| all.join(", "))
                }
                _ => None,
            })?,
        Err(_) if text.starts_with('<') => return None,
        Err(_) => text.to_owned(),
    };
    let words: String = words
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_WORDS)
        .collect();
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_identifier_is_found_under_each_name() {
        for body in [
            r#"{"id":"a1"}"#,
            r#"{"_id":"a1","status":"PENDING"}"#,
            r#"{"jobId":"a1"}"#,
            r#"{"success":true,"data":{"id":"a1"}}"#,
        ] {
            assert_eq!(created_id(body.as_bytes()).unwrap().as_str(), "a1");
        }
        assert_eq!(created_id(br#"{"id":17}"#).unwrap().as_str(), "17");
        for body in ["", "[]", r#"{"id":null}"#, r#"{"id":"../x"}"#] {
            assert_eq!(created_id(body.as_bytes()), None, "{body:?}");
        }
    }

    #[test]
    fn a_refusal_is_quoted() {
        for (body, words) in [
            (r#"{"error":"Only CSV files"}"#, Some("Only CSV files")),
            (
                r#"{"error":"Bad Request","message":"no SKU column"}"#,
                Some("no SKU column"),
            ),
            (r#"{"message":["a","b"]}"#, Some("a, b")),
            ("quota exceeded\n", Some("quota exceeded")),
            ("<html>502</html>", None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(own_words(body.as_bytes()).as_deref(), words, "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(body: Vec<u8>) {
            let _ = created_id(&body);
            let _ = own_words(&body);
        }
    }
}
