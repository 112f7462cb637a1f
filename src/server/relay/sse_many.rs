//! The progress of many jobs in one stream of Server-Sent Events.
//!
//! The events are those of a single job's stream, each with the `jobId` in its data. A stream of
//! listed jobs ends with the event `end` when all of them are over; a stream of a user's unfinished
//! jobs goes on, and new jobs join it as they start.

use std::{collections::HashSet, pin::Pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use tokio::sync::broadcast;

use super::{
    Relay,
    frame::{END, Frame, not_found},
    hub::Viewer,
    lifeline::{Lifeline, Sign},
};
use crate::{
    job::{JobId, ProductImportJob},
    server::store::{job_scope::JobScope, users::UserId},
};

/// The most bytes that are sent in one piece, but for the last event in it.
const PIECE: usize = 16 << 10;

/// Which jobs a stream is of.
pub(crate) struct Selection {
    /// Those there are now; one may stand here twice.
    pub(crate) found: Vec<ProductImportJob>,
    /// Those that were asked for and are not there, or not for this user to see.
    pub(crate) missing: Vec<JobId>,
    /// Tells whose job has just started, where new ones are to join.
    pub(crate) started: Option<broadcast::Receiver<UserId>>,
}

type Frames = Pin<Box<dyn Stream<Item = (JobId, Arc<Frame>)> + Send>>;

struct ManyStream {
    relay: Relay,
    scope: JobScope,
    jobs: stream::SelectAll<Frames>,
    followed: HashSet<JobId>,
    started: Option<broadcast::Receiver<UserId>>,
    missing: Vec<JobId>,
    lifeline: Lifeline,
    next: Next,
}

/// What a stream does next.
enum Next {
    Open,
    Wait,
    End,
}

/// Makes the stream. Dropping it is leaving.
pub(crate) fn many_stream(
    relay: Relay,
    scope: JobScope,
    selection: Selection,
    lifeline: Lifeline,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let Selection {
        found,
        missing,
        started,
    } = selection;
    let mut stream = ManyStream {
        relay,
        scope,
        jobs: stream::SelectAll::new(),
        followed: HashSet::new(),
        started,
        missing,
        lifeline,
        next: Next::Open,
    };
    stream.follow(found);
    stream::unfold(stream, |mut stream| async {
        let bytes = stream.next().await?;
        stream.lifeline.sent(bytes.len());
        Some((bytes, stream))
    })
}

impl ManyStream {
    /// Follows those of the jobs that are not followed yet.
    fn follow(&mut self, jobs: Vec<ProductImportJob>) {
        for job in jobs {
            if self.followed.contains(&job.id) || self.followed.len() >= self.relay.config.max_jobs
            {
                continue;
            }
            match self.relay.hub.watch(&job) {
                Ok(viewer) => {
                    tracing::info!("Client joining import job: {}", job.id);
                    self.jobs.push(frames(viewer));
                    self.followed.insert(job.id);
                }
                // Looked for again when the next one starts, or the client comes back.
                Err(_full) => tracing::warn!(job = %job.id, "as many jobs are followed as may be"),
            }
        }
    }

    async fn next(&mut self) -> Option<Bytes> {
        match self.next {
            Next::Open => Some(self.open()),
            Next::Wait => self.wait().await,
            Next::End => None,
        }
    }

    /// The first bytes: `retry:` and the newest states in one piece.
    fn open(&mut self) -> Bytes {
        let (retry, upstream) = self.lifeline.opening();
        let mut bytes = BytesMut::from(retry);
        for job in self.missing.drain(..) {
            bytes.extend_from_slice(&not_found(&job));
        }
        self.next = Next::Wait;
        self.gather(&mut bytes, usize::MAX);
        bytes.extend_from_slice(&upstream);
        bytes.freeze()
    }

    async fn wait(&mut self) -> Option<Bytes> {
        loop {
            tokio::select! {
                biased;
                news = self.jobs.next(), if !self.jobs.is_empty() => {
                    let mut bytes = BytesMut::new();
                    if let Some((job, frame)) = news {
                        self.take(&mut bytes, job, &frame);
                    }
                    self.gather(&mut bytes, PIECE);
                    if !bytes.is_empty() {
                        return Some(bytes.freeze());
                    }
                }
                () = started(&mut self.started, &self.scope) => self.look_for_new().await,
                sign = self.lifeline.next() => return match sign {
                    Sign::Say(bytes) => {
                        // A job may have been started by another instance.
                        if self.started.is_some() {
                            self.look_for_new().await;
                        }
                        Some(bytes)
                    }
                    Sign::Farewell(bytes) => {
                        self.next = Next::End;
                        Some(bytes)
                    }
                    Sign::End => None,
                }
            }
        }
    }

    /// Adds whatever else is ready, and the end where there is nothing more to come.
    fn gather(&mut self, bytes: &mut BytesMut, limit: usize) {
        while bytes.len() < limit
            && let Some(Some((job, frame))) = self.jobs.next().now_or_never()
        {
            self.take(bytes, job, &frame);
        }
        if self.jobs.is_empty() && self.started.is_none() {
            bytes.extend_from_slice(&END);
            self.lifeline.finished();
            self.next = Next::End;
        }
    }

    fn take(&mut self, bytes: &mut BytesMut, job: JobId, frame: &Frame) {
        bytes.extend_from_slice(&frame.tagged(&job));
        // A listed job is told to its end once; an unfinished one that ends is one of them no more.
        if frame.is_final && self.started.is_some() {
            self.followed.remove(&job);
        }
    }

    async fn look_for_new(&mut self) {
        match self
            .relay
            .store
            .unfinished_jobs(&self.scope, self.relay.config.max_jobs)
            .await
        {
            Ok(jobs) => self.follow(jobs),
            // The next beat looks again.
            Err(error) => tracing::warn!(%error, "new jobs could not be looked for"),
        }
    }
}

/// One job's frames: the newest at once, then every newer one, to the final one.
fn frames(viewer: Viewer) -> Frames {
    enum At {
        Start,
        Running,
        Over,
    }
    Box::pin(stream::unfold(
        (viewer, At::Start),
        |(mut viewer, at)| async move {
            match at {
                At::Start => {}
                At::Running => viewer.frames.changed().await.ok()?,
                At::Over => return None,
            }
            let frame = viewer.frames.borrow_and_update().clone();
            let at = if frame.is_final {
                At::Over
            } else {
                At::Running
            };
            Some(((viewer.job.clone(), frame), (viewer, at)))
        },
    ))
}

/// Waits until a job of this scope has started; for ever where that does not matter. Safe to cancel.
async fn started(starts: &mut Option<broadcast::Receiver<UserId>>, scope: &JobScope) {
    let Some(starts) = starts else {
        return std::future::pending().await;
    };
    loop {
        match starts.recv().await {
            Ok(of) if scope.covers(&of) => return,
            Ok(_) => {}
            // What was missed may have been of this scope.
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}
