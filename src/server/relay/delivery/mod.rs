//! Delivers the newest states to the clients of all event streams, of one job and of many.
//!
//! 1. A *shard* is one task that serves up to [`SHARD_CAPACITY`] connections, of whatever jobs; it is entered
//!    through its *admission queue*.
//! 2. It follows each job that one of its connections is subscribed to once: a *channel*, which holds the newest
//!    frame and who is subscribed.
//! 3. A report marks the topics of those as due. When all reports that are there have been taken in, each
//!    connection with something due gets one write, of the newest state of each of these jobs.
//! 4. A *topic* knows the revision that was told last: nothing is told twice, and what was superseded while the
//!    *transport* was full is skipped. A connection holds the rest of one piece at most.
//! 5. The bytes of a state are encoded once, in its frame. A stream of many jobs puts its own `id:` line before
//!    them, which changes only when an end is told.
//! 6. A transport is a hijacked socket, written to by one system call, or the body of an HTTP/2 response: no
//!    connection has a task, a timer or a buffer of its own.

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

/// Maximum connections per task. More tasks use more CPUs but cost more per event: with 1,000 connections one
/// task is faster than four.
const SHARD_CAPACITY: usize = 1024;

/// The shards. Clones share them.
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

/// Source of new jobs for a stream of unfinished jobs.
#[derive(Clone, Debug)]
struct Sources {
    hub: Hub,
    records: Arc<dyn JobRecords>,
    max_jobs: usize,
}

/// A connection waiting for admission.
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

/// The parts of a stream.
#[derive(Debug)]
pub(super) struct EventStream {
    pub(super) subscriber: Subscriber<Subscription>,
    /// The subscriptions.
    pub(super) live: Vec<Subscription>,
    /// Receives jobs that started since the query, for streams of unfinished jobs.
    pub(super) started: Option<broadcast::Receiver<Arc<Started>>>,
    pub(super) control: StreamControl,
}

impl Delivery {
    /// Creates the shards' registry. `tasks` owns the shards, which end with the ticker.
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

    /// Creates a stream.
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
    /// Returns the stream as a response body.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        let (transport, gone, body) = Transport::body();
        self.delivery.admit(Pending {
            transport,
            gone,
            stream: self.stream,
        });
        body
    }

    /// Writes the stream to a hijacked socket, with chunked transfer coding.
    pub(crate) fn write_to(self, socket: Arc<dyn Socket>) {
        let (transport, gone) = Transport::socket(socket);
        self.delivery.admit(Pending {
            transport,
            gone,
            stream: self.stream,
        });
    }
}
