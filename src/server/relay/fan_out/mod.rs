//! Writes the frames of a job straight to the sockets of its viewers.
//!
//! One task serves up to [`GROUP_SIZE`] viewers of a job: a frame costs each of them one system call
//! and no turn of the scheduler, and an idle viewer is a socket and a few hundred bytes. A viewer
//! whose socket is full is passed over until it takes more, and then gets the newest frame.

mod door;
mod group;
mod readiness;
mod seat;

use std::sync::Arc;

use socket2::SockRef;
use tokio::{net::TcpStream, sync::watch};
use tokio_util::task::TaskTracker;

pub(super) use self::readiness::Gone;
use self::{
    door::{Doors, Enter},
    group::Group,
};
use super::{frame::Frame, hub::Viewer, lifeline::Lifeline};
use crate::{job::JobId, server::telemetry::Metrics};

/// The most viewers that one task serves. More tasks for a job use more processors, and make each event
/// dearer: measured with 1,000 viewers, one task is quicker than four.
const GROUP_SIZE: usize = 1024;
/// What the kernel keeps of what a viewer has not read yet: only the newest state matters, so more
/// would be a waste.
const SEND_BUFFER: usize = 16 << 10;

/// Sets a socket up that an event stream is written to.
pub(super) fn prepare(socket: &TcpStream) {
    if let Err(error) = SockRef::from(socket).set_send_buffer_size(SEND_BUFFER) {
        tracing::debug!(%error, "a viewer's socket could not be prepared");
    }
}

/// The groups of viewers of every job. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct FanOut(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    doors: Doors<JobId, Newcomer>,
    metrics: Metrics,
    tasks: TaskTracker,
}

type Door = door::Door<Newcomer>;

#[derive(Debug)]
struct Newcomer {
    socket: Arc<TcpStream>,
    viewer: Viewer,
    lifeline: Lifeline,
}

/// A job that was given up and is followed again has another cell, and other groups.
impl Enter for Newcomer {
    type Cell = watch::Receiver<Arc<Frame>>;

    fn cell(&self) -> Self::Cell {
        self.viewer.frames.clone()
    }

    fn looks_at(&self, cell: &Self::Cell) -> bool {
        self.viewer.frames.same_channel(cell)
    }
}

impl FanOut {
    /// Makes it. `tasks` owns what it spawns, which ends when the clock says so.
    pub(crate) fn new(metrics: Metrics, tasks: TaskTracker) -> Self {
        Self(Arc::new(Shared {
            doors: Doors::new(GROUP_SIZE),
            metrics,
            tasks,
        }))
    }

    /// Seats a viewer whose response's head is out.
    pub(crate) fn seat(&self, socket: Arc<TcpStream>, viewer: Viewer, lifeline: Lifeline) {
        prepare(&socket);
        let job = viewer.job.clone();
        let (frames, pulse) = (viewer.frames.clone(), lifeline.pulse());
        let newcomer = Newcomer {
            socket,
            viewer,
            lifeline,
        };
        if let Some(door) = self.0.doors.enter(job.clone(), newcomer) {
            let group = Group::new(door, frames, pulse, self.0.metrics.clone());
            self.0.tasks.spawn(group.run(self.clone(), job));
        }
    }

    /// Closes a group's door behind the last one, unless somebody has entered meanwhile.
    fn close_if_empty(&self, job: &JobId, door: &Arc<Door>) -> bool {
        self.0.doors.close_if_empty(job, door)
    }

    /// Closes a group's door for good.
    fn close(&self, job: &JobId, door: &Arc<Door>) {
        self.0.doors.close(job, door);
    }
}
