//! Limits of open streams, by sessions and tokens.

pub(crate) use relay_sync::limits::MostStreams;

use crate::server::identity::{credential::Pass, user::UserId};

/// Counts open streams.
pub(crate) type StreamLimits = relay_sync::limits::StreamLimits<Pass>;
/// The right to one open stream.
pub(crate) type Permit = relay_sync::limits::Permit<Pass>;

impl relay_sync::limits::Pass for Pass {
    type User = UserId;

    fn user(&self) -> &UserId {
        &self.user
    }
}
