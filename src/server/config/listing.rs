//! The settings as text: for `--help`, `--check-config` and `.env.example`.

use std::fmt::Write as _;

use url::Url;

use super::{SETTINGS, Setting};

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
    help
}

/// Returns an example of a `.env` file with every setting, none of them set.
#[must_use]
pub fn env_example() -> String {
    let mut example = "\
        # Every setting, with what holds when it is not set. Copy this file to .env and take the\n\
        # leading # off what you change; `import-relay --check-config` shows what comes of it.\n"
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

/// Lists what holds, setting by setting: the value that is set, without its secrets, or the default.
#[must_use]
pub fn effective(get: impl Fn(&str) -> Option<String>) -> String {
    let mut list = String::new();
    for setting in SETTINGS {
        let value = get(setting.name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty());
        let _ = match value {
            Some(value) if setting.secret => {
                writeln!(list, "{}={}", setting.name, without_secrets(&value))
            }
            Some(value) => writeln!(list, "{}={value}", setting.name),
            None => match setting.default_value() {
                Some(default) => writeln!(list, "{}={default} # by default", setting.name),
                None => writeln!(list, "{}= # {}", setting.name, setting.default),
            },
        };
    }
    list
}

/// Leaves of an address what says where it leads, and nothing of any other secret.
fn without_secrets(value: &str) -> String {
    if value.starts_with("sqlite:") {
        return value.to_owned();
    }
    match Url::parse(value) {
        Ok(url) if url.has_host() => {
            let port = url
                .port()
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            let host = url.host_str().unwrap_or_default();
            format!("{}://***@{host}{port}{}", url.scheme(), url.path())
        }
        _ => "***".to_owned(),
    }
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
    use crate::server::config::Config;

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

    #[test]
    fn what_holds_is_listed_without_secrets() {
        let set = [
            (
                "DATABASE_URL",
                "postgres://ada:hunter2@db:5433/import?password=hunter2",
            ),
            ("PRICE_MONITOR_API_KEY", "hunter2"),
            ("LISTEN_ADDR", " 0.0.0.0:80 "),
        ];
        let list = effective(|name| {
            let found = set.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        });
        assert!(!list.contains("hunter2"), "{list}");
        for line in [
            "DATABASE_URL=postgres://***@db:5433/import",
            "PRICE_MONITOR_API_KEY=***",
            "LISTEN_ADDR=0.0.0.0:80",
            "SSE_HEARTBEAT=12s # by default",
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
    fn help_lists_every_setting() {
        let help = help();
        for setting in SETTINGS {
            assert!(help.contains(&format!("\n  {}\n", setting.name)));
        }
    }
}
