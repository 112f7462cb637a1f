//! Forms of settings: parsing and printing of values.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use bytesize::ByteSize;
use ipnet::IpNet;
use openidconnect::IssuerUrl;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::{PublicUrl, SocketProtocol};
use crate::{model::changes::Percent, server::identity::host::is_loopback};

pub(super) trait Form {
    type Value;

    /// Returns `None` if the value is invalid.
    fn parse(&self, text: &str) -> Option<Self::Value>;

    /// Prints a value without secrets; `None` if only the original text represents it.
    fn show(&self, _: &Self::Value) -> Option<String> {
        None
    }
}

#[derive(Debug)]
pub(super) struct AtLeast<T>(pub(super) T);

impl<T: FromStr + PartialOrd + fmt::Display> Form for AtLeast<T> {
    type Value = T;

    fn parse(&self, text: &str) -> Option<T> {
        text.parse().ok().filter(|number| *number >= self.0)
    }

    fn show(&self, number: &T) -> Option<String> {
        Some(number.to_string())
    }
}

#[derive(Debug)]
pub(super) struct UpTo(pub(super) Percent);

impl Form for UpTo {
    type Value = Percent;

    fn parse(&self, text: &str) -> Option<Percent> {
        text.parse().ok().filter(|share| *share <= self.0)
    }

    fn show(&self, share: &Percent) -> Option<String> {
        Some(share.to_string())
    }
}

#[derive(Debug)]
pub(super) struct Between(pub(super) Duration, pub(super) Duration);

impl Form for Between {
    type Value = Duration;

    fn parse(&self, text: &str) -> Option<Duration> {
        duration(text).filter(|duration| (self.0..=self.1).contains(duration))
    }

    fn show(&self, value: &Duration) -> Option<String> {
        Some(shown_duration(*value))
    }
}

/// A duration of at least a second, or 0 for never.
#[derive(Debug)]
pub(super) struct OrNever;

impl Form for OrNever {
    type Value = Option<Duration>;

    fn parse(&self, text: &str) -> Option<Option<Duration>> {
        if text == "0" {
            return Some(None);
        }
        duration(text)
            .filter(|duration| *duration >= Duration::from_secs(1))
            .map(Some)
    }

    fn show(&self, value: &Option<Duration>) -> Option<String> {
        Some(value.map_or_else(|| "0".to_owned(), shown_duration))
    }
}

#[derive(Debug)]
pub(super) struct OrForever;

impl Form for OrForever {
    type Value = Option<Duration>;

    fn parse(&self, text: &str) -> Option<Option<Duration>> {
        if text == "forever" {
            return Some(None);
        }
        duration(text).map(Some)
    }

    fn show(&self, value: &Option<Duration>) -> Option<String> {
        Some(value.map_or_else(|| "forever".to_owned(), shown_duration))
    }
}

#[derive(Debug)]
pub(super) struct Size;

impl Form for Size {
    type Value = u64;

    fn parse(&self, text: &str) -> Option<u64> {
        text.parse::<ByteSize>()
            .ok()
            .map(|size| size.as_u64())
            .filter(|size| *size > 0)
    }

    fn show(&self, bytes: &u64) -> Option<String> {
        Some(shown_size(*bytes))
    }
}

/// A size of what is held in memory.
#[derive(Debug)]
pub(super) struct MemorySize;

impl Form for MemorySize {
    type Value = usize;

