//! The settings: read once at the start, from the environment and a `.env` file, into types that
//! cannot hold a bad value.

mod listing;
mod types;
mod warnings;

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use ipnet::IpNet;
use openidconnect::IssuerUrl;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tracing_subscriber::EnvFilter;
use url::Url;

pub use self::listing::{effective, env_example, help};
pub use self::types::{RemoteHosts, Retention, SessionLifetime, SpaceLimits};
use crate::{
    model::{base_path::BasePath, role::Role},
    server::identity::host::{self, is_loopback},
};

/// One setting as `--help` lists it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// What it takes.
    pub takes: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// Whether its value must not be shown.
    secret: bool,
}

macro_rules! settings {
    ($($id:ident: $name:literal, $meaning:literal, $takes:literal, $default:literal $(, $secret:ident)?;)*) => {
        $(const $id: Setting = Setting {
            name: $name,
            meaning: $meaning,
            takes: $takes,
            default: $default,
            secret: settings!(@ $($secret)?),
        };)*
        /// Every setting there is.
        pub const SETTINGS: &[Setting] = &[$($id),*];
    };
    (@ secret) => { true };
    (@) => { false };
}

settings! {
    MONITOR_HOST: "MONITOR_PRICE_APP_HOST",
        "The price-monitor service that runs the imports. http(s) uses Socket.IO, ws(s) a plain WebSocket.",
        "an http://, https://, ws:// or wss:// URL", "the embedded price monitor";
    API_KEY: "PRICE_MONITOR_API_KEY",
        "The API key for that service. It is sent nowhere else.",
        "visible ASCII characters", "random on each start when embedded", secret;
    PUBLIC_URL: "NEXTAUTH_URL",
        "The public URL of this app. If it has a path, for example https://shop.example/import, the app \
        is served below that path, and a proxy must not strip it.",
        "an http:// or https:// URL, with a path of letters, digits, -, ., _ and ~", "http:// plus LISTEN_ADDR";
    CORS_ORIGINS: "CORS_ORIGINS",
        "Other origins whose pages may read progress streams and use the REST API with the visitor's cookies.",
        "comma-separated origins, for example https://app.example.com, http://localhost:5173", "no other origins";
    ALLOWED_HOSTS: "ALLOWED_HOSTS",
        "Additional host names the app answers to. The public URL's host, this machine's own names and \
        the listen address are always allowed.",
        "comma-separated host names", "no others";
    DATABASE: "DATABASE_URL",
        "The database that stores everything.",
        "a sqlite: or postgres: URL", "a SQLite file in DATA_DIR", secret;
    MAX_CONNECTIONS: "DATABASE_MAX_CONNECTIONS",
        "Maximum number of database connections. PostgreSQL's own limit applies to all instances and \
        workers together.",
        "a whole number of 2 or more", "10";
    LISTEN: "LISTEN_ADDR",
        "The address the app listens on.",
        "an address and port, for example 127.0.0.1:3000", "127.0.0.1:3000";
    DATA: "DATA_DIR",
        "The directory for the SQLite file and the embedded price monitor's uploads.",
        "a directory path", "data";
    MAX_UPLOAD: "MAX_UPLOAD_SIZE",
        "The largest product file that can be imported.",
        "a size, for example 200MiB", "1GiB, on Vercel 4MiB";
    IMPORT_URL_HOSTS: "IMPORT_URL_HOSTS",
        "The hosts product files may be imported from by https:// URL. A listed host may be in a \
        private network; * allows any host on the public internet.",
        "comma-separated host names, or *", "importing from URLs is disabled";
    IMPORTS_PER_USER: "IMPORTS_PER_USER",
        "How many imports of one user run at once in the embedded price monitor. Others are queued.",
        "a whole number of 1 or more", "2";
    IMPORT_MAX_RATE: "IMPORT_MAX_RATE",
        "Maximum number of rows that one import of the embedded price monitor writes per second, to \
        leave the database time for other work.",
        "a whole number of 1 or more", "no limit";
    QUEUED_PER_USER: "QUEUED_IMPORTS_PER_USER",
        "How many unfinished imports one user may have in the embedded price monitor. More are rejected.",
        "a whole number of 1 or more", "25";
    KEPT_PER_USER: "UPLOAD_SPACE_PER_USER",
        "Maximum size of all stored product files of one user. More are rejected.",
        "a size, for example 10GiB", "10GiB";
    KEPT: "UPLOAD_SPACE",
        "Maximum size of all stored product files of all users.",
        "a size, for example 50GiB", "50GiB";
    FREE_SPACE: "MIN_FREE_SPACE",
        "Disk space that product files leave free. A file that would use it is rejected.",
        "a size, for example 1GiB", "512MiB";
    RETENTION: "UPLOAD_RETENTION",
        "How long the embedded price monitor keeps a file after its import, so that it can be imported again.",
        "a duration, for example 7days", "7days";
    ROWS_RETENTION: "ROWS_RETENTION",
        "How long it keeps the row details of a finished import: failed rows, warnings, replaced and \
        skipped rows.",
        "a duration, for example 90days, or forever", "90days";
    CHANGES_RETENTION: "CHANGES_RETENTION",
        "How long it keeps which products an import changed, and how, from the beginning of the import; with 0s that is not noted at all.",
        "a duration, for example 1year, or forever", "1year";
    IMPORT_RETENTION: "IMPORT_RETENTION",
        "How long a finished import is kept before it is deleted. Its products stay.",
        "a duration, for example 1year, or forever", "forever";
    DELETED_RETENTION: "DELETED_RETENTION",
        "How long a deleted import is remembered, so that it does not reappear if the price monitor \
        still has it.",
        "a duration, for example 1year, or forever", "1year";
    AUDIT_RETENTION: "AUDIT_RETENTION",
        "How long the audit log is kept.",
        "a duration, for example 1year, or forever", "forever";
    SESSION_AGE: "SESSION_MAX_AGE",
        "How long a session lasts.",
        "a duration, for example 30days", "30days";
    SESSION_IDLE: "SESSION_IDLE_TIMEOUT",
        "How long an unused session lasts.",
        "a duration of 1m or more, for example 7days", "7days";
    AUTH_SECRET: "AUTH_SECRET",
        "The secret of an Auth.js or NextAuth installation on the same domain whose session cookies are \
        accepted.",
        "any text", "NEXTAUTH_SECRET, or only local accounts", secret;
    NEXTAUTH_SECRET: "NEXTAUTH_SECRET",
        "Used if AUTH_SECRET is not set.",
        "any text", "not set", secret;
    AUTH_SECRET_1: "AUTH_SECRET_1",
        "A newer or older secret of that installation, for rotating it.",
        "any text", "not set", secret;
    AUTH_SECRET_2: "AUTH_SECRET_2",
        "Another one.",
        "any text", "not set", secret;
    AUTH_SECRET_3: "AUTH_SECRET_3",
        "Another one.",
        "any text", "not set", secret;
    DEFAULT_ROLE: "AUTH_DEFAULT_ROLE",
        "The role of users who sign in through Auth.js or OpenID Connect and have no role there. With \
        none they get no access, which is safer where anyone can register there.",
        "staff, viewer or none", "none";
    OIDC_ISSUER: "OIDC_ISSUER",
        "The OpenID Connect provider users can sign in with.",
        "the provider's https:// issuer URL", "no external sign-in";
    OIDC_CLIENT_ID: "OIDC_CLIENT_ID",
        "This app's client ID at that provider. The redirect URI is /sign-in/oidc/callback.",
        "any text", "not set";
    OIDC_CLIENT_SECRET: "OIDC_CLIENT_SECRET",
        "The client secret, if there is one.",
        "any text", "not set", secret;
    OIDC_DOMAINS: "OIDC_ALLOWED_DOMAINS",
        "Domains of the email addresses that may sign in there. The provider must have verified the address.",
        "comma-separated domains, for example shop.example", "any address";
    OIDC_SESSION_AGE: "OIDC_SESSION_MAX_AGE",
        "How long a session through that provider lasts before the user must sign in there again.",
        "a duration of 1m or more, for example 12h", "12h";
    CONTACT: "ACCESS_CONTACT",
        "Whom the sign-in page tells people to ask for access.",
        "any text, for example it@shop.example", "the owner";
    OIDC_NAME: "OIDC_NAME",
        "The provider's name on the sign-in page.",
        "any text", "its host";
    TRUSTED_PROXIES: "TRUSTED_PROXIES",
        "Reverse proxies whose X-Forwarded-For header is trusted.",
        "comma-separated addresses and networks, for example 127.0.0.1, 10.0.0.0/8", "no proxies";
    HEARTBEAT: "SSE_HEARTBEAT",
        "How often a progress stream sends a heartbeat.",
        "a duration from 1s to 15s", "12s";
    MAX_DURATION: "SSE_MAX_DURATION",
        "When a progress stream is closed so that the browser reconnects, shortly before the host would \
        close it.",
        "a duration of at least 1s, or 0 for never", "0, on Vercel 280s";
    WRITE_TIMEOUT: "SSE_WRITE_TIMEOUT",
        "How long a client may leave sent data unread before it is disconnected.",
        "a duration from 1s to 10m", "30s";
    MAX_STREAMS: "SSE_MAX_STREAMS",
        "Maximum number of open progress streams.",
        "a whole number of 1 or more", "100000";
    MAX_STREAMS_USER: "SSE_MAX_STREAMS_PER_USER",
        "Maximum number of open progress streams per user.",
        "a whole number of 1 or more", "200";
    MAX_STREAMS_ADDRESS: "SSE_MAX_STREAMS_PER_ADDRESS",
        "Maximum number of open progress streams per IP address.",
        "a whole number of 1 or more", "2000";
    MAX_JOBS_STREAM: "SSE_MAX_JOBS_PER_STREAM",
        "Maximum number of jobs that one stream can follow.",
        "a whole number of 1 or more", "200";
    MAX_MESSAGE: "RELAY_MAX_MESSAGE",
        "The largest message accepted from the price monitor. A larger one closes the connection.",
        "a size, for example 4MiB", "4MiB";
    MAX_JOBS: "RELAY_MAX_JOBS",
        "Maximum number of jobs followed at once.",
        "a whole number of 1 or more", "10000";
    GRACE: "RELAY_GRACE",
        "How long a job is still followed after its last viewer has left.",
        "a duration from 0s to 1h", "30s";
    POLL: "RELAY_POLL_INTERVAL",
        "How often the price monitor's REST API is polled while its socket is down.",
        "a duration from 100ms to 5m", "3s";
    SETTLE: "RELAY_SETTLE_INTERVAL",
        "How long a followed job may stay silent before the REST API is asked whether it has finished.",
        "a duration from 1s to 1h", "20s";
    FORGOTTEN: "RELAY_FORGOTTEN_AFTER",
        "How long the price monitor's REST API may answer 404 for an import before it counts as failed.",
        "a duration from 1s to 1h", "30s";
    UNWATCHED: "RELAY_UNWATCHED_INTERVAL",
        "How often the price monitor's REST API is polled for unfinished imports without viewers, a few \
        at a time.",
        "a duration from 1s to 1h", "5s";
    REST_CONCURRENCY: "RELAY_REST_CONCURRENCY",
        "How many jobs the price monitor's REST API is asked about at once.",
        "a whole number of 1 or more", "8";
    MAX_SILENT: "MAX_SILENT_CONNECTIONS",
        "Maximum number of connections without a request. If there are more, the oldest are closed.",
        "a whole number of 1 or more", "4096";
    DRAIN: "SHUTDOWN_DRAIN",
        "How long requests may take to finish after SIGTERM.",
        "a duration from 0s to 5m", "10s";
    METRICS_TOKEN: "METRICS_TOKEN",
        "The bearer token required by /metrics. Without one it only answers this machine.",
        "visible ASCII characters", "no token", secret;
    OTLP: "OTEL_EXPORTER_OTLP_ENDPOINT",
        "The OpenTelemetry collector that traces are sent to (OTLP over HTTP).",
        "an http:// or https:// URL, for example http://localhost:4318", "no traces are sent", secret;
    LOG: "RUST_LOG",
        "What is logged.",
        "tracing's filter directives", "info";
    LOG_FORMAT: "LOG_FORMAT",
        "How it is logged.",
        "pretty or json", "pretty";
}

