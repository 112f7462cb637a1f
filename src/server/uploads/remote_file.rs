//! Product files that are fetched from an address which somebody gave us.
//!
//! It is https, and its host is one that the operator allows, which is
//! looked at anew where one address sends us to another.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use percent_encoding::percent_decode_str;
use reqwest::{Client, Response, header};
use url::Url;

use crate::{
    i18n::messages::ErrorCode,
    server::{
        config::RemoteHosts,
        http_client::remote_hosts::{guarded, is_not_allowed},
    },
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other side may say nothing.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take in all.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);
const MAX_REDIRECTS: usize = 5;

/// Why a file cannot be fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RemoteError {
    Off,
    NotHttps,
    HostNotAllowed,
    TooManyRedirects,
    Unreachable,
    Status(u16),
    WebPage,
    Broken,
}

impl RemoteError {
    /// Returns the error that users are told.
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Self::Off => ErrorCode::UrlsOff,
            Self::NotHttps => ErrorCode::UrlNotHttps,
            Self::HostNotAllowed => ErrorCode::HostNotAllowed,
            Self::TooManyRedirects => ErrorCode::TooManyRedirects,
            Self::Unreachable => ErrorCode::UrlUnreachable,
            Self::Status(status) => ErrorCode::UrlStatus {
                status: status.into(),
            },
            Self::WebPage => ErrorCode::UrlIsPage,
            Self::Broken => ErrorCode::DownloadInterrupted,
        }
    }
}

/// Checks that an address may be asked, as far as that is to be seen in it.
fn check(hosts: &RemoteHosts, url: &Url) -> Result<(), RemoteError> {
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(RemoteError::NotHttps);
    }
    let host = url.host().ok_or(RemoteError::NotHttps)?;
    if hosts.allow(&host) {
        Ok(())
    } else {
        Err(RemoteError::HostNotAllowed)
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
    guarded(hosts)
        .https_only(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(TIMEOUT)
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
    if is_not_allowed(&error) {
        return RemoteError::HostNotAllowed;
    }
    RemoteError::Unreachable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_looked_at_before_it_is_asked() {
        let check = |hosts: &str, address: &str| {
            let hosts = RemoteHosts::parse(hosts).unwrap();
            let checked = check(&hosts, &Url::parse(address).unwrap());
            checked.map_err(|error| error.code().to_string())
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
}
