//! Valid settings that are unwise.

use secrecy::{ExposeSecret, SecretString};

use super::{Config, Monitor};
use crate::server::identity::host::is_loopback;

/// Minimum characters of an offline-guessable secret.
const SECRET: usize = 32;
/// Minimum characters of a key or token, which is guessed over the network only.
const KEY: usize = 16;

impl Config {
    /// Returns warnings about unwise settings.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let is_short =
            |secret: &SecretString, least| secret.expose_secret().chars().count() < least;
        if self
            .auth
            .authjs_secrets
            .iter()
            .any(|it| is_short(it, SECRET))
        {
            warnings.push(format!(
                "AUTH_SECRET or NEXTAUTH_SECRET has fewer than {SECRET} characters: anyone who guesses \
                it can sign in as any user"
            ));
        }
        let key = self.encryption_key.as_ref();
        if key.is_some_and(|it| is_short(it, SECRET)) {
            warnings.push(format!(
                "ENCRYPTION_KEY has fewer than {SECRET} characters: anyone who guesses it can decrypt stored secrets"
            ));
        }
        let server = self.mail.as_ref().map(|mail| mail.server.expose());
        if let Some(server) = server
            && server.password().is_some()
            && server.scheme() == "smtp"
            && server.query() != Some("tls=required")
            && !server.host_str().is_some_and(is_loopback)
        {
            warnings.push("SMTP_URL may send its password unencrypted: use smtps".to_owned());
        }
        let metrics = self.telemetry.metrics_token.as_ref();
        if metrics.is_some_and(|it| is_short(it, KEY)) {
            warnings.push(format!("METRICS_TOKEN has fewer than {KEY} characters"));
        }
        let key = match &self.monitor {
            Monitor::Embedded { api_key } => api_key.as_ref(),
            Monitor::External(endpoint) => Some(&endpoint.api_key),
        };
        if key.is_some_and(|it| is_short(it, KEY)) {
            warnings.push(format!(
                "PRICE_MONITOR_API_KEY has fewer than {KEY} characters"
            ));
        }
        if let Monitor::External(endpoint) = &self.monitor {
            let host = endpoint.url.host_str().unwrap_or_default();
            if endpoint.url.scheme() == "http" && !is_loopback(host) {
                warnings.push(format!(
                    "MONITOR_PRICE_APP_HOST sends PRICE_MONITOR_API_KEY unencrypted to {host}: use https or wss"
                ));
            }
        }
        if self.listen.ip().is_unspecified() && !self.is_public_url_set {
            warnings.push(
                "LISTEN_ADDR is every address of this machine and NEXTAUTH_URL is not set: the app only \
                 answers to IP addresses, and its cookies are not Secure"
                    .to_owned(),
            );
        }
        let origin = self.public_url.origin();
        if self.is_public_url_set
            && !self.public_url.is_https()
            && !is_loopback(self.public_url.host())
        {
            warnings.push(format!(
                "NEXTAUTH_URL is {origin}: passwords and cookies are sent unencrypted"
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> Vec<String> {
        let config = Config::read(|name| {
            let found = set.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        });
        config.unwrap().warnings()
    }

    #[test]
    fn what_is_unwise_is_said_once_and_without_the_secret() {
        assert_eq!(of(&[]), [""; 0]);
        let key = ("PRICE_MONITOR_API_KEY", "0123456789abcdef");
        for (set, name) in [
            (vec![("AUTH_SECRET", "hunter2")], "AUTH_SECRET"),
            (vec![("METRICS_TOKEN", "hunter2")], "METRICS_TOKEN"),
            (vec![("ENCRYPTION_KEY", "hunter2")], "ENCRYPTION_KEY"),
            (
                vec![
                    ("SMTP_URL", "smtp://ada:hunter2@mail.example?tls=none"),
                    ("MAIL_FROM", "relay@shop.example"),
                ],
                "SMTP_URL",
            ),
            (
                vec![("PRICE_MONITOR_API_KEY", "hunter2")],
                "PRICE_MONITOR_API_KEY",
            ),
            (
                vec![("MONITOR_PRICE_APP_HOST", "http://monitor.example"), key],
                "MONITOR_PRICE_APP_HOST",
            ),
            (vec![("LISTEN_ADDR", "0.0.0.0:3000")], "LISTEN_ADDR"),
            (
                vec![("NEXTAUTH_URL", "http://relay.example")],
                "NEXTAUTH_URL",
            ),
        ] {
            let warnings = of(&set);
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains(name) && !warnings[0].contains("hunter2"));
        }
        for set in [
            vec![("MONITOR_PRICE_APP_HOST", "https://monitor.example"), key],
            vec![("MONITOR_PRICE_APP_HOST", "ws://127.0.0.1:4000"), key],
            vec![
                ("LISTEN_ADDR", "0.0.0.0:3000"),
                ("NEXTAUTH_URL", "https://relay.example"),
            ],
            vec![("AUTH_SECRET", "0123456789abcdef0123456789abcdef")],
            vec![
                ("SMTP_URL", "smtp://ada:hunter2@mail.example"),
                ("MAIL_FROM", "relay@shop.example"),
            ],
        ] {
            assert_eq!(of(&set), [""; 0], "{set:?}");
        }
    }
}
