//! The progress of many jobs in one stream of Server-Sent Events.
//!
//! The events are those of a single job's stream, each with the `jobId` in its data. A stream of
//! listed jobs ends with the event `end` when all of them are over; a stream of a user's unfinished
//! jobs goes on, and new jobs join it as they start.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::Write as _,
    pin::Pin,
    sync::Arc,
};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use tokio::sync::broadcast;

use super::{
    Relay,
    frame::{END, Frame, HEARTBEAT, not_found},
    hub::Viewer,
    lifeline::{Lifeline, Sign},
    many_id::ManyId,
    pieces::Pieces,
    starts::Started,
};
use crate::{
    job::{JobId, ProductImportJob},
    server::store::job_scope::JobScope,
};

/// The most bytes that are sent in one piece, but for the last event in it.
const PIECE: usize = 16 << 10;
/// Of how many ended jobs a stream of unfinished ones remembers that it has told the end.
const REMEMBERED_ENDS: usize = 64;

/// Which jobs a stream is of.
pub(crate) struct Selection {
    /// The jobs that were asked for by name, each once.
    pub(crate) listed: Vec<JobId>,
    /// Those there are now; one may stand here twice.
    pub(crate) found: Vec<ProductImportJob>,
    /// Those that were asked for and are not there, or not for this user to see.
    pub(crate) missing: Vec<JobId>,
    /// Tells what has just started, where new jobs are to join.
    pub(crate) started: Option<broadcast::Receiver<Arc<Started>>>,
}

/// What comes of one job.
enum News {
    /// A newer state.
    State(JobId, Arc<Frame>),
    /// There is no such job any more.
    Forgotten(JobId),
}

type JobNews = Pin<Box<dyn Stream<Item = News> + Send>>;

/// One client's stream of many jobs. Dropping it is leaving.
pub(crate) struct ManyStream {
    relay: Relay,
    scope: JobScope,
    jobs: stream::SelectAll<JobNews>,
    followed: HashSet<JobId>,
    /// Where each listed job stands in the list.
    places: HashMap<JobId, usize>,
    id: ManyId,
    /// Jobs that were not listed and have ended: news of their start may still be on its way.
    ended: VecDeque<JobId>,
    started: Option<broadcast::Receiver<Arc<Started>>>,
    /// Whether a job that is wanted could not be followed.
    is_short: bool,
    /// Whether it is to be tried again now.
    looks_again: bool,
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

impl Pieces for ManyStream {
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

impl ManyStream {
    /// Makes the stream for a client that has seen this event last.
    pub(crate) fn new(
        relay: Relay,
        scope: JobScope,
        selection: Selection,
        last_event_id: Option<&str>,
        lifeline: Lifeline,
    ) -> Self {
        let Selection {
            listed,
            found,
            missing,
            started,
        } = selection;
        let id = ManyId::new(&listed, last_event_id);
        let places = listed.into_iter().zip(0..).collect();
        let mut stream = Self {
            relay,
            scope,
            jobs: stream::SelectAll::new(),
            followed: HashSet::new(),
            places,
            id,
            ended: VecDeque::new(),
            started,
            is_short: false,
            looks_again: false,
            missing,
            lifeline,
            next: Next::Open,
        };
        stream.follow(found);
        stream
    }

    /// Follows those of the jobs that are not followed yet, and whose end the client does not know.
    fn follow(&mut self, jobs: Vec<ProductImportJob>) {
        for job in jobs {
            let place = self.places.get(&job.id);
            let has_seen_end =
                job.status.is_final() && place.is_some_and(|place| self.id.has_seen_end(*place));
            if has_seen_end || self.followed.contains(&job.id) || self.ended.contains(&job.id) {
                continue;
            }
            if self.followed.len() >= self.relay.config.max_jobs {
                self.is_short = true;
                continue;
            }
            match self.relay.hub.watch(&job) {
                Ok(viewer) => {
                    tracing::info!("Client joining import job: {}", job.id);
                    self.jobs.push(news(viewer));
                    self.followed.insert(job.id);
                }
                Err(_full) => {
                    tracing::warn!(job = %job.id, "as many jobs are followed as may be");
                    self.is_short = true;
                }
            }
        }
    }

    /// Returns whether a limit keeps the stream from following all that it is asked for.
    pub(crate) fn is_short(&self) -> bool {
        self.is_short
    }

