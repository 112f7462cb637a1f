//! The one socket to the price monitor: keeps it open, joins and leaves rooms, and asks REST
//! wherever the socket cannot tell.

mod connection;
mod dial;
mod dialect;
mod engine_io;
mod retries;
mod rooms_wanted;
mod socket_io;

use std::time::Duration;

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use self::{
    connection::{Connection, ConnectionError},
    dialect::{Incoming, Recovery},
    retries::Retries,
    rooms_wanted::Wanted,
};
pub(super) use dialect::rest_origin;

use super::{hub::Hub, pulse::PulseSender, rest::Rest};
use crate::{
    api::progress::UpstreamState,
    job::JobId,
    server::{
        config::{MonitorEndpoint, RelayConfig},
        telemetry::Metrics,
    },
};

/// Between two tries with a key that was refused: it will hardly be right a moment later.
pub(super) const REFUSED_DELAY: Duration = Duration::from_secs(60);
/// A viewer who comes after this much quiet has the socket tried for at once.
const QUIET: Duration = Duration::from_secs(2);

/// What the hub wants of the price monitor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    /// Follow this job.
    Join(JobId),
    /// Follow it no more.
    Leave(JobId),
}

/// The task that keeps the socket.
pub(crate) struct Upstream {
    endpoint: MonitorEndpoint,
    config: RelayConfig,
    rest: Rest,
    hub: Hub,
    /// Where viewers are told how it stands.
    pulse: PulseSender,
    commands: mpsc::UnboundedReceiver<Command>,
    /// Whether the last try for a socket ended with the key's being refused.
    is_refused: bool,
    metrics: Metrics,
    wanted: Wanted,
    recovery: Recovery,
    next_poll: Instant,
}

/// Why the socket is to be tried for again.
enum Lost {
    /// It could not be had, or broke.
    Broken,
    /// The key was refused.
    Refused,
    /// All that sent commands are gone.
    Unwanted,
}

/// How a wait for something ended.
enum Waited<T> {
    /// It is there.
    Done(T),
    /// A viewer came after a quiet time.
    Interrupted,
    /// All that sent commands are gone.
    Unwanted,
}

impl Upstream {
    /// Makes the task; [`run`](Self::run) is its life.
    pub(crate) fn new(
        endpoint: MonitorEndpoint,
        config: RelayConfig,
        rest: Rest,
        hub: Hub,
        pulse: PulseSender,
        commands: mpsc::UnboundedReceiver<Command>,
        metrics: Metrics,
    ) -> Self {
        let wanted = Wanted::default();
        let recovery = Recovery::default();
        let next_poll = Instant::now();
        Self {
            endpoint,
            config,
            rest,
            hub,
            pulse,
            commands,
            is_refused: false,
            metrics,
            wanted,
            recovery,
            next_poll,
        }
    }

