//! A task that serves the connections of a shard.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use relay_sync::admission::AdmissionQueue;
use slab::Slab;
use tokio::sync::{broadcast, watch};

use super::{
    Delivery, EventStream, Pending,
    channels::{Channels, Member},
    connection::{Connection, Sent, Taken, Writer},
    piece::Piece,
    subscriber::Unfinished,
    transport::{Gone, Waited, Writable},
};
use crate::{
    model::job::ProductImportJob,
    server::{
        identity::job_scope::JobScope,
        relay::{
            heartbeat::Tick, hub::Subscription, records::RecordError, rooms::Frames,
            starts::Started,
        },
    },
};

pub(super) struct Shard {
    delivery: Delivery,
    queue: Arc<AdmissionQueue<Pending>>,
    ticks: watch::Receiver<Tick>,
    writer: Writer,
    connections: Slab<Connection>,
    to_write: Vec<usize>,
    /// One per channel: resolves to its number on a change.
    changes: FuturesUnordered<BoxFuture<'static, (usize, Result<Frames, ()>)>>,
    /// One per connection: resolves when the client is gone. Only then is its number reused.
    gone: FuturesUnordered<Numbered<Gone>>,
    /// One per connection with a full transport.
    writable: FuturesUnordered<Numbered<Writable>>,
    /// Started jobs, once a connection wants them.
    started: Option<broadcast::Receiver<Arc<Started>>>,
    /// Pending queries for jobs that could not be followed before, one at a time per scope.
    scopes: VecDeque<JobScope>,
    lookups: FuturesUnordered<BoxFuture<'static, Found>>,
}

type Found = (JobScope, Result<Vec<ProductImportJob>, RecordError>);

struct Numbered<F> {
    connection: usize,
    future: F,
}

impl Shard {
    pub(super) fn new(delivery: Delivery, queue: Arc<AdmissionQueue<Pending>>) -> Self {
        let ticks = delivery.0.ticker.subscribe();
        Self {
            delivery,
            queue,
            ticks,
            writer: Writer {
                channels: Channels::default(),
                piece: Piece::new(),
                sent: Sent::default(),
            },
            connections: Slab::new(),
            to_write: Vec::new(),
            changes: FuturesUnordered::new(),
            gone: FuturesUnordered::new(),
            writable: FuturesUnordered::new(),
            started: None,
            scopes: VecDeque::new(),
            lookups: FuturesUnordered::new(),
        }
    }

    pub(super) async fn run(mut self) {
        self.admit();
        loop {
            tokio::select! {
                Some((channel, frames)) = self.changes.next(), if !self.changes.is_empty() => {
                    self.publish(channel, frames);
                    while let Some(Some((channel, frames))) = self.changes.next().now_or_never() {
                        self.publish(channel, frames);
                    }
                    self.write_due();
                }
                changed = self.ticks.changed() => {
                    let tick = *self.ticks.borrow_and_update();
                    if changed.is_err() || tick == Tick::Drain {
                        break;
                    }
                    self.heed(tick);
                    self.look_for_short();
                }
                () = self.queue.admitted() => self.admit(),
                Some((connection, waited)) = self.writable.next(), if !self.writable.is_empty() => {
                    self.resume(connection, waited);
                }
                Some((connection, ())) = self.gone.next(), if !self.gone.is_empty() => {
                    self.remove(connection);
                    let queues = &self.delivery.0.queues;
                    if self.connections.is_empty() && queues.close_if_empty(&self.queue) {
                        return;
                    }
                }
                started = next_started(&mut self.started) => match started {
                    Some(started) => self.take_in(&started),
                    None => self.look_for_missed(),
                },
                Some((scope, jobs)) = self.lookups.next(), if !self.lookups.is_empty() => {
                    self.found(&scope, jobs);
                }
            }
            self.count();
        }
        // Admits no more and ends the streams. Written bytes are still sent when sockets close.
        self.delivery.0.queues.close(&self.queue);
        self.admit();
        self.heed(Tick::Drain);
        self.count();
    }

