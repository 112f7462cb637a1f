//! Types of the settings.

use std::{collections::BTreeSet, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use ipnet::IpNet;
use openidconnect::IssuerUrl;
use secrecy::SecretString;
use url::Url;

use super::{
    CollectorUrl, ConfigError, CorsOrigins, DatabaseUrl, MailConfig, PublicUrl, RemoteHosts,
    print::Listing, read::Env, table,
};
pub use crate::model::import_options::LimitAction;
use crate::model::{changes::Percent, import_options::OwnLimits, role::Role};

/// Declares a group of settings. Each field has the setting that it is read from, and how: with the default of the
/// table (`read`), or with one of the host (`read_or`).
macro_rules! group {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $kind:ty = $how:ident $(($default:ident))? $setting:ident;)*
    }) => {
        $(#[$doc])*
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        impl $name {
            pub(super) fn read(env: &Env<'_>) -> Result<Self, ConfigError> {
                Ok(Self {
                    $($field: env.$how(&table::$setting $(, env.host.$default())?)?,)*
                })
            }
        }
    };
}

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

group! {
    /// Limits and times of progress streams.
    #[derive(Clone, Debug)]
    SseConfig {
        /// Interval of heartbeats, at most 15 s.
        heartbeat: Duration = read HEARTBEAT;
        /// Maximum duration of a stream, after which clients reconnect.
        max_duration: Option<Duration> = read_or(max_duration) MAX_DURATION;
        /// How long sent bytes may stay unacknowledged.
        write_timeout: Duration = read WRITE_TIMEOUT;
        /// Maximum streams.
        max_streams: usize = read MAX_STREAMS;
        /// Maximum streams per user.
        max_streams_per_user: usize = read MAX_STREAMS_USER;
        /// Maximum streams per address.
        max_streams_per_address: usize = read MAX_STREAMS_ADDRESS;
        /// Maximum jobs per stream.
        max_jobs: usize = read MAX_JOBS_STREAM;
    }
}

group! {
    /// Limits and times of the relay.
    #[derive(Clone, Debug)]
    RelayConfig {
        /// Maximum followed jobs.
        max_jobs: usize = read MAX_JOBS;
        /// How long a job is followed after its last subscriber has left.
        grace: Duration = read GRACE;
        /// Interval of REST polls without a socket.
        poll_interval: Duration = read POLL;
        /// Silence after which REST is polled despite a socket.
        settle_interval: Duration = read SETTLE;
        /// How long REST may answer 404 for a job before it fails.
        forgotten_after: Duration = read FORGOTTEN;
        /// Interval of polling jobs without subscribers.
        unwatched_interval: Duration = read UNWATCHED;
        /// Maximum jobs joined without subscribers.
        unwatched_jobs: usize = read_or(unwatched_jobs) UNWATCHED_JOBS;
        /// Maximum bytes of a message from the price monitor.
        max_message: usize = read_usize MAX_MESSAGE;
        /// Maximum concurrent REST calls.
        rest_concurrency: usize = read REST_CONCURRENCY;
    }
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

group! {
    /// How long data is kept; `None` is forever.
    #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
    Retention {
        /// Product files after their import.
        uploads: Duration = read RETENTION;
        /// Notes on rows, after the import's end.
        rows: Option<Duration> = read ROWS_RETENTION;
        /// Product changes, after the import's start; zero records none.
        changes: Option<Duration> = read CHANGES_RETENTION;
        /// Imports, after their end.
        imports: Option<Duration> = read IMPORT_RETENTION;
        /// IDs of deleted imports.
        deleted: Option<Duration> = read DELETED_RETENTION;
        /// Audit log.
        audit: Option<Duration> = read AUDIT_RETENTION;
        /// Runs of sources.
        source_runs: Option<Duration> = read SOURCE_RUNS_RETENTION;
    }
}

group! {
    /// Limits of the changes by an import.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    SafetyLimits {
        /// What happens above a limit.
        action: LimitAction = read LIMIT_ACTION;
        /// Maximum share of prices that change far.
        prices: Percent = read LIMIT_PRICES;
        /// Minimum change of a price that is far.
        price_change: Percent = read LIMIT_PRICE_CHANGE;
        /// Maximum share of failed rows.
        failed: Percent = read LIMIT_FAILED;
        /// Maximum share of products missing in a full file.
        missing: Percent = read LIMIT_MISSING;
    }
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

group! {
    /// Space for product files.
    #[derive(Clone, Copy, Debug)]
    SpaceLimits {
        /// Maximum bytes per user.
        of_user: u64 = read KEPT_PER_USER;
        /// Maximum bytes in total.
        of_all: u64 = read KEPT;
        /// Bytes of the disk to keep free.
        free: u64 = read FREE_SPACE;
    }
}
