//! Keeps the one socket to the price monitor open, joins and leaves jobs, and polls REST where the socket is not
//! enough.

mod connection;
mod dial;
mod retries;
mod rooms_wanted;

use std::time::Duration;

use price_monitor_wire::{Incoming, Protocol, Recovery, Service};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use url::Url;

pub(super) use self::connection::{Connection, ConnectionError};
use self::{retries::Retries, rooms_wanted::Wanted};

use super::{
    connection_log::ConnectionLog, diagnosis::Diagnosis, heartbeat::Ticker, hub::Hub,
    rest_client::RestClient, rooms::Command, skips::Skips,
};
use crate::{
    model::{
        job::JobId,
        progress::UpstreamState,
        status::{ReportSource, UpstreamProblem},
    },
    server::{
        config::{MonitorEndpoint, RelayConfig, SocketProtocol},
        telemetry::Metrics,
    },
};

pub(super) const REFUSED_DELAY: Duration = Duration::from_secs(60);
const OUTDATED_DELAY: Duration = Duration::from_secs(600);
/// A subscriber who comes after this time without any triggers a retry at once.
const QUIET: Duration = Duration::from_secs(2);

pub(crate) struct Upstream {
    service: Service,
    config: RelayConfig,
    rest: RestClient,
    hub: Hub,
    ticker: Ticker,
    diagnosis: Diagnosis,
    commands: mpsc::UnboundedReceiver<Command>,
    /// Whether retrying soon is pointless: rejected key or unsupported version.
    is_hopeless: bool,
    is_refused: bool,
    skips: Skips,
    metrics: Metrics,
    log: ConnectionLog,
    wanted: Wanted,
    retries: Retries,
    recovery: Recovery,
    next_poll: Instant,
}

pub(crate) struct Surroundings {
    pub(crate) rest: RestClient,
    pub(crate) hub: Hub,
    pub(crate) ticker: Ticker,
    pub(crate) diagnosis: Diagnosis,
    pub(crate) skips: Skips,
    pub(crate) metrics: Metrics,
    pub(crate) log: ConnectionLog,
}

enum Lost {
    Broken,
    Refused,
    Outdated,
    Unwanted,
}

enum Waited<T> {
    Done(T),
    /// A subscriber came after a time without any.
    Interrupted,
    Unwanted,
}

impl From<&MonitorEndpoint> for Service {
    fn from(endpoint: &MonitorEndpoint) -> Self {
        Self {
            url: endpoint.url.clone(),
            protocol: match endpoint.protocol {
                SocketProtocol::SocketIo => Protocol::SocketIo,
                SocketProtocol::WebSocket => Protocol::WebSocket,
            },
            api_key: endpoint.api_key.clone(),
        }
    }
}