    /// The first bytes: `retry:` and the newest states in one piece.
    fn open(&mut self) -> Bytes {
        let (retry, upstream) = self.lifeline.opening();
        let mut bytes = BytesMut::from(retry);
        let before = bytes.len();
        for job in self.missing.drain(..) {
            bytes.extend_from_slice(&not_found(&job));
        }
        self.next = Next::Wait;
        self.gather(&mut bytes, usize::MAX);
        bytes.extend_from_slice(&upstream);
        if bytes.len() == before {
            // A client takes a stream on which nothing comes at once for one that is held back.
            bytes.extend_from_slice(&HEARTBEAT);
        }
        bytes.freeze()
    }

    async fn wait(&mut self) -> Option<Bytes> {
        loop {
            if std::mem::take(&mut self.looks_again) {
                self.look_for_new().await;
            }
            tokio::select! {
                biased;
                news = self.jobs.next(), if !self.jobs.is_empty() => {
                    let mut bytes = BytesMut::new();
                    if let Some(news) = news {
                        self.take(&mut bytes, news);
                    }
                    self.gather(&mut bytes, PIECE);
                    if !bytes.is_empty() {
                        return Some(bytes.freeze());
                    }
                }
                start = started(&mut self.started, &self.scope) => match start {
                    Some(start) => self.follow(vec![start.job.clone()]),
                    None => self.look_for_new().await,
                },
                sign = self.lifeline.next() => return match sign {
                    Sign::Say(bytes) => {
                        // Once this is said: no heartbeat waits for the database.
                        self.looks_again = self.is_short && self.started.is_some();
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
            && let Some(Some(news)) = self.jobs.next().now_or_never()
        {
            self.take(bytes, news);
        }
        if self.jobs.is_empty() && self.started.is_none() {
            bytes.extend_from_slice(&END);
            self.lifeline.finished();
            self.next = Next::End;
        }
    }

    fn take(&mut self, bytes: &mut BytesMut, news: News) {
        match news {
            News::State(job, frame) => {
                let place = self.places.get(&job).copied();
                self.id.tell(place.filter(|_| frame.is_final));
                // Writing to memory does not fail.
                let _ = writeln!(bytes.writer(), "id: {}", self.id);
                bytes.extend_from_slice(&frame.tagged(&job));
                // A listed job is told to its end once; an unfinished one that ends is one of them
                // no more.
                if frame.is_final && self.started.is_some() {
                    self.forget(job, place.is_none());
                }
            }
            News::Forgotten(job) => {
                bytes.extend_from_slice(&not_found(&job));
                self.forget(job, true);
            }
        }
    }

    fn forget(&mut self, job: JobId, may_be_told_of: bool) {
        self.followed.remove(&job);
        if may_be_told_of {
            if self.ended.len() == REMEMBERED_ENDS {
                self.ended.pop_front();
            }
            self.ended.push_back(job);
        }
    }

    async fn look_for_new(&mut self) {
        self.is_short = false;
        match self
            .relay
            .store
            .unfinished_jobs(&self.scope, self.relay.config.max_jobs)
            .await
        {
            Ok(jobs) => self.follow(jobs),
            Err(error) => {
                tracing::warn!(%error, "new jobs could not be looked for");
                self.is_short = true;
            }
        }
    }
}

/// One job's news: the newest state at once, then every newer one, to the final one.
fn news(viewer: Viewer) -> JobNews {
    enum At {
        Start,
        Running,
        Over,
    }
    Box::pin(stream::unfold(
        (viewer, At::Start),
        |(mut viewer, at)| async move {
            let is_there = match at {
                At::Start => true,
                At::Running => viewer.frames.changed().await.is_ok(),
                At::Over => return None,
            };
            if !is_there {
                return Some((News::Forgotten(viewer.job.clone()), (viewer, At::Over)));
            }
            let frame = viewer.frames.borrow_and_update().clone();
            let at = if frame.is_final {
                At::Over
            } else {
                At::Running
            };
            Some((News::State(viewer.job.clone(), frame), (viewer, at)))
        },
    ))
}

/// Waits until a job of this scope has started, and returns it, or `None` where some may have been
/// missed; for ever where that does not matter. Safe to cancel.
async fn started(
    starts: &mut Option<broadcast::Receiver<Arc<Started>>>,
    scope: &JobScope,
) -> Option<Arc<Started>> {
    let Some(starts) = starts else {
        return std::future::pending().await;
    };
    loop {
        match starts.recv().await {
            Ok(start) if scope.covers(&start.user) => return Some(start),
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return None,
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}
