//! Hijacks the TCP connection of an event stream after the response head is sent (HTTP/1.1).
//!
//! # Why
//!
//! A running event stream needs nothing of hyper, which uses two buffers of 8 KiB and a task per connection and
//! schedules a task per event: 24.7 KiB per idle subscriber and 115,000 events per CPU second, where writing to sockets
//! from one task takes 1 to 2 KiB and reaches 170,000 (measured on one machine, docs/benchmarks.md). So hyper sends the
//! head, which announces the chunked transfer coding, and is dropped; [`relay`](crate::server::relay)'s delivery then
//! writes the body to the socket.
//!
//! hyper has no call for this: its upgrades are for 101 and CONNECT, and `without_shutdown` returns a connection only
//! after a whole response. Therefore the body returned here never yields anything, and the socket that hyper writes to
//! notices when the head is flushed.
//!
//! # What it bypasses, and the replacement
//!
//! | hyper or accept loop | here |
//! | --- | --- |
//! | timeout of the request head | already read |
//! | client that stops reading | the kernel's `TCP_USER_TIMEOUT`, set on accept |
//! | connection limit | [`HijackedSocket`] holds the permit |
//! | graceful shutdown | delivery ends all streams with the last tick; its tasks are awaited |
//! | client that closes or sends more | delivery reads the socket, ignores data, and ends the stream on its end |
//! | keep-alive | `connection: close` in the head; pipelined requests get no answer |
//! | HTTP/2, HTTP/1.0, HEAD | not hijacked: they get an ordinary body |

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    ops::Deref,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::server::http::connection::limits::Admitted;

/// Takes the socket and writes the body in the chunked transfer coding (RFC 9112, section 7.1).
pub(crate) type Handler = Box<dyn FnOnce(Arc<HijackedSocket>) + Send>;

/// Request extension: access to the request's connection.
#[derive(Clone, Default)]
pub(crate) struct Hijack(Arc<Mutex<Stage>>);

#[derive(Default)]
enum Stage {
    #[default]
    Unwanted,
    /// The head is being sent.
    Wanted(Handler),
    /// The head is sent.
    Ready(Handler),
}

impl Hijack {
    /// Returns a body that hijacks the connection when it is sent. Its response must carry `connection: close`.
    pub(crate) fn into_body(self, handler: Handler) -> Body {
        Body::new(HijackBody {
            hijack: self,
            handler: Some(handler),
        })
    }

