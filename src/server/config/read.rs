//! Reads the settings.

use std::{cell::RefCell, path::PathBuf, time::Duration};

use secrecy::SecretString;

use super::{
    About, AuthConfig, Config, ConfigError, DatabaseUrl, MailConfig, Monitor, MonitorEndpoint,
    OidcConfig, PasskeyPolicy, PublicUrl, declare::Setting, form::Form, print::Listing, table::*,
};
use crate::model::base_path::BasePath;

impl Config {
    /// Reads the settings from a `.env` file and the environment, which wins.
    ///
    /// # Errors
    ///
    /// If a setting is invalid.
    pub fn from_env() -> Result<Self, ConfigError> {
        match dotenvy::dotenv() {
            Ok(_) => {}
            Err(error) if error.not_found() => {}
            // The error's text would show the line, which may have a secret.
            Err(dotenvy::Error::Io(error)) => return Err(ConfigError::DotEnv(error.to_string())),
            Err(_) => return Err(ConfigError::DotEnv("a line is not NAME=value".to_owned())),
        }
        // A value that is not UTF-8 would count as not set.
        for setting in settings() {
            if std::env::var_os(setting.name).is_some_and(|value| value.to_str().is_none()) {
                return Err(ConfigError::NotText {
                    name: setting.name,
                    takes: setting.takes,
                });
            }
        }
        Self::read(environment)
    }

    /// Reads the settings by `get`. An empty value counts as not set.
    ///
    /// # Errors
    ///
    /// If a setting is invalid.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let host = Host::find(&get);
        let env = Env::new(&get, host);
        // `cargo leptos watch` and `serve` set the listen address in their own variable.
        let told = get("LEPTOS_SITE_ADDR").and_then(|address| address.parse().ok());
        let listen = match told {
            Some(address) => env.read_or(&LISTEN, address)?,
            None => env.read(&LISTEN)?,
        };
        let data_dir = PathBuf::from(env.read(&DATA)?);
        let public_url = env.find(&PUBLIC_URL)?.or_else(|| host.public_url(&get));
        let is_public_url_set = public_url.is_some();
        let public_url = public_url.unwrap_or_else(|| PublicUrl {
            origin: format!("http://{listen}"),
            base: BasePath::default(),
        });
        env.note_default(&PUBLIC_URL, &public_url);
        let passkeys = passkeys(&env, &public_url)?;
        let file = DatabaseUrl::sqlite(&data_dir.join("import-relay.db"));
        Ok(Self {
            listen,
            is_public_url_set,
            public_url,
            http: HttpConfig::read(&env)?,
            database: env
                .read_or(&DATABASE, file)?
                .with_max_connections(env.read(&MAX_CONNECTIONS)?),
            monitor: monitor(&env)?,
            imports: ImportConfig::read(&env)?,
            webhook_hosts: env.read(&WEBHOOK_HOSTS)?,
            mail: mail(&env)?,
            encryption_key: env.find(&ENCRYPTION_KEY)?,
            space: SpaceLimits::read(&env)?,
            retention: Retention::read(&env)?,
            safety: SafetyLimits::read(&env)?,
            auth: AuthConfig {
                passwords: passwords(&env)?,
                passkeys,
                sessions: SessionLifetime::read(&env)?,
                authjs_secrets: authjs_secrets(&env)?,
                oidc: oidc(&env)?,
                default_role: env.read(&DEFAULT_ROLE)?,
                provider_session: env.read(&OIDC_SESSION_AGE)?,
                contact: env.find(&CONTACT)?,
            },
            sse: SseConfig::read(&env)?,
            relay: RelayConfig::read(&env)?,
            telemetry: TelemetryConfig::read(&env)?,
            log: LogConfig::read(&env)?,
            data_dir,
            listing: env.into_listing(),
        })
    }
}

/// Reads an environment variable.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Host {
    /// A long-running process.
    Machine,
    /// A function on Vercel. <https://vercel.com/docs/functions/limitations>
    Vercel,
}

impl Host {
    fn find(get: &impl Fn(&str) -> Option<String>) -> Self {
        match get("VERCEL").as_deref() {
            Some("1") => Self::Vercel,
            _ => Self::Machine,
        }
    }

    /// Vercel provides the app's URL without a scheme.
    fn public_url(self, get: &impl Fn(&str) -> Option<String>) -> Option<PublicUrl> {
        if self == Self::Machine {
            return None;
        }
        let name = get("VERCEL_PROJECT_PRODUCTION_URL").or_else(|| get("VERCEL_URL"))?;
        PublicUrl::parse(&format!("https://{name}"))
    }

    /// Vercel limits requests to 4.5 MB.
    pub(super) fn max_upload(self) -> u64 {
        match self {
            Self::Machine => 1 << 30,
            Self::Vercel => 4 << 20,
        }
    }

    /// Vercel limits functions to 300 s.
    pub(super) fn max_duration(self) -> Option<Duration> {
        (self == Self::Vercel).then_some(Duration::from_secs(280))
    }

