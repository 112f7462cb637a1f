//! Where the bytes of a stream go: straight to a socket, or into a body that the HTTP machinery sends.

use std::{
    io,
    net::Shutdown,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures_util::{FutureExt, Stream, future::BoxFuture, stream};
use rustix::{io::Errno, net::SendFlags};
use socket2::SockRef;
use tokio::sync::{mpsc, oneshot};

use super::piece::Piece;
use crate::server::http::connection::hijack::HijackedSocket;

/// The most bytes that the kernel keeps of what a client has not read yet: only the newest state matters,
/// so more would be a waste.
const SEND_BUFFER: usize = 16 << 10;

/// One client's transport.
#[derive(Debug)]
pub(super) enum Transport {
    /// A hijacked connection, in the chunked transfer coding.
    Socket(Arc<HijackedSocket>),
    /// The body of a response, one piece ahead of the HTTP machinery.
    Body(mpsc::Sender<Bytes>),
    Closed,
}

/// Resolves when the client has closed the connection, or was given up.
#[derive(Debug)]
pub(super) enum Gone {
    Socket(Arc<HijackedSocket>),
    Body(oneshot::Receiver<()>),
}

/// Resolves when a transport takes more, or when it has not for too long.
pub(super) enum Writable {
    Socket(Arc<HijackedSocket>),
    Body(BoxFuture<'static, Waited>),
}

/// How a wait for a transport ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Waited {
    /// It takes more, or is gone.
    Ready,
    TooLong,
}

impl Transport {
    /// Makes the transport of a hijacked connection.
    pub(super) fn socket(socket: Arc<HijackedSocket>) -> (Self, Gone) {
        if let Err(error) = SockRef::from(&**socket).set_send_buffer_size(SEND_BUFFER) {
            tracing::debug!(%error, "the send buffer of a socket could not be set");
        }
        (Self::Socket(socket.clone()), Gone::Socket(socket))
    }

    /// Makes the transport of a body, and the body as a stream. Dropping that is leaving.
    pub(super) fn body() -> (Self, Gone, impl Stream<Item = Bytes> + Send + 'static) {
        let (sender, receiver) = mpsc::channel(1);
        let (leaves, gone) = oneshot::channel::<()>();
        let body = stream::unfold((receiver, leaves), |(mut receiver, leaves)| async move {
            let piece = receiver.recv().await?;
            Some((piece, (receiver, leaves)))
        });
        (Self::Body(sender), Gone::Body(gone), body)
    }

    /// Writes a piece and returns what was not taken of it.
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

    /// Goes on where a piece was not taken whole, and returns what still is not.
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

    /// Ends the stream when everything is written. A socket is closed by half: to close all of it could take
    /// the end back, for the kernel answers what a client sends to a closed socket with a reset.
    pub(super) fn finish(&mut self) {
        match self {
            Self::Socket(socket) => shut(socket, Shutdown::Write),
            Self::Body(_) | Self::Closed => *self = Self::Closed,
        }
    }

    /// Gives the client up, of which [`Gone`] then tells where it is a socket's.
    pub(super) fn cut(&mut self) {
        if let Self::Socket(socket) = self {
            shut(socket, Shutdown::Both);
        }
        *self = Self::Closed;
    }

    /// Waits until more is taken. The kernel gives a socket up that takes nothing (`TCP_USER_TIMEOUT`); of a
    /// body it knows nothing, for over HTTP/2 a client can keep the window of one stream closed.
    pub(super) fn writable(&self, patience: Duration) -> Option<Writable> {
        match self {
            Self::Socket(socket) => Some(Writable::Socket(socket.clone())),
            Self::Body(sender) => {
                let sender = sender.clone();
                let wait = async move {
                    let reserved = tokio::time::timeout(patience, sender.reserve()).await;
                    reserved.map_or(Waited::TooLong, |_| Waited::Ready)
                };
                Some(Writable::Body(wait.boxed()))
            }
            Self::Closed => None,
        }
    }
}

/// Puts a piece into a body, or returns it where one is waiting already.
fn hand_over(sender: &mpsc::Sender<Bytes>, piece: Bytes) -> io::Result<Bytes> {
    match sender.try_send(piece) {
        Ok(()) => Ok(Bytes::new()),
        Err(mpsc::error::TrySendError::Full(piece)) => Ok(piece),
        Err(mpsc::error::TrySendError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// Writes what the socket takes now: all, some or nothing.
fn send(socket: &HijackedSocket, bytes: &[u8]) -> io::Result<usize> {
    // Straight to the kernel: to ask the runtime first whether the socket is ready costs a look at
    // memory that is in no cache, for each of very many clients.
    match rustix::net::send(&**socket, bytes, SendFlags::NOSIGNAL) {
        Ok(written) => Ok(written),
        // Once more by way of the runtime, which then knows that the socket is to be waited for.
        Err(Errno::AGAIN) => match socket.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        },
        Err(error) => Err(error.into()),
    }
}

fn shut(socket: &HijackedSocket, how: Shutdown) {
    // It fails where the connection is gone already.
    let _ = SockRef::from(&**socket).shutdown(how);
}

impl Future for Gone {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut *self {
            // The sender is dropped with the body.
            Self::Body(dropped) => dropped.poll_unpin(cx).map(drop),
            Self::Socket(socket) => {
                // An event stream's client has nothing to say; what it says all the same is passed over.
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
            // An error is one that `Gone` sees too.
            Self::Socket(socket) => socket.poll_write_ready(cx).map(|_| Waited::Ready),
            Self::Body(wait) => wait.poll_unpin(cx),
        }
    }
}
