//! The app as a function of Vercel's Rust runtime.
//!
//! The runtime starts the process, forwards requests over HTTP, and is notified over a socket when each of
//! them has ended: for a stream, after its last byte.

use std::{
    pin::Pin,
    process::ExitCode,
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody},
    extract,
    http::header,
    response::Response,
};
use http_body::{Frame, SizeHint};
use import_relay::server::{
    config::Config,
    run::{serverless::Function, shutdown},
    telemetry,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tower::{Layer as _, ServiceExt as _, service_fn};
use vercel_runtime::{AppState, Error, Request, axum::VercelLayer};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("import-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let config = Config::from_env()?;
    let _log =
        telemetry::init(&config.log, &config.telemetry).map_err(|error| error.to_string())?;
    let stopping = CancellationToken::new();
    // The runtime waits for open streams, so they must end at the signal.
    shutdown::on_signal(stopping.clone())?;
    let function = Function::start(config, stopping).await?;
    let router = function.router();
    let service = service_fn(move |(state, request): (AppState, Request)| {
        let router = router.clone();
        async move {
            let until_sent = state.clone();
            let answered = service_fn(move |request: extract::Request| {
                let (router, state) = (router.clone(), until_sent.clone());
                async move {
                    router
                        .oneshot(request)
                        .await
                        .map(|answer| held(answer, &state))
                }
            });
            VercelLayer::new()
                .layer(answered)
                .oneshot((state, request))
                .await
        }
    });
    let served = vercel_runtime::run(service).await;
    function.stop().await;
    served
}

/// Keeps a stream's invocation until its last byte is sent or the client is gone.
fn held(response: Response, state: &AppState) -> Response {
    let is_stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "text/event-stream");
    if !is_stream {
        return response;
    }
    let (sent, is_sent) = oneshot::channel::<()>();
    state.wait_until(async move {
        // The sender is dropped with the body.
        let _ = is_sent.await;
    });
    response.map(|body| Body::new(Held { body, _sent: sent }))
}

/// A body, and what is dropped with it.
struct Held {
    body: Body,
    _sent: oneshot::Sender<()>,
}

impl HttpBody for Held {
    type Data = axum::body::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
