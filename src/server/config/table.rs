//! The settings, each declared once: for the field that it is read into, `--help`, `--check-config` and `.env.example`.

use std::{collections::BTreeSet, net::SocketAddr, num::NonZeroU32, time::Duration};

use ipnet::IpNet;
use lettre::message::Mailbox;
use openidconnect::IssuerUrl;
use secrecy::SecretString;
use url::Url;

use super::{
    CollectorUrl, ConfigError, CorsOrigins, DatabaseUrl, LimitAction, PasskeyPolicy, PublicUrl,
    RemoteHosts, SmtpUrl, SocketProtocol,
    declare::{About, Default, Setting},
    form::{
        AtLeast, Between, By, MemorySize, OneOf, OrForever, OrNever, Secret, Size, Text, UpTo,
        VisibleSecret, issuer, joined, listed, log_filter, mail_addresses, monitor_url, networks,
        socket_address, whole_address,
    },
    mail::mailbox,
    read::Env,
};
use crate::{
    model::{changes::Percent, role::Role},
    server::identity::host,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = secs(60);
const HOUR: Duration = secs(3600);
const LONGEST: Duration = secs(10 * 365 * 86_400);

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns all settings, in the order of `--help`.
pub fn settings() -> impl Iterator<Item = &'static About> {
    [
        MONITOR,
        SERVER,
        HttpConfig::SETTINGS,
        ImportConfig::SETTINGS,
        SafetyLimits::SETTINGS,
        SpaceLimits::SETTINGS,
        Retention::SETTINGS,
        NOTIFICATIONS,
        SessionLifetime::SETTINGS,
        SIGN_IN,
        SseConfig::SETTINGS,
        RelayConfig::SETTINGS,
        TelemetryConfig::SETTINGS,
        LogConfig::SETTINGS,
    ]
    .into_iter()
    .flatten()
}

settings! {
    MONITOR {
        MONITOR_HOST: By<(Url, SocketProtocol)> = "MONITOR_PRICE_APP_HOST", By(monitor_url, None),
            "an http://, https://, ws:// or wss:// URL", without "the embedded price monitor",
            "The price-monitor service that runs the imports. http(s) uses Socket.IO, ws(s) a plain WebSocket.";
        API_KEY: VisibleSecret = "PRICE_MONITOR_API_KEY", VisibleSecret,
            "visible ASCII characters", without "random on each start when embedded", secret,
            "The API key for that service. It is sent nowhere else.";
    }
}

settings! {
    SERVER {
        PUBLIC_URL: By<PublicUrl> = "NEXTAUTH_URL", By(PublicUrl::parse, Some(whole_address)),
            "an http:// or https:// URL, with a path of letters, digits, -, ., _ and ~", without "http:// plus LISTEN_ADDR",
            "The public URL of this app. If it has a path, for example https://shop.example/import, the app \
            is served below that path, and a proxy must not strip it.";
        DATABASE: By<DatabaseUrl> = "DATABASE_URL", By(DatabaseUrl::parse, Some(DatabaseUrl::shown)),
            "a sqlite: or postgres: URL", without "a SQLite file in DATA_DIR", secret,
            "The database that stores everything.";
        MAX_CONNECTIONS: AtLeast<u32> = "DATABASE_MAX_CONNECTIONS", AtLeast(2),
            "a whole number of 2 or more", default "10",
            "Maximum number of database connections. PostgreSQL's own limit applies to all instances and \
            workers together.";
        LISTEN: By<SocketAddr> = "LISTEN_ADDR", By(socket_address, Some(ToString::to_string)),
            "an address and port, for example 127.0.0.1:3000", default "127.0.0.1:3000",
            "The address the app listens on.";
        DATA: Text = "DATA_DIR", Text,
            "a directory path", default "data",
            "The directory for the SQLite file and the embedded price monitor's uploads.";
    }
}

