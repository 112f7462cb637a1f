//! The settings as the rest of the server takes them.

use std::{collections::BTreeSet, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use ipnet::IpNet;
use openidconnect::IssuerUrl;
use secrecy::SecretString;
use url::Url;

use super::{
    CollectorUrl, CorsOrigins, DatabaseUrl, MailConfig, PublicUrl, RemoteHosts, print::Listing,
};
use crate::model::{changes::Percent, import_options::OwnLimits, role::Role};

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address the app listens on.
    pub listen: SocketAddr,
    /// The app's public origin.
    pub public_url: PublicUrl,
    /// The other origins whose pages may read streams and use the REST API.
    pub cors_origins: CorsOrigins,
    /// Whether pages load images of products.
    pub product_images: bool,
    /// Whether that was set, and is not what it listens on.
    pub is_public_url_set: bool,
    /// Further host names under which the app may be asked for.
    pub allowed_hosts: BTreeSet<String>,
    /// Where everything is kept.
    pub database: DatabaseUrl,
    /// The directory of the embedded price monitor's uploads.
    pub data_dir: PathBuf,
    /// Who runs the imports.
    pub monitor: Monitor,
    /// The largest product file, in bytes.
    pub max_upload: u64,
    /// The hosts that product files are fetched from.
    pub import_hosts: RemoteHosts,
    /// The hosts that webhooks are sent to.
    pub webhook_hosts: RemoteHosts,
    /// The mail server, where there is one.
    pub mail: Option<MailConfig>,
    /// What stored secrets are encrypted with.
    pub encryption_key: Option<SecretString>,
    /// The most imports of one user that run at once.
    pub imports_per_user: usize,
    /// The most rows that one import writes in a second.
    pub import_max_rate: Option<NonZeroU32>,
    /// The most imports of one user that wait or run.
    pub queued_per_user: u64,
    /// How much room product files may take.
    pub space: SpaceLimits,
    /// How long what is not kept for ever is kept.
    pub retention: Retention,
    /// How much an import may change without being asked about.
    pub safety: SafetyLimits,
    /// How many failures of a source in a row are told.
    pub source_failures: u64,
    /// Who may sign in, and for how long.
    pub auth: AuthConfig,
    /// The reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The progress streams.
    pub sse: SseConfig,
    /// The hub and its connection to the price monitor.
    pub relay: RelayConfig,
    /// The most connections that have made no request yet.
    pub max_silent: usize,
    /// How long requests may take to finish after a signal to stop.
    pub drain: Duration,
    /// What is told about the running server, and to whom.
    pub telemetry: TelemetryConfig,
    /// What is logged, and how.
    pub log: LogConfig,
    /// What holds of each setting, as text.
    pub(super) listing: Listing,
}

/// Who may sign in, and for how long.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// How long a sign-in lasts.
    pub sessions: SessionLifetime,
    /// The secrets of an Auth.js or NextAuth installation whose session cookies are accepted.
    pub authjs_secrets: Vec<SecretString>,
    /// The OpenID Connect provider at which people can sign in.
    pub oidc: Option<OidcConfig>,
    /// How long a sign-in at the provider lasts.
    pub provider_session: Duration,
    /// Whether people sign in with passwords that are kept here.
    pub passwords: bool,
    /// Whether they sign in with passkeys.
    pub passkeys: PasskeyPolicy,
    /// Whom people ask for access.
    pub contact: Option<String>,
    /// The role of those who sign in elsewhere and are given none there; without one they are not let in.
    pub default_role: Option<Role>,
}

/// Whether accounts of this app have passkeys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PasskeyPolicy {
    /// None are added or accepted.
    Off,
    /// Each person decides.
    Optional,
    /// A session without one gives access to nothing.
    Required,
}

/// An OpenID Connect provider, and what this app is there.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// The provider's address, letter by letter as it says it itself.
    pub issuer: IssuerUrl,
    /// What this app is called there.
    pub client_id: String,
    /// The secret for it, where it has one.
    pub client_secret: Option<SecretString>,
    /// What the provider is called on the sign-in page.
    pub name: String,
    /// The domains of the verified addresses with which people may sign in; empty for any address.
    pub allowed_domains: BTreeSet<String>,
    /// The verified addresses, in lower case, of those who are owners.
    pub owners: BTreeSet<String>,
}

/// What is told about the running server, and to whom.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// What a reader of the metrics must show; without one they are for this machine alone.
    pub metrics_token: Option<SecretString>,
    /// The OpenTelemetry collector that traces are sent to.
    pub otlp_endpoint: Option<CollectorUrl>,
}

