//! Inputs and actions of a follower.

use super::Millis;
use crate::model::{
    job::{JobId, ProgressEvent},
    refusal::Refusal,
};

/// An event of a stream. Tabs send them to each other.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::hooks) enum StreamEvent {
    /// The stream is open.
    Opened,
    /// A state: of this job, or of the one that it names.
    Message {
        /// The job, on a stream of one job.
        job: Option<JobId>,
        /// The data of the event.
        text: String,
    },
    /// A heartbeat.
    Heartbeat,
    /// The event `upstream`, with its data.
    Upstream(String),
    /// The event `not-found`, with its data.
    NotFound(String),
    /// All jobs of the stream have ended.
    End,
    /// The connection broke; the browser is reconnecting.
    Interrupted,
    /// The stream was refused; the browser does not reconnect.
    GivenUp,
}

/// The states of jobs, as the server answered.
pub(in crate::hooks) type Answer = Result<Vec<(JobId, ProgressEvent)>, Refusal>;

/// An input of the follower.
#[derive(Clone, Debug)]
pub(in crate::hooks) enum Event {
    /// An event of the stream.
    Stream(StreamEvent),
    /// An earlier event of the stream, repeated by the tab leader.
    Repeated {
        /// The event.
        event: StreamEvent,
        /// Time since the stream's last event.
        age: Millis,
    },
    /// The server answered with the newest states of the jobs that exist.
    Answered {
        /// The requested jobs.
        asked: Vec<JobId>,
        /// The answer.
        answer: Answer,
    },
    /// Time has passed.
    Tick,
    /// The browser came online, or the page became visible.
    Awake,
    /// The browser went offline.
    Offline,
    /// The page is hidden, and its own stream would take a connection from other pages.
    Hidden,
    /// The browser froze the page; it may resume it.
    Frozen,
}

/// What to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::hooks) enum Action {
    /// Nothing.
    Wait,
    /// Open the stream, of all wanted jobs.
    Open,
    /// Close the stream and open another.
    Renew,
    /// Request the newest states, and keep the stream.
    Poll,
    /// Close the stream and request the newest states.
    Ask,
    /// Close the stream.
    Close,
}

impl Action {
    /// Merges this action with an earlier one that was not done.
    pub(in crate::hooks) fn after(self, earlier: Self) -> Self {
        match (earlier, self) {
            (earlier, Self::Wait) => earlier,
            (Self::Renew, Self::Open) => Self::Renew,
            (_, later) => later,
        }
    }
}