pub(super) fn rest_origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl Upstream {
    pub(crate) fn new(
        endpoint: &MonitorEndpoint,
        config: RelayConfig,
        commands: mpsc::UnboundedReceiver<Command>,
        surroundings: Surroundings,
    ) -> Self {
        let Surroundings {
            rest,
            hub,
            ticker,
            diagnosis,
            skips,
            metrics,
            log,
        } = surroundings;
        Self {
            service: endpoint.into(),
            config,
            rest,
            hub,
            ticker,
            diagnosis,
            commands,
            is_hopeless: false,
            is_refused: false,
            skips,
            metrics,
            log,
            wanted: Wanted::default(),
            retries: Retries::default(),
            recovery: Recovery::default(),
            next_poll: Instant::now(),
        }
    }

    /// Keeps the socket until `shutdown`. Cancellation loses nothing, because all state is in the hub.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        tokio::select! {
            () = self.keep_connected() => {}
            () = shutdown.cancelled() => {}
        }
    }

    async fn keep_connected(&mut self) {
        loop {
            // No subscriber, no socket.
            while self.wanted.is_empty() {
                if !self.next_command().await {
                    return;
                }
            }
            let started = Instant::now();
            let lost = self.converse().await;
            self.is_refused = matches!(lost, Lost::Refused);
            self.is_hopeless = matches!(lost, Lost::Refused | Lost::Outdated);
            let delay = match lost {
                Lost::Unwanted => return,
                Lost::Refused => REFUSED_DELAY,
                Lost::Outdated => OUTDATED_DELAY,
                Lost::Broken => self.retries.after(started.elapsed()),
            };
            self.stands_without_socket();
            if let Waited::Unwanted = self.poll_during(tokio::time::sleep(delay), true).await {
                return;
            }
        }
    }

    fn stands(&mut self, state: UpstreamState) {
        self.log.stands(state, self.wanted.jobs());
        self.ticker.set_upstream(state);
    }

    fn stands_without_socket(&mut self) {
        let state = if self.is_refused || self.rest.is_refused() {
            UpstreamState::Refused
        } else if self.wanted.is_empty() {
            // The next subscriber triggers a connection.
            UpstreamState::Connecting
        } else {
            UpstreamState::Polling
        };
        self.stands(state);
    }

    async fn next_command(&mut self) -> bool {
        match self.commands.recv().await {
            Some(command) => {
                self.wanted.apply(command);
                true
            }
            None => false,
        }
    }

    async fn converse(&mut self) -> Lost {
        // Kept until there is a newer one, because the next attempt may fail.
        let recovery = self.recovery.clone();
        let service = self.service.clone();
        let opening = Connection::open(&service, recovery, self.config.max_message);
        let mut connection = match self.poll_during(opening, false).await {
            Waited::Done(Ok(connection)) => connection,
            Waited::Done(Err(error)) => return self.lost(&error),
            Waited::Interrupted | Waited::Unwanted => return Lost::Unwanted,
        };
        // Published once the connection has held, so that a service that hangs up at once does not make the state
        // flicker.
        let mut holds_at = None;
        let error = loop {
            let settle_at = self.wanted.next_silence(self.config.settle_interval);
            tokio::select! {
                incoming = connection.receive() => match incoming {
                    Ok(Incoming::Ready) => {
                        holds_at = Some(Instant::now() + self.retries.trust_after());
                        if let Err(error) = self.enter(&mut connection).await {
                            break error;
                        }
                    }
                    Ok(incoming) => self.take(incoming),
                    Err(error) => break error,
                },
                command = self.commands.recv() => {
                    let Some(command) = command else { return Lost::Unwanted };
                    if let Err(error) = self.command(&mut connection, command).await {
                        break error;
                    }
                }
                () = at(holds_at) => {
                    holds_at = None;
                    self.stands(UpstreamState::Connected);
                }
                () = tokio::time::sleep_until(self.next_poll), if !connection.is_ready() => {
                    self.poll();
                }
                () = tokio::time::sleep_until(settle_at) => {
                    let silent = self.wanted.take_silent(self.config.settle_interval);
                    self.rest.spawn_polls(silent, &self.hub);
                }
            }
        };
        self.recovery = if error.forbids_resuming() {
            Recovery::default()
        } else {
            connection.into_recovery()
        };
        self.lost(&error)
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Report { job, reading } => {
                // An event of another kind.
                let Ok(job) = job.parse::<JobId>() else {
                    return;
                };
                // A report without known fields is no news; REST may have some.
                if reading.is_known {
                    self.wanted.heard(&job);
                }
                self.rest.note_report(ReportSource::Events, &reading);
                self.rest.knows(&job);
                self.metrics.upstream_reported();
                self.hub.report(&job, reading.report);
            }
            Incoming::Skipped(skipped) => {
                let reason = self.rest.without_key(&skipped.reason);
                self.skips.note(skipped.job.as_deref(), &reason);
            }
            Incoming::UnknownNamespace(namespace) => {
                tracing::warn!(
                    namespace,
                    "the price monitor has no such Socket.IO namespace (the path of \
                     MONITOR_PRICE_APP_HOST); using the main one instead"
                );
                self.diagnosis
                    .set(UpstreamProblem::UnknownNamespace(namespace));
            }
            Incoming::Ready
            | Incoming::Reply(_)
            | Incoming::Refused(_)
            | Incoming::Rejected(_)
            | Incoming::Outdated
            | Incoming::Ended => {}
        }
    }

    /// Joins every followed job and polls what was missed.
    async fn enter(&mut self, connection: &mut Connection) -> Result<(), ConnectionError> {
        self.metrics.upstream_connected();
        self.diagnosis.has_connected();
        for job in self.wanted.jobs() {
            connection.join(job).await?;
            tracing::info!("Connected to external service for job: {job}");
        }
        self.rest.spawn_polls(self.wanted.watched(), &self.hub);
        Ok(())
    }

    async fn command(
        &mut self,
        connection: &mut Connection,
        command: Command,
    ) -> Result<(), ConnectionError> {
        let is_new = self.wanted.apply(command.clone());
        if !connection.is_ready() {
            return Ok(()); // all wanted rooms are joined once it is
        }
        match command {
            Command::Join(job) => {
                self.join(connection, &job, is_new).await?;
                self.rest.spawn_polls(vec![job], &self.hub);
                Ok(())
            }
            Command::Keep(job) => self.join(connection, &job, is_new).await,
            Command::Ended(_) => Ok(()),
            Command::Leave(job) => connection.leave(&job).await,
        }
    }

    async fn join(
        &self,
        connection: &mut Connection,
        job: &JobId,
        is_new: bool,
    ) -> Result<(), ConnectionError> {
        if is_new {
            connection.join(job).await?;
            tracing::info!("Connected to external service for job: {job}");
        }
        Ok(())
    }

    fn lost(&self, error: &ConnectionError) -> Lost {
        self.metrics.upstream_lost();
        match error {
            ConnectionError::Refused(message) => {
                tracing::error!(
                    message = self.rest.without_key(message),
                    "the price monitor rejected the socket; check PRICE_MONITOR_API_KEY"
                );
                Lost::Refused
            }
            ConnectionError::Outdated => {
                self.diagnosis.set(UpstreamProblem::OldSocketIo);
                tracing::error!(
                    "the price monitor uses Socket.IO 2 or older, but version 3 or later is required; \
                     polling its REST API instead"
                );
                Lost::Outdated
            }
            ConnectionError::Rejected(words) => {
                let words = self.rest.without_key(words);
                tracing::warn!(words, "the price monitor rejected the socket; retrying");
                self.diagnosis.set(UpstreamProblem::Rejected(words));
                Lost::Broken
            }
            error => {
                tracing::warn!(%error, "lost the socket to the price monitor; retrying");
                Lost::Broken
            }
        }
    }

    async fn poll_during<T>(
        &mut self,
        work: impl Future<Output = T>,
        interruptible: bool,
    ) -> Waited<T> {
        let began = Instant::now();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Waited::Done(done),
                () = tokio::time::sleep_until(self.next_poll) => {
                    self.poll();
                    // REST may have rejected or accepted the key.
                    let is_refused = self.ticker.upstream() == UpstreamState::Refused;
                    if interruptible && is_refused != self.rest.is_refused() {
                        self.stands_without_socket();
                    }
                    continue;
                }
                command = self.commands.recv() => {
                    let Some(command) = command else { return Waited::Unwanted };
                    let joined = match &command {
                        Command::Join(job) => Some(job.clone()),
                        Command::Keep(_) | Command::Ended(_) | Command::Leave(_) => None,
                    };
                    self.wanted.apply(command);
                    let Some(job) = joined else { continue };
                    self.rest.spawn_polls(vec![job], &self.hub);
                }
                () = self.hub.subscriber_came() => {}
            }
            let is_quiet = began.elapsed() >= QUIET;
            if interruptible && !self.is_hopeless && is_quiet && !self.wanted.is_empty() {
                return Waited::Interrupted;
            }
        }
    }

    fn poll(&mut self) {
        self.next_poll = Instant::now() + self.config.poll_interval;
        self.rest.spawn_polls(self.wanted.watched(), &self.hub);
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{
        config::{Config, SocketProtocol},
        relay::hub::tests::Scene,
    };

    #[tokio::test]
    async fn whoever_comes_to_look_after_a_quiet_time_has_the_socket_tried_for_at_once() {
        // Fails only if one is already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let hub = scene.hub.clone();
        let _first = hub.subscribe(&job).unwrap();
        let endpoint = MonitorEndpoint {
            url: "http://127.0.0.1:9".parse().unwrap(),
            protocol: SocketProtocol::WebSocket,
            api_key: "k".into(),
        };
        let metrics = Metrics::default();
        let config = Config::read(|_| None).unwrap().relay;
        let skips = Skips::new(metrics.clone());
        let tasks = scene.tasks.clone();
        let diagnosis = Diagnosis::default();
        let rest = RestClient::new(
            &endpoint,
            &config,
            skips.clone(),
            diagnosis.clone(),
            metrics.clone(),
            tasks,
        );
        let rest = rest.unwrap();
        let surroundings = Surroundings {
            rest,
            hub: hub.clone(),
            ticker: Ticker::new(),
            diagnosis,
            skips,
            metrics,
            log: ConnectionLog::new(scene.log(), scene.tasks.clone()),
        };
        let mut upstream = Upstream::new(&endpoint, config, scene.commands, surroundings);
        assert!(upstream.next_command().await, "the room is to be joined");
        let pause = tokio::time::sleep(Duration::from_secs(3600));
        let comes = async {
            tokio::time::sleep(QUIET + Duration::from_millis(50)).await;
            hub.subscribe(&job).unwrap()
        };
        let both = async { tokio::join!(upstream.poll_during(pause, true), comes) };
        let both = tokio::time::timeout(Duration::from_secs(20), both).await;
        let (waited, _second) = both.expect("the pause is interrupted");
        assert!(matches!(waited, Waited::Interrupted));
    }
}