    fn admit(&mut self) {
        let tick = *self.ticks.borrow();
        for pending in self.queue.take() {
            let Pending {
                transport,
                gone,
                stream,
            } = pending;
            let EventStream {
                subscriber,
                live,
                started,
                control,
            } = stream;
            let connection = self
                .connections
                .insert(Connection::new(transport, subscriber, control));
            let future = gone;
            self.gone.push(Numbered { connection, future });
            for viewer in live {
                self.follow(connection, viewer);
            }
            if let Some(started) = started {
                self.catch_up(connection, started);
            }
            let taken = self.connections[connection].open(tick, &mut self.writer);
            self.wait(connection, taken);
        }
        self.write_due();
    }

    /// Adds jobs that started while a connection was pending.
    fn catch_up(&mut self, connection: usize, mut started: broadcast::Receiver<Arc<Started>>) {
        loop {
            match started.try_recv() {
                Ok(started) => self.take_in_at(connection, &started),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {
                    if let Some(unfinished) = self.unfinished(connection) {
                        unfinished.is_short = true;
                    }
                }
                Err(_) => break,
            }
        }
        // From now on for all connections.
        self.started.get_or_insert(started);
    }

    fn follow(&mut self, connection: usize, viewer: Subscription) {
        let Some(subscriber) = self.connections[connection].subscriber() else {
            return;
        };
        let topic = subscriber.next_topic();
        let newest = viewer.frames.borrow().clone();
        let member = Member { connection, topic };
        let (at, new) = self.writer.channels.join(viewer.room, newest, member);
        if let Some(channel) = new {
            self.changes
                .push(change(channel, viewer.frames.clone()).boxed());
        }
        subscriber.follow(viewer, at);
    }

    /// Publishes a room's change and queues its subscribers.
    fn publish(&mut self, channel: usize, mut frames: Result<Frames, ()>) {
        let newest = frames.as_mut().ok();
        let newest = newest.map(|frames| frames.borrow_and_update().clone());
        let Some(members) = self.writer.channels.publish(channel, newest) else {
            return;
        };
        for Member { connection, topic } in members {
            let at = &mut self.connections[connection];
            if let Some(subscriber) = at.subscriber() {
                subscriber.mark(topic);
            }
            if !std::mem::replace(&mut at.is_queued, true) {
                self.to_write.push(connection);
            }
        }
        if let Ok(frames) = frames {
            self.changes.push(change(channel, frames).boxed());
        }
    }

    fn write_due(&mut self) {
        let mut to_write = std::mem::take(&mut self.to_write);
        for connection in to_write.drain(..) {
            let at = &mut self.connections[connection];
            at.is_queued = false;
            let taken = at.write_due(&mut self.writer);
            self.wait(connection, taken);
        }
        self.to_write = to_write;
    }

    /// Resumes a connection when its transport is writable.
    fn wait(&mut self, connection: usize, taken: Taken) {
        let write_timeout = self.delivery.0.write_timeout;
        if taken == Taken::NotAll
            && let Some(future) = self.connections[connection]
                .transport
                .writable(write_timeout)
        {
            self.writable.push(Numbered { connection, future });
        }
    }

    fn resume(&mut self, connection: usize, waited: Waited) {
        // If the number was reused, nothing is unsent or it is checked twice.
        let Some(at) = self.connections.get_mut(connection) else {
            return;
        };
        if waited == Waited::TooLong {
            tracing::debug!("a client stopped reading");
            at.cut(&mut self.writer.channels);
            return;
        }
        let taken = at.resume(&mut self.writer);
        self.wait(connection, taken);
    }

    fn heed(&mut self, tick: Tick) {
        for connection in 0..self.connections.capacity() {
            if let Some(at) = self.connections.get_mut(connection) {
                let taken = at.heed(tick, &mut self.writer);
                self.wait(connection, taken);
            }
        }
    }

    fn remove(&mut self, connection: usize) {
        self.connections
            .remove(connection)
            .leave(&mut self.writer.channels);
        self.queue.left();
    }

    /// Adds a started job to matching streams.
    fn take_in(&mut self, started: &Started) {
        for connection in 0..self.connections.capacity() {
            self.take_in_at(connection, started);
        }
        self.write_due();
    }

    fn take_in_at(&mut self, connection: usize, started: &Started) {
        if self
            .unfinished(connection)
            .is_some_and(|it| it.scope.covers(&started.user))
        {
            self.follow_unfinished(connection, &started.job);
        }
    }

