//! The settings as text: for `--help`, `--check-config` and `.env.example`.

use std::{fmt::Write as _, time::Duration};

use super::{Config, SETTINGS, Setting};

/// Where no more room is for a comment's line.
const WIDTH: usize = 100;

/// Lists every setting: what it is for, what it takes, and what holds without it.
#[must_use]
pub fn help() -> String {
    let mut help = "Settings, from the environment or a .env file:\n".to_owned();
    for setting in SETTINGS {
        // Writing to a String does not fail.
        let _ = write!(
            help,
            "\n  {}\n      {}\n      Takes {}. Default: {}.\n",
            setting.name, setting.meaning, setting.takes, setting.default
        );
    }
    help.push_str("\nAlso read from the environment:\n");
    for (names, meaning) in FROM_OUTSIDE {
        let _ = write!(help, "\n  {names}\n      {meaning}\n");
    }
    help
}

/// What is read of the environment that is nobody's to set by hand, or not ours.
const FROM_OUTSIDE: [(&str, &str); 4] = [
    (
        "LEPTOS_SITE_ROOT",
        "Where the compiled site is, unless it is built into the program. Default: target/site.",
    ),
    (
        "LEPTOS_OUTPUT_NAME, LEPTOS_SITE_ADDR",
        "Set by cargo leptos when it runs the program.",
    ),
    (
        "VERCEL, VERCEL_URL, VERCEL_PROJECT_PRODUCTION_URL",
        "Set by Vercel. With VERCEL=1 the defaults match its functions' limits.",
    ),
    (
        "HTTP_PROXY, HTTPS_PROXY, NO_PROXY",
        "The proxy used to reach the price monitor.",
    ),
];

/// Returns an example of a `.env` file with every setting, none of them set.
#[must_use]
pub fn env_example() -> String {
    let mut example =
        "# Every setting with its default. Copy this file to .env and remove the leading \
        # from what you\n# change; `import-relay --check-config` shows the effective settings.\n"
            .to_owned();
    for setting in SETTINGS {
        example.push('\n');
        for sentence in [
            setting.meaning.to_owned(),
            format!("Takes {}.", setting.takes),
        ] {
            comment(&mut example, &sentence);
        }
        let _ = match setting.default_value() {
            Some(default) => writeln!(example, "#{}={default}", setting.name),
            None => {
                comment(&mut example, &format!("Default: {}.", setting.default));
                writeln!(example, "#{}=", setting.name)
            }
        };
    }
    example
}

