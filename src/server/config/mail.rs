//! The mail server.

use std::fmt;

use lettre::message::Mailbox;
use url::Url;

use super::form::where_it_leads;
use crate::server::identity::host::is_loopback;

/// A mail server's URL with the password, in lettre's form.
#[derive(Clone, Eq, PartialEq)]
pub struct SmtpUrl(Url);

impl SmtpUrl {
    /// Parses `smtps://` (TLS from the start) or `smtp://`, which requires STARTTLS except on this machine or with
    /// `?tls=none`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut url = Url::parse(text).ok()?;
        let host = url.host_str().filter(|host| !host.is_empty())?.to_owned();
        let tls = url.query_pairs().find(|(name, _)| name == "tls");
        let tls = tls.map(|(_, value)| value.into_owned());
        match (url.scheme(), tls.as_deref()) {
            ("smtps", None) | ("smtp", Some("required" | "opportunistic")) => {}
            ("smtp", Some("none")) => url.set_query(None),
            ("smtp", None) if is_loopback(&host) => {}
            ("smtp", None) => url.set_query(Some("tls=required")),
            _ => return None,
        }
        Some(Self(url))
    }

    pub(in crate::server) fn expose(&self) -> &Url {
        &self.0
    }

    pub(super) fn shown(&self) -> String {
        where_it_leads(&self.0)
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// The mail server and the sender.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// The server.
    pub server: SmtpUrl,
    /// The sender.
    pub from: Mailbox,
}

pub(super) fn mailbox(text: &str) -> Option<Mailbox> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_sent_over_tls_unless_the_operator_says_otherwise() {
        let of = |text: &str| SmtpUrl::parse(text).map(|url| url.expose().to_string());
        let same = |text: &str| assert_eq!(of(text).as_deref(), Some(text));
        same("smtps://ada:secret@mail.example:465");
        same("smtp://127.0.0.1:1025");
        same("smtp://mail.example:587?tls=opportunistic");
        let upgraded = of("smtp://ada:secret@mail.example:587").unwrap();
        assert!(upgraded.ends_with("?tls=required"), "{upgraded}");
        let plain = of("smtp://mail.intranet?tls=none").unwrap();
        assert!(!plain.contains('?'), "{plain}");
        for bad in [
            "",
            "mail.example",
            "https://mail.example",
            "smtp://",
            "smtp://x?tls=maybe",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
        let shown = format!(
            "{:?}",
            SmtpUrl::parse("smtps://ada:secret@mail.example").unwrap()
        );
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_sender_has_an_address() {
        assert!(mailbox("Import Relay <relay@shop.example>").is_some());
        assert!(mailbox("relay@shop.example").is_some());
        assert!(mailbox("Import Relay").is_none());
    }
}
