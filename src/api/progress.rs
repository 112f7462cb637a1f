//! The progress of imports: the event stream as a server function, and the one-off question.

use leptos::{
    prelude::*,
    server_fn::{
        ContentType,
        codec::{Encoding, FromRes, GetUrl, IntoRes},
        error::FromServerFnError,
        response::{ClientRes, TryRes},
    },
};

use serde::{Deserialize, Serialize};

use super::ApiError;
use crate::{
    base_path::address,
    job::{JobId, ProgressEvent},
};

/// Returns the address of a job's event stream: `GET /api/jobs/{jobId}/progress`.
#[must_use]
pub fn progress_url(job: &JobId) -> String {
    address(&format!("/api/jobs/{job}/progress"))
}

/// The encoding of a server function that answers with Server-Sent Events (WHATWG HTML, section
/// 9.2). A browser reads it with an `EventSource`, not with the function's generated client.
#[derive(Debug)]
pub struct EventStream;

impl ContentType for EventStream {
    const CONTENT_TYPE: &'static str = "text/event-stream";
}

impl Encoding for EventStream {
    const METHOD: http::Method = http::Method::GET;
}

/// Returns the address of one event stream of these jobs: `GET /api/jobs/progress?ids=a,b,c`. Each
/// state carries its `jobId`.
#[must_use]
pub fn jobs_progress_url(jobs: &[JobId]) -> String {
    let ids: Vec<_> = jobs.iter().map(JobId::as_str).collect();
    address(&format!("/api/jobs/progress?ids={}", ids.join(",")))
}

/// Returns the address of one event stream of these jobs, and of the user's other unfinished ones,
/// new ones as they start.
#[must_use]
pub fn new_jobs_progress_url(jobs: &[JobId]) -> String {
    if jobs.is_empty() {
        return address("/api/jobs/progress");
    }
    format!("{}&unfinished=true", jobs_progress_url(jobs))
}

/// The most jobs that one stream takes: every page says it in a `meta` element, for the hooks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct JobsPerStream(pub usize);

impl JobsPerStream {
    /// The name of the `meta` element.
    pub const NAME: &'static str = "jobs-per-stream";
}

impl Default for JobsPerStream {
    /// What holds where the server does not say otherwise.
    fn default() -> Self {
        Self(200)
    }
}

/// How the server stands to the price monitor, as the named event `upstream` of a progress stream
/// tells it. A stream begins with one only where there is something to tell.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpstreamState {
    /// The first connection is being made.
    #[default]
    Connecting,
    /// The socket is open: news comes at once.
    Connected,
    /// There is no socket; the price monitor is asked every few seconds.
    Polling,
    /// The price monitor does not accept this server's key.
    Refused,
}

impl UpstreamState {
    /// Every state there is.
    pub const ALL: [Self; 4] = [
        Self::Connecting,
        Self::Connected,
        Self::Polling,
        Self::Refused,
    ];

    /// Returns the state's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Polling => "polling",
            Self::Refused => "refused",
        }
    }

    /// Says what a viewer may notice of it, if anything.
    #[must_use]
    pub fn sentence(self) -> Option<&'static str> {
        match self {
            Self::Connecting | Self::Connected => None,
            Self::Polling => Some(
                "The live connection to the price monitor is down. It is asked every few seconds instead.",
            ),
            Self::Refused => Some(
                "The price monitor does not accept this server, so progress may not arrive. Ask whoever runs this server.",
            ),
        }
    }
}

/// The data of the event `upstream`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct UpstreamEvent {
    /// How the server stands to the price monitor.
    pub state: UpstreamState,
}

type Chunk = Result<bytes::Bytes, bytes::Bytes>;

/// The bytes of an event stream.
pub struct Events(std::pin::Pin<Box<dyn futures::Stream<Item = Chunk> + Send>>);

impl Events {
    /// Wraps a stream of whole events.
    pub fn new(events: impl futures::Stream<Item = bytes::Bytes> + Send + 'static) -> Self {
        Self(Box::pin(futures::StreamExt::map(events, Ok)))
    }
}

impl<E, Response> IntoRes<EventStream, Response, E> for Events
where
    Response: TryRes<E>,
    E: FromServerFnError,
{
    async fn into_res(self) -> Result<Response, E> {
        Response::try_from_stream(EventStream::CONTENT_TYPE, self.0)
    }
}

impl<E, Response> FromRes<EventStream, Response, E> for Events
where
    Response: ClientRes<E> + Send,
    E: FromServerFnError,
{
    async fn from_res(response: Response) -> Result<Self, E> {
        Ok(Self(Box::pin(response.try_into_stream()?)))
    }
}

/// Streams a job's progress: what [`progress_url`] gives, as a server function.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] when there is no such job or it
/// is somebody else's, [`ApiError::TooMany`] over the stream limits, [`ApiError::Unavailable`] while
/// the server stops.
#[server(prefix = "/api", endpoint = "job_progress", input = GetUrl, output = EventStream)]
pub async fn job_progress(id: JobId) -> Result<Events, ApiError> {
    use crate::server::{
        auth,
        relay::{Asking, ProgressAnswer},
        router::STREAM_HEADERS,
        state::app_state,
    };

    let who = auth::require_user().await?;
    let response = expect_context::<leptos_axum::ResponseOptions>();
    let last_event_id = auth::request_last_event_id();
    let asking = Asking {
        address: auth::request_address()?,
        last_event_id: last_event_id.as_deref(),
    };
    let answer = app_state()?.relay.open_stream(&who, &id, &asking).await?;
    Ok(match answer {
        ProgressAnswer::NothingMore => {
            response.set_status(http::StatusCode::NO_CONTENT);
            Events::new(futures::stream::empty())
        }
        ProgressAnswer::Stream(stream) => {
            for (name, value) in STREAM_HEADERS {
                response.insert_header(name, value);
            }
            Events::new(stream.into_stream())
        }
    })
}

/// Gives the newest known states of those of the jobs that are there and the user's: what the hooks
/// of a page ask when their stream is refused or silent.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, which is final. Any other error passes.
#[server(prefix = "/api", endpoint = "job_states", input = GetUrl)]
pub async fn job_states(ids: Vec<JobId>) -> Result<Vec<(JobId, ProgressEvent)>, ApiError> {
    let who = crate::server::auth::require_user().await?;
    crate::server::state::app_state()?
        .relay
        .states(&who.jobs(), &ids)
        .await
}
