//! Product files that are fetched from an address which somebody gave us.
//!
//! Such an address may be meant for what this server alone can reach (OWASP, *Server-Side Request
//! Forgery*). So it is https, its host is one that the operator allows, and what the host's name resolves
//! to is public; each is looked at anew where one address sends us to another. The name is resolved once,
//! for the look and for the connection.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use crate::server::config::RemoteHosts;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use percent_encoding::percent_decode_str;
use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
    redirect::Policy,
};
use thiserror::Error;
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other side may say nothing.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take in all.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);
const MAX_REDIRECTS: usize = 5;

/// Why a file cannot be fetched. The texts are for users.
#[derive(Clone, Debug, Error)]
pub(crate) enum RemoteError {
    #[error("Importing from a URL is disabled.")]
    Off,
    #[error("The URL must start with https:// and must not contain a password.")]
    NotHttps,
    #[error("Importing from this host is not allowed.")]
    HostNotAllowed,
    #[error("Too many redirects.")]
    TooManyRedirects,
    #[error("The URL can't be reached.")]
    Unreachable,
    #[error("The URL returned status {0} instead of a file.")]
    Status(u16),
    #[error("The URL points to a web page, not to a product file.")]
    WebPage,
    #[error("The download was interrupted. Try again.")]
    Broken,
}

/// Checks that an address may be asked, as far as that is to be seen in it.
fn check(hosts: &RemoteHosts, url: &Url) -> Result<(), RemoteError> {
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(RemoteError::NotHttps);
    }
    let host = url.host().ok_or(RemoteError::NotHttps)?;
    let is_public = match host {
        // What a name stands for is seen when it is resolved.
        Host::Domain(_) => true,
        Host::Ipv4(address) => is_public(address.into()),
        Host::Ipv6(address) => is_public(address.into()),
    };
    if hosts.is_named(&host.to_string()) || hosts.any_public() && is_public {
        Ok(())
    } else {
        Err(RemoteError::HostNotAllowed)
    }
}

/// A name stands for nothing that may be asked.
#[derive(Debug, Error)]
#[error("no public address")]
struct NotPublic;

/// Resolves names to what may be asked.
#[derive(Debug)]
struct Resolver(RemoteHosts);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let hosts = self.0.clone();
        Box::pin(async move {
            let name = name.as_str();
            let found = tokio::net::lookup_host((name, 0)).await?;
            let is_named = hosts.is_named(name);
            let may_be_asked: Vec<_> = found
                .filter(|address| is_named || is_public(address.ip()))
                .collect();
            if may_be_asked.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(may_be_asked.into_iter()) as Addrs)
        })
    }
}

/// A file that begins to come in.
pub(crate) struct RemoteFile {
    /// The end of its address.
    pub(crate) name: String,
    /// How long it says it is, in bytes.
    pub(crate) length: Option<u64>,
    response: Response,
}

impl RemoteFile {
    /// What is in the file. Dropping it ends the connection.
    pub(crate) fn into_stream(
        self,
    ) -> impl Stream<Item = Result<Bytes, RemoteError>> + Send + 'static {
        let stream = self.response.bytes_stream();
        stream.map_err(|error| {
            // An address may hold a secret.
            let error = error.without_url();
            tracing::info!(
                error = &error as &dyn std::error::Error,
                "a download was interrupted"
            );
            RemoteError::Broken
        })
    }
}

/// Fetches product files from the hosts that are allowed, each over a connection of its own.
#[derive(Clone, Debug)]
pub struct RemoteFiles {
    /// There where there is a host to fetch from.
    client: Option<Client>,
    hosts: RemoteHosts,
}

impl RemoteFiles {
    /// # Errors
    ///
    /// When the system's certificates cannot be read.
    pub(crate) fn new(hosts: RemoteHosts) -> reqwest::Result<Self> {
        let client = if hosts.is_empty() {
            None
        } else {
            Some(client(&hosts)?)
        };
        Ok(Self { client, hosts })
    }

    /// Returns whether there is a host that files may be fetched from.
    pub(crate) fn is_on(&self) -> bool {
        self.client.is_some()
    }

    /// Asks for a file, and for what its address leads to.
    pub(crate) async fn open(&self, address: &str) -> Result<RemoteFile, RemoteError> {
        let client = self.client.as_ref().ok_or(RemoteError::Off)?;
        let mut url = Url::parse(address.trim()).map_err(|_| RemoteError::NotHttps)?;
        for _ in 0..=MAX_REDIRECTS {
            check(&self.hosts, &url)?;
            let answer = client.get(url.clone()).send().await;
            let response = answer.map_err(not_reached)?;
            let status = response.status();
            if !status.is_redirection() {
                return if status.is_success() {
                    begun(&url, response)
                } else {
                    Err(RemoteError::Status(status.as_u16()))
                };
            }
            let next = response.headers().get(header::LOCATION);
            let next = next.and_then(|next| next.to_str().ok());
            let next = next.and_then(|next| url.join(next).ok());
            url = next.ok_or(RemoteError::Status(status.as_u16()))?;
        }
        Err(RemoteError::TooManyRedirects)
    }
}

