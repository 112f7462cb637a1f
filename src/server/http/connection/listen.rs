//! The accept loop: HTTP/1.1 and HTTP/2 on one port, with graceful shutdown.

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use axum::{Router, http::Version};
use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt, service_fn};

use crate::server::{
    http::connection::{
        hijack::{Hijack, HijackedSocket, Socket},
        idle::IdleConnections,
        limits::{Activity, Connections, MostConnections},
    },
    identity::peer::{Local, Peer},
};

const HEADER_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_HEAD: usize = 64 << 10;
/// HTTP/2 counts 32 bytes more per header (RFC 9113, section 10.5.1).
const MAX_HEAD_HTTP2: u32 = 64 << 10;
/// Maximum concurrent requests of an HTTP/2 connection.
const MAX_SHARING: u32 = 256;
/// How long an HTTP/2 connection may be without a request; HTTP/1.1 has `HEADER_TIMEOUT`.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// Pause when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Options of the accept loop.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// Maximum connections.
    pub most: MostConnections,
    /// How long sent bytes may stay unacknowledged.
    pub write_timeout: Duration,
    /// Maximum time for requests to finish after shutdown.
    pub drain: Duration,
    /// Maximum connections without a request.
    pub max_silent: usize,
}

/// Serves until `shutdown`, then stops accepting, waits for requests to finish, and returns.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ListenOptions,
    shutdown: CancellationToken,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // A client that closes its half after the request, such as `nc -N`, still reads its answer. A request is
        // therefore not cancelled when its client leaves: handlers have deadlines of their own.
        .half_close(true)
        .max_buf_size(MAX_HEAD)
        .header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_HTTP2)
        .max_concurrent_streams(MAX_SHARING)
        .keep_alive_interval(Some(HEADER_TIMEOUT));
    let idle_connections = IdleConnections::new(options.max_silent, HEADER_TIMEOUT);
    let connections = Connections::new(options.most);
    let graceful = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
            () = shutdown.cancelled() => break,
        };
        let Some(admitted) = connections.admit(peer.ip()) else {
            tracing::debug!(%peer, "the connection limit is reached");
            continue;
        };
        if let Err(error) = prepare(&stream, options.write_timeout) {
            tracing::debug!(%error, "cannot set up a connection");
        }
        let local = stream.local_addr().ok();
        let stream = Arc::new(HijackedSocket::new(stream, admitted));
        let hijack = Hijack::default();
        let socket = TokioIo::new(Socket::new(stream.clone(), hijack.clone()));
        let idle = idle_connections.watch();
        let activity = Activity::default();
        let service = TowerToHyperService::new(service_fn({
            let (hijack, idle) = (hijack.clone(), idle.clone());
            let (router, activity) = (router.clone(), activity.clone());
            move |mut request: Request<Incoming>| {
                idle.has_spoken();
                request.extensions_mut().insert(Peer(peer));
                if let Some(local) = local {
                    request.extensions_mut().insert(Local(local));
                }
                // HTTP/2 shares its connection, HTTP/1.0 has no chunks.
                if request.version() == Version::HTTP_11 {
                    request.extensions_mut().insert(hijack.clone());
                }
                let shares = request.version() == Version::HTTP_2;
                let in_flight = shares.then(|| activity.begin());
                let answer = router.clone().oneshot(request);
                async move {
                    let answer = answer.await?;
                    Ok::<_, Infallible>(match in_flight {
                        Some(in_flight) => answer.map(|body| in_flight.with(body)),
                        None => answer,
                    })
                }
            }
        }));
        let connection = builder.serve_connection_with_upgrades(socket, service);
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            let handler = {
                let mut connection = pin!(connection);
                tokio::select! {
                    biased;
                    ended = connection.as_mut() => {
                        if let Err(error) = ended {
                            tracing::debug!(%error, "connection error");
                        }
                        return;
                    }
                    handler = hijack.ready() => handler,
                    () = idle.too_long() => return,
                    () = activity.idle_for(IDLE_TIMEOUT) => return,
                }
            };
            handler(stream);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(options.drain) => tracing::warn!("requests were aborted"),
    }
}

/// Lets the kernel end connections whose sent bytes stay unacknowledged or whose window stays closed (`tcp(7)`,
/// `TCP_USER_TIMEOUT`), so that 50,000 streams need no timers.
fn prepare(stream: &TcpStream, write_timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(write_timeout))?;
    Ok(())
}

/// Ignores connections that broke before they were accepted; pauses when out of file descriptors.
async fn pause_after(error: &io::Error) {
    let of_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if !of_one_connection {
        tracing::error!(%error, "cannot accept connections");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