group! {
    /// How requests are answered.
    #[derive(Clone, Debug)]
    HttpConfig {
        cors_origins: CorsOrigins = "CORS_ORIGINS", By(CorsOrigins::parse, Some(ToString::to_string)),
            "comma-separated origins, for example https://app.example.com, http://localhost:5173", empty "no other origins",
            "Other origins whose pages may read progress streams and use the REST API with the visitor's cookies.";
        allowed_hosts: BTreeSet<String> = "ALLOWED_HOSTS", By(host::read_names, Some(listed)),
            "comma-separated host names", empty "no others",
            "Additional host names the app answers to. The public URL's host, this machine's own names and \
            the listen address are always allowed.";
        trusted_proxies: Vec<IpNet> = "TRUSTED_PROXIES", By(networks, Some(joined)),
            "comma-separated addresses and networks, for example 127.0.0.1, 10.0.0.0/8", empty "no proxies",
            "Reverse proxies whose X-Forwarded-For header is trusted.";
        product_images: bool = "PRODUCT_IMAGES", OneOf(&[("on", true), ("off", false)]),
            "on or off", default "on",
            "Whether product pages load images from the https:// URLs in product files. The hosts of these images \
            see the visitors' IP addresses.";
        max_silent: usize = "MAX_SILENT_CONNECTIONS", AtLeast(1),
            "a whole number of 1 or more", default "4096",
            "Maximum number of connections without a request. If there are more, the oldest are closed.";
        drain: Duration = "SHUTDOWN_DRAIN", Between(Duration::ZERO, secs(300)),
            "a duration from 0s to 5m", default "10s",
            "How long requests may take to finish after SIGTERM.";
    }
}

group! {
    /// Limits of imports.
    #[derive(Clone, Debug)]
    ImportConfig {
        max_upload: u64 = "MAX_UPLOAD_SIZE", Size,
            "a size, for example 200MiB", without "1GiB, on Vercel 4MiB" or max_upload,
            "The largest product file that can be imported.";
        hosts: RemoteHosts = "IMPORT_URL_HOSTS", By(RemoteHosts::parse, Some(ToString::to_string)),
            "comma-separated host names, or *", empty "importing from URLs is disabled",
            "The hosts product files may be imported from by https:// URL. A listed host may be in a \
            private network; * allows any host on the public internet.";
        per_user: usize = "IMPORTS_PER_USER", AtLeast(1),
            "a whole number of 1 or more", default "2",
            "How many imports of one user run at once in the embedded price monitor. Others are queued.";
        queued_per_user: u64 = "QUEUED_IMPORTS_PER_USER", AtLeast(1),
            "a whole number of 1 or more", default "25",
            "How many unfinished imports one user may have in the embedded price monitor. More are rejected.";
        max_rate: Option<NonZeroU32> = "IMPORT_MAX_RATE", AtLeast(NonZeroU32::MIN),
            "a whole number of 1 or more", without "no limit",
            "Maximum number of rows that one import of the embedded price monitor writes per second, to \
            leave the database time for other work.";
        source_failures: u64 = "SOURCE_FAILURES_TOLD", AtLeast(1),
            "a whole number of 1 or more", default "3",
            "Number of consecutive failures of a source after which its owner and webhooks are notified.";
    }
}

group! {
    /// Limits of the changes by an import.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    SafetyLimits {
        action: LimitAction = "IMPORT_LIMITS", OneOf(&[("off", LimitAction::Off), ("ask", LimitAction::Ask), ("refuse", LimitAction::Refuse)]),
            "ask, refuse or off", default "ask",
            "What happens to an import that exceeds one of the limits below: it waits for approval (ask), is rejected (refuse), or runs anyway (off).";
        prices: Percent = "IMPORT_LIMIT_PRICES", UpTo(Percent::of_hundredths(10_000)),
            "a number from 0 to 100", default "50",
            "Maximum percentage of existing prices that may change by more than IMPORT_LIMIT_PRICE_CHANGE. Fewer than 25 never exceed it.";
        price_change: Percent = "IMPORT_LIMIT_PRICE_CHANGE", UpTo(Percent::of_hundredths(i64::MAX)),
            "a number from 0", default "50",
            "The change of a price, in percent, from which it counts for IMPORT_LIMIT_PRICES.";
        failed: Percent = "IMPORT_LIMIT_FAILED", UpTo(Percent::of_hundredths(10_000)),
            "a number from 0 to 100", default "50",
            "Maximum percentage of rows that may fail. Fewer than 25 never exceed it.";
        missing: Percent = "IMPORT_LIMIT_MISSING", UpTo(Percent::of_hundredths(10_000)),
            "a number from 0 to 100", default "20",
            "Maximum percentage of products that may be missing from a full file, if missing products are marked or removed. Fewer than 25 never exceed it.";
    }
}