/// A setting that cannot be used. Its text is one line: the name, what it held, what it takes.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The value is not of the setting's form.
    #[error("{name} is {value}; expected {takes}")]
    Bad {
        /// The environment variable.
        name: &'static str,
        /// The value in quotes, or a word in its place where it is a secret.
        value: String,
        /// What would be taken.
        takes: &'static str,
    },
    /// A setting is missing that another one asks for.
    #[error("{name} is not set; {because} requires {takes}")]
    Missing {
        /// The environment variable.
        name: &'static str,
        /// The setting that asks for it.
        because: &'static str,
        /// What would be taken.
        takes: &'static str,
    },
    /// The value is not even text.
    #[error("{name} is not UTF-8 text; expected {takes}")]
    NotText {
        /// The environment variable.
        name: &'static str,
        /// What would be taken.
        takes: &'static str,
    },
    /// The `.env` file cannot be read.
    #[error(".env cannot be read: {0}")]
    DotEnv(String),
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address the app listens on.
    pub listen: SocketAddr,
    /// The app's public origin.
    pub public_url: PublicUrl,
    /// The other origins whose pages may read streams and use the REST API.
    pub cors_origins: CorsOrigins,
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
    /// Whom people ask for access.
    pub contact: Option<String>,
    /// The role of those who sign in elsewhere and are given none there; without one they are not let in.
    pub default_role: Option<Role>,
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
}

