//! Hosts that user-provided URLs may reach, against server-side request forgery (OWASP).
//!
//! The operator allows a host. Its name must resolve to a public address, unless the operator names the host itself.
//! The resolved address that was checked is the one connected to.

use std::{
    collections::BTreeSet,
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, LazyLock},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::{
    Client, ClientBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use thiserror::Error;
use url::Host;

/// Hosts that user-provided URLs may reach.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RemoteHosts {
    /// Whether any public host is allowed.
    any_public: bool,
    /// Hosts allowed even at private addresses.
    named: BTreeSet<String>,
}

impl RemoteHosts {
    /// Parses comma-separated host names; `*` is any public one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut hosts = Self::default();
        for host in text.split(',').map(str::trim) {
            if host == "*" {
                hosts.any_public = true;
            } else {
                hosts.named.insert(Host::parse(host).ok()?.to_string());
            }
        }
        Some(hosts)
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.any_public && self.named.is_empty()
    }

    /// Returns whether a host is allowed at any address.
    pub(in crate::server) fn is_named(&self, host: &str) -> bool {
        self.named.contains(host)
    }

    /// Returns whether a host is allowed, without resolving its name.
    pub(in crate::server) fn allow(&self, host: &Host<&str>) -> bool {
        let is_public = match *host {
            // Checked when the name is resolved.
            Host::Domain(_) => true,
            Host::Ipv4(address) => is_public(address.into()),
            Host::Ipv6(address) => is_public(address.into()),
        };
        self.is_named(&host.to_string()) || self.any_public && is_public
    }
}

impl fmt::Display for RemoteHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = self.any_public.then_some("*");
        let all: Vec<_> = any
            .into_iter()
            .chain(self.named.iter().map(String::as_str))
            .collect();
        f.write_str(&all.join(", "))
    }
}

/// Creates a client that connects to these hosts only and follows no redirects.
pub(crate) fn guarded(hosts: &RemoteHosts) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("import-relay/", env!("CARGO_PKG_VERSION")))
        // A proxy would resolve the name again.
        .no_proxy()
        .redirect(Policy::none())
        .dns_resolver(Arc::new(Resolver(hosts.clone())))
        // Each request resolves and checks again.
        .pool_max_idle_per_host(0)
}

/// Returns whether a request failed because its host's addresses are not allowed.
pub(crate) fn is_not_allowed(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let wrapped = inner
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if inner.is::<NotPublic>() || wrapped.is_some_and(|it| it.is::<NotPublic>()) {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// A name has no allowed address.
#[derive(Debug, Error)]
#[error("no public address")]
struct NotPublic;

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

/// Networks that are not public: IANA's special-purpose registries (RFC 6890), multicast (RFC 5771), and IPv6 forms of
/// IPv4 addresses (RFC 3056, 4380, 6052).
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
    // Within 2000::/3; nothing outside of it is public.
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
    fn the_hosts_are_said_as_they_can_be_set() {
        let hosts = RemoteHosts::parse("b.example,*, a.example").unwrap();
        assert_eq!(hosts.to_string(), "*, a.example, b.example");
        assert_eq!(RemoteHosts::parse(&hosts.to_string()), Some(hosts));
        for bad in ["", "a.example,", "https://a.example", "a b"] {
            assert_eq!(RemoteHosts::parse(bad), None, "{bad}");
        }
    }
}
