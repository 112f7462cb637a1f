//! Ends streams of invalid sessions and tokens: at once on this instance, by NOTIFY on others, and by periodic rechecks
//! for expiry.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::BoxStream};
use tokio_util::sync::CancellationToken;

use super::{
    heartbeat::Ticker,
    limits::StreamLimits,
    records::{Passes, RecordError},
};
use crate::server::identity::user::UserId;

const LISTEN_AGAIN: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(super) struct Revoker {
    pub(super) limits: StreamLimits,
    pub(super) ticker: Ticker,
    pub(super) known: Arc<dyn Passes>,
}

impl Revoker {
    pub(super) fn revoke(&self, user: &UserId) {
        if self.limits.revoke(user) {
            self.ticker.recheck();
        }
    }

    pub(super) async fn tell_others(self, user: UserId) {
        if let Err(error) = self.known.tell_revoked(&user).await {
            tracing::warn!(%error, "cannot notify other instances of ended sessions");
        }
    }

    /// Rechecks and listens until `shutdown`.
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
        match self.known.void(passes).await {
            Ok(void) if void.is_empty() => {}
            Ok(void) => {
                void.iter().for_each(|pass| self.limits.revoke_pass(pass));
                self.ticker.recheck();
            }
            // An error ends no streams; the next recheck is soon.
            Err(error) => tracing::warn!(%error, "cannot check open streams"),
        }
    }

    async fn listen(&self) {
        loop {
            match self.known.revocations().await {
                Ok(None) => return,
                Ok(Some(revocations)) => self.heed(revocations).await,
                Err(error) => tracing::warn!(%error, "cannot listen to other instances"),
            }
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    }

    async fn heed(&self, mut revocations: BoxStream<'static, Result<Option<UserId>, RecordError>>) {
        while let Some(revocation) = revocations.next().await {
            match revocation {
                Ok(Some(user)) => self.revoke(&user),
                // Notifications may have been missed.
                Ok(None) => self.recheck().await,
                Err(error) => {
                    tracing::warn!(%error, "cannot listen to other instances");
                    return;
                }
            }
        }
    }
}
