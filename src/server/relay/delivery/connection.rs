//! A client's connection in a shard: its subscriber and unsent bytes.

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
    hub::Subscription,
    stream_control::{Signal, StreamControl},
};

/// Small, because every report iterates over a shard's connections.
pub(super) struct Connection {
    pub(super) transport: Transport,
    phase: Phase,
    /// The rest of a piece while the transport is full. States due meanwhile are merged into the next piece.
    unsent: Option<Box<Bytes>>,
    pub(super) is_queued: bool,
}

enum Phase {
    Open {
        subscriber: Subscriber<Subscription>,
        control: Box<StreamControl>,
    },
    /// The end is among the unsent bytes.
    Ending,
    /// All is written; waiting for the client to close.
    Lingering,
}

pub(super) struct Writer {
    pub(super) channels: Channels,
    pub(super) piece: Piece,
    pub(super) sent: Sent,
}

/// Written events, summed here because a global counter per piece would be slower than the piece.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) pieces: u64,
    pub(super) bytes: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Taken {
    All,
    NotAll,
}

impl Connection {
    pub(super) fn new(
        transport: Transport,
        subscriber: Subscriber<Subscription>,
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

    pub(super) fn subscriber(&mut self) -> Option<&mut Subscriber<Subscription>> {
        match &mut self.phase {
            Phase::Open { subscriber, .. } => Some(subscriber),
            Phase::Ending | Phase::Lingering => None,
        }
    }

    /// Opens the stream: `retry:`, newest states, upstream state. States beyond the first piece follow.
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
                // Without an immediate event a client suspects a buffering proxy.
                writer.piece.push(&HEARTBEAT);
            }
        }
        match self.write(progress, writer) {
            Taken::All => self.write_due(writer),
            Taken::NotAll => Taken::NotAll,
        }
    }

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

    /// Continues a partial write, then writes due states.
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
                tracing::debug!(%error, "cannot write to a client");
                self.cut(channels);
                Taken::All
            }
        }
    }

    /// Sends a heartbeat or ends the stream.
    pub(super) fn heed(&mut self, tick: Tick, writer: &mut Writer) -> Taken {
        let Phase::Open { control, .. } = &mut self.phase else {
            // The client had time to read the end.
            self.cut(&mut writer.channels);
            return Taken::All;
        };
        if self.unsent.is_some() {
            // A full transport gets no other message.
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

    pub(super) fn cut(&mut self, channels: &mut Channels) {
        self.leave(channels);
        self.phase = Phase::Lingering;
        self.unsent = None;
        self.transport.cut();
    }

    /// Unsubscribes and releases the permit.
    pub(super) fn leave(&mut self, channels: &mut Channels) {
        match std::mem::replace(&mut self.phase, Phase::Ending) {
            Phase::Open { subscriber, .. } => subscriber.leave(channels),
            ended => self.phase = ended,
        }
    }
}