    /// Keeps the socket until `shutdown`. Cancelling it drops the socket and loses nothing: all
    /// state that matters is the hub's.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        tokio::select! {
            () = self.keep_connected() => {}
            () = shutdown.cancelled() => {}
        }
    }

    async fn keep_connected(&mut self) {
        let mut retries = Retries::default();
        loop {
            // No viewer, no socket.
            if self.wanted.is_empty() && !self.next_command().await {
                return;
            }
            let started = Instant::now();
            let lost = self.converse().await;
            self.is_refused = matches!(lost, Lost::Refused);
            let delay = match lost {
                Lost::Unwanted => return,
                Lost::Refused => REFUSED_DELAY,
                Lost::Broken => retries.after(started.elapsed()),
            };
            self.stands_without_socket();
            if let Waited::Unwanted = self.poll_during(tokio::time::sleep(delay), true).await {
                return;
            }
        }
    }

    fn stands(&self, state: UpstreamState) {
        self.pulse.set_upstream(state);
    }

    /// Says how it stands while there is no socket, to whom it matters.
    fn stands_without_socket(&self) {
        self.stands(if self.is_refused || self.rest.is_refused() {
            UpstreamState::Refused
        } else if self.wanted.is_empty() {
            // Whoever comes next has the socket tried for.
            UpstreamState::Connecting
        } else {
            UpstreamState::Polling
        });
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

    /// Connects and converses until the connection is lost.
    async fn converse(&mut self) -> Lost {
        // Kept until there is a newer one: the next try may fail, and the one after it may not.
        let recovery = self.recovery.clone();
        let endpoint = self.endpoint.clone();
        let opening = Connection::open(&endpoint, recovery, self.config.max_message);
        let mut connection = match self.poll_during(opening, false).await {
            Waited::Done(Ok(connection)) => connection,
            Waited::Done(Err(error)) => return self.lost(&error),
            Waited::Interrupted | Waited::Unwanted => return Lost::Unwanted,
        };
        let lost = loop {
            let settle_at = self.wanted.next_silence(self.config.settle_interval);
            tokio::select! {
                incoming = connection.receive() => match incoming {
                    Ok(Incoming::Ready) => {
                        if let Err(error) = self.enter(&mut connection).await {
                            break self.lost(&error);
                        }
                    }
                    Ok(Incoming::Report(job, report)) => {
                        self.wanted.heard(&job);
                        self.metrics.upstream_reported();
                        self.hub.report(&job, report);
                    }
                    // The connection answers, and turns the others into errors.
                    Ok(Incoming::Reply(_) | Incoming::Refused(_) | Incoming::Ended) => {}
                    Err(error) => break self.lost(&error),
                },
                command = self.commands.recv() => {
                    let Some(command) = command else { break Lost::Unwanted };
                    if let Err(error) = self.command(&mut connection, command).await {
                        break self.lost(&error);
                    }
                }
                () = tokio::time::sleep_until(self.next_poll), if !connection.is_ready() => {
                    self.poll();
                }
                () = tokio::time::sleep_until(settle_at) => {
                    let silent = self.wanted.take_silent(self.config.settle_interval);
                    self.rest.settle(silent, &self.hub);
                }
            }
        };
        self.recovery = connection.into_recovery();
        lost
    }

    /// Joins every wanted room and asks REST what was missed.
    async fn enter(&mut self, connection: &mut Connection) -> Result<(), ConnectionError> {
        self.stands(UpstreamState::Connected);
        self.metrics.upstream_connected();
        for job in self.wanted.jobs() {
            connection.join(job).await?;
            tracing::info!("Connected to external service for job: {job}");
        }
        self.rest
            .settle(self.wanted.jobs().cloned().collect(), &self.hub);
        Ok(())
    }

    async fn command(
        &mut self,
        connection: &mut Connection,
        command: Command,
    ) -> Result<(), ConnectionError> {
        self.wanted.apply(command.clone());
        if !connection.is_ready() {
            return Ok(()); // all wanted rooms are joined once it is
        }
        match command {
            Command::Join(job) => {
                connection.join(&job).await?;
                tracing::info!("Connected to external service for job: {job}");
                self.rest.settle(vec![job], &self.hub);
                Ok(())
            }
            Command::Leave(job) => connection.leave(&job).await,
        }
    }

    fn lost(&self, error: &ConnectionError) -> Lost {
        self.metrics.upstream_lost();
        if let ConnectionError::Refused(message) = error {
            tracing::error!(
                message = self.rest.without_key(message),
                "the price monitor refused the socket; is PRICE_MONITOR_API_KEY right?"
            );
            return Lost::Refused;
        }
        tracing::warn!(%error, "the socket to the price monitor is lost; trying again");
        Lost::Broken
    }

    /// Waits, and meanwhile asks REST for the wanted jobs.
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
                    // It may be REST that has something against the key, or no more.
                    let is_refused = self.pulse.upstream() == UpstreamState::Refused;
                    if interruptible && is_refused != self.rest.is_refused() {
                        self.stands_without_socket();
                    }
                    continue;
                }
                command = self.commands.recv() => {
                    let Some(command) = command else { return Waited::Unwanted };
                    let joined = match &command {
                        Command::Join(job) => Some(job.clone()),
                        Command::Leave(_) => None,
                    };
                    self.wanted.apply(command);
                    let Some(job) = joined else { continue };
                    self.rest.settle(vec![job], &self.hub);
                }
                () = self.hub.somebody_came() => {}
            }
            let is_quiet = began.elapsed() >= QUIET;
            if interruptible && !self.is_refused && is_quiet && !self.wanted.is_empty() {
                return Waited::Interrupted;
            }
        }
    }

    /// Asks REST for the wanted jobs.
    fn poll(&mut self) {
        self.next_poll = Instant::now() + self.config.poll_interval;
        let wanted = self.wanted.jobs().cloned().collect();
        self.rest.settle(wanted, &self.hub);
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
        // Fails only where there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let scene = Scene::set().await;
        let job = scene.job("a").await;
        let hub = scene.hub.clone();
        let _first = hub.watch(&job).unwrap();
        let endpoint = MonitorEndpoint {
            url: "http://127.0.0.1:9".parse().unwrap(),
            protocol: SocketProtocol::WebSocket,
            api_key: "k".into(),
        };
        let metrics = Metrics::default();
        let rest = Rest::new(&endpoint, 1, metrics.clone(), scene.tasks.clone()).unwrap();
        let mut upstream = Upstream::new(
            endpoint,
            Config::read(|_| None).unwrap().relay,
            rest,
            hub.clone(),
            PulseSender::new(),
            scene.commands,
            metrics,
        );
        assert!(upstream.next_command().await, "the room is to be joined");
        let pause = tokio::time::sleep(Duration::from_secs(3600));
        let comes = async {
            tokio::time::sleep(QUIET + Duration::from_millis(50)).await;
            hub.watch(&job).unwrap()
        };
        let both = async { tokio::join!(upstream.poll_during(pause, true), comes) };
        let both = tokio::time::timeout(Duration::from_secs(20), both).await;
        let (waited, _second) = both.expect("the pause is interrupted");
        assert!(matches!(waited, Waited::Interrupted));
    }
}