    /// A function sleeps between requests and receives no events then.
    pub(super) fn unwatched_jobs(self) -> usize {
        match self {
            Self::Machine => 1_000,
            Self::Vercel => 0,
        }
    }
}

/// Reads settings, creates uniform errors, and records effective values.
pub(super) struct Env<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    pub(super) host: Host,
    listing: RefCell<Listing>,
}

impl<'a> Env<'a> {
    fn new(get: &'a dyn Fn(&str) -> Option<String>, host: Host) -> Self {
        Self {
            get,
            host,
            listing: RefCell::default(),
        }
    }

    fn into_listing(self) -> Listing {
        self.listing.into_inner()
    }

    pub(super) fn read<F: Form>(&self, setting: &Setting<F>) -> Result<F::Value, ConfigError> {
        if let Some(value) = self.find(setting)? {
            return Ok(value);
        }
        let about = &setting.about;
        let default = about.default.text();
        let value = setting
            .form
            .parse(default)
            .ok_or_else(|| about.bad(default))?;
        let shown = setting.form.show(&value);
        self.note(about, false, shown.or_else(|| Some(default.to_owned())));
        Ok(value)
    }

    /// Reads a setting with a computed default.
    pub(super) fn read_or<F: Form>(
        &self,
        setting: &Setting<F>,
        default: F::Value,
    ) -> Result<F::Value, ConfigError> {
        if let Some(value) = self.find(setting)? {
            return Ok(value);
        }
        self.note_default(setting, &default);
        Ok(default)
    }

    /// Reads a setting without a default.
    pub(super) fn find<F: Form>(
        &self,
        setting: &Setting<F>,
    ) -> Result<Option<F::Value>, ConfigError> {
        let about = &setting.about;
        let text = (self.get)(about.name).map(|text| text.trim().to_owned());
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            self.note(about, false, None);
            return Ok(None);
        };
        let value = setting.form.parse(&text).ok_or_else(|| about.bad(&text))?;
        let shown = setting
            .form
            .show(&value)
            .unwrap_or_else(|| if about.secret { "***".to_owned() } else { text });
        self.note(about, true, Some(shown));
        Ok(Some(value))
    }

    fn note_default<F: Form>(&self, setting: &Setting<F>, value: &F::Value) {
        if !self.listing.borrow().is_set(setting.about.name) {
            self.note(&setting.about, false, setting.form.show(value));
        }
    }

    fn note(&self, about: &About, is_set: bool, value: Option<String>) {
        self.listing.borrow_mut().note(about.name, is_set, value);
    }
}

/// Collects the secrets in the order in which Auth.js tries them.
fn authjs_secrets(env: &Env<'_>) -> Result<Vec<SecretString>, ConfigError> {
    let (main, other) = (env.find(&AUTH_SECRET)?, env.find(&NEXTAUTH_SECRET)?);
    let secrets = [
        env.find(&AUTH_SECRET_3)?,
        env.find(&AUTH_SECRET_2)?,
        env.find(&AUTH_SECRET_1)?,
        main.or(other),
    ];
    Ok(secrets.into_iter().flatten().collect())
}

fn oidc(env: &Env<'_>) -> Result<Option<OidcConfig>, ConfigError> {
    let issuer = env.find(&OIDC_ISSUER)?;
    let client_id = env.find(&OIDC_CLIENT_ID)?;
    let client_secret = env.find(&OIDC_CLIENT_SECRET)?;
    let name = env.find(&OIDC_NAME)?;
    let allowed_domains = env.find(&OIDC_DOMAINS)?.unwrap_or_default();
    let owners = env.find(&OIDC_OWNERS)?.unwrap_or_default();
    let Some(issuer) = issuer else {
        return Ok(None);
    };
    let host = issuer.url().host_str().unwrap_or_default().to_owned();
    Ok(Some(OidcConfig {
        client_id: client_id.ok_or(ConfigError::Missing {
            name: OIDC_CLIENT_ID.about.name,
            because: OIDC_ISSUER.about.name,
            takes: "what this app is called there",
        })?,
        client_secret,
        name: name.unwrap_or(host),
        allowed_domains,
        owners,
        issuer,
    }))
}

/// Without passwords another way to sign in is required.
fn passwords(env: &Env<'_>) -> Result<bool, ConfigError> {
    let passwords = env.read(&PASSWORDS)?;
    if passwords || env.find(&OIDC_ISSUER)?.is_some() || !authjs_secrets(env)?.is_empty() {
        return Ok(passwords);
    }
    Err(ConfigError::Missing {
        name: OIDC_ISSUER.about.name,
        because: "AUTH_PASSWORDS=off",
        takes: OIDC_ISSUER.about.takes,
    })
}

fn mail(env: &Env<'_>) -> Result<Option<MailConfig>, ConfigError> {
    let from = env.find(&MAIL_FROM)?;
    let Some(server) = env.find(&SMTP_URL)? else {
        return Ok(None);
    };
    let from = from.ok_or(ConfigError::Missing {
        name: MAIL_FROM.about.name,
        because: SMTP_URL.about.name,
        takes: MAIL_FROM.about.takes,
    })?;
    Ok(Some(MailConfig { server, from }))
}