group! {
    /// Space for product files.
    #[derive(Clone, Copy, Debug)]
    SpaceLimits {
        of_user: u64 = "UPLOAD_SPACE_PER_USER", Size,
            "a size, for example 10GiB", default "10GiB",
            "Maximum size of all stored product files of one user. More are rejected.";
        of_all: u64 = "UPLOAD_SPACE", Size,
            "a size, for example 50GiB", default "50GiB",
            "Maximum size of all stored product files of all users.";
        free: u64 = "MIN_FREE_SPACE", Size,
            "a size, for example 1GiB", default "512MiB",
            "Disk space that product files leave free. A file that would use it is rejected.";
    }
}

group! {
    /// How long data is kept; `None` is forever.
    #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
    Retention {
        uploads: Duration = "UPLOAD_RETENTION", Between(Duration::ZERO, LONGEST),
            "a duration, for example 7days", default "7days",
            "How long the embedded price monitor keeps a file after its import, so that it can be imported again.";
        rows: Option<Duration> = "ROWS_RETENTION", OrForever,
            "a duration, for example 90days, or forever", default "90days",
            "How long the embedded price monitor keeps the row details of a finished import: failed rows, warnings, \
            replaced and skipped rows.";
        changes: Option<Duration> = "CHANGES_RETENTION", OrForever,
            "a duration, for example 1year, or forever", default "1year",
            "How long the changes of an import are kept after its start. They are needed to undo it. With 0s they are \
            not recorded.";
        imports: Option<Duration> = "IMPORT_RETENTION", OrForever,
            "a duration, for example 1year, or forever", default "forever",
            "How long a finished import is kept before it is deleted. Its products stay.";
        deleted: Option<Duration> = "DELETED_RETENTION", OrForever,
            "a duration, for example 1year, or forever", default "1year",
            "How long a deleted import is remembered, so that it does not reappear if the price monitor \
            still has it.";
        audit: Option<Duration> = "AUDIT_RETENTION", OrForever,
            "a duration, for example 1year, or forever", default "forever",
            "How long the audit log is kept.";
        source_runs: Option<Duration> = "SOURCE_RUNS_RETENTION", OrForever,
            "a duration, for example 1year, or forever", default "1year",
            "How long the runs of a source are kept. IMPORT_RETENTION applies to its imports.";
    }
}

settings! {
    NOTIFICATIONS {
        WEBHOOK_HOSTS: By<RemoteHosts> = "WEBHOOK_HOSTS", By(RemoteHosts::parse, Some(ToString::to_string)),
            "comma-separated host names, or *", default "*",
            "The hosts that webhooks may be sent to. A listed host may be in a private network, and be reached \
            by http://; * allows any host on the public internet by https://.";
        SMTP_URL: By<SmtpUrl> = "SMTP_URL", By(SmtpUrl::parse, Some(SmtpUrl::shown)),
            "smtps://user:password@host:465, or smtp:// for STARTTLS; ?tls=none for none", without "no emails", secret,
            "The mail server that notifications are sent through.";
        MAIL_FROM: By<Mailbox> = "MAIL_FROM", By(mailbox, None),
            "an email address, for example Import Relay <relay@shop.example>", without "not set",
            "The sender of emails. Required by SMTP_URL.";
        ENCRYPTION_KEY: Secret = "ENCRYPTION_KEY", Secret,
            "any random text, for example from openssl rand -hex 32", without "AUTH_SECRET, or with a SQLite file a random key in DATA_DIR", secret,
            "Encrypts stored secrets, such as those of webhooks and sources, and signs links. Without a key there are no \
            webhooks. All instances need the same one.";
    }
}

group! {
    /// Lifetime of sessions.
    #[derive(Clone, Copy, Debug)]
    SessionLifetime {
        absolute: Duration = "SESSION_MAX_AGE", Between(MINUTE, LONGEST),
            "a duration, for example 30days", default "30days",
            "How long a session lasts.";
        idle: Duration = "SESSION_IDLE_TIMEOUT", Between(MINUTE, LONGEST),
            "a duration of 1m or more, for example 7days", default "7days",
            "How long an unused session lasts.";
    }
}