    fn parse(&self, text: &str) -> Option<usize> {
        Size.parse(text)
            .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    fn show(&self, bytes: &usize) -> Option<String> {
        Size.show(&u64::try_from(*bytes).ok()?)
    }
}

#[derive(Debug)]
pub(super) struct OneOf<T: 'static>(pub(super) &'static [(&'static str, T)]);

impl<T: Clone + PartialEq> Form for OneOf<T> {
    type Value = T;

    fn parse(&self, text: &str) -> Option<T> {
        let found = self.0.iter().find(|(word, _)| *word == text)?;
        Some(found.1.clone())
    }

    fn show(&self, value: &T) -> Option<String> {
        let found = self.0.iter().find(|(_, meant)| meant == value)?;
        Some(found.0.to_owned())
    }
}

#[derive(Debug)]
pub(super) struct Text;

impl Form for Text {
    type Value = String;

    fn parse(&self, text: &str) -> Option<String> {
        Some(text.to_owned())
    }
}

#[derive(Debug)]
pub(super) struct Secret;

impl Form for Secret {
    type Value = SecretString;

    fn parse(&self, text: &str) -> Option<SecretString> {
        Some(text.into())
    }
}

/// Visible ASCII characters; never printed.
#[derive(Debug)]
pub(super) struct VisibleSecret;

impl Form for VisibleSecret {
    type Value = SecretString;

    fn parse(&self, text: &str) -> Option<SecretString> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        is_visible.then(|| SecretString::from(text))
    }
}

/// A parser, and optionally a printer.
#[derive(Debug)]
pub(super) struct By<T>(
    pub(super) fn(&str) -> Option<T>,
    pub(super) Option<fn(&T) -> String>,
);

impl<T> Form for By<T> {
    type Value = T;

    fn parse(&self, text: &str) -> Option<T> {
        (self.0)(text)
    }

    fn show(&self, value: &T) -> Option<String> {
        self.1.map(|show| show(value))
    }
}

pub(super) fn socket_address(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

pub(super) fn log_filter(text: &str) -> Option<String> {
    EnvFilter::try_new(text).is_ok().then(|| text.to_owned())
}

pub(super) fn whole_address(url: &PublicUrl) -> String {
    url.address("")
}

pub(super) fn listed(names: &BTreeSet<String>) -> String {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    names.join(", ")
}

#[allow(clippy::ptr_arg)] // a form is given the value itself
pub(super) fn joined(networks: &Vec<IpNet>) -> String {
    let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
    networks.join(", ")
}

pub(super) fn networks(text: &str) -> Option<Vec<IpNet>> {
    text.split(',')
        .map(str::trim)
        .map(|one| {
            let address = one.parse::<IpAddr>().map(IpNet::from);
            address.or_else(|_| one.parse()).ok()
        })
        .collect()
}

/// Parses email addresses, lowercasing them.
pub(super) fn mail_addresses(text: &str) -> Option<BTreeSet<String>> {
    text.split(',')
        .map(|one| {
            let address = one.trim().to_lowercase();
            let (user, host) = address.split_once('@')?;
            let is_address = !user.is_empty()
                && !host.is_empty()
                && !address.contains(|c: char| c.is_whitespace() || c.is_control());
            is_address.then_some(address)
        })
        .collect()
}

/// Parses a provider's URL: https, or this machine (OpenID Connect Discovery 1.0, section 3).
pub(super) fn issuer(text: &str) -> Option<IssuerUrl> {
    let issuer = IssuerUrl::new(text.to_owned()).ok()?;
    let url = issuer.url();
    let host = url.host_str()?;
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(host);
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (is_safe && is_plain && url.fragment().is_none()).then_some(issuer)
}

/// Parses the service's URL: the scheme selects the socket protocol; REST is on the same host.
pub(super) fn monitor_url(text: &str) -> Option<(Url, SocketProtocol)> {
    let url = Url::parse(text).ok()?;
    let (rest_scheme, protocol) = match url.scheme() {
        "http" => ("http", SocketProtocol::SocketIo),
        "https" => ("https", SocketProtocol::SocketIo),
        "ws" => ("http", SocketProtocol::WebSocket),
        "wss" => ("https", SocketProtocol::WebSocket),
        _ => return None,
    };
    if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let rest = url
        .as_str()
        .split_once(':')
        .map(|(_, rest)| format!("{rest_scheme}:{rest}"))?;
    Url::parse(&rest).ok().map(|url| (url, protocol))
}

fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok()
}

fn shown_duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// Prints a size in the largest exact unit.
fn shown_size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    units
        .iter()
        .find(|(bits, _)| bytes > 0 && bytes.trailing_zeros() >= *bits)
        .map_or_else(
            || format!("{bytes}B"),
            |(bits, unit)| format!("{}{unit}", bytes >> bits),
        )
}

/// Removes user, password and query from a URL.
pub(super) fn where_it_leads(url: &Url) -> String {
    let user = if url.username().is_empty() && url.password().is_none() {
        ""
    } else {
        "***@"
    };
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    format!("{}://{user}{host}{port}{}", url.scheme(), url.path())
}

/// Removes user and password from a text that may be a URL.
pub(super) fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://***{}", &rest[user.len()..]),
        None => text.to_owned(),
    }
}
