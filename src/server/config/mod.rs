//! Settings: read once at the start, from the environment and a `.env` file, into types that cannot hold an invalid
//! value.
//!
//! `table` declares each setting, by the macros of `declare`; `form` has the forms of values, `read` reads them, `print`
//! prints them.

#[macro_use]
mod declare;

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
    declare::{About, Default},
    error::ConfigError,
    mail::{MailConfig, SmtpUrl},
    print::{env_example, help},
    read::environment,
    table::{
        HttpConfig, ImportConfig, LogConfig, RelayConfig, Retention, SafetyLimits, SessionLifetime,
        SpaceLimits, SseConfig, TelemetryConfig, settings,
    },
    types::{
        AuthConfig, Config, LimitAction, Monitor, MonitorEndpoint, OidcConfig, PasskeyPolicy,
        SocketProtocol,
    },
};
pub use crate::server::http_client::remote_hosts::RemoteHosts;
