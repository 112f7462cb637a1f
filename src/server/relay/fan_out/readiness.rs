//! What the kernel tells of sockets, as futures.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::net::TcpStream;

/// Resolves when a viewer has closed its connection, or the kernel has given it up.
pub(in crate::server::relay) struct Gone(Arc<TcpStream>);

impl Gone {
    pub(in crate::server::relay) fn new(socket: Arc<TcpStream>) -> Self {
        Self(socket)
    }
}

impl Future for Gone {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // An event stream's client has nothing to say; what it says all the same is passed over.
        let mut ignored = [0; 256];
        loop {
            if ready!(self.0.poll_read_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            match self.0.try_read(&mut ignored) {
                Ok(0) => return Poll::Ready(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(()),
            }
        }
    }
}

/// The same for a seat.
pub(super) struct SeatGone {
    seat: usize,
    gone: Gone,
}

impl SeatGone {
    pub(super) fn new(seat: usize, socket: Arc<TcpStream>) -> Self {
        Self {
            seat,
            gone: Gone::new(socket),
        }
    }
}

impl Future for SeatGone {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        ready!(Pin::new(&mut self.gone).poll(cx));
        Poll::Ready(self.seat)
    }
}

/// Resolves when a socket takes more.
pub(super) struct Writable {
    seat: usize,
    socket: Arc<TcpStream>,
}

impl Writable {
    pub(super) fn new(seat: usize, socket: &Arc<TcpStream>) -> Self {
        Self {
            seat,
            socket: socket.clone(),
        }
    }
}

impl Future for Writable {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        // An error is one that `Gone` sees too.
        self.socket.poll_write_ready(cx).map(|_| self.seat)
    }
}
