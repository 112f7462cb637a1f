//! Writes a stream's bytes to a hijacked socket or a response body.

use std::{
    fmt, io,
    net::Shutdown,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures_util::{FutureExt, Stream, future::BoxFuture, stream};
use rustix::{io::Errno, net::SendFlags};
use socket2::SockRef;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
};

use super::piece::Piece;

/// Socket send buffer. Only the newest state matters, so a larger one is wasteful.
const SEND_BUFFER: usize = 16 << 10;

/// A socket written to by its stream.
pub(crate) trait Socket: Deref<Target = TcpStream> + fmt::Debug + Send + Sync {}

impl<T: Deref<Target = TcpStream> + fmt::Debug + Send + Sync> Socket for T {}

#[derive(Debug)]
pub(super) enum Transport {
    /// A hijacked connection with chunked transfer coding.
    Socket(Arc<dyn Socket>),
    /// A response body, one piece ahead of the HTTP server.
    Body(mpsc::Sender<Bytes>),
    Closed,
}

/// Resolves when the client has disconnected or was dropped.
#[derive(Debug)]
pub(super) enum Gone {
    Socket(Arc<dyn Socket>),
    Body(oneshot::Receiver<()>),
}

/// Resolves when a transport is writable or has timed out.
pub(super) enum Writable {
    Socket(Arc<dyn Socket>),
    Body(BoxFuture<'static, Waited>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Waited {
    Ready,
    TooLong,
}

impl Transport {
    pub(super) fn socket(socket: Arc<dyn Socket>) -> (Self, Gone) {
        if let Err(error) = SockRef::from(&**socket).set_send_buffer_size(SEND_BUFFER) {
            tracing::debug!(%error, "cannot set a socket's send buffer");
        }
        (Self::Socket(socket.clone()), Gone::Socket(socket))
    }

    /// Returns the body as a stream too; dropping it ends the transport.
    pub(super) fn body() -> (Self, Gone, impl Stream<Item = Bytes> + Send + 'static) {
        let (sender, receiver) = mpsc::channel(1);
        let (leaves, gone) = oneshot::channel::<()>();
        let body = stream::unfold((receiver, leaves), |(mut receiver, leaves)| async move {
            let piece = receiver.recv().await?;
            Some((piece, (receiver, leaves)))
        });
        (Self::Body(sender), Gone::Body(gone), body)
    }

    pub(super) fn write(&self, piece: &mut Piece, is_last: bool) -> io::Result<Bytes> {
        match self {
            Self::Socket(socket) => {
                let chunk = piece.chunk(is_last);
                let written = send(socket, chunk)?;
                Ok(Bytes::copy_from_slice(&chunk[written..]))
            }
            Self::Body(_) if piece.len() == 0 => Ok(Bytes::new()),
            Self::Body(sender) => hand_over(sender, Bytes::copy_from_slice(piece.events())),
            Self::Closed => Ok(Bytes::new()),
        }
    }

    pub(super) fn write_rest(&self, mut rest: Bytes) -> io::Result<Bytes> {
        match self {
            Self::Socket(socket) => {
                rest.advance(send(socket, &rest)?);
                Ok(rest)
            }
            Self::Body(sender) => hand_over(sender, rest),
            Self::Closed => Ok(Bytes::new()),
        }
    }

    /// Ends the stream. Shuts a socket down for writing only, because the kernel answers data on a closed socket with a
    /// reset, which could discard the end.
    pub(super) fn finish(&mut self) {
        match self {
            Self::Socket(socket) => shut(socket, Shutdown::Write),
            Self::Body(_) | Self::Closed => *self = Self::Closed,
        }
    }

    /// Drops the client; a socket's [`Gone`] then resolves.
    pub(super) fn cut(&mut self) {
        if let Self::Socket(socket) = self {
            shut(socket, Shutdown::Both);
        }
        *self = Self::Closed;
    }

    /// Waits until the transport is writable. The kernel times out sockets (`TCP_USER_TIMEOUT`), but not bodies: an
    /// HTTP/2 client can keep a stream's window closed.
    pub(super) fn writable(&self, write_timeout: Duration) -> Option<Writable> {
        match self {
            Self::Socket(socket) => Some(Writable::Socket(socket.clone())),
            Self::Body(sender) => {
                let sender = sender.clone();
                let wait = async move {
                    let reserved = tokio::time::timeout(write_timeout, sender.reserve()).await;
                    reserved.map_or(Waited::TooLong, |_| Waited::Ready)
                };
                Some(Writable::Body(wait.boxed()))
            }
            Self::Closed => None,
        }
    }
}

/// Sends a piece to a body, or returns it if one is waiting.
fn hand_over(sender: &mpsc::Sender<Bytes>, piece: Bytes) -> io::Result<Bytes> {
    match sender.try_send(piece) {
        Ok(()) => Ok(Bytes::new()),
        Err(mpsc::error::TrySendError::Full(piece)) => Ok(piece),
        Err(mpsc::error::TrySendError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

fn send(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    // Bypasses the runtime's readiness check, which costs a cache miss per connection.
    match rustix::net::send(socket, bytes, SendFlags::NOSIGNAL) {
        Ok(written) => Ok(written),
        // Through the runtime, which then waits for the socket.
        Err(Errno::AGAIN) => match socket.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        },
        Err(error) => Err(error.into()),
    }
}

fn shut(socket: &TcpStream, how: Shutdown) {
    // Fails if the connection is already gone.
    let _ = SockRef::from(socket).shutdown(how);
}

impl Future for Gone {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut *self {
            // The sender is dropped with the body.
            Self::Body(dropped) => dropped.poll_unpin(cx).map(drop),
            Self::Socket(socket) => {
                // Ignores data from the client.
                let mut ignored = [0; 256];
                loop {
                    if ready!(socket.poll_read_ready(cx)).is_err() {
                        return Poll::Ready(());
                    }
                    match socket.try_read(&mut ignored) {
                        Ok(0) => return Poll::Ready(()),
                        Ok(_) => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(_) => return Poll::Ready(()),
                    }
                }
            }
        }
    }
}

impl Future for Writable {
    type Output = Waited;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Waited> {
        match &mut *self {
            // `Gone` sees errors too.
            Self::Socket(socket) => socket.poll_write_ready(cx).map(|_| Waited::Ready),
            Self::Body(wait) => wait.poll_unpin(cx),
        }
    }
}
