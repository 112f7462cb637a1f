//! Settings: read once at the start, from the environment and a `.env` file, into types that cannot hold an invalid
//! value.
//!
//! `table` declares each setting; `form` has the forms of values, `read` reads them, `print` prints them.

mod addresses;
mod database_url;
mod error;
mod form;
mod mail;
mod print;
mod read;
mod table;
mod types;
mod warnings;

pub use self::{
    addresses::{CollectorUrl, CorsOrigins, PublicUrl},
    database_url::DatabaseUrl,
    error::ConfigError,
    mail::{MailConfig, SmtpUrl},
    print::{env_example, help},
    read::environment,
    table::{About, Default, SETTINGS},
    types::{
        AuthConfig, Config, LimitAction, LogConfig, Monitor, MonitorEndpoint, OidcConfig,
        PasskeyPolicy, RelayConfig, Retention, SafetyLimits, SessionLifetime, SocketProtocol,
        SpaceLimits, SseConfig, TelemetryConfig,
    },
};
pub use crate::server::http_client::remote_hosts::RemoteHosts;
