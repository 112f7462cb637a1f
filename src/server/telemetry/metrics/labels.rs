//! Labels of metrics and their values.

use prometheus_client::encoding::EncodeLabelSet;

use crate::model::job::ImportStatus;

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

    fn as_str(self) -> &'static str {
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
    pub(super) const ALL: [Self; 2] = [Self::Create, Self::Progress];

    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Progress => "progress",
        }
    }
}

/// The channel of a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Channel {
    Webhook,
    Mail,
}

impl Channel {
    pub(super) const ALL: [Self; 2] = [Self::Webhook, Self::Mail];

    fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        }
    }
}

/// The result of an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sent {
    Delivered,
    /// Failed; retried.
    Failed,
    /// Failed; not retried.
    GivenUp,
}

impl Sent {
    pub(super) const ALL: [Self; 3] = [Self::Delivered, Self::Failed, Self::GivenUp];

    fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}

/// How an import can end.
pub(super) const ENDS: [ImportStatus; 3] = [
    ImportStatus::Success,
    ImportStatus::PartialSuccess,
    ImportStatus::Error,
];

pub(super) const OUTCOMES: [&str; 2] = ["processed", "failed"];

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Cause {
    pub(super) cause: &'static str,
}

impl Cause {
    pub(super) fn of(end: StreamEnd) -> Self {
        Self {
            cause: end.as_str(),
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct State {
    pub(super) state: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Call {
    pub(super) call: &'static str,
}

impl Call {
    pub(super) fn of(call: UpstreamCall) -> Self {
        Self {
            call: call.as_str(),
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Status {
    pub(super) status: &'static str,
}

impl Status {
    pub(super) fn of(status: ImportStatus) -> Self {
        Self {
            status: status.as_str(),
        }
    }
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

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct ByChannel {
    pub(super) channel: &'static str,
}

impl ByChannel {
    pub(super) fn of(channel: Channel) -> Self {
        Self {
            channel: channel.as_str(),
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Attempt {
    pub(super) channel: &'static str,
    pub(super) outcome: &'static str,
}

impl Attempt {
    pub(super) fn of(channel: Channel, sent: Sent) -> Self {
        Self {
            channel: channel.as_str(),
            outcome: sent.as_str(),
        }
    }
}