/// The price monitor to use.
#[derive(Clone, Debug)]
pub enum Monitor {
    /// Our own, in this process, on a loopback port, with this key or a random one.
    Embedded {
        /// The key, where one was set.
        api_key: Option<SecretString>,
    },
    /// Somebody's service.
    External(MonitorEndpoint),
}

/// Where a price monitor is, and the key it wants.
#[derive(Clone, Debug)]
pub struct MonitorEndpoint {
    /// The service's address, always `http` or `https`.
    pub url: Url,
    /// What its socket speaks.
    pub protocol: SocketProtocol,
    /// The key. It goes nowhere but there.
    pub api_key: SecretString,
}

/// What the price monitor's socket speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SocketProtocol {
    /// Socket.IO 5 over Engine.IO 4.
    SocketIo,
    /// JSON text frames.
    WebSocket,
}

/// Limits and timing of the progress streams.
#[derive(Clone, Debug)]
pub struct SseConfig {
    /// The time between two heartbeats, at most 15 s.
    pub heartbeat: Duration,
    /// When a stream is ended for the browser to come back.
    pub max_duration: Option<Duration>,
    /// How long what was sent may stay unread.
    pub write_timeout: Duration,
    /// The most streams at once.
    pub max_streams: usize,
    /// The most streams of one user.
    pub max_streams_per_user: usize,
    /// The most streams to one address.
    pub max_streams_per_address: usize,
    /// The most jobs of one stream.
    pub max_jobs: usize,
}

/// Limits and timing of the relay.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// The most jobs followed at once.
    pub max_jobs: usize,
    /// How long a job is followed after its last viewer has left.
    pub grace: Duration,
    /// The time between two REST polls while there is no socket.
    pub poll_interval: Duration,
    /// The silence after which REST is asked all the same.
    pub settle_interval: Duration,
    /// How long REST may answer 404 for a job before it has failed.
    pub forgotten_after: Duration,
    /// The time between two rounds of questions for jobs that nobody watches.
    pub unwatched_interval: Duration,
    /// The most jobs that are joined though nobody watches them.
    pub unwatched_jobs: usize,
    /// The largest message that is read of the price monitor, in bytes.
    pub max_message: usize,
    /// How many jobs REST is asked for at once.
    pub rest_concurrency: usize,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// `tracing`'s filter directives.
    pub filter: String,
    /// One JSON object a line, for machines.
    pub json: bool,
}

/// Lifetime of sessions.
#[derive(Clone, Copy, Debug)]
pub struct SessionLifetime {
    /// In total.
    pub absolute: Duration,
    /// Without use.
    pub idle: Duration,
}

/// How long what is not kept for ever is kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Retention {
    /// A product file after its import, to be imported again.
    pub uploads: Duration,
    /// What is said of the rows of an import, after its end.
    pub rows: Option<Duration>,
    /// What an import changed of products, after its beginning; none of it is noted where this is zero.
    pub changes: Option<Duration>,
    /// An import after its end.
    pub imports: Option<Duration>,
    /// That an import was deleted.
    pub deleted: Option<Duration>,
    /// An event in the audit log.
    pub audit: Option<Duration>,
    /// A run of a source.
    pub source_runs: Option<Duration>,
}

/// How much an import may change without being asked about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SafetyLimits {
    /// What becomes of one that would change more.
    pub action: LimitAction,
    /// The share of prices that may move far.
    pub prices: Percent,
    /// What is far.
    pub price_change: Percent,
    /// The share of rows that may fail.
    pub failed: Percent,
    /// The share of products that a full file may lack.
    pub missing: Percent,
}

impl SafetyLimits {
    /// Returns what holds for an import that has limits of its own.
    #[must_use]
    pub fn with(self, own: OwnLimits) -> Self {
        Self {
            action: self.action,
            prices: own.prices.unwrap_or(self.prices),
            price_change: own.price_change.unwrap_or(self.price_change),
            failed: own.failed.unwrap_or(self.failed),
            missing: own.missing.unwrap_or(self.missing),
        }
    }
}

/// What becomes of an import that goes over a limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LimitAction {
    /// Nothing: there are no limits.
    Off,
    /// It waits to be approved.
    Ask,
    /// It ends.
    Refuse,
}

impl Default for SafetyLimits {
    fn default() -> Self {
        let half = Percent::of_hundredths(5_000);
        Self {
            action: LimitAction::Ask,
            prices: half,
            price_change: half,
            failed: half,
            missing: Percent::of_hundredths(2_000),
        }
    }
}

/// How much room product files may take.
#[derive(Clone, Copy, Debug)]
pub struct SpaceLimits {
    /// The most bytes of one user.
    pub of_user: u64,
    /// The most bytes of all users together.
    pub of_all: u64,
    /// How many bytes of the disk stay free.
    pub free: u64,
}
