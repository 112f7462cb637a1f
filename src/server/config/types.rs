//! Types of the settings.

use std::{collections::BTreeSet, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use ipnet::IpNet;
use openidconnect::IssuerUrl;
use secrecy::SecretString;
use url::Url;

use super::{
    CollectorUrl, CorsOrigins, DatabaseUrl, MailConfig, PublicUrl, RemoteHosts, print::Listing,
};
pub use crate::model::import_options::LimitAction;
use crate::model::{changes::Percent, import_options::OwnLimits, role::Role};

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Listen address.
    pub listen: SocketAddr,
    /// Public URL.
    pub public_url: PublicUrl,
    /// Other origins whose pages may read streams and use the REST API.
    pub cors_origins: CorsOrigins,
    /// Whether pages load images of products.
    pub product_images: bool,
    /// Whether the public URL was set and differs from the listen address.
    pub is_public_url_set: bool,
    /// Further host names of the app.
    pub allowed_hosts: BTreeSet<String>,
    /// Database URL.
    pub database: DatabaseUrl,
    /// Directory of uploads.
    pub data_dir: PathBuf,
    /// The price monitor.
    pub monitor: Monitor,
    /// Maximum bytes of a product file.
    pub max_upload: u64,
    /// Hosts of product files.
    pub import_hosts: RemoteHosts,
    /// Hosts of webhooks.
    pub webhook_hosts: RemoteHosts,
    /// The mail server, if any.
    pub mail: Option<MailConfig>,
    /// Key for stored secrets.
    pub encryption_key: Option<SecretString>,
    /// Maximum running imports per user.
    pub imports_per_user: usize,
    /// Maximum rows per second of one import.
    pub import_max_rate: Option<NonZeroU32>,
    /// Maximum waiting and running imports per user.
    pub queued_per_user: u64,
    /// Maximum space for product files.
    pub space: SpaceLimits,
    /// Retention times.
    pub retention: Retention,
    /// Default safety limits.
    pub safety: SafetyLimits,
    /// Consecutive failures of a source that cause a notification.
    pub source_failures: u64,
    /// Authentication.
    pub auth: AuthConfig,
    /// Reverse proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Progress streams.
    pub sse: SseConfig,
    /// The hub and its connection to the price monitor.
    pub relay: RelayConfig,
    /// Maximum connections without a request.
    pub max_silent: usize,
    /// Maximum time for requests to finish after a signal to stop.
    pub drain: Duration,
    /// Metrics and traces.
    pub telemetry: TelemetryConfig,
    /// Logs.
    pub log: LogConfig,
    pub(super) listing: Listing,
}

/// Authentication.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// Lifetime of local sessions.
    pub sessions: SessionLifetime,
    /// Secrets of Auth.js or NextAuth, whose session cookies are accepted.
    pub authjs_secrets: Vec<SecretString>,
    /// The OpenID Connect provider.
    pub oidc: Option<OidcConfig>,
    /// Lifetime of sessions by the provider.
    pub provider_session: Duration,
    /// Whether local passwords are accepted.
    pub passwords: bool,
    /// Whether passkeys are accepted.
    pub passkeys: PasskeyPolicy,
    /// Contact for access.
    pub contact: Option<String>,
    /// Role of external users without one; `None` refuses them.
    pub default_role: Option<Role>,
}

/// Policy for passkeys of local accounts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PasskeyPolicy {
    /// None are added or accepted.
    Off,
    /// Each user decides.
    Optional,
    /// Sessions without one have no access.
    Required,
}

/// An OpenID Connect provider and the app's registration.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// The issuer, exactly as the provider writes it.
    pub issuer: IssuerUrl,
    /// Client ID.
    pub client_id: String,
    /// Client secret, if any.
    pub client_secret: Option<SecretString>,
    /// Its name on the sign-in page.
    pub name: String,
    /// Domains of accepted verified addresses; empty for any.
    pub allowed_domains: BTreeSet<String>,
    /// Verified addresses of owners, in lower case.
    pub owners: BTreeSet<String>,
}

/// Metrics and traces.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// Token for reading metrics; without one only this machine may.
    pub metrics_token: Option<SecretString>,
    /// The OpenTelemetry collector of traces.
    pub otlp_endpoint: Option<CollectorUrl>,
}