/// What is told about the running server, and to whom.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// What a reader of the metrics must show; without one they are for this machine alone.
    pub metrics_token: Option<SecretString>,
    /// The OpenTelemetry collector that traces are sent to.
    pub otlp_endpoint: Option<CollectorUrl>,
}

/// Where a collector is. The address may hold a password, so `Debug` shows where it leads alone.
#[derive(Clone)]
pub struct CollectorUrl(Url);

impl CollectorUrl {
    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(Self(url))
    }

    pub(in crate::server) fn expose(&self) -> &Url {
        &self.0
    }

    /// Returns the address without what may be secret.
    fn shown(&self) -> String {
        where_it_leads(&self.0)
    }
}

impl fmt::Debug for CollectorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Leaves of an address what says where it leads: no user, no password, no parameters.
fn where_it_leads(url: &Url) -> String {
    let user = if url.username().is_empty() && url.password().is_none() {
        ""
    } else {
        "***@"
    };
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    format!("{}://{user}{host}{port}{}", url.scheme(), url.path())
}

/// Takes a user's name and password out of a text that may be an address.
fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://***{}", &rest[user.len()..]),
        None => text.to_owned(),
    }
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

/// The public address of this app.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl {
    origin: String,
    base: BasePath,
}

impl PublicUrl {
    /// Reads an address. Installations of Auth.js on other paths name that of its routes too, which says nothing of
    /// ours (<https://next-auth.js.org/configuration/options#nextauth_url>).
    pub(in crate::server) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let path = url.path().trim_end_matches('/');
        Some(Self {
            origin: is_web.then(|| url.origin().ascii_serialization())?,
            base: BasePath::parse(path.strip_suffix("/api/auth").unwrap_or(path))?,
        })
    }

    /// Returns the origin as browsers send it in `Origin`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the path that the app is below.
    #[must_use]
    pub fn base(&self) -> &BasePath {
        &self.base
    }

    /// Returns the whole address of a path of the app.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("{}{}", self.origin, self.base.address(path))
    }

    /// Returns the origin's host, without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.origin.split_once("://").map_or("", |(_, rest)| rest);
        match authority.rfind(':') {
            Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
            _ => authority,
        }
    }

    /// Returns whether cookies must be `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }
}

/// Other origins, as browsers send them in `Origin`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CorsOrigins(Vec<String>);

