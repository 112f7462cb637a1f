//! A job's progress as a stream of Server-Sent Events (CONTRACT section 4).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use tokio::net::TcpStream;

use super::{
    fan_out::FanOut,
    frame::Frame,
    hub::Viewer,
    lifeline::{Lifeline, Sign},
    pieces::{Patience, Pieces},
};

/// An event stream that is granted, and not begun. Dropping it is leaving.
pub(crate) trait ViewerStream: Send + 'static {
    /// Makes the stream of its bytes.
    fn into_stream(self) -> impl Stream<Item = Bytes> + Send + 'static;

    /// Has the same written to a socket, in the chunked transfer coding, by somebody who lives for
    /// as long as that takes.
    fn write_to(self, socket: Arc<TcpStream>);
}

/// The stream of one job: the newest state at once, then every newer one, heartbeats between them,
/// and an end after the final one.
#[derive(Debug)]
pub(crate) struct Watching {
    pub(super) viewer: Viewer,
    pub(super) lifeline: Lifeline,
    pub(super) fan_out: FanOut,
    pub(super) patience: Patience,
}

impl ViewerStream for Watching {
    fn into_stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        self.patience.body(ProgressStream {
            viewer: self.viewer,
            lifeline: self.lifeline,
            next: Next::Open,
        })
    }

    fn write_to(self, socket: Arc<TcpStream>) {
        self.fan_out.seat(socket, self.viewer, self.lifeline);
    }
}

/// One viewer's stream: where it is between two events.
struct ProgressStream {
    viewer: Viewer,
    lifeline: Lifeline,
    next: Next,
}

/// What a stream does next.
enum Next {
    /// Say when to come back, and the newest state.
    Open,
    /// Wait for news.
    Wait,
    /// Nothing more.
    End,
}

impl Pieces for ProgressStream {
    async fn next(&mut self) -> Option<Bytes> {
        let bytes = match self.next {
            Next::Open => self.open(),
            Next::Wait => self.wait().await?,
            Next::End => return None,
        };
        self.lifeline.sent(bytes.len());
        Some(bytes)
    }

    fn lifeline(&mut self) -> &mut Lifeline {
        &mut self.lifeline
    }
}

impl ProgressStream {
    /// The first bytes: `retry:` and the newest state in one piece.
    fn open(&mut self) -> Bytes {
        let (retry, upstream) = self.lifeline.opening();
        [retry, self.newest(), upstream].concat().into()
    }

    async fn wait(&mut self) -> Option<Bytes> {
        tokio::select! {
            // News before a heartbeat, so that nothing final waits behind one.
            biased;
            changed = self.viewer.frames.changed() => {
                changed.ok()?; // there is no such job any more, or the process ends
                Some(self.newest())
            }
            sign = self.lifeline.next() => match sign {
                Sign::Say(bytes) => Some(bytes),
                Sign::Farewell(bytes) => {
                    self.next = Next::End;
                    Some(bytes)
                }
                Sign::End => None,
            }
        }
    }

    fn newest(&mut self) -> Bytes {
        let frame: Arc<Frame> = self.viewer.frames.borrow_and_update().clone();
        self.next = if frame.is_final {
            self.lifeline.finished();
            Next::End
        } else {
            Next::Wait
        };
        frame.bytes.clone()
    }
}
