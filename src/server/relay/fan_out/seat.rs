//! One viewer in a group: what was said to it, and what its socket has not taken yet.

use std::{io, net::Shutdown, sync::Arc};

use bytes::{Buf, Bytes};
use rustix::{io::Errno, net::SendFlags};
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::server::relay::{
    frame::{Frame, LAST_CHUNK, chunk},
    hub::Viewer,
    lifeline::{Lifeline, Sign},
};

/// Small, for all of a group's are gone through at every frame.
pub(super) struct Seat {
    pub(super) socket: Arc<TcpStream>,
    state: SeatState,
    /// What keeps frames back, while the socket is full.
    blocked: Option<Box<Blocked>>,
}

enum SeatState {
    Watching(Box<Watcher>),
    /// The end is in what is unsent.
    Ending,
    /// All is said; the viewer is to close the connection.
    Lingering,
}

struct Watcher {
    /// Held: dropping it is leaving.
    _viewer: Viewer,
    lifeline: Lifeline,
}

#[derive(Default)]
struct Blocked {
    /// The rest of what the socket has taken in part.
    unsent: Bytes,
    /// Whether the newest frame is to follow.
    is_behind: bool,
}

/// What was handed to viewers, counted together: a counter of all threads for each would cost more
/// than the frame.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) frames: u64,
    pub(super) bytes: u64,
}

impl Tally {
    fn add(&mut self, bytes: &Bytes) {
        self.frames += 1;
        self.bytes += bytes.len() as u64;
    }
}

/// Whether a socket took all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Taken {
    All,
    /// The seat is to be looked at when the socket takes more.
    NotAll,
}

impl Seat {
    pub(super) fn new(socket: Arc<TcpStream>, viewer: Viewer, lifeline: Lifeline) -> Self {
        let watcher = Watcher {
            _viewer: viewer,
            lifeline,
        };
        Self {
            socket,
            state: SeatState::Watching(Box::new(watcher)),
            blocked: None,
        }
    }

    /// Shows a frame, or remembers that there is a newer one to be shown.
    pub(super) fn show(&mut self, frame: &Frame, tally: &mut Tally) -> Taken {
        if !matches!(self.state, SeatState::Watching(_)) {
            return Taken::All;
        }
        if let Some(blocked) = &mut self.blocked {
            blocked.is_behind = true;
            return Taken::All; // it is waited for already
        }
        match write(&self.socket, &frame.chunk) {
            Ok(written) if written == frame.chunk.len() => {
                tally.add(&frame.chunk);
                if frame.is_final {
                    self.finished();
                    self.linger();
                }
                Taken::All
            }
            // Of a frame that the socket has not begun to take, a newer one can take the place.
            Ok(0) => self.block(Bytes::new(), true),
            Ok(written) => {
                tally.add(&frame.chunk);
                if frame.is_final {
                    self.finished();
                    self.state = SeatState::Ending;
                }
                self.block(frame.chunk.slice(written..), false)
            }
            Err(error) => self.broken(&error),
        }
    }

    /// Says something that nothing newer can stand for, to a viewer who is not blocked.
    pub(super) fn say(&mut self, bytes: Bytes, ends: bool, tally: &mut Tally) -> Taken {
        tally.add(&bytes);
        if ends {
            self.state = SeatState::Ending;
        }
        match write(&self.socket, &bytes) {
            Ok(written) if written == bytes.len() => {
                if ends {
                    self.linger();
                }
                Taken::All
            }
            Ok(written) => self.block(bytes.slice(written..), false),
            Err(error) => self.broken(&error),
        }
    }

    /// Ends the stream now, where nothing of it is unsent.
    pub(super) fn end(&mut self, tally: &mut Tally) {
        if matches!(self.state, SeatState::Watching(_)) && self.blocked.is_none() {
            self.say(Bytes::from_static(LAST_CHUNK), true, tally);
        }
    }

    /// A socket that takes nothing is of no use, whatever it is that it has; the kernel then tells
    /// that it is gone.
    fn broken(&self, error: &io::Error) -> Taken {
        tracing::debug!(%error, "a viewer cannot be written to");
        self.cut();
        Taken::All
    }

