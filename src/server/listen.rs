//! The accept loop: HTTP/1.1 and HTTP/2 on one port, with an end in good order.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::Request, http::Version};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    silent::Silent,
    takeover::{Socket, Takeover},
};

/// Who is at the other end of a request's connection: the browser, or the proxy before us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// How long a client may take to send a request's head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);
/// The most bytes of a request's head.
const MAX_HEAD: usize = 64 << 10;
/// The same for HTTP/2, where each header counts 32 bytes more (RFC 9113, section 10.5.1).
const MAX_HEAD_HTTP2: u32 = 64 << 10;
/// How long to wait when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How connections are treated.
#[derive(Clone, Copy, Debug)]
pub struct ListenOptions {
    /// How long what was sent may stay unread before the connection is cut.
    pub write_timeout: Duration,
    /// How long requests may take to finish after the shutdown began.
    pub drain: Duration,
    /// The most connections that have not made a request yet.
    pub max_silent: usize,
}

/// Serves until `shutdown`, then accepts no more, lets requests finish and returns.
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
        .max_buf_size(MAX_HEAD)
        .header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_HTTP2)
        .keep_alive_interval(Some(HEADER_TIMEOUT));
    let silent = Silent::new(options.max_silent, HEADER_TIMEOUT);
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
        if let Err(error) = prepare(&stream, options.write_timeout) {
            tracing::debug!(%error, "a connection could not be prepared");
        }
        let stream = Arc::new(stream);
        let takeover = Takeover::default();
        let socket = TokioIo::new(Socket::new(stream.clone(), takeover.clone()));
        let silence = silent.watch();
        let service = TowerToHyperService::new(router.clone().map_request({
            let (takeover, silence) = (takeover.clone(), silence.clone());
            move |mut request: Request<_>| {
                silence.broken();
                request.extensions_mut().insert(Peer(peer));
                // HTTP/2 shares its connection among requests, HTTP/1.0 knows no chunks.
                if request.version() == Version::HTTP_11 {
                    request.extensions_mut().insert(takeover.clone());
                }
                request
            }
        }));
        let connection = builder.serve_connection_with_upgrades(socket, service);
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            let successor = {
                let mut connection = pin!(connection);
                tokio::select! {
                    biased;
                    ended = connection.as_mut() => {
                        if let Err(error) = ended {
                            tracing::debug!(%error, "a connection broke");
                        }
                        return;
                    }
                    successor = takeover.ready() => successor,
                    () = silence.too_long() => return,
                }
            };
            successor(stream);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(options.drain) => tracing::warn!("requests were cut off"),
    }
}

/// A viewer that reads no more must cost nothing for long. The kernel watches over that: it ends a
/// connection whose sent bytes stay unacknowledged, or whose window stays closed (`tcp(7)`,
/// `TCP_USER_TIMEOUT`), so no timer of ours is needed for any of 50,000 viewers.
fn prepare(stream: &TcpStream, write_timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(write_timeout))?;
    Ok(())
}

/// A connection that broke before it was accepted concerns nobody; being out of descriptors passes.
async fn pause_after(error: &io::Error) {
    let of_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if !of_one_connection {
        tracing::error!(%error, "no connection can be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
