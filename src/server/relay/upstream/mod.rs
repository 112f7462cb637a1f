//! The one socket to the price monitor: keeps it open, joins and leaves rooms, and asks REST
//! wherever the socket cannot tell.

mod connection;
mod dial;
mod dialect;
mod engine_io;
mod rooms_wanted;
mod socket_io;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use self::{
    connection::{Connection, ConnectionError},
    dialect::{Incoming, Recovery},
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

/// A connection that held for so long counts as good: the next one is tried without delay.
const STABLE: Duration = Duration::from_secs(60);
/// Between two tries with a key that was refused: it will hardly be right a moment later.
const REFUSED_DELAY: Duration = Duration::from_secs(60);
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
    state: UpstreamState,
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
        let state = UpstreamState::default();
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
            state,
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
        let mut backoff = backoff();
        loop {
            // No viewer, no socket.
            if self.wanted.is_empty() && !self.next_command().await {
                return;
            }
            let started = Instant::now();
            let delay = match self.converse().await {
                Lost::Unwanted => return,
                Lost::Refused => {
                    self.stands(UpstreamState::Refused);
                    REFUSED_DELAY
                }
                Lost::Broken => {
                    self.stands(UpstreamState::Polling);
                    if started.elapsed() >= STABLE {
                        backoff = self::backoff();
                    }
                    // Full jitter, so that instances that lost it together do not come back together.
                    backoff.next().unwrap_or(MAX_DELAY).mul_f64(fastrand::f64())
                }
            };
            if let Waited::Unwanted = self.poll_during(tokio::time::sleep(delay), true).await {
                return;
            }
        }
    }

    fn stands(&mut self, state: UpstreamState) {
        self.state = state;
        self.pulse.set_upstream(state);
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
        let recovery = std::mem::take(&mut self.recovery);
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
                    self.next_poll = Instant::now() + self.config.poll_interval;
                    self.rest.settle(self.wanted.jobs().cloned().collect(), &self.hub);
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
                    let is_refused = self.state == UpstreamState::Refused;
                    if interruptible && !is_refused && began.elapsed() >= QUIET {
                        return Waited::Interrupted;
                    }
                }
            }
        }
    }
}

/// The longest delay between two tries.
const MAX_DELAY: Duration = Duration::from_secs(20);

fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(MAX_DELAY)
        .with_factor(2.0)
        .without_max_times()
        .build()
}
