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

impl StreamEvent {
    /// Names of the named events.
    pub(in crate::hooks) const NAMES: [&'static str; 4] =
        ["heartbeat", "upstream", "not-found", "end"];

    /// Returns the event with this name and data.
    pub(in crate::hooks) fn named(name: &str, data: String) -> Option<Self> {
        Some(match name {
            "heartbeat" => Self::Heartbeat,
            "upstream" => Self::Upstream(data),
            "not-found" => Self::NotFound(data),
            "end" => Self::End,
            _ => return None,
        })
    }

    /// Returns name and data of a named event.
    pub(in crate::hooks) fn name(&self) -> Option<(&'static str, &str)> {
        Some(match self {
            Self::Heartbeat => ("heartbeat", ""),
            Self::Upstream(data) => ("upstream", data),
            Self::NotFound(data) => ("not-found", data),
            Self::End => ("end", ""),
            Self::Opened | Self::Message { .. } | Self::Interrupted | Self::GivenUp => return None,
        })
    }
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