impl CorsOrigins {
    /// Reads exact origins with commas between; `*`, paths and patterns are none.
    fn parse(text: &str) -> Option<Self> {
        let mut origins: Vec<String> = Vec::new();
        for one in text.split(',').map(str::trim) {
            let origin = exact_origin(one)?;
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        Some(Self(origins))
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether a browser's `Origin` is one of them.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|known| known == origin)
    }

    /// Lists them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Reads an origin and nothing beside it, as a browser writes it: without a port that goes without saying.
fn exact_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    let is_web = matches!(url.scheme(), "http" | "https");
    // Where the scheme is well known, `Url` passes over slashes that are missing, and a `*` may stand in a host.
    let is_written_out = text
        .to_ascii_lowercase()
        .starts_with(&format!("{}://", url.scheme()));
    let names_a_host = url.host_str().is_some_and(|host| !host.contains('*'));
    (is_bare && is_web && is_written_out && names_a_host)
        .then(|| url.origin().ascii_serialization())
}

/// A database's address. It may hold a password, so `Debug` shows the kind alone.
#[derive(Clone)]
pub struct DatabaseUrl {
    url: SecretString,
    sqlite_path: Option<PathBuf>,
    max_connections: u32,
}

/// The most connections to the database where nothing else is set.
const MAX_CONNECTIONS_DEFAULT: u32 = 10;

impl DatabaseUrl {
    /// Returns the address of a SQLite file.
    #[must_use]
    pub fn sqlite(path: &Path) -> Self {
        Self {
            url: format!("sqlite:{}", path.display()).into(),
            sqlite_path: Some(path.to_owned()),
            max_connections: MAX_CONNECTIONS_DEFAULT,
        }
    }

    /// Reads a `sqlite:` or `postgres:` address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let path = path.split('?').next().unwrap_or_default();
            let in_memory = path.is_empty() || path.starts_with(":memory:");
            return (!in_memory).then(|| Self {
                url: text.into(),
                sqlite_path: Some(PathBuf::from(path)),
                max_connections: MAX_CONNECTIONS_DEFAULT,
            });
        }
        let url = Url::parse(text).ok()?;
        matches!(url.scheme(), "postgres" | "postgresql").then(|| Self {
            url: text.into(),
            sqlite_path: None,
            max_connections: MAX_CONNECTIONS_DEFAULT,
        })
    }

    /// Sets the most connections at once.
    #[must_use]
    pub fn with_max_connections(self, max_connections: u32) -> Self {
        Self {
            max_connections,
            ..self
        }
    }

    /// Returns whether it is a SQLite file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.sqlite_path.is_some()
    }

    /// Returns whether it is a SQLite file that is still to be made.
    #[must_use]
    pub fn is_missing_file(&self) -> bool {
        self.sqlite_path().is_some_and(|path| !path.exists())
    }

    pub(in crate::server) fn max_connections(&self) -> u32 {
        self.max_connections
    }

    pub(in crate::server) fn expose(&self) -> &str {
        self.url.expose_secret()
    }

    /// Returns the address without what may be secret.
    fn shown(&self) -> String {
        match (&self.sqlite_path, Url::parse(self.expose())) {
            (Some(path), _) => format!("sqlite:{}", path.display()),
            (None, Ok(url)) => where_it_leads(&url),
            (None, Err(_)) => "***".to_owned(),
        }
    }

    pub(in crate::server) fn sqlite_path(&self) -> Option<&Path> {
        self.sqlite_path.as_deref()
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.sqlite_path.is_some() {
            "sqlite:…"
        } else {
            "postgres:…"
        })
    }
}

impl Config {
    /// Reads the settings from a `.env` file and the environment, which wins.
    ///
    /// # Errors
    ///
    /// When a value is not of its setting's form.
    pub fn from_env() -> Result<Self, ConfigError> {
        match dotenvy::dotenv() {
            Ok(_) => {}
            Err(error) if error.not_found() => {}
            // The error's text would show the line, which may hold a secret.
            Err(dotenvy::Error::Io(error)) => return Err(ConfigError::DotEnv(error.to_string())),
            Err(_) => return Err(ConfigError::DotEnv("a line is not NAME=value".to_owned())),
        }
        // What is not text would pass for what is not set.
        for setting in SETTINGS {
            if std::env::var_os(setting.name).is_some_and(|value| value.to_str().is_none()) {
                return Err(ConfigError::NotText {
                    name: setting.name,
                    takes: setting.takes,
                });
            }
        }
        Self::read(environment)
    }

