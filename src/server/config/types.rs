//! Types of the settings.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, time::Duration};

use openidconnect::IssuerUrl;
use secrecy::SecretString;
use url::Url;

use super::{
    DatabaseUrl, HttpConfig, ImportConfig, LogConfig, MailConfig, PublicUrl, RelayConfig,
    RemoteHosts, Retention, SafetyLimits, SessionLifetime, SpaceLimits, SseConfig, TelemetryConfig,
    print::Listing,
};
pub use crate::model::import_options::LimitAction;
use crate::model::{import_options::OwnLimits, role::Role};

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Listen address.
    pub listen: SocketAddr,
    /// Public URL.
    pub public_url: PublicUrl,
    /// Whether the public URL was set and differs from the listen address.
    pub is_public_url_set: bool,
    /// How requests are answered.
    pub http: HttpConfig,
    /// Database URL.
    pub database: DatabaseUrl,
    /// Directory of uploads.
    pub data_dir: PathBuf,
    /// The price monitor.
    pub monitor: Monitor,
    /// Limits of imports.
    pub imports: ImportConfig,
    /// Hosts of webhooks.
    pub webhook_hosts: RemoteHosts,
    /// The mail server, if any.
    pub mail: Option<MailConfig>,
    /// Key for stored secrets.
    pub encryption_key: Option<SecretString>,
    /// Maximum space for product files.
    pub space: SpaceLimits,
    /// Retention times.
    pub retention: Retention,
    /// Default safety limits.
    pub safety: SafetyLimits,
    /// Authentication.
    pub auth: AuthConfig,
    /// Progress streams.
    pub sse: SseConfig,
    /// The hub and its connection to the price monitor.
    pub relay: RelayConfig,
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

/// An external price monitor.
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
