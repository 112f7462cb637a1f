//! Labels of metrics and their values.

use prometheus_client::encoding::EncodeLabelSet;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StreamEnd {
    /// The job ended and its subscriber has the end.
    Finished,
    TimeLimit,
    Shutdown,
    Revoked,
    /// The subscriber disconnected or timed out.
    ViewerLeft,
}

impl StreamEnd {
    pub(super) const ALL: [Self; 5] = [
        Self::Finished,
        Self::TimeLimit,
        Self::Shutdown,
        Self::Revoked,
        Self::ViewerLeft,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::TimeLimit => "time_limit",
            Self::Shutdown => "shutdown",
            Self::Revoked => "revoked",
            Self::ViewerLeft => "viewer_left",
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum UpstreamCall {
    Create,
    Progress,
}

impl UpstreamCall {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Progress => "progress",
        }
    }
}

pub(super) const OUTCOMES: [&str; 2] = ["processed", "failed"];

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Cause {
    pub(super) cause: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct State {
    pub(super) state: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Call {
    pub(super) call: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Status {
    pub(super) status: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Outcome {
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) route: String,
    pub(super) status: u16,
}