    fn block(&mut self, unsent: Bytes, is_behind: bool) -> Taken {
        self.blocked = Some(Box::new(Blocked { unsent, is_behind }));
        Taken::NotAll
    }

    /// Goes on with what is unsent, and with the newest frame where that is to follow.
    pub(super) fn send_rest(&mut self, newest: &Frame, tally: &mut Tally) -> Taken {
        let Some(mut blocked) = self.blocked.take() else {
            return Taken::All;
        };
        match write(&self.socket, &blocked.unsent) {
            Ok(written) if written == blocked.unsent.len() => {}
            Ok(written) => {
                blocked.unsent.advance(written);
                self.blocked = Some(blocked);
                return Taken::NotAll;
            }
            Err(error) => return self.broken(&error),
        }
        if matches!(self.state, SeatState::Ending) {
            self.linger();
        } else if blocked.is_behind {
            return self.show(newest, tally);
        }
        Taken::All
    }

    pub(super) fn give_sign(&mut self, tally: &mut Tally) -> Taken {
        let SeatState::Watching(watcher) = &mut self.state else {
            // It has had its time to read the end.
            self.cut();
            return Taken::All;
        };
        if self.blocked.is_some() {
            // No news of another kind reaches it, so none is asked for.
            if watcher.lifeline.is_over() {
                self.cut();
            }
            return Taken::All;
        }
        match watcher.lifeline.sign() {
            None => Taken::All,
            Some(Sign::Say(bytes)) => self.say(chunk(&bytes).into(), false, tally),
            Some(Sign::Farewell(bytes)) => {
                let farewell = [&chunk(&bytes), LAST_CHUNK].concat();
                self.say(farewell.into(), true, tally)
            }
            Some(Sign::End) => self.say(Bytes::from_static(LAST_CHUNK), true, tally),
        }
    }

    /// Takes note that the viewer is told everything.
    pub(super) fn finished(&mut self) {
        if let SeatState::Watching(watcher) = &mut self.state {
            watcher.lifeline.finished();
        }
    }

    /// Closes our half. Closing all of it could take the end back: the kernel answers what a viewer
    /// sends to a closed socket with a reset.
    fn linger(&mut self) {
        self.state = SeatState::Lingering;
        self.shut(Shutdown::Write);
    }

    /// Has the kernel tell that the viewer is gone.
    fn cut(&self) {
        self.shut(Shutdown::Both);
    }

    fn shut(&self, how: Shutdown) {
        // It fails where the connection is gone already.
        let _ = SockRef::from(&*self.socket).shutdown(how);
    }
}

/// Writes what the socket takes now: all, some or nothing.
fn write(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    // Straight to the kernel: to ask the runtime first whether the socket is ready costs a look at
    // memory that is in no cache, for each of very many viewers.
    match rustix::net::send(socket, bytes, SendFlags::NOSIGNAL) {
        Ok(written) => Ok(written),
        // Once more by way of the runtime, which then knows that the socket is to be waited for.
        Err(Errno::AGAIN) => match socket.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        },
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{io::AsyncReadExt, net::TcpListener};

    use super::*;
    use crate::server::relay::fan_out::Gone;

    #[tokio::test]
    async fn a_seat_that_cannot_be_written_to_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut viewer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let socket = Arc::new(listener.accept().await.unwrap().0);
        let mut seat = Seat {
            socket: socket.clone(),
            state: SeatState::Lingering,
            blocked: None,
        };
        // The viewer is there, and reads; what is wrong is on our side.
        SockRef::from(&*socket).shutdown(Shutdown::Write).unwrap();
        assert_eq!(viewer.read(&mut [0; 8]).await.unwrap(), 0);
        let mut tally = Tally::default();
        let taken = seat.say(Bytes::from_static(b"news"), false, &mut tally);
        assert_eq!(taken, Taken::All, "it is not waited for");
        tokio::time::timeout(Duration::from_secs(20), Gone::new(socket))
            .await
            .expect("it is seen to be gone");
    }
}