    /// Reads the settings from wherever `get` looks them up. An empty value is one not set.
    ///
    /// # Errors
    ///
    /// When a value is not of its setting's form.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let env = Env(&get);
        // `cargo leptos watch` and `serve` say where to listen in a variable of their own.
        let listen_default = get("LEPTOS_SITE_ADDR")
            .and_then(|address| address.parse().ok())
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000)));
        let listen = env
            .parsed(LISTEN, |text| text.parse().ok())?
            .unwrap_or(listen_default);
        let host = Host::find(&get);
        let data_dir = env
            .get(DATA)
            .map_or_else(|| PathBuf::from("data"), PathBuf::from);
        let public_url = env
            .parsed(PUBLIC_URL, PublicUrl::parse)?
            .or_else(|| host.public_url(&get));
        Ok(Self {
            listen,
            is_public_url_set: public_url.is_some(),
            public_url: public_url.unwrap_or_else(|| PublicUrl {
                origin: format!("http://{listen}"),
                base: BasePath::default(),
            }),
            allowed_hosts: env
                .parsed(ALLOWED_HOSTS, host::read_names)?
                .unwrap_or_default(),
            cors_origins: env
                .parsed(CORS_ORIGINS, CorsOrigins::parse)?
                .unwrap_or_default(),
            database: env
                .parsed(DATABASE, DatabaseUrl::parse)?
                .unwrap_or_else(|| DatabaseUrl::sqlite(&data_dir.join("import-relay.db")))
                .with_max_connections(
                    env.parsed(MAX_CONNECTIONS, |text| {
                        text.parse().ok().filter(|count| *count > 1)
                    })?
                    .unwrap_or(MAX_CONNECTIONS_DEFAULT),
                ),
            monitor: monitor(&env)?,
            max_upload: env.parsed(MAX_UPLOAD, size)?.unwrap_or(host.max_upload()),
            import_hosts: env
                .parsed(IMPORT_URL_HOSTS, RemoteHosts::parse)?
                .unwrap_or_default(),
            imports_per_user: env.count(IMPORTS_PER_USER)?.unwrap_or(2),
            import_max_rate: env.parsed(IMPORT_MAX_RATE, |text| text.parse().ok())?,
            queued_per_user: env.count(QUEUED_PER_USER)?.unwrap_or(25) as u64,
            space: SpaceLimits {
                of_user: env.parsed(KEPT_PER_USER, size)?.unwrap_or(10 << 30),
                of_all: env.parsed(KEPT, size)?.unwrap_or(50 << 30),
                free: env.parsed(FREE_SPACE, size)?.unwrap_or(512 << 20),
            },
            retention: Retention {
                uploads: env
                    .duration(RETENTION, Duration::ZERO, 10 * 365 * DAY)?
                    .unwrap_or(7 * DAY),
                rows: env
                    .parsed(ROWS_RETENTION, duration_or_forever)?
                    .unwrap_or(Some(90 * DAY)),
                changes: env
                    .parsed(CHANGES_RETENTION, duration_or_forever)?
                    .unwrap_or(duration("1year")),
                imports: env
                    .parsed(IMPORT_RETENTION, duration_or_forever)?
                    .unwrap_or(None),
                deleted: env
                    .parsed(DELETED_RETENTION, duration_or_forever)?
                    .unwrap_or(duration("1year")),
                audit: env
                    .parsed(AUDIT_RETENTION, duration_or_forever)?
                    .unwrap_or(None),
            },
            auth: AuthConfig {
                sessions: SessionLifetime {
                    absolute: env
                        .duration(SESSION_AGE, MINUTE, 10 * 365 * DAY)?
                        .unwrap_or(30 * DAY),
                    idle: env
                        .duration(SESSION_IDLE, MINUTE, 10 * 365 * DAY)?
                        .unwrap_or(7 * DAY),
                },
                authjs_secrets: authjs_secrets(&env),
                oidc: oidc(&env)?,
                default_role: env
                    .parsed(DEFAULT_ROLE, |text| match text {
                        "staff" => Some(Some(Role::Staff)),
                        "viewer" => Some(Some(Role::Viewer)),
                        "none" => Some(None),
                        _ => None,
                    })?
                    .unwrap_or_default(),
                provider_session: env
                    .duration(OIDC_SESSION_AGE, MINUTE, 10 * 365 * DAY)?
                    .unwrap_or(12 * HOUR),
                contact: env.get(CONTACT),
            },
            trusted_proxies: env.parsed(TRUSTED_PROXIES, networks)?.unwrap_or_default(),
            sse: SseConfig {
                heartbeat: env
                    .duration(HEARTBEAT, SECOND, 15 * SECOND)?
                    .unwrap_or(12 * SECOND),
                max_duration: env
                    .parsed(MAX_DURATION, duration_or_never)?
                    .unwrap_or(host.max_duration()),
                write_timeout: env
                    .duration(WRITE_TIMEOUT, SECOND, 10 * MINUTE)?
                    .unwrap_or(30 * SECOND),
                max_streams: env.count(MAX_STREAMS)?.unwrap_or(100_000),
                max_streams_per_user: env.count(MAX_STREAMS_USER)?.unwrap_or(200),
                max_streams_per_address: env.count(MAX_STREAMS_ADDRESS)?.unwrap_or(2_000),
                max_jobs: env.count(MAX_JOBS_STREAM)?.unwrap_or(200),
            },
            relay: RelayConfig {
                max_jobs: env.count(MAX_JOBS)?.unwrap_or(10_000),
                grace: env
                    .duration(GRACE, Duration::ZERO, HOUR)?
                    .unwrap_or(30 * SECOND),
                poll_interval: env
                    .duration(POLL, Duration::from_millis(100), 5 * MINUTE)?
                    .unwrap_or(3 * SECOND),
                settle_interval: env.duration(SETTLE, SECOND, HOUR)?.unwrap_or(20 * SECOND),
                forgotten_after: env
                    .duration(FORGOTTEN, SECOND, HOUR)?
                    .unwrap_or(30 * SECOND),
                unwatched_interval: env.duration(UNWATCHED, SECOND, HOUR)?.unwrap_or(5 * SECOND),
                max_message: env
                    .parsed(MAX_MESSAGE, |text| usize::try_from(size(text)?).ok())?
                    .unwrap_or(4 << 20),
                rest_concurrency: env.count(REST_CONCURRENCY)?.unwrap_or(8),
            },
            max_silent: env.count(MAX_SILENT)?.unwrap_or(4096),
            drain: env
                .duration(DRAIN, Duration::ZERO, 5 * MINUTE)?
                .unwrap_or(10 * SECOND),
            telemetry: TelemetryConfig {
                metrics_token: env.parsed(METRICS_TOKEN, visible_secret)?,
                otlp_endpoint: env.parsed(OTLP, CollectorUrl::parse)?,
            },
            log: LogConfig {
                filter: env
                    .parsed(LOG, |text| {
                        EnvFilter::try_new(text).is_ok().then(|| text.to_owned())
                    })?
                    .unwrap_or_else(|| "info".to_owned()),
                json: env
                    .parsed(LOG_FORMAT, |text| match text {
                        "pretty" => Some(false),
                        "json" => Some(true),
                        _ => None,
                    })?
                    .unwrap_or(false),
            },
            data_dir,
        })
    }
}

