//! Ends streams whose session or token is no longer valid: at once on this instance, by NOTIFY on others, and
//! by periodic rechecks for expiry.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{heartbeat::Ticker, limits::StreamLimits};
use crate::server::{
    auth::recheck,
    store::{Store, notices::Revocations, sessions::SessionLifetime, users::UserId},
};

/// Delay before listening again after a database error.
const LISTEN_AGAIN: Duration = Duration::from_secs(10);

/// Revokes permits.
#[derive(Clone, Debug)]
pub(super) struct Revoker {
    pub(super) limits: StreamLimits,
    pub(super) ticker: Ticker,
    pub(super) store: Store,
    pub(super) lifetime: SessionLifetime,
}

impl Revoker {
    /// Ends a user's streams on this instance.
    pub(super) fn revoke(&self, user: &UserId) {
        if self.limits.revoke(user) {
            self.ticker.recheck();
        }
    }

    /// Notifies the other instances.
    pub(super) async fn tell_others(self, user: UserId) {
        if let Err(error) = self.store.notify_revoked(&user).await {
            tracing::warn!(%error, "the other instances could not be told whose sessions ended");
        }
    }

    /// Rechecks periodically and listens, until `shutdown`.
    pub(super) async fn run(self, every: Duration, shutdown: CancellationToken) {
        let watch = async { tokio::join!(self.look_again(every), self.listen()) };
        tokio::select! {
            _ = watch => {}
            () = shutdown.cancelled() => {}
        }
    }

    async fn look_again(&self, every: Duration) {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.recheck().await;
        }
    }

    async fn recheck(&self) {
        let passes = self.limits.passes();
        match recheck::void(&self.store, self.lifetime, passes).await {
            Ok(void) if void.is_empty() => {}
            Ok(void) => {
                void.iter().for_each(|pass| self.limits.revoke_pass(pass));
                self.ticker.recheck();
            }
            // A database error ends no streams; the next recheck is soon.
            Err(error) => tracing::warn!(%error, "open streams could not be checked"),
        }
    }

    async fn listen(&self) {
        loop {
            match self.store.listen_for_revocations().await {
                Ok(None) => return,
                Ok(Some(revocations)) => self.heed(revocations).await,
                Err(error) => tracing::warn!(%error, "the other instances are not heard"),
            }
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    }

    async fn heed(&self, mut revocations: Revocations) {
        loop {
            match revocations.next().await {
                Ok(Some(user)) => self.revoke(&user),
                // Notifications may have been missed.
                Ok(None) => self.recheck().await,
                Err(error) => {
                    tracing::warn!(%error, "the other instances are not heard");
                    return;
                }
            }
        }
    }
}
