//! A job's progress as a stream of Server-Sent Events (CONTRACT section 4).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::{
    frame::{Frame, HEARTBEAT, retry},
    hub::Viewer,
    limits::Permit,
    pulse::Pulse,
};

/// After how long a browser comes back when its stream ends, drawn at random so that the viewers of
/// one instance do not come back in one moment.
const RETRY_MILLIS: std::ops::Range<u64> = 500..2_000;

/// The same for streams that end because the server stops: wider, for all come at once.
const DRAIN_RETRY_MILLIS: std::ops::Range<u64> = 500..4_000;

/// One viewer's stream: where it is between two events.
struct ProgressStream {
    viewer: Viewer,
    pulse: watch::Receiver<Pulse>,
    ends_at: Option<Instant>,
    next: Next,
    /// Held, never read: the stream counts as open while it lives.
    _permit: Permit,
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

/// Makes the stream: the newest state at once, then every newer one, heartbeats between them, and
/// an end after the final one. Dropping it is leaving.
pub(crate) fn progress_stream(
    viewer: Viewer,
    pulse: watch::Receiver<Pulse>,
    permit: Permit,
    max_duration: Option<Duration>,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let ends_at = max_duration.map(|duration| Instant::now() + duration);
    let stream = ProgressStream {
        viewer,
        pulse,
        ends_at,
        next: Next::Open,
        _permit: permit,
    };
    stream::unfold(stream, |mut stream| async {
        let bytes = stream.next().await?;
        Some((bytes, stream))
    })
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
        let after = retry(Duration::from_millis(fastrand::u64(RETRY_MILLIS)));
        let frame = self.newest();
        [after, frame].concat().into()
    }

    async fn wait(&mut self) -> Option<Bytes> {
        tokio::select! {
            // News before a heartbeat, so that nothing final waits behind one.
            biased;
            changed = self.viewer.frames.changed() => {
                changed.ok()?; // the hub is gone: the process ends
                Some(self.newest())
            }
            pulse = self.pulse.changed() => {
                pulse.ok()?;
                if *self.pulse.borrow_and_update() == Pulse::Drain {
                    self.next = Next::End;
                    return Some(retry(Duration::from_millis(fastrand::u64(DRAIN_RETRY_MILLIS))));
                }
                if self.ends_at.is_some_and(|at| Instant::now() >= at) {
                    return None;
                }
                Some(HEARTBEAT)
            }
        }
    }

    fn newest(&mut self) -> Bytes {
        let frame: Arc<Frame> = self.viewer.frames.borrow_and_update().clone();
        self.next = if frame.is_final {
            Next::End
        } else {
            Next::Wait
        };
        frame.bytes.clone()
    }
}