/// Looks a setting up in the environment.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Where the process runs, as far as that changes what holds by default.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Host {
    /// On a machine, for as long as it is let.
    Machine,
    /// As a function on Vercel. <https://vercel.com/docs/functions/limitations>
    Vercel,
}

impl Host {
    fn find(get: &impl Fn(&str) -> Option<String>) -> Self {
        match get("VERCEL").as_deref() {
            Some("1") => Self::Vercel,
            _ => Self::Machine,
        }
    }

    /// Vercel says what the app's address is, without its scheme.
    fn public_url(self, get: &impl Fn(&str) -> Option<String>) -> Option<PublicUrl> {
        if self == Self::Machine {
            return None;
        }
        let name = get("VERCEL_PROJECT_PRODUCTION_URL").or_else(|| get("VERCEL_URL"))?;
        PublicUrl::parse(&format!("https://{name}"))
    }

    /// A function's request may have 4.5 MB.
    fn max_upload(self) -> u64 {
        match self {
            Self::Machine => 1 << 30,
            Self::Vercel => 4 << 20,
        }
    }

    /// A function may last for 300 s.
    fn max_duration(self) -> Option<Duration> {
        (self == Self::Vercel).then_some(280 * SECOND)
    }
}

/// Looks settings up, and says what is wrong with them in the same words for all.
struct Env<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Env<'_> {
    fn get(&self, setting: Setting) -> Option<String> {
        (self.0)(setting.name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn parsed<T>(
        &self,
        setting: Setting,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.get(setting) else {
            return Ok(None);
        };
        parse(&text).map(Some).ok_or_else(|| ConfigError::Bad {
            name: setting.name,
            value: if setting.secret {
                "not usable".to_owned()
            } else {
                format!("{:?}", without_user(&text))
            },
            takes: setting.takes,
        })
    }

    fn duration(
        &self,
        setting: Setting,
        least: Duration,
        most: Duration,
    ) -> Result<Option<Duration>, ConfigError> {
        self.parsed(setting, |text| {
            duration(text).filter(|duration| (least..=most).contains(duration))
        })
    }

    fn count(&self, setting: Setting) -> Result<Option<usize>, ConfigError> {
        self.parsed(setting, |text| text.parse().ok().filter(|count| *count > 0))
    }
}

fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok()
}

fn duration_or_never(text: &str) -> Option<Option<Duration>> {
    if text == "0" {
        return Some(None);
    }
    duration(text)
        .filter(|duration| *duration >= SECOND)
        .map(Some)
}

fn duration_or_forever(text: &str) -> Option<Option<Duration>> {
    if text == "forever" {
        return Some(None);
    }
    duration(text).map(Some)
}

fn size(text: &str) -> Option<u64> {
    text.parse::<ByteSize>()
        .ok()
        .map(|size| size.as_u64())
        .filter(|size| *size > 0)
}

fn visible_secret(text: &str) -> Option<SecretString> {
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    is_visible.then(|| SecretString::from(text))
}

fn networks(text: &str) -> Option<Vec<IpNet>> {
    text.split(',')
        .map(str::trim)
        .map(|one| {
            let address = one.parse::<IpAddr>().map(IpNet::from);
            address.or_else(|_| one.parse()).ok()
        })
        .collect()
}

/// Collects the secrets in the order in which Auth.js tries them.
fn authjs_secrets(env: &Env<'_>) -> Vec<SecretString> {
    let main = env.get(AUTH_SECRET).or_else(|| env.get(NEXTAUTH_SECRET));
    [AUTH_SECRET_3, AUTH_SECRET_2, AUTH_SECRET_1]
        .into_iter()
        .map(|setting| env.get(setting))
        .chain([main])
        .flatten()
        .map(SecretString::from)
        .collect()
}

fn oidc(env: &Env<'_>) -> Result<Option<OidcConfig>, ConfigError> {
    let Some(issuer) = env.parsed(OIDC_ISSUER, issuer)? else {
        return Ok(None);
    };
    let client_id = env.get(OIDC_CLIENT_ID).ok_or(ConfigError::Missing {
        name: OIDC_CLIENT_ID.name,
        because: OIDC_ISSUER.name,
        takes: "what this app is called there",
    })?;
    let host = issuer.url().host_str().unwrap_or_default().to_owned();
    Ok(Some(OidcConfig {
        client_id,
        client_secret: env.get(OIDC_CLIENT_SECRET).map(SecretString::from),
        name: env.get(OIDC_NAME).unwrap_or(host),
        allowed_domains: env
            .parsed(OIDC_DOMAINS, host::read_names)?
            .unwrap_or_default(),
        issuer,
    }))
}