/// The price monitor to use.
#[derive(Clone, Debug)]
pub enum Monitor {
    /// The embedded one, on a loopback port.
    Embedded {
        /// The key; random if `None`.
        api_key: Option<SecretString>,
    },
    /// An external service.
    External(MonitorEndpoint),
}

/// Where an external price monitor is.
#[derive(Clone, Debug)]
pub struct MonitorEndpoint {
    /// Its URL, `http` or `https`.
    pub url: Url,
    /// The protocol of its socket.
    pub protocol: SocketProtocol,
    /// The key, sent to this service only.
    pub api_key: SecretString,
}

/// The protocol of the price monitor's socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SocketProtocol {
    /// Socket.IO 5 over Engine.IO 4.
    SocketIo,
    /// JSON text frames.
    WebSocket,
}

/// Limits and times of progress streams.
#[derive(Clone, Debug)]
pub struct SseConfig {
    /// Interval of heartbeats, at most 15 s.
    pub heartbeat: Duration,
    /// Maximum duration of a stream, after which clients reconnect.
    pub max_duration: Option<Duration>,
    /// How long sent bytes may stay unacknowledged.
    pub write_timeout: Duration,
    /// Maximum streams.
    pub max_streams: usize,
    /// Maximum streams per user.
    pub max_streams_per_user: usize,
    /// Maximum streams per address.
    pub max_streams_per_address: usize,
    /// Maximum jobs per stream.
    pub max_jobs: usize,
}

/// Limits and times of the relay.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Maximum followed jobs.
    pub max_jobs: usize,
    /// How long a job is followed after its last subscriber has left.
    pub grace: Duration,
    /// Interval of REST polls without a socket.
    pub poll_interval: Duration,
    /// Silence after which REST is polled despite a socket.
    pub settle_interval: Duration,
    /// How long REST may answer 404 for a job before it fails.
    pub forgotten_after: Duration,
    /// Interval of polling jobs without subscribers.
    pub unwatched_interval: Duration,
    /// Maximum jobs joined without subscribers.
    pub unwatched_jobs: usize,
    /// Maximum bytes of a message from the price monitor.
    pub max_message: usize,
    /// Maximum concurrent REST calls.
    pub rest_concurrency: usize,
}

/// Format and filter of logs.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Filter directives of `tracing`.
    pub filter: String,
    /// Whether to write a JSON object per line.
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

/// How long data is kept; `None` is forever.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Retention {
    /// Product files after their import.
    pub uploads: Duration,
    /// Notes on rows, after the import's end.
    pub rows: Option<Duration>,
    /// Product changes, after the import's start; zero records none.
    pub changes: Option<Duration>,
    /// Imports, after their end.
    pub imports: Option<Duration>,
    /// IDs of deleted imports.
    pub deleted: Option<Duration>,
    /// Audit log.
    pub audit: Option<Duration>,
    /// Runs of sources.
    pub source_runs: Option<Duration>,
}

/// Limits of the changes by an import.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SafetyLimits {
    /// What happens above a limit.
    pub action: LimitAction,
    /// Maximum share of prices that change far.
    pub prices: Percent,
    /// Minimum change of a price that is far.
    pub price_change: Percent,
    /// Maximum share of failed rows.
    pub failed: Percent,
    /// Maximum share of products missing in a full file.
    pub missing: Percent,
}

impl SafetyLimits {
    /// Applies an import's own limits.
    #[must_use]
    pub fn with(self, own: OwnLimits) -> Self {
        Self {
            action: own.action.unwrap_or(self.action),
            prices: own.prices.unwrap_or(self.prices),
            price_change: own.price_change.unwrap_or(self.price_change),
            failed: own.failed.unwrap_or(self.failed),
            missing: own.missing.unwrap_or(self.missing),
        }
    }
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

/// Space for product files.
#[derive(Clone, Copy, Debug)]
pub struct SpaceLimits {
    /// Maximum bytes per user.
    pub of_user: u64,
    /// Maximum bytes in total.
    pub of_all: u64,
    /// Bytes of the disk to keep free.
    pub free: u64,
}
