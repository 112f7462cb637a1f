//! Notifies webhooks and people of what happens to imports.
//!
//! A trigger writes an event in the transaction that causes it (`store::import_events`). The [worker] turns it into
//! deliveries and sends these: each by one process, until accepted or given up.

mod body;
mod mail;
mod webhook;
pub(crate) mod webhooks;
mod worker;

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{webhook::Sender, worker::Deliveries};
use super::{
    config::{Config, MailConfig, PublicUrl, RemoteHosts},
    encryption::{KeyFileError, Keys},
    mail::Mailer,
    store::Store,
    telemetry::Metrics,
    work::{Clock, Process, Worker},
};

/// Why notifications cannot be set up.
#[derive(Debug, Error)]
pub enum NotificationsError {
    /// The encryption key cannot be used.
    #[error("DATA_DIR: {0}")]
    Key(#[from] KeyFileError),
    /// The mail server cannot be used.
    #[error("SMTP_URL: {0}")]
    Mail(#[from] lettre::transport::smtp::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] reqwest::Error),
}

/// Webhooks and their deliveries. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Notifications {
    store: Store,
    keys: Option<Keys>,
    hosts: RemoteHosts,
    mail: Option<MailConfig>,
    public_url: PublicUrl,
    metrics: Metrics,
    wake: Arc<Notify>,
}

impl Notifications {
    /// Reads the keys and starts the worker, which ends with `shutdown`.
    ///
    /// # Errors
    ///
    /// If the key file cannot be used, or TLS cannot be set up.
    pub(crate) fn start(
        config: &Config,
        store: &Store,
        metrics: &Metrics,
        tasks: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Result<Self, NotificationsError> {
        let notifications = Self {
            store: store.clone(),
            keys: Keys::open(config)?,
            hosts: config.webhook_hosts.clone(),
            mail: config.mail.clone(),
            public_url: config.public_url.clone(),
            metrics: metrics.clone(),
            wake: Arc::default(),
        };
        let worker = notifications.worker(Clock::Shared)?;
        tasks.spawn(worker.run(shutdown.clone()));
        Ok(notifications)
    }

    fn worker(&self, clock: Clock) -> Result<Worker<Deliveries>, NotificationsError> {
        let mail = self.mail.as_ref();
        let mailer = mail.map(|mail| Mailer::new(mail, &self.public_url));
        let deliveries = Deliveries {
            store: self.store.clone(),
            sender: Sender::new(self.hosts.clone(), self.keys.clone())?,
            mailer: mailer.transpose()?,
            public_url: self.public_url.clone(),
            metrics: self.metrics.clone(),
        };
        let process = Process::new(self.store.clone(), clock);
        Ok(Worker::new(process, deliveries, Arc::clone(&self.wake)))
    }

    fn wake(&self) {
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