/// Reads a provider's address: https, or this machine (OpenID Connect Discovery 1.0, section 3).
fn issuer(text: &str) -> Option<IssuerUrl> {
    let issuer = IssuerUrl::new(text.to_owned()).ok()?;
    let url = issuer.url();
    let host = url.host_str()?;
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(host);
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (is_safe && is_plain && url.fragment().is_none()).then_some(issuer)
}

fn monitor(env: &Env<'_>) -> Result<Monitor, ConfigError> {
    let api_key = env.parsed(API_KEY, visible_secret)?;
    let Some((url, protocol)) = env.parsed(MONITOR_HOST, monitor_url)? else {
        return Ok(Monitor::Embedded { api_key });
    };
    let api_key = api_key.ok_or(ConfigError::Missing {
        name: API_KEY.name,
        because: MONITOR_HOST.name,
        takes: "the key of that service",
    })?;
    Ok(Monitor::External(MonitorEndpoint {
        url,
        protocol,
        api_key,
    }))
}

/// Reads the service's address: the scheme says what its socket speaks, REST is on the same host.
fn monitor_url(text: &str) -> Option<(Url, SocketProtocol)> {
    let url = Url::parse(text).ok()?;
    let (rest_scheme, protocol) = match url.scheme() {
        "http" => ("http", SocketProtocol::SocketIo),
        "https" => ("https", SocketProtocol::SocketIo),
        "ws" => ("http", SocketProtocol::WebSocket),
        "wss" => ("https", SocketProtocol::WebSocket),
        _ => return None,
    };
    if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let rest = url
        .as_str()
        .split_once(':')
        .map(|(_, rest)| format!("{rest_scheme}:{rest}"))?;
    Url::parse(&rest).ok().map(|url| (url, protocol))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let config = read(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
        assert_eq!(config.public_url.origin(), "http://127.0.0.1:3000");
        assert!(matches!(
            config.monitor,
            Monitor::Embedded { api_key: None }
        ));
        assert_eq!(
            config.database.sqlite_path(),
            Some(Path::new("data/import-relay.db"))
        );
        assert_eq!(config.sse.max_duration, None);
    }

    #[test]
    fn on_vercel_what_its_functions_allow_holds_by_default() {
        let vercel = [
            ("VERCEL", "1"),
            ("VERCEL_PROJECT_PRODUCTION_URL", "relay.vercel.app"),
        ];
        let config = read(&vercel).unwrap();
        assert_eq!(config.sse.max_duration, Some(Duration::from_secs(280)));
        assert!(config.max_upload < 4_500_000);
        assert_eq!(config.public_url.origin(), "https://relay.vercel.app");
        let set = read(&[("VERCEL", "1"), ("SSE_MAX_DURATION", "50s")]).unwrap();
        assert_eq!(set.sse.max_duration, Some(Duration::from_secs(50)));
    }

    #[test]
    fn other_origins_are_taken_as_browsers_write_them() {
        let origins = |text| read(&[("CORS_ORIGINS", text)]).unwrap().cors_origins;
        let taken = origins(
            "https://App.example.com:443/, http://localhost:5173 ,https://bücher.example,http://[::1]:80,https://app.example.com",
        );
        assert_eq!(
            taken.iter().collect::<Vec<_>>(),
            [
                "https://app.example.com",
                "http://localhost:5173",
                "https://xn--bcher-kva.example",
                "http://[::1]"
            ]
        );
        assert!(taken.contains("http://localhost:5173"));
        for other in [
            "http://localhost",
            "https://app.example.com:444",
            "null",
            "",
        ] {
            assert!(!taken.contains(other), "{other}");
        }
        assert!(origins("").is_empty());
    }

    #[test]
    fn a_provider_is_taken_as_it_says_its_own_address() {
        let issuer = ("OIDC_ISSUER", "https://accounts.example.com");
        let text = read(&[issuer]).unwrap_err().to_string();
        assert!(text.starts_with("OIDC_CLIENT_ID is not set"), "{text}");
        let oidc = |pairs: &[_]| read(pairs).unwrap().auth.oidc.unwrap();
        let plain = oidc(&[issuer, ("OIDC_CLIENT_ID", "shop")]);
        assert_eq!(plain.issuer.as_str(), issuer.1);
        assert_eq!(plain.name, "accounts.example.com");
        let whole = oidc(&[
            ("OIDC_ISSUER", "http://localhost:4011/"),
            ("OIDC_CLIENT_ID", "shop"),
            ("OIDC_CLIENT_SECRET", "hunter2"),
            ("OIDC_NAME", "Acme"),
        ]);
        assert_eq!(whole.issuer.as_str(), "http://localhost:4011/");
        assert_eq!(whole.name, "Acme");
        assert!(!format!("{whole:?}").contains("hunter2"));
    }

    #[test]
    fn a_bad_value_is_named_with_what_it_takes() {
        for (name, value) in [
            ("MONITOR_PRICE_APP_HOST", "localhost:4000"),
            ("NEXTAUTH_URL", "ftp://example.com"),
            ("CORS_ORIGINS", "*"),
            ("CORS_ORIGINS", "null"),
            ("CORS_ORIGINS", "https://*.example.com"),
            ("CORS_ORIGINS", "https://app.example.com/path"),
            ("CORS_ORIGINS", "https://app.example.com,"),
            ("CORS_ORIGINS", "https://app.example.com https://b.example"),
            ("CORS_ORIGINS", "app.example.com"),
            ("CORS_ORIGINS", "https:app.example.com"),
            ("CORS_ORIGINS", "file:///srv/app"),
            ("LISTEN_ADDR", "3000"),
            ("MAX_UPLOAD_SIZE", "big"),
            ("SSE_HEARTBEAT", "20s"),
            ("SSE_MAX_DURATION", "500ms"),
            ("SSE_MAX_STREAMS", "0"),
            ("RELAY_GRACE", "-1"),
            ("LOG_FORMAT", "xml"),
            ("SESSION_IDLE_TIMEOUT", "1s"),
            ("TRUSTED_PROXIES", "127.0.0.1, proxy.example"),
            ("AUTH_DEFAULT_ROLE", "owner"),
            ("OIDC_ISSUER", "http://accounts.example.com"),
            ("OIDC_ISSUER", "accounts.example.com"),
        ] {
            let text = read(&[(name, value)]).unwrap_err().to_string();
            let setting = SETTINGS
                .iter()
                .find(|setting| setting.name == name)
                .unwrap();
            assert_eq!(
                text,
                format!("{name} is {value:?}; expected {}", setting.takes)
            );
        }
    }

    #[test]
    fn a_bad_secret_is_not_repeated() {
        for (name, value) in [
            ("PRICE_MONITOR_API_KEY", "hunter 2"),
            ("DATABASE_URL", "mysql://u:hunter2@h/d"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://u:hunter2@h"),
            ("MONITOR_PRICE_APP_HOST", "http://u:hunter@2@h/?a=@b"),
            ("NEXTAUTH_URL", "ftp://u:hunter2@h"),
            ("OIDC_ISSUER", "https://u:hunter2@h"),
        ] {
            let text = read(&[(name, value)]).unwrap_err().to_string();
            assert!(text.starts_with(name) && !text.contains("hunter"), "{text}");
        }
        assert_eq!(without_user("http://u:p@q@h:1/x@y"), "http://***@h:1/x@y");
        assert_eq!(without_user("http://h/x@y"), "http://h/x@y");
        assert_eq!(without_user("a@b"), "a@b");
    }

    #[test]
    fn a_worker_that_listens_needs_a_second_connection() {
        assert!(read(&[("DATABASE_MAX_CONNECTIONS", "1")]).is_err());
        let config = read(&[("DATABASE_MAX_CONNECTIONS", "3")]).unwrap();
        assert_eq!(config.database.max_connections(), 3);
    }

    /// `api/index.rs` may last as long as vercel.json says.
    #[test]
    fn a_stream_on_vercel_ends_before_its_function_is_killed() {
        let vercel: serde_json::Value =
            serde_json::from_str(include_str!("../../../vercel.json")).unwrap();
        let limit = vercel["functions"]["api/index.rs"]["maxDuration"].as_u64();
        let limit = Duration::from_secs(limit.unwrap());
        let ends = Host::Vercel.max_duration().unwrap();
        assert!(ends + 10 * SECOND <= limit, "{ends:?} {limit:?}");
    }

    #[test]
    fn no_secret_is_in_the_debug_output() {
        let config = read(&[
            ("MONITOR_PRICE_APP_HOST", "wss://monitor.example.com/x"),
            ("PRICE_MONITOR_API_KEY", "hunter2"),
            ("DATABASE_URL", "postgres://u:hunter2@h/d"),
            ("AUTH_SECRET", "hunter2"),
            ("AUTH_SECRET_1", "hunter2"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:hunter2@h"),
        ])
        .unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn the_scheme_says_what_the_socket_speaks() {
        for (text, url, protocol) in [
            ("http://h:4000", "http://h:4000/", SocketProtocol::SocketIo),
            ("https://h", "https://h/", SocketProtocol::SocketIo),
            ("ws://h/live", "http://h/live", SocketProtocol::WebSocket),
            ("wss://h", "https://h/", SocketProtocol::WebSocket),
        ] {
            let (got, speaks) = monitor_url(text).unwrap();
            assert_eq!((got.as_str(), speaks), (url, protocol));
        }
    }

    #[test]
    fn an_external_service_needs_its_key() {
        let text = read(&[("MONITOR_PRICE_APP_HOST", "http://h")])
            .unwrap_err()
            .to_string();
        assert!(
            text.starts_with("PRICE_MONITOR_API_KEY is not set"),
            "{text}"
        );
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let config = read(&[("TRUSTED_PROXIES", "127.0.0.1, ::1,10.0.0.0/8")]).unwrap();
        let networks: Vec<_> = config
            .trusted_proxies
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(networks, ["127.0.0.1/32", "::1/128", "10.0.0.0/8"]);
    }

    #[test]
    fn a_secret_that_rotates_is_kept_beside_the_new_one() {
        let secrets = |pairs| {
            let config = read(pairs).unwrap();
            let secrets = config.auth.authjs_secrets.into_iter();
            secrets
                .map(|secret| secret.expose_secret().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(secrets(&[("NEXTAUTH_SECRET", "n")]), ["n"]);
        let both = [
            ("AUTH_SECRET", "a"),
            ("NEXTAUTH_SECRET", "n"),
            ("AUTH_SECRET_1", "b"),
        ];
        assert_eq!(secrets(&both), ["b", "a"]);
    }

    #[test]
    fn every_setting_is_listed_once() {
        let mut names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SETTINGS.len());
    }
}
