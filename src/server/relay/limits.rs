//! Limits of open streams, per session and token.

pub(crate) use relay_sync::limits::MostStreams;

use crate::server::identity::{credential::Pass, user::UserId};

pub(crate) type StreamLimits = relay_sync::limits::StreamLimits<Pass>;
pub(crate) type Permit = relay_sync::limits::Permit<Pass>;

impl relay_sync::limits::Pass for Pass {
    type User = UserId;

    fn user(&self) -> &UserId {
        &self.user
    }
}
