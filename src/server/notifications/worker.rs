//! Distributes events and sends deliveries, a few at once.

use std::time::Duration;

use super::{
    body, mail,
    webhook::{Sender, TIMEOUT, is_gone},
};
use crate::{
    model::{job::UnixMillis, webhook::DeliveryProblem},
    server::{
        config::PublicUrl,
        mail::Mailer,
        store::{
            Store, StoreError,
            deliveries::{Addressee, Attempt, Claimed},
        },
        telemetry::metrics::{Channel, Metrics, Sent},
        work::{Process, Work, jittered},
    },
};

/// Lease duration, longer than an attempt.
const LEASE: Duration = Duration::from_secs(2 * TIMEOUT.as_secs());
const PAUSES: [u64; 8] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400];

#[derive(Clone, Debug)]
pub(super) struct Deliveries {
    pub(super) store: Store,
    pub(super) sender: Sender,
    pub(super) mailer: Option<Mailer>,
    pub(super) public_url: PublicUrl,
    pub(super) metrics: Metrics,
}

impl Work for Deliveries {
    type Claimed = Claimed;

    const NAME: &'static str = "notifications";
    const AT_ONCE: usize = 16;

    async fn forget_leases(&self) -> Result<(), StoreError> {
        self.store.forget_delivery_leases().await
    }

    async fn is_due(&self, now: UnixMillis) -> Result<bool, StoreError> {
        self.store.has_notifications(now).await
    }

    async fn prepare(&self, process: &Process) -> Result<(), StoreError> {
        let body = |event: &_| body::of_event(event, &self.public_url);
        let mails = self.mailer.is_some();
        loop {
            let now = process.now().await?;
            if self.store.spread_events(now, mails, &body).await? == 0 {
                return Ok(());
            }
        }
    }

    async fn claim(
        &self,
        process: &Process,
        now: UnixMillis,
    ) -> Result<Option<Claimed>, StoreError> {
        self.store.claim_delivery(process.name(), now, LEASE).await
    }

    async fn perform(&self, process: &Process, claimed: Claimed, now: UnixMillis) {
        let (attempts, retry_until) = (claimed.attempts, claimed.retry_until);
        let id = claimed.id.clone();
        let channel = match claimed.to {
            Addressee::Webhook(_) => Channel::Webhook,
            Addressee::Person(_) => Channel::Mail,
        };
        let recorded = async {
            let sent = self.send(claimed, now).await?;
            let now = process.now().await?;
            let (attempt, outcome) = match sent {
                Ok(()) => (Attempt::Delivered, Sent::Delivered),
                Err(problem) => {
                    let next = now.saturating_add(pause(attempts));
                    if next > retry_until || is_final(problem) {
                        tracing::warn!(delivery = id, ?problem, "a notification was given up");
                        (Attempt::GivenUp(problem), Sent::GivenUp)
                    } else {
                        (Attempt::Again(problem, next), Sent::Failed)
                    }
                }
            };
            let recording = self.store.record_attempt(process.name(), &id, attempt, now);
            Ok::<_, StoreError>(recording.await?.then_some(outcome))
        };
        match recorded.await {
            Ok(Some(outcome)) => self.metrics.delivery_attempted(channel, outcome),
            // Another process counts it.
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, delivery = id, "cannot record the result of a delivery");
            }
        }
    }
}

impl Deliveries {
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
        // The receiver wants no more (Standard Webhooks).
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
            // They have unsubscribed or have no access.
            return Ok(Ok(()));
        };
        let letter = mail::letter(
            &to.email,
            language,
            &claimed.id,
            &claimed.body,
            &self.public_url,
        );
        Ok(match letter {
            Ok(letter) => mailer.send(letter).await,
            Err(problem) => Err(problem),
        })
    }
}

/// Returns whether a retry would fail the same way.
fn is_final(problem: DeliveryProblem) -> bool {
    let is_of_mail = matches!(
        problem,
        DeliveryProblem::MailRefused | DeliveryProblem::NoMail
    );
    is_of_mail || is_gone(problem)
}

/// Returns the delay before the next attempt, in milliseconds.
fn pause(attempts: u64) -> UnixMillis {
    let index = usize::try_from(attempts).unwrap_or(usize::MAX);
    jittered(Duration::from_secs(PAUSES[index.min(PAUSES.len() - 1)]))
}
