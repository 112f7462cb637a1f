//! One client's connection in a shard: its stream, and what its transport has not taken yet.

use std::io;

use bytes::Bytes;

use super::{
    channels::Channels,
    piece::Piece,
    subscriber::{Progress, Subscriber},
    transport::Transport,
};
use crate::server::relay::{
    frame::HEARTBEAT,
    heartbeat::Tick,
    hub::Viewer,
    stream_control::{Signal, StreamControl},
};

/// A connection. All of a shard's are gone through at a report, so that it is small.
pub(super) struct Connection {
    pub(super) transport: Transport,
    phase: Phase,
    /// The rest of a piece, while the transport is full. What is due meanwhile waits, and is the newest then.
    unsent: Option<Box<Bytes>>,
    /// Whether it is among those to be written to.
    pub(super) is_queued: bool,
}

enum Phase {
    Open {
        subscriber: Subscriber<Viewer>,
        control: Box<StreamControl>,
    },
    /// The end is in what is unsent.
    Ending,
    /// Everything is written; the client is to close the connection.
    Lingering,
}

/// What all connections of a shard write with.
pub(super) struct Writer {
    pub(super) channels: Channels,
    pub(super) piece: Piece,
    pub(super) sent: Sent,
}

/// Counts what was written: a counter of all threads for each piece would cost more than the piece.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) pieces: u64,
    pub(super) bytes: u64,
}

/// Whether a transport took everything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Taken {
    All,
    /// The connection is to be resumed when the transport takes more.
    NotAll,
}

impl Connection {
    pub(super) fn new(
        transport: Transport,
        subscriber: Subscriber<Viewer>,
        control: StreamControl,
    ) -> Self {
        Self {
            transport,
            phase: Phase::Open {
                subscriber,
                control: Box::new(control),
            },
            unsent: None,
            is_queued: false,
        }
    }

    /// Returns the subscriber, until the stream ends.
    pub(super) fn subscriber(&mut self) -> Option<&mut Subscriber<Viewer>> {
        match &mut self.phase {
            Phase::Open { subscriber, .. } => Some(subscriber),
            Phase::Ending | Phase::Lingering => None,
        }
    }

    /// Opens the stream: when to come back, the newest states, and how the price monitor is reached. States that
    /// the first piece has no room for follow.
    pub(super) fn open(&mut self, tick: Tick, writer: &mut Writer) -> Taken {
        let Phase::Open {
            subscriber,
            control,
        } = &mut self.phase
        else {
            return Taken::All;
        };
        let (first, last) = control.opening(tick);
        writer.piece.clear();
        writer.piece.push(&first);
        let before = writer.piece.len();
        let progress = subscriber.write_due(&mut writer.channels, &mut writer.piece);
        if progress == Progress::Open {
            writer.piece.push(&last);
            if writer.piece.len() == before {
                // A client takes a stream on which nothing comes at once for one that is held back.
                writer.piece.push(&HEARTBEAT);
            }
        }
        match self.write(progress, writer) {
            Taken::All => self.write_due(writer),
            Taken::NotAll => Taken::NotAll,
        }
    }

    /// Writes what is due, unless the transport is full.
    pub(super) fn write_due(&mut self, writer: &mut Writer) -> Taken {
        while self.unsent.is_none()
            && let Phase::Open { subscriber, .. } = &mut self.phase
            && subscriber.is_due()
        {
            writer.piece.clear();
            let progress = subscriber.write_due(&mut writer.channels, &mut writer.piece);
            if self.write(progress, writer) == Taken::NotAll {
                return Taken::NotAll;
            }
        }
        Taken::All
    }

    fn write(&mut self, progress: Progress, writer: &mut Writer) -> Taken {
        if progress == Progress::Finished
            && let Phase::Open { control, .. } = &mut self.phase
        {
            control.finished();
        }
        self.send(progress != Progress::Open, writer)
    }

    /// Writes the piece.
    fn send(&mut self, is_last: bool, writer: &mut Writer) -> Taken {
        if is_last {
            self.leave(&mut writer.channels);
        } else if writer.piece.len() == 0 {
            return Taken::All;
        }
        writer.sent.pieces += 1;
        writer.sent.bytes += writer.piece.len() as u64;
        let unsent = self.transport.write(&mut writer.piece, is_last);
        self.keep(unsent, &mut writer.channels)
    }

    /// Goes on where the transport was full, and writes what has become due meanwhile.
    pub(super) fn resume(&mut self, writer: &mut Writer) -> Taken {
        let Some(unsent) = self.unsent.take() else {
            return Taken::All;
        };
        let unsent = self.transport.write_rest(*unsent);
        match self.keep(unsent, &mut writer.channels) {
            Taken::All => self.write_due(writer),
            Taken::NotAll => Taken::NotAll,
        }
    }

    fn keep(&mut self, unsent: io::Result<Bytes>, channels: &mut Channels) -> Taken {
        match unsent {
            Ok(unsent) if unsent.is_empty() => {
                if let Phase::Ending = self.phase {
                    self.phase = Phase::Lingering;
                    self.transport.finish();
                }
                Taken::All
            }
            Ok(unsent) => {
                self.unsent = Some(Box::new(unsent));
                Taken::NotAll
            }
            Err(error) => {
                tracing::debug!(%error, "a client cannot be written to");
                self.cut(channels);
                Taken::All
            }
        }
    }

    /// Heeds a tick: writes a heartbeat, or ends the stream.
    pub(super) fn heed(&mut self, tick: Tick, writer: &mut Writer) -> Taken {
        let Phase::Open { control, .. } = &mut self.phase else {
            // It has had its time to read the end.
            self.cut(&mut writer.channels);
            return Taken::All;
        };
        if self.unsent.is_some() {
            // No news of another kind reaches it, so none is asked for.
            if control.must_end(tick) {
                self.cut(&mut writer.channels);
            }
            return Taken::All;
        }
        let (bytes, is_last) = match control.signal(tick) {
            None => return Taken::All,
            Some(Signal::Send(bytes)) => (bytes, false),
            Some(Signal::Close(bytes)) => (bytes, true),
        };
        writer.piece.clear();
        writer.piece.push(&bytes);
        self.send(is_last, writer)
    }

    /// Gives the client up: a transport that takes nothing is of no use, whatever it is that it has.
    pub(super) fn cut(&mut self, channels: &mut Channels) {
        self.leave(channels);
        self.phase = Phase::Lingering;
        self.unsent = None;
        self.transport.cut();
    }

    /// Unsubscribes, and gives the permit back.
    pub(super) fn leave(&mut self, channels: &mut Channels) {
        match std::mem::replace(&mut self.phase, Phase::Ending) {
            Phase::Open { subscriber, .. } => subscriber.leave(channels),
            ended => self.phase = ended,
        }
    }
}