settings! {
    SIGN_IN {
        AUTH_SECRET: Secret = "AUTH_SECRET", Secret,
            "any text", without "NEXTAUTH_SECRET, or only local accounts", secret,
            "The secret of an Auth.js or NextAuth installation on the same domain whose session cookies are \
            accepted.";
        NEXTAUTH_SECRET: Secret = "NEXTAUTH_SECRET", Secret,
            "any text", without "not set", secret,
            "Used if AUTH_SECRET is not set.";
        AUTH_SECRET_1: Secret = "AUTH_SECRET_1", Secret,
            "any text", without "not set", secret,
            "A newer or older secret of that installation, for rotating it.";
        AUTH_SECRET_2: Secret = "AUTH_SECRET_2", Secret,
            "any text", without "not set", secret,
            "A further secret of that installation.";
        AUTH_SECRET_3: Secret = "AUTH_SECRET_3", Secret,
            "any text", without "not set", secret,
            "A further secret of that installation.";
        DEFAULT_ROLE: OneOf<Option<Role>> = "AUTH_DEFAULT_ROLE", OneOf(&[("none", None), ("staff", Some(Role::Staff)), ("viewer", Some(Role::Viewer))]),
            "staff, viewer or none", default "none",
            "The role of users who sign in through Auth.js or OpenID Connect and have no role there. With \
            none they get no access, which is safer where anyone can register there.";
        OIDC_ISSUER: By<IssuerUrl> = "OIDC_ISSUER", By(issuer, None),
            "the provider's https:// issuer URL", without "no external sign-in",
            "The OpenID Connect provider users can sign in with.";
        OIDC_CLIENT_ID: Text = "OIDC_CLIENT_ID", Text,
            "any text", without "not set",
            "This app's client ID at that provider. The redirect URI is /sign-in/oidc/callback.";
        OIDC_CLIENT_SECRET: Secret = "OIDC_CLIENT_SECRET", Secret,
            "any text", without "not set", secret,
            "The client secret, if there is one.";
        OIDC_DOMAINS: By<BTreeSet<String>> = "OIDC_ALLOWED_DOMAINS", By(host::read_names, Some(listed)),
            "comma-separated domains, for example shop.example", without "any address",
            "Domains of the email addresses that may sign in there. The provider must have verified the address.";
        OIDC_OWNERS: By<BTreeSet<String>> = "OIDC_OWNERS", By(mail_addresses, Some(listed)),
            "comma-separated email addresses, for example ada@shop.example", without "no owners by email address",
            "Email addresses of the users who are owners when they sign in there. The provider must have verified the address.";
        PASSWORDS: OneOf<bool> = "AUTH_PASSWORDS", OneOf(&[("on", true), ("off", false)]),
            "on or off", default "on",
            "Whether local accounts can sign in with passwords. With off, they need a passkey; OIDC_ISSUER and Auth.js are not affected.";
        PASSKEYS: OneOf<PasskeyPolicy> = "AUTH_PASSKEYS", OneOf(&[("off", PasskeyPolicy::Off), ("optional", PasskeyPolicy::Optional), ("required", PasskeyPolicy::Required)]),
            "off, optional or required", default "optional",
            "Whether local accounts can or must sign in with passkeys. With required, a password alone gives no access. Passkeys need an https:// host name, or localhost, in NEXTAUTH_URL.";
        OIDC_SESSION_AGE: Between = "OIDC_SESSION_MAX_AGE", Between(MINUTE, LONGEST),
            "a duration of 1m or more, for example 12h", default "12h",
            "How long a session through that provider lasts before the user must sign in there again.";
        CONTACT: Text = "ACCESS_CONTACT", Text,
            "any text, for example it@shop.example", without "the owner",
            "The person or address that the sign-in page names for requesting access.";
        OIDC_NAME: Text = "OIDC_NAME", Text,
            "any text", without "its host",
            "The provider's name on the sign-in page.";
    }
}

