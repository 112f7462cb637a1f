//! Lets a response take its connection over, once its head is out (HTTP/1.1).
//!
//! An event stream needs nothing of the HTTP machinery once it runs: neither its two 8 KiB buffers
//! nor its turns through the scheduler. The machinery sends the head, announcing the chunked
//! transfer coding, and is dropped; what is left is the socket and whoever writes the body to it.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
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

/// Whoever goes on with the socket. It writes the body in the chunked transfer coding (RFC 9112,
/// section 7.1).
pub(crate) type Successor = Box<dyn FnOnce(Arc<TcpStream>) + Send>;

/// The way to a request's connection, among the request's extensions where there is one.
#[derive(Clone, Default)]
pub(crate) struct Takeover(Arc<Mutex<Stage>>);

/// How far a takeover is.
#[derive(Default)]
enum Stage {
    /// Nobody has asked for it.
    #[default]
    Unwanted,
    /// The head is on its way out.
    Wanted(Successor),
    /// The head is out.
    Ready(Successor),
}

impl Takeover {
    /// Returns a body whose being sent is the taking over. Its response must carry
    /// `connection: close`: the connection serves no other request.
    pub(crate) fn into_body(self, successor: Successor) -> Body {
        Body::new(TakeoverBody {
            takeover: self,
            successor: Some(successor),
        })
    }

    /// Waits until the head is out, polled right after the connection has been: that it is ready is
    /// told by no wake-up of its own.
    pub(super) async fn ready(&self) -> Successor {
        poll_fn(|_| {
            let mut stage = self.stage();
            match std::mem::take(&mut *stage) {
                Stage::Ready(successor) => Poll::Ready(successor),
                other => {
                    *stage = other;
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn want(&self, successor: Successor) {
        *self.stage() = Stage::Wanted(successor);
    }

    fn flushed(&self) {
        let mut stage = self.stage();
        *stage = match std::mem::take(&mut *stage) {
            Stage::Wanted(successor) => Stage::Ready(successor),
            other => other,
        };
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Comes to be polled once the head is in the connection's buffer, and then never gives anything.
struct TakeoverBody {
    takeover: Takeover,
    successor: Option<Successor>,
}

impl http_body::Body for TakeoverBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(successor) = self.successor.take() {
            self.takeover.want(successor);
        }
        Poll::Pending
    }
}

/// A connection's socket as the HTTP machinery sees it. It is shared, so that it outlives that.
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    takeover: Takeover,
}

impl Socket {
    pub(super) fn new(stream: Arc<TcpStream>, takeover: Takeover) -> Self {
        Self { stream, takeover }
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

    /// Comes when the machinery's own buffer is empty.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.takeover.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&*self.stream).shutdown(std::net::Shutdown::Write))
    }
}