    fn follow_unfinished(&mut self, connection: usize, job: &ProductImportJob) {
        let at = self.connections.get_mut(connection);
        let Some(subscriber) = at.and_then(Connection::subscriber) else {
            return;
        };
        if !subscriber.wants(&job.id) {
            return;
        }
        match self.delivery.0.sources.hub.subscribe(job) {
            Ok(viewer) => {
                tracing::info!("Client joining import job: {}", job.id);
                self.follow(connection, viewer);
                self.queue_write(connection);
            }
            Err(_full) => {
                tracing::warn!(job = %job.id, "the limit of followed jobs is reached");
                if let Some(unfinished) = self.unfinished(connection) {
                    unfinished.is_short = true;
                }
            }
        }
    }

    fn queue_write(&mut self, connection: usize) {
        let at = &mut self.connections[connection];
        if !std::mem::replace(&mut at.is_queued, true) {
            self.to_write.push(connection);
        }
    }

    fn unfinished(&mut self, connection: usize) -> Option<&mut Unfinished> {
        let at = self.connections.get_mut(connection)?;
        at.subscriber()?.unfinished()
    }

    /// Queries missing jobs of connections after their heartbeat, so that no heartbeat waits for the database.
    fn look_for_short(&mut self) {
        if !self.scopes.is_empty() || !self.lookups.is_empty() {
            return;
        }
        for connection in 0..self.connections.capacity() {
            if let Some(unfinished) = self.unfinished(connection)
                && unfinished.is_short
            {
                let scope = unfinished.scope.clone();
                if !self.scopes.contains(&scope) {
                    self.scopes.push_back(scope);
                }
            }
        }
        self.look_up();
    }

    /// Queries unfinished jobs, because starts may have been missed.
    fn look_for_missed(&mut self) {
        for connection in 0..self.connections.capacity() {
            if let Some(unfinished) = self.unfinished(connection) {
                unfinished.is_short = true;
            }
        }
        self.look_for_short();
    }

    fn look_up(&mut self) {
        let Some(scope) = self.scopes.pop_front() else {
            return;
        };
        let sources = self.delivery.0.sources.clone();
        let lookup = async move {
            let jobs = sources.records.unfinished(&scope, sources.max_jobs).await;
            (scope, jobs)
        };
        self.lookups.push(lookup.boxed());
    }

    fn found(&mut self, scope: &JobScope, jobs: Result<Vec<ProductImportJob>, RecordError>) {
        match jobs {
            Ok(jobs) => {
                for connection in 0..self.connections.capacity() {
                    match self.unfinished(connection) {
                        Some(it) if it.is_short && it.scope == *scope => it.is_short = false,
                        _ => continue,
                    }
                    for job in &jobs {
                        self.follow_unfinished(connection, job);
                    }
                }
                self.write_due();
            }
            // Retried at the next tick.
            Err(error) => tracing::warn!(%error, "cannot look for new jobs"),
        }
        self.look_up();
    }

    fn count(&mut self) {
        let Sent { pieces, bytes } = std::mem::take(&mut self.writer.sent);
        if pieces > 0 {
            self.delivery.0.metrics.frames_sent(pieces, bytes);
        }
    }
}

/// Waits for a change of a room, or its deletion.
async fn change(channel: usize, mut frames: Frames) -> (usize, Result<Frames, ()>) {
    let changed = frames.changed().await;
    (channel, changed.map(|()| frames).map_err(drop))
}

/// Waits for a started job; `None` if some may have been missed. Pends forever if no connection wants them.
/// Cancel-safe.
async fn next_started(
    started: &mut Option<broadcast::Receiver<Arc<Started>>>,
) -> Option<Arc<Started>> {
    let Some(receiver) = started else {
        return std::future::pending().await;
    };
    match receiver.recv().await {
        Ok(started) => Some(started),
        Err(broadcast::error::RecvError::Lagged(_)) => None,
        Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
    }
}

impl<F: Future + Unpin> Future for Numbered<F> {
    type Output = (usize, F::Output);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let output = ready!(self.future.poll_unpin(cx));
        Poll::Ready((self.connection, output))
    }
}