fn comment(text: &mut String, sentence: &str) {
    let mut line = String::from("#");
    for word in sentence.split(' ') {
        if line.len() + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

/// Lists what holds, setting by setting, in a form that the settings take: what was set or what holds
/// without it, and no secrets. `get` says what is set.
#[must_use]
pub fn effective(config: &Config, get: impl Fn(&str) -> Option<String>) -> String {
    let mut list = String::new();
    for setting in SETTINGS {
        let set = get(setting.name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty());
        let is_set = set.is_some();
        let holds = config
            .shown(setting)
            .or_else(|| {
                set.map(|value| {
                    if setting.secret {
                        "***".to_owned()
                    } else {
                        value
                    }
                })
            })
            .or_else(|| setting.default_value().map(str::to_owned));
        let _ = match holds {
            Some(value) if is_set => writeln!(list, "{}={value}", setting.name),
            Some(value) => writeln!(list, "{}={value} # by default", setting.name),
            None => writeln!(list, "{}= # {}", setting.name, setting.default),
        };
    }
    list
}

impl Config {
    /// Returns what holds of a setting, as far as that is known here: of one that is shown as it was
    /// set, or only as being set, nothing.
    fn shown(&self, setting: &Setting) -> Option<String> {
        let (sessions, sse, relay) = (&self.auth.sessions, &self.sse, &self.relay);
        Some(match setting.name {
            "NEXTAUTH_URL" => self.public_url.address(""),
            "CORS_ORIGINS" if !self.cors_origins.is_empty() => {
                self.cors_origins.iter().collect::<Vec<_>>().join(", ")
            }
            "ALLOWED_HOSTS" if !self.allowed_hosts.is_empty() => {
                let hosts: Vec<_> = self.allowed_hosts.iter().map(String::as_str).collect();
                hosts.join(", ")
            }
            "DATABASE_URL" => self.database.shown(),
            "DATABASE_MAX_CONNECTIONS" => self.database.max_connections().to_string(),
            "LISTEN_ADDR" => self.listen.to_string(),
            "DATA_DIR" => self.data_dir.display().to_string(),
            "MAX_UPLOAD_SIZE" => size(self.max_upload),
            "IMPORT_URL_HOSTS" if !self.import_hosts.is_empty() => self.import_hosts.to_string(),
            "IMPORTS_PER_USER" => self.imports_per_user.to_string(),
            "IMPORT_MAX_RATE" => self.import_max_rate?.to_string(),
            "UPLOAD_RETENTION" => duration(self.retention.uploads),
            "ROWS_RETENTION" => retention(self.retention.rows),
            "CHANGES_RETENTION" => retention(self.retention.changes),
            "IMPORT_RETENTION" => retention(self.retention.imports),
            "DELETED_RETENTION" => retention(self.retention.deleted),
            "AUDIT_RETENTION" => retention(self.retention.audit),
            "SESSION_MAX_AGE" => duration(sessions.absolute),
            "SESSION_IDLE_TIMEOUT" => duration(sessions.idle),
            "TRUSTED_PROXIES" if !self.trusted_proxies.is_empty() => self
                .trusted_proxies
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
            "SSE_HEARTBEAT" => duration(sse.heartbeat),
            "SSE_MAX_DURATION" => sse.max_duration.map_or_else(|| "0".to_owned(), duration),
            "SSE_WRITE_TIMEOUT" => duration(sse.write_timeout),
            "SSE_MAX_STREAMS" => sse.max_streams.to_string(),
            "SSE_MAX_STREAMS_PER_USER" => sse.max_streams_per_user.to_string(),
            "SSE_MAX_STREAMS_PER_ADDRESS" => sse.max_streams_per_address.to_string(),
            "SSE_MAX_JOBS_PER_STREAM" => sse.max_jobs.to_string(),
            "RELAY_MAX_MESSAGE" => size(relay.max_message as u64),
            "RELAY_MAX_JOBS" => relay.max_jobs.to_string(),
            "RELAY_GRACE" => duration(relay.grace),
            "RELAY_POLL_INTERVAL" => duration(relay.poll_interval),
            "RELAY_SETTLE_INTERVAL" => duration(relay.settle_interval),
            "RELAY_FORGOTTEN_AFTER" => duration(relay.forgotten_after),
            "RELAY_UNWATCHED_INTERVAL" => duration(relay.unwatched_interval),
            "SHUTDOWN_DRAIN" => duration(self.drain),
            "OTEL_EXPORTER_OTLP_ENDPOINT" => self.telemetry.otlp_endpoint.as_ref()?.shown(),
            "RUST_LOG" => self.log.filter.clone(),
            "LOG_FORMAT" => if self.log.json { "json" } else { "pretty" }.to_owned(),
            _ => return None,
        })
    }
}

fn duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

fn retention(kept: Option<Duration>) -> String {
    kept.map_or_else(|| "forever".to_owned(), duration)
}

/// Says a size in the largest unit that says it exactly.
fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    units
        .iter()
        .find(|(bits, _)| bytes > 0 && bytes.trailing_zeros() >= *bits)
        .map_or_else(
            || format!("{bytes}B"),
            |(bits, unit)| format!("{}{unit}", bytes >> bits),
        )
}

impl Setting {
    /// Returns the default where it is a value that the setting takes, not a description of one.
    fn default_value(&self) -> Option<&'static str> {
        (!self.default.contains(' ')).then_some(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run with `UPDATE_EXPECT=1` to write the file anew.
    #[test]
    fn the_example_of_a_dotenv_file_lists_every_setting() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, env_example()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == env_example(),
            ".env.example is not what the settings say: \
             UPDATE_EXPECT=1 cargo test --features ssr example_of_a_dotenv writes it"
        );
    }

    #[test]
    fn every_default_that_is_a_value_is_one_that_the_setting_takes() {
        for setting in SETTINGS {
            let Some(default) = setting.default_value() else {
                continue;
            };
            let read = Config::read(|name| (name == setting.name).then(|| default.to_owned()));
            assert!(read.is_ok(), "{}={default}: {read:?}", setting.name);
        }
    }

    fn listed(set: &[(&str, &str)]) -> String {
        let get = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        };
        effective(&Config::read(get).unwrap(), get)
    }

    #[test]
    fn what_holds_is_listed_without_secrets() {
        let list = listed(&[
            (
                "DATABASE_URL",
                "postgres://ada:hunter2@db:5433/import?password=hunter2",
            ),
            ("PRICE_MONITOR_API_KEY", "https://hunter2.example"),
            ("AUTH_SECRET", "https://a:b@hunter2"),
            ("METRICS_TOKEN", "sqlite:hunter2"),
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "http://ada:hunter2@collector:4318/x?key=hunter2",
            ),
            ("LISTEN_ADDR", " 0.0.0.0:80 "),
            ("MAX_UPLOAD_SIZE", "1500KiB"),
        ]);
        assert!(!list.contains("hunter2"), "{list}");
        for line in [
            "DATABASE_URL=postgres://***@db:5433/import",
            "PRICE_MONITOR_API_KEY=***",
            "AUTH_SECRET=***",
            "METRICS_TOKEN=***",
            "OTEL_EXPORTER_OTLP_ENDPOINT=http://***@collector:4318/x",
            "LISTEN_ADDR=0.0.0.0:80",
            "NEXTAUTH_URL=http://0.0.0.0:80 # by default",
            "MAX_UPLOAD_SIZE=1500KiB",
            "SSE_HEARTBEAT=12s # by default",
            "SSE_MAX_DURATION=0 # by default",
            "MONITOR_PRICE_APP_HOST= # the embedded price monitor",
        ] {
            assert!(
                list.lines().any(|it| it == line),
                "{line} is not in\n{list}"
            );
        }
        assert_eq!(list.lines().count(), SETTINGS.len());
    }

    #[test]
    fn what_holds_on_vercel_is_listed_as_it_holds_there() {
        let list = listed(&[("VERCEL", "1")]);
        for line in [
            "SSE_MAX_DURATION=4m 40s # by default",
            "MAX_UPLOAD_SIZE=4MiB # by default",
        ] {
            assert!(
                list.lines().any(|it| it == line),
                "{line} is not in\n{list}"
            );
        }
    }

    #[test]
    fn every_setting_has_a_value_unless_nothing_holds_without_it() {
        let list = listed(&[]);
        let without: Vec<_> = list
            .lines()
            .filter_map(|line| line.split_once("= # "))
            .map(|(name, _)| name)
            .collect();
        for name in without {
            let of_its_own = [
                "ACCESS_CONTACT",
                "ALLOWED_HOSTS",
                "OIDC_ALLOWED_DOMAINS",
                "CORS_ORIGINS",
                "IMPORT_MAX_RATE",
                "IMPORT_URL_HOSTS",
                "MONITOR_PRICE_APP_HOST",
                "OIDC_CLIENT_ID",
                "OIDC_ISSUER",
                "OIDC_NAME",
                "TRUSTED_PROXIES",
            ];
            let is_secret = SETTINGS.iter().any(|it| it.name == name && it.secret);
            assert!(is_secret || of_its_own.contains(&name), "{name}\n{list}");
        }
    }

    #[test]
    fn what_is_listed_can_be_set_and_comes_to_the_same() {
        let list = listed(&[("MAX_UPLOAD_SIZE", "1234567B"), ("SSE_HEARTBEAT", "1500ms")]);
        let set: Vec<_> = list
            .lines()
            .filter_map(|line| line.trim_end_matches(" # by default").split_once('='))
            .filter(|(_, value)| !value.starts_with(" #"))
            .collect();
        let again = listed(&set);
        assert_eq!(again, list.replace(" # by default", ""));
    }

    #[test]
    fn help_lists_every_setting() {
        let help = help();
        for setting in SETTINGS {
            assert!(help.contains(&format!("\n  {}\n", setting.name)));
        }
        for source in [include_str!("mod.rs"), include_str!("../site/on_disk.rs")] {
            let names = source.split('"').skip(1).step_by(2);
            for name in names.filter(|name| name.starts_with("LEPTOS_")) {
                assert!(help.contains(name), "{name}");
            }
        }
    }
}
