//! Spreads events and sends deliveries, a few at once.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    body,
    mail::Mailer,
    webhook::{Sender, TIMEOUT, is_gone},
};
use crate::{
    model::{clock::now, job::UnixMillis, webhook::DeliveryProblem},
    server::{
        config::PublicUrl,
        store::{
            Store, StoreError,
            deliveries::{Addressee, Attempt, Claimed},
        },
    },
};

/// Maximum deliveries that one process sends at once.
const AT_ONCE: usize = 16;
/// Duration of a lease: longer than an attempt takes.
const LEASE: Duration = Duration::from_secs(2 * TIMEOUT.as_secs());
/// The time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Seconds from an attempt to the next.
const PAUSES: [u32; 8] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400];

/// The clock that deliveries go by.
#[derive(Clone, Debug)]
pub(super) enum Clock {
    /// The database's.
    Shared,
    #[cfg(test)]
    Set(Arc<std::sync::atomic::AtomicI64>),
}

/// The worker of a process.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    name: Arc<str>,
    store: Store,
    sender: Sender,
    mailer: Option<Mailer>,
    public_url: PublicUrl,
    wake: Arc<Notify>,
    clock: Clock,
}

impl Worker {
    pub(super) fn new(
        store: Store,
        sender: Sender,
        mailer: Option<Mailer>,
        public_url: PublicUrl,
        wake: Arc<Notify>,
        clock: Clock,
    ) -> Self {
        Self {
            name: Uuid::now_v7().simple().to_string().into(),
            store,
            sender,
            mailer,
            public_url,
            wake,
            clock,
        }
    }

    async fn now(&self) -> Result<UnixMillis, StoreError> {
        match &self.clock {
            Clock::Shared => self.store.shared_clock().await,
            #[cfg(test)]
            Clock::Set(time) => Ok(time.load(std::sync::atomic::Ordering::SeqCst)),
        }
    }

    /// Returns the time for a first look, for which the process's own clock will do.
    fn look_at(&self) -> UnixMillis {
        match &self.clock {
            Clock::Shared => now(),
            #[cfg(test)]
            Clock::Set(time) => time.load(std::sync::atomic::Ordering::SeqCst),
        }
    }

    /// Works until `shutdown`, and then lets what is being sent arrive.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        // The process before this one may have died with its leases.
        if !self.store.has_workers()
            && let Err(error) = self.store.forget_delivery_leases().await
        {
            tracing::warn!(%error, "cannot take up deliveries of the last run at once");
        }
        let mut sending = JoinSet::new();
        while !shutdown.is_cancelled() {
            if let Err(error) = self.round(&mut sending).await {
                tracing::warn!(%error, "cannot look for notifications to send");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.wake.notified() => {}
                Some(_) = sending.join_next() => {}
                () = shutdown.cancelled() => {}
            }
        }
        while sending.join_next().await.is_some() {}
    }

    /// Spreads all events, and begins to send what is due.
    async fn round(&self, sending: &mut JoinSet<()>) -> Result<(), StoreError> {
        if !self.store.has_notifications(self.look_at()).await? {
            return Ok(());
        }
        let body = |event: &_| body::of_event(event, &self.public_url);
        let mails = self.mailer.is_some();
        loop {
            let now = self.now().await?;
            if self.store.spread_events(now, mails, &body).await? == 0 {
                break;
            }
        }
        while sending.try_join_next().is_some() {}
        while sending.len() < AT_ONCE {
            let now = self.now().await?;
            let claimed = self.store.claim_delivery(&self.name, now, LEASE).await?;
            let Some(claimed) = claimed else { break };
            let worker = self.clone();
            sending.spawn(async move { worker.deliver(claimed, now).await });
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) async fn work_once(&self) {
        let mut sending = JoinSet::new();
        self.round(&mut sending).await.unwrap();
        while let Some(sent) = sending.join_next().await {
            sent.unwrap();
        }
    }

    /// Sends a delivery once, and records what became of it. Where that cannot be recorded, it is sent again once the
    /// lease has ended.
    async fn deliver(&self, claimed: Claimed, now: UnixMillis) {
        let (attempts, retry_until) = (claimed.attempts, claimed.retry_until);
        let id = claimed.id.clone();
        let recorded = async {
            let sent = self.send(claimed, now).await?;
            let now = self.now().await?;
            let attempt = match sent {
                Ok(()) => Attempt::Delivered,
                Err(problem) => {
                    let next = now.saturating_add(pause(attempts));
                    if next > retry_until || is_final(problem) {
                        tracing::warn!(delivery = id, ?problem, "a notification was given up");
                        Attempt::GivenUp(problem)
                    } else {
                        Attempt::Again(problem, next)
                    }
                }
            };
            self.store
                .record_attempt(&self.name, &id, attempt, now)
                .await
        };
        if let Err(error) = recorded.await {
            tracing::warn!(%error, delivery = id, "cannot record what became of a notification");
        }
    }

    async fn send(
        &self,
        claimed: Claimed,
        now: UnixMillis,
    ) -> Result<Result<(), DeliveryProblem>, StoreError> {
        let webhook = match &claimed.to {
            Addressee::Webhook(webhook) => webhook,
            Addressee::Person(person) => return self.send_mail(person, &claimed).await,
        };
        let Some((url, secret)) = self.store.webhook_target(webhook).await? else {
            // It was deleted, and the delivery with it.
            return Ok(Ok(()));
        };
        let sent = self
            .sender
            .send(&url, &secret, &claimed.id, now / 1000, claimed.body)
            .await;
        // The receiver asks for no more (Standard Webhooks).
        if sent.is_err_and(is_gone) {
            self.store.set_webhook_enabled(webhook, false).await?;
        }
        Ok(sent)
    }

    async fn send_mail(
        &self,
        person: &str,
        claimed: &Claimed,
    ) -> Result<Result<(), DeliveryProblem>, StoreError> {
        let Some(mailer) = &self.mailer else {
            return Ok(Err(DeliveryProblem::NoMail));
        };
        let Some((to, language)) = self.store.mail_recipient(person).await? else {
            // They want none any more, or have no access.
            return Ok(Ok(()));
        };
        Ok(mailer.send(&to, language, &claimed.id, &claimed.body).await)
    }
}

/// Returns whether another try would end the same way.
fn is_final(problem: DeliveryProblem) -> bool {
    let is_of_mail = matches!(
        problem,
        DeliveryProblem::MailRefused | DeliveryProblem::NoMail
    );
    is_of_mail || is_gone(problem)
}

/// Returns the time from an attempt to the next, give or take a tenth, in milliseconds.
fn pause(attempts: u64) -> UnixMillis {
    let index = usize::try_from(attempts).unwrap_or(usize::MAX);
    let seconds = PAUSES[index.min(PAUSES.len() - 1)];
    let factor = 0.9 + fastrand::f64() / 5.0;
    let pause = Duration::from_secs(seconds.into()).mul_f64(factor);
    UnixMillis::try_from(pause.as_millis()).unwrap_or(UnixMillis::MAX)
}