/// Passkeys cannot be required where browsers have none for the app.
fn passkeys(env: &Env<'_>, public_url: &PublicUrl) -> Result<PasskeyPolicy, ConfigError> {
    let policy = env.read(&PASSKEYS)?;
    if policy == PasskeyPolicy::Required && public_url.passkey_host().is_none() {
        return Err(ConfigError::Bad {
            name: PASSKEYS.about.name,
            value: "\"required\"".to_owned(),
            takes: "a host name over https, or localhost, in NEXTAUTH_URL",
        });
    }
    Ok(policy)
}

fn monitor(env: &Env<'_>) -> Result<Monitor, ConfigError> {
    let api_key = env.find(&API_KEY)?;
    let Some((url, protocol)) = env.find(&MONITOR_HOST)? else {
        return Ok(Monitor::Embedded { api_key });
    };
    let api_key = api_key.ok_or(ConfigError::Missing {
        name: API_KEY.about.name,
        because: MONITOR_HOST.about.name,
        takes: "the key of that service",
    })?;
    Ok(Monitor::External(MonitorEndpoint {
        url,
        protocol,
        api_key,
    }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::server::config::{
        SocketProtocol,
        form::{monitor_url, without_user},
    };

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
        assert!(config.imports.max_upload < 4_500_000);
        assert_eq!(config.public_url.origin(), "https://relay.vercel.app");
        let set = read(&[("VERCEL", "1"), ("SSE_MAX_DURATION", "50s")]).unwrap();
        assert_eq!(set.sse.max_duration, Some(Duration::from_secs(50)));
    }

    #[test]
    fn other_origins_are_taken_as_browsers_write_them() {
        let origins = |text| read(&[("CORS_ORIGINS", text)]).unwrap().http.cors_origins;
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
            ("AUTH_PASSWORDS", "no"),
            ("OIDC_ISSUER", "http://accounts.example.com"),
            ("OIDC_ISSUER", "accounts.example.com"),
        ] {
            let text = read(&[(name, value)]).unwrap_err().to_string();
            let setting = settings().find(|setting| setting.name == name).unwrap();
            assert_eq!(
                text,
                format!("{name} is {value:?}; expected {}", setting.takes)
            );
        }
    }

    #[test]
    fn without_passwords_there_is_another_way_in() {
        let off = ("AUTH_PASSWORDS", "off");
        let text = read(&[off]).unwrap_err().to_string();
        assert!(text.starts_with("OIDC_ISSUER is not set"), "{text}");
        let issuer = ("OIDC_ISSUER", "https://accounts.example.com");
        let client = ("OIDC_CLIENT_ID", "shop");
        for way in [&[off, issuer, client][..], &[off, ("AUTH_SECRET", "x")]] {
            assert!(!read(way).unwrap().auth.passwords);
        }
        assert!(read(&[]).unwrap().auth.passwords);
        let owners = |text| read(&[issuer, client, ("OIDC_OWNERS", text)]);
        let config = owners("Ada@shop.example, eve@shop.example").unwrap();
        let named = config.auth.oidc.unwrap().owners;
        assert!(named.len() == 2 && named.contains("ada@shop.example"));
        for bad in ["ada", "@shop.example", "a@b c", "a@b,"] {
            assert!(owners(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn passkeys_are_required_only_where_a_browser_has_them() {
        let required = ("AUTH_PASSKEYS", "required");
        for url in [
            "http://127.0.0.1:3000",
            "https://192.0.2.1",
            "http://[::1]:3000",
            "http://relay.example",
        ] {
            let read = |policy| read(&[("NEXTAUTH_URL", url), ("AUTH_PASSKEYS", policy)]);
            let text = read("required").unwrap_err().to_string();
            assert!(text.starts_with("AUTH_PASSKEYS is \"required\";"), "{text}");
            assert!(read("optional").is_ok() && read("off").is_ok(), "{url}");
        }
        for url in [
            "https://relay.example",
            "https://relay.example:8443/import",
            "http://localhost:3000",
            "http://relay.localhost:3000",
        ] {
            let config = read(&[("NEXTAUTH_URL", url), required]).unwrap();
            assert_eq!(config.auth.passkeys, PasskeyPolicy::Required, "{url}");
        }
        assert!(read(&[required]).is_err(), "by default it is an address");
        let config = read(&[]).unwrap();
        assert_eq!(config.auth.passkeys, PasskeyPolicy::Optional);
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

    /// vercel.json limits the duration of `api/index.rs`.
    #[test]
    fn a_stream_on_vercel_ends_before_its_function_is_killed() {
        let vercel: serde_json::Value =
            serde_json::from_str(include_str!("../../../vercel.json")).unwrap();
        let limit = vercel["functions"]["api/index.rs"]["maxDuration"].as_u64();
        let limit = Duration::from_secs(limit.unwrap());
        let ends = Host::Vercel.max_duration().unwrap();
        assert!(
            ends + Duration::from_secs(10) <= limit,
            "{ends:?} {limit:?}"
        );
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
            .http
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
        let mut names: Vec<_> = settings().map(|setting| setting.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), settings().count());
    }
}
