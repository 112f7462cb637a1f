//! Prints settings for `--help`, `--check-config` and `.env.example`.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{Config, settings};

const WIDTH: usize = 100;

/// Lists every setting: meaning, accepted values and default.
#[must_use]
pub fn help() -> String {
    let mut help = "Settings, from the environment or a .env file:\n".to_owned();
    for setting in settings() {
        // Writing to a `String` cannot fail.
        let _ = write!(
            help,
            "\n  {}\n      {}\n      Takes {}. Default: {}.\n",
            setting.name,
            setting.meaning,
            setting.takes,
            setting.default.text()
        );
    }
    help.push_str("\nAlso read from the environment:\n");
    for (names, meaning) in FROM_OUTSIDE {
        let _ = write!(help, "\n  {names}\n      {meaning}\n");
    }
    help
}

/// Environment variables that the platform sets, or that belong to other software.
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

/// Returns an example `.env` file with every setting commented out.
#[must_use]
pub fn env_example() -> String {
    let mut example =
        "# Every setting with its default. Copy this file to .env and remove the leading \
        # from what you\n# change; `import-relay --check-config` shows the effective settings.\n"
            .to_owned();
    for setting in settings() {
        example.push('\n');
        for sentence in [
            setting.meaning.to_owned(),
            format!("Takes {}.", setting.takes),
        ] {
            comment(&mut example, &sentence);
        }
        let _ = match setting.default.value() {
            Some(default) => writeln!(example, "#{}={default}", setting.name),
            None => {
                comment(
                    &mut example,
                    &format!("Default: {}.", setting.default.text()),
                );
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

/// The effective value of each setting, as text without secrets.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing(BTreeMap<&'static str, Held>);

#[derive(Clone, Debug)]
struct Held {
    is_set: bool,
    value: Option<String>,
}

impl Listing {
    pub(super) fn note(&mut self, name: &'static str, is_set: bool, value: Option<String>) {
        self.0.insert(name, Held { is_set, value });
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|held| held.is_set)
    }
}

impl Config {
    /// Lists the effective settings in their input form, without secrets.
    #[must_use]
    pub fn effective(&self) -> String {
        let mut list = String::new();
        for setting in settings() {
            let name = setting.name;
            let held = self.listing.0.get(name);
            let value = held.and_then(|held| held.value.as_deref());
            let _ = match value {
                Some(value) if self.listing.is_set(name) => writeln!(list, "{name}={value}"),
                Some(value) => writeln!(list, "{name}={value} # by default"),
                None => writeln!(list, "{name}= # {}", setting.default.text()),
            };
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_EXPECT=1` rewrites the file.
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
        for setting in settings() {
            let Some(default) = setting.default.value() else {
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
        Config::read(get).unwrap().effective()
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
        assert_eq!(list.lines().count(), settings().count());
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
                "MAIL_FROM",
                "MONITOR_PRICE_APP_HOST",
                "OIDC_CLIENT_ID",
                "OIDC_ISSUER",
                "OIDC_NAME",
                "OIDC_OWNERS",
                "TRUSTED_PROXIES",
            ];
            let is_secret = settings().any(|it| it.name == name && it.secret);
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

    /// A setting that is not read has no effect.
    #[test]
    fn every_setting_is_read() {
        let config = Config::read(|_| None).unwrap();
        let unread: Vec<_> = settings()
            .filter(|setting| !config.listing.0.contains_key(setting.name))
            .map(|setting| setting.name)
            .collect();
        assert!(unread.is_empty(), "{unread:?}");
    }

    #[test]
    fn help_lists_every_setting() {
        let help = help();
        for setting in settings() {
            assert!(help.contains(&format!("\n  {}\n", setting.name)));
        }
        for source in [include_str!("read.rs"), include_str!("../site/on_disk.rs")] {
            let names = source.split('"').skip(1).step_by(2);
            for name in names.filter(|name| name.starts_with("LEPTOS_")) {
                assert!(help.contains(name), "{name}");
            }
        }
    }
}