group! {
    /// Limits and times of progress streams.
    #[derive(Clone, Debug)]
    SseConfig {
        heartbeat: Duration = "SSE_HEARTBEAT", Between(SECOND, secs(15)),
            "a duration from 1s to 15s", default "12s",
            "How often a progress stream sends a heartbeat.";
        max_duration: Option<Duration> = "SSE_MAX_DURATION", OrNever,
            "a duration of at least 1s, or 0 for never", without "0, on Vercel 280s" or max_duration,
            "When a progress stream is closed so that the browser reconnects, shortly before the host would \
            close it.";
        write_timeout: Duration = "SSE_WRITE_TIMEOUT", Between(SECOND, secs(600)),
            "a duration from 1s to 10m", default "30s",
            "How long a client may leave sent data unread before it is disconnected.";
        max_streams: usize = "SSE_MAX_STREAMS", AtLeast(1),
            "a whole number of 1 or more", default "100000",
            "Maximum number of open progress streams.";
        max_streams_per_user: usize = "SSE_MAX_STREAMS_PER_USER", AtLeast(1),
            "a whole number of 1 or more", default "200",
            "Maximum number of open progress streams per user.";
        max_streams_per_address: usize = "SSE_MAX_STREAMS_PER_ADDRESS", AtLeast(1),
            "a whole number of 1 or more", default "2000",
            "Maximum number of open progress streams per IP address.";
        max_jobs: usize = "SSE_MAX_JOBS_PER_STREAM", AtLeast(1),
            "a whole number of 1 or more", default "200",
            "Maximum number of jobs that one stream can follow.";
    }
}

group! {
    /// Limits and times of the relay.
    #[derive(Clone, Debug)]
    RelayConfig {
        max_message: usize = "RELAY_MAX_MESSAGE", MemorySize,
            "a size, for example 4MiB", default "4MiB",
            "The largest message accepted from the price monitor. A larger one closes the connection.";
        max_jobs: usize = "RELAY_MAX_JOBS", AtLeast(1),
            "a whole number of 1 or more", default "10000",
            "Maximum number of jobs followed at once.";
        grace: Duration = "RELAY_GRACE", Between(Duration::ZERO, HOUR),
            "a duration from 0s to 1h", default "30s",
            "How long a job is still followed after its last subscriber has left.";
        poll_interval: Duration = "RELAY_POLL_INTERVAL", Between(Duration::from_millis(100), secs(300)),
            "a duration from 100ms to 5m", default "3s",
            "How often the price monitor's REST API is polled while its socket is down.";
        settle_interval: Duration = "RELAY_SETTLE_INTERVAL", Between(SECOND, HOUR),
            "a duration from 1s to 1h", default "20s",
            "How long a followed job may go without a message before the REST API is asked whether it has finished.";
        forgotten_after: Duration = "RELAY_FORGOTTEN_AFTER", Between(SECOND, HOUR),
            "a duration from 1s to 1h", default "30s",
            "How long the price monitor's REST API may answer 404 for an import before it counts as failed.";
        unwatched_interval: Duration = "RELAY_UNWATCHED_INTERVAL", Between(SECOND, HOUR),
            "a duration from 1s to 1h", default "5s",
            "How often the price monitor's REST API is polled for unfinished imports without subscribers, a few \
            at a time.";
        unwatched_jobs: usize = "RELAY_UNWATCHED_JOBS", AtLeast(0),
            "a whole number", default "1000" or unwatched_jobs,
            "Maximum number of unfinished imports without subscribers that are joined at the price monitor; the others \
             are followed by REST only.";
        rest_concurrency: usize = "RELAY_REST_CONCURRENCY", AtLeast(1),
            "a whole number of 1 or more", default "8",
            "How many jobs the price monitor's REST API is asked about at once.";
    }
}

group! {
    /// Metrics and traces.
    #[derive(Clone, Debug)]
    TelemetryConfig {
        metrics_token: Option<SecretString> = "METRICS_TOKEN", VisibleSecret,
            "visible ASCII characters", without "no token", secret,
            "The bearer token required by /metrics. Without one it only answers this machine.";
        otlp_endpoint: Option<CollectorUrl> = "OTEL_EXPORTER_OTLP_ENDPOINT", By(CollectorUrl::parse, Some(CollectorUrl::shown)),
            "an http:// or https:// URL, for example http://localhost:4318", without "no traces are sent", secret,
            "The OpenTelemetry collector that traces are sent to (OTLP over HTTP).";
    }
}

group! {
    /// Format and filter of logs.
    #[derive(Clone, Debug)]
    LogConfig {
        filter: String = "RUST_LOG", By(log_filter, Some(Clone::clone)),
            "tracing's filter directives", default "info",
            "Which messages are logged.";
        json: bool = "LOG_FORMAT", OneOf(&[("pretty", false), ("json", true)]),
            "pretty or json", default "pretty",
            "The format of the log.";
    }
}
