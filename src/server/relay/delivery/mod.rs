//! Delivers the newest states to all event streams, of one job and of many.
//!
//! 1. A *shard* is a task for up to [`SHARD_CAPACITY`] connections, entered through its *admission queue*.
//! 2. It has a *channel* for each job its connections subscribe to: newest frame and subscribers.
//! 3. A report marks its subscribers' topics as due. After all available reports, each connection with due topics gets
//!    one write of their newest states.
//! 4. A *topic* knows the last revision sent: nothing is sent twice, and states superseded while the *transport* was
//!    full are skipped. A connection buffers at most the rest of one piece.
//! 5. A state is encoded once, in its frame. A stream of many jobs prepends its own `id:` line, which changes only with
//!    an end.
//! 6. A transport is a hijacked socket, written by one system call, or an HTTP/2 response body. Connections have no
//!    task, timer or buffer of their own.

mod channels;
mod connection;
mod many_id;
mod piece;
mod shard;
mod subscriber;
mod transport;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::broadcast;
use tokio_util::task::TaskTracker;

use relay_sync::admission::AdmissionQueues;

pub(super) use self::{
    many_id::ManyId,
    subscriber::{Many, One, Subscriber, Unfinished},
};
use self::{
    shard::Shard,
    transport::{Gone, Socket, Transport},
};
use super::{
    heartbeat::Ticker,
    hub::{Hub, Subscription},
    starts::Started,
    stream_control::StreamControl,
};
use crate::server::{relay::records::JobRecords, telemetry::Metrics};

/// Maximum connections per task. More tasks use more CPUs but cost more per event: for 1,000 connections one task is
/// faster than four.
const SHARD_CAPACITY: usize = 1024;

#[derive(Clone, Debug)]
pub(crate) struct Delivery(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queues: AdmissionQueues<Pending>,
    sources: Sources,
    ticker: Ticker,
    metrics: Metrics,
    tasks: TaskTracker,
    write_timeout: Duration,
}

/// Announces new jobs to streams of unfinished jobs.
#[derive(Clone, Debug)]
struct Sources {
    hub: Hub,
    records: Arc<dyn JobRecords>,
    max_jobs: usize,
}

#[derive(Debug)]
struct Pending {
    transport: Transport,
    gone: Gone,
    stream: EventStream,
}

/// A granted event stream. Dropping it unsubscribes.
#[derive(Debug)]
pub(crate) struct SubscriberStream {
    stream: EventStream,
    delivery: Delivery,
}

#[derive(Debug)]
pub(super) struct EventStream {
    pub(super) subscriber: Subscriber<Subscription>,
    pub(super) live: Vec<Subscription>,
    /// Jobs started since the query, for streams of unfinished jobs.
    pub(super) started: Option<broadcast::Receiver<Arc<Started>>>,
    pub(super) control: StreamControl,
}

impl Delivery {
    /// `tasks` owns the shards, which end with the ticker.
    pub(crate) fn new(
        hub: Hub,
        records: Arc<dyn JobRecords>,
        max_jobs: usize,
        ticker: Ticker,
        metrics: Metrics,
        tasks: TaskTracker,
        write_timeout: Duration,
    ) -> Self {
        Self(Arc::new(Shared {
            queues: AdmissionQueues::new(SHARD_CAPACITY),
            sources: Sources {
                hub,
                records,
                max_jobs,
            },
            ticker,
            metrics,
            tasks,
            write_timeout,
        }))
    }

    pub(super) fn stream(&self, stream: EventStream) -> SubscriberStream {
        let delivery = self.clone();
        SubscriberStream { stream, delivery }
    }

    fn admit(&self, pending: Pending) {
        if let Some(queue) = self.0.queues.admit(pending) {
            self.0.tasks.spawn(Shard::new(self.clone(), queue).run());
        }
    }
}

impl SubscriberStream {
    pub(crate) fn into_stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        let (transport, gone, body) = Transport::body();
        self.delivery.admit(Pending {
            transport,
            gone,
            stream: self.stream,
        });
        body
    }

    /// Writes the stream to a hijacked socket in the chunked transfer coding.
    pub(crate) fn write_to(self, socket: Arc<dyn Socket>) {
        let (transport, gone) = Transport::socket(socket);
        self.delivery.admit(Pending {
            transport,
            gone,
            stream: self.stream,
        });
    }
}
