//! Writes the frames of a job straight to the sockets of its viewers.
//!
//! One task serves up to [`GROUP_SIZE`] viewers of a job: a frame costs each of them one system call
//! and no turn of the scheduler, and an idle viewer is a socket and a few hundred bytes. A viewer
//! whose socket is full is passed over until it takes more, and then gets the newest frame.

mod group;
mod readiness;
mod seat;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use socket2::SockRef;
use tokio::{
    net::TcpStream,
    sync::{Notify, watch},
};
use tokio_util::task::TaskTracker;

use self::group::Group;
pub(super) use self::readiness::Gone;
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
    groups: Mutex<HashMap<JobId, Vec<Arc<Door>>>>,
    metrics: Metrics,
    tasks: TaskTracker,
}

/// Where viewers enter a group.
#[derive(Debug)]
struct Door {
    /// The cell that the group looks at.
    frames: watch::Receiver<Arc<Frame>>,
    entrance: Mutex<Entrance>,
    /// Somebody has entered.
    entered: Notify,
}

#[derive(Debug)]
struct Entrance {
    newcomers: Vec<Newcomer>,
    /// Who is in, with the newcomers.
    members: usize,
}

#[derive(Debug)]
struct Newcomer {
    socket: Arc<TcpStream>,
    viewer: Viewer,
    lifeline: Lifeline,
}

impl FanOut {
    /// Makes it. `tasks` owns what it spawns, which ends when the clock says so.
    pub(crate) fn new(metrics: Metrics, tasks: TaskTracker) -> Self {
        Self(Arc::new(Shared {
            groups: Mutex::default(),
            metrics,
            tasks,
        }))
    }

    /// Seats a viewer whose response's head is out.
    pub(crate) fn seat(&self, socket: Arc<TcpStream>, viewer: Viewer, lifeline: Lifeline) {
        prepare(&socket);
        let newcomer = Newcomer {
            socket,
            viewer,
            lifeline,
        };
        let mut groups = self.groups();
        let doors = groups.entry(newcomer.viewer.job.clone()).or_default();
        let mut newcomer = Some(newcomer);
        if doors.iter().any(|door| door.enter(&mut newcomer)) {
            return;
        }
        let Some(newcomer) = newcomer else { return };
        let job = newcomer.viewer.job.clone();
        let (frames, pulse) = (newcomer.viewer.frames.clone(), newcomer.lifeline.pulse());
        let door = Arc::new(Door::new(newcomer));
        doors.push(door.clone());
        let group = Group::new(door, frames, pulse, self.0.metrics.clone());
        self.0.tasks.spawn(group.run(self.clone(), job));
    }

    /// Closes a group's door behind the last one, unless somebody has entered meanwhile.
    fn close_if_empty(&self, job: &JobId, door: &Arc<Door>) -> bool {
        let mut groups = self.groups();
        let is_empty = door.entrance().members == 0;
        if is_empty {
            remove(&mut groups, job, door);
        }
        is_empty
    }

    /// Closes a group's door for good.
    fn close(&self, job: &JobId, door: &Arc<Door>) {
        remove(&mut self.groups(), job, door);
    }

    fn groups(&self) -> MutexGuard<'_, HashMap<JobId, Vec<Arc<Door>>>> {
        self.0.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(groups: &mut HashMap<JobId, Vec<Arc<Door>>>, job: &JobId, door: &Arc<Door>) {
    if let Entry::Occupied(mut doors) = groups.entry(job.clone()) {
        doors.get_mut().retain(|other| !Arc::ptr_eq(other, door));
        if doors.get().is_empty() {
            doors.remove();
        }
    }
}

impl Door {
    fn new(first: Newcomer) -> Self {
        let frames = first.viewer.frames.clone();
        let entrance = Mutex::new(Entrance {
            newcomers: vec![first],
            members: 1,
        });
        Self {
            frames,
            entrance,
            entered: Notify::new(),
        }
    }

    /// Lets a newcomer in who looks at the same cell, where there is a seat.
    fn enter(&self, newcomer: &mut Option<Newcomer>) -> bool {
        let mut entrance = self.entrance();
        let is_welcome = entrance.members < GROUP_SIZE
            && newcomer
                .as_ref()
                .is_some_and(|one| one.viewer.frames.same_channel(&self.frames));
        if is_welcome {
            entrance.newcomers.extend(newcomer.take());
            entrance.members += 1;
            self.entered.notify_one();
        }
        is_welcome
    }

    fn entrance(&self) -> MutexGuard<'_, Entrance> {
        self.entrance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