    /// Waits until the head is sent. Must be polled right after the connection, because nothing wakes it.
    pub(crate) async fn ready(&self) -> Handler {
        poll_fn(|_| {
            let mut stage = self.stage();
            match std::mem::take(&mut *stage) {
                Stage::Ready(handler) => Poll::Ready(handler),
                other => {
                    *stage = other;
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn want(&self, handler: Handler) {
        *self.stage() = Stage::Wanted(handler);
    }

    fn flushed(&self) {
        let mut stage = self.stage();
        *stage = match std::mem::take(&mut *stage) {
            Stage::Wanted(handler) => Stage::Ready(handler),
            other => other,
        };
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that is polled once the head is in the connection's buffer, and never yields anything.
struct HijackBody {
    hijack: Hijack,
    handler: Option<Handler>,
}

impl http_body::Body for HijackBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(handler) = self.handler.take() {
            self.hijack.want(handler);
        }
        Poll::Pending
    }
}

/// A hijackable or hijacked connection. Counts toward the connection limit until its last owner drops it.
#[derive(Debug)]
pub(crate) struct HijackedSocket {
    stream: TcpStream,
    _admitted: Admitted,
}

impl HijackedSocket {
    pub(crate) fn new(stream: TcpStream, admitted: Admitted) -> Self {
        Self {
            stream,
            _admitted: admitted,
        }
    }
}

impl Deref for HijackedSocket {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.stream
    }
}

/// A connection's socket as seen by hyper; shared, so that it outlives hyper.
pub(crate) struct Socket {
    stream: Arc<HijackedSocket>,
    hijack: Hijack,
}

impl Socket {
    pub(crate) fn new(stream: Arc<HijackedSocket>, hijack: Hijack) -> Self {
        Self { stream, hijack }
    }

    fn poll_write_with(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read_buf(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(|_| ())),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Called when hyper's own buffer is empty.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.hijack.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&**self.stream).shutdown(std::net::Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, time::Duration};

    use axum::{
        Extension, Router,
        http::header::CONNECTION,
        response::{IntoResponse, Response},
        routing::get,
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::mpsc,
        task::JoinHandle,
    };
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::server::http::connection::{
        limits::MostConnections,
        listen::{ListenOptions, serve},
    };

    const DEADLINE: Duration = Duration::from_secs(20);
    const WRITE_TIMEOUT: Duration = Duration::from_secs(7);

    /// A server whose answers all hijack their connection; allows one.
    struct Scene {
        address: SocketAddr,
        hijacked: mpsc::UnboundedReceiver<Arc<HijackedSocket>>,
        shutdown: CancellationToken,
        serving: JoinHandle<()>,
    }

    impl Scene {
        async fn set() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (sender, hijacked) = mpsc::unbounded_channel();
            let answer = async move |Extension(hijack): Extension<Hijack>| -> Response {
                let body = hijack.into_body(Box::new(move |socket| drop(sender.send(socket))));
                ([(CONNECTION, "close")], body).into_response()
            };
            let options = ListenOptions {
                most: MostConnections {
                    of_all: 1,
                    of_address: 1,
                    exempt: Vec::new(),
                },
                write_timeout: WRITE_TIMEOUT,
                // Nothing in these tests waits for it.
                drain: Duration::from_secs(3600),
                max_silent: 9,
            };
            let shutdown = CancellationToken::new();
            let router = Router::new().route("/", get(answer));
            let serving = tokio::spawn(serve(listener, router, options, shutdown.clone()));
            Self {
                address,
                hijacked,
                shutdown,
                serving,
            }
        }

        async fn request(&self) -> TcpStream {
            let mut client = TcpStream::connect(self.address).await.unwrap();
            let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
            client.write_all(request).await.unwrap();
            client
        }

        async fn hijacked(&mut self) -> Arc<HijackedSocket> {
            let hijacked = tokio::time::timeout(DEADLINE, self.hijacked.recv());
            hijacked.await.expect("it is handed over").unwrap()
        }
    }

    async fn read_to_end(mut client: TcpStream) -> String {
        let mut text = Vec::new();
        // A connection that was not admitted may be reset.
        let read = tokio::time::timeout(DEADLINE, client.read_to_end(&mut text));
        let _ = read.await.expect("it ends in time");
        String::from_utf8(text).unwrap()
    }

    #[tokio::test]
    async fn the_head_is_followed_by_what_is_written_to_the_socket() {
        let mut scene = Scene::set().await;
        let client = scene.request().await;
        let socket = scene.hijacked().await;
        assert_eq!(socket.try_write(b"2\r\nhi\r\n0\r\n\r\n").unwrap(), 12);
        drop(socket);
        let answer = read_to_end(client).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        for header in ["transfer-encoding: chunked", "connection: close"] {
            assert!(head.lines().any(|line| line == header), "{head}");
        }
        assert_eq!(body, "2\r\nhi\r\n0\r\n\r\n");
    }

    #[tokio::test]
    async fn a_client_that_has_closed_its_own_half_gets_the_answer() {
        let mut scene = Scene::set().await;
        let mut client = scene.request().await;
        client.shutdown().await.unwrap();
        let socket = scene.hijacked().await;
        assert_eq!(socket.try_write(b"0\r\n\r\n").unwrap(), 5);
        drop(socket);
        let answer = read_to_end(client).await;
        assert!(answer.ends_with("\r\n\r\n0\r\n\r\n"), "{answer}");
    }

    #[tokio::test]
    async fn a_hijacked_connection_keeps_its_write_timeout_and_counts_until_it_is_closed() {
        let mut scene = Scene::set().await;
        let _client = scene.request().await;
        let socket = scene.hijacked().await;
        #[cfg(target_os = "linux")]
        assert_eq!(
            SockRef::from(&**socket).tcp_user_timeout().unwrap(),
            Some(WRITE_TIMEOUT)
        );
        assert_eq!(read_to_end(scene.request().await).await, "", "no place");
        drop(socket);
        let _another = scene.request().await;
        drop(scene.hijacked().await);
    }

    #[tokio::test]
    async fn a_shutdown_leaves_a_hijacked_connection_to_its_owner() {
        let mut scene = Scene::set().await;
        let client = scene.request().await;
        let socket = scene.hijacked().await;
        scene.shutdown.cancel();
        let ended = tokio::time::timeout(DEADLINE, &mut scene.serving);
        ended.await.expect("it is not waited for").unwrap();
        assert_eq!(socket.try_write(b"0\r\n\r\n").unwrap(), 5);
        drop(socket);
        assert!(read_to_end(client).await.ends_with("\r\n\r\n0\r\n\r\n"));
    }
}