fn client(hosts: &RemoteHosts) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("import-relay/", env!("CARGO_PKG_VERSION")))
        .https_only(true)
        // A proxy would resolve the name once more, and by itself.
        .no_proxy()
        .redirect(Policy::none())
        .dns_resolver(Arc::new(Resolver(hosts.clone())))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(TIMEOUT)
        // Each file is a visit of its own.
        .pool_max_idle_per_host(0)
        .build()
}

fn begun(url: &Url, response: Response) -> Result<RemoteFile, RemoteError> {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_page = content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page {
        return Err(RemoteError::WebPage);
    }
    let last = url.path_segments().and_then(|mut parts| parts.next_back());
    let name = percent_decode_str(last.unwrap_or_default()).decode_utf8_lossy();
    Ok(RemoteFile {
        name: name.into_owned(),
        length: response.content_length(),
        response,
    })
}

fn not_reached(error: reqwest::Error) -> RemoteError {
    let error = error.without_url();
    tracing::info!(
        error = &error as &dyn std::error::Error,
        "cannot download a file"
    );
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        let wrapped = inner
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if inner.is::<NotPublic>() || wrapped.is_some_and(|it| it.is::<NotPublic>()) {
            return RemoteError::HostNotAllowed;
        }
        cause = inner.source();
    }
    RemoteError::Unreachable
}

/// Networks that are not the public internet: IANA's registries of special-purpose addresses
/// (RFC 6890), multicast (RFC 5771), and those that stand for addresses of IPv4 (RFC 3056, 4380, 6052).
static SPECIAL: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    let v4 = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 3),
    ];
    // Within 2000::/3, beside which there is nothing public.
    let v6 = [
        ([0x2001, 0], 23),
        ([0x2001, 0xdb8], 32),
        ([0x2002, 0], 16),
        ([0x3fff, 0], 20),
    ];
    let v4 = v4
        .into_iter()
        .map(|(octets, length)| Ipv4Net::new_assert(Ipv4Addr::from(octets), length).into());
    let v6 = v6.into_iter().map(|([first, second], length)| {
        let address = Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0);
        Ipv6Net::new_assert(address, length).into()
    });
    v4.chain(v6).collect()
});

fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_global = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => address.segments()[0] >> 13 == 1,
    };
    is_global && !SPECIAL.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_public_internet_is_known() {
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.100.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn an_address_is_looked_at_before_it_is_asked() {
        let check = |hosts: &str, address: &str| {
            let hosts = RemoteHosts::parse(hosts).unwrap();
            let checked = check(&hosts, &Url::parse(address).unwrap());
            checked.map_err(|error| error.to_string())
        };
        let ok = [
            ("*", "https://shop.example/feed.csv"),
            ("*", "https://1.1.1.1/feed.csv"),
            ("feeds.internal, 10.0.0.7", "https://feeds.internal:8443/x"),
            ("feeds.internal, 10.0.0.7", "https://10.0.0.7/x"),
            ("Feeds.Internal", "https://FEEDS.internal/x"),
        ];
        for (hosts, address) in ok {
            assert_eq!(check(hosts, address), Ok(()), "{hosts} {address}");
        }
        let refused = [
            ("*", "http://shop.example/feed.csv"),
            ("*", "file:///etc/passwd"),
            ("*", "https://ada:secret@shop.example/feed.csv"),
            ("*", "https://127.0.0.1/feed.csv"),
            ("*", "https://2130706433/feed.csv"),
            ("*", "https://0x7f.1/feed.csv"),
            ("*", "https://[::1]/feed.csv"),
            ("*", "https://[::ffff:10.0.0.1]/feed.csv"),
            ("feeds.internal", "https://shop.example/feed.csv"),
            ("feeds.internal", "https://a.feeds.internal/feed.csv"),
        ];
        for (hosts, address) in refused {
            assert!(check(hosts, address).is_err(), "{hosts} {address}");
        }
    }

    #[test]
    fn the_hosts_are_said_as_they_can_be_set() {
        let hosts = RemoteHosts::parse("b.example,*, a.example").unwrap();
        assert_eq!(hosts.to_string(), "*, a.example, b.example");
        assert_eq!(RemoteHosts::parse(&hosts.to_string()), Some(hosts));
        for bad in ["", "a.example,", "https://a.example", "a b"] {
            assert_eq!(RemoteHosts::parse(bad), None, "{bad}");
        }
    }
}
