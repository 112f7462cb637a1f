//! Progress of imports: the event stream as a server function, and states on request.

use leptos::{
    prelude::*,
    server_fn::{
        ContentType,
        codec::{Encoding, FromRes, GetUrl, IntoRes},
        error::FromServerFnError,
        response::{ClientRes, TryRes},
    },
};

use crate::model::{
    error::ApiError,
    job::{JobId, ProgressEvent},
};

/// Encodes a server function's output as Server-Sent Events (WHATWG HTML, section 9.2). Browsers read it by
/// `EventSource`, not by the generated client.
#[derive(Debug)]
pub struct EventStream;

impl ContentType for EventStream {
    const CONTENT_TYPE: &'static str = "text/event-stream";
}

impl Encoding for EventStream {
    const METHOD: http::Method = http::Method::GET;
}

type Chunk = Result<bytes::Bytes, bytes::Bytes>;

/// The bytes of an event stream.
pub struct Events(std::pin::Pin<Box<dyn futures::Stream<Item = Chunk> + Send>>);

impl Events {
    /// Wraps a stream of complete events.
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

/// Streams a job's progress, as [`progress_url`](crate::model::progress::progress_url) does.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] if the job does not exist or is not visible,
/// [`ApiError::TooMany`] at a limit, [`ApiError::Unavailable`] during shutdown.
#[server(prefix = "/api", endpoint = "job_progress", input = GetUrl, output = EventStream)]
pub async fn job_progress(id: JobId) -> Result<Events, ApiError> {
    use crate::server::{
        auth,
        http::{last_event_id, routes::progress::STREAM_HEADERS, state::app_state},
        relay::{Asking, ProgressAnswer},
    };

    let who = auth::require_user().await?;
    let response = expect_context::<leptos_axum::ResponseOptions>();
    let last_event_id = last_event_id::of_server_fn();
    let asking = Asking {
        address: auth::request_address()?,
        last_event_id: last_event_id.as_deref(),
    };
    let answer = app_state()?.imports.open_stream(&who, &id, &asking).await?;
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

/// Returns the newest states of visible jobs; called by the hooks when their stream is refused or silent.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, which is final. Other errors are temporary.
#[server(prefix = "/api", endpoint = "job_states", input = GetUrl)]
pub async fn job_states(ids: Vec<JobId>) -> Result<Vec<(JobId, ProgressEvent)>, ApiError> {
    let who = crate::server::auth::require_user().await?;
    crate::server::http::state::app_state()?
        .relay
        .states(&who.jobs(), &ids)
        .await
}
