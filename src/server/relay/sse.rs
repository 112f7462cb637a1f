//! A job's progress as a stream of Server-Sent Events (CONTRACT section 4).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::net::TcpStream;

use super::{
    fan_out::FanOut,
    frame::Frame,
    hub::Viewer,
    lifeline::{Lifeline, Sign},
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
}

impl ViewerStream for Watching {
    fn into_stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        let stream = ProgressStream {
            viewer: self.viewer,
            lifeline: self.lifeline,
            next: Next::Open,
        };
        stream::unfold(stream, |mut stream| async {
            let bytes = stream.next().await?;
            stream.lifeline.sent(bytes.len());
            Some((bytes, stream))
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

impl ProgressStream {
    async fn next(&mut self) -> Option<Bytes> {
        match self.next {
            Next::Open => Some(self.open()),
            Next::Wait => self.wait().await,
            Next::End => None,
        }
    }

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
                changed.ok()?; // the hub is gone: the process ends
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
