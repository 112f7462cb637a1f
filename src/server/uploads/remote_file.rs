//! Fetches product files from user-provided URLs: https, at hosts that the operator allows, checked again after each
//! redirect.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use percent_encoding::percent_decode_str;
use reqwest::{
    Client, ClientBuilder, RequestBuilder, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use url::Url;

use crate::{
    i18n::messages::ErrorCode,
    server::{
        config::RemoteHosts,
        http_client::remote_hosts::{guarded, is_not_allowed},
    },
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(15 * 60);
const MAX_REDIRECTS: usize = 5;
/// Maximum length of a validator header.
const MAX_VALIDATOR: usize = 1_000;

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

/// Checks a URL without resolving its host.
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

#[derive(Clone, Debug, Default)]
pub(crate) struct FileRequest {
    /// Credentials; not sent to other origins.
    pub(crate) login: Option<(HeaderName, HeaderValue)>,
    /// ETag of the known version.
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

pub(crate) enum FileAnswer {
    File(Box<RemoteFile>),
    /// The known version is current.
    Unchanged,
}

pub(crate) struct RemoteFile {
    /// The last path segment.
    pub(crate) name: String,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) length: Option<u64>,
    response: Response,
}

impl RemoteFile {
    /// Returns the content. Dropping it closes the connection.
    pub(crate) fn into_stream(
        self,
    ) -> impl Stream<Item = Result<Bytes, RemoteError>> + Send + 'static {
        let stream = self.response.bytes_stream();
        stream.map_err(|error| {
            // The URL may have a secret.
            let error = error.without_url();
            tracing::info!(
                error = &error as &dyn std::error::Error,
                "a download was interrupted"
            );
            RemoteError::Broken
        })
    }
}

/// Fetches product files from allowed hosts, each over a new connection.
#[derive(Clone, Debug)]
pub struct RemoteFiles {
    /// `None` without allowed hosts.
    client: Option<Client>,
    hosts: RemoteHosts,
}

impl RemoteFiles {
    pub(crate) fn new(hosts: RemoteHosts) -> reqwest::Result<Self> {
        let client = if hosts.is_empty() {
            None
        } else {
            Some(builder(&hosts).build()?)
        };
        Ok(Self { client, hosts })
    }

    /// Also trusts a certificate (PEM).
    #[cfg(test)]
    pub(crate) fn trusting(hosts: RemoteHosts, certificate: &[u8]) -> Self {
        let certificate = reqwest::Certificate::from_pem(certificate).unwrap();
        let client = builder(&hosts).add_root_certificate(certificate).build();
        Self {
            client: Some(client.unwrap()),
            hosts,
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.client.is_some()
    }

    /// Requests a file, following redirects.
    pub(crate) async fn open(&self, address: &str) -> Result<RemoteFile, RemoteError> {
        match self.ask(address, &FileRequest::default()).await? {
            FileAnswer::File(file) => Ok(*file),
            // Without validators there is no 304.
            FileAnswer::Unchanged => Err(RemoteError::Status(StatusCode::NOT_MODIFIED.as_u16())),
        }
    }

    /// Requests a file unless the known version is current.
    pub(crate) async fn ask(
        &self,
        address: &str,
        request: &FileRequest,
    ) -> Result<FileAnswer, RemoteError> {
        let client = self.client.as_ref().ok_or(RemoteError::Off)?;
        let mut url = parse(address)?;
        let origin = url.origin();
        for _ in 0..=MAX_REDIRECTS {
            check(&self.hosts, &url)?;
            let is_same = url.origin() == origin;
            let asked = request.of(client.get(url.clone()), is_same);
            let response = asked.send().await.map_err(not_reached)?;
            let status = response.status();
            if status == StatusCode::NOT_MODIFIED {
                return Ok(FileAnswer::Unchanged);
            }
            if !status.is_redirection() {
                return if status.is_success() {
                    begun(&url, response).map(|file| FileAnswer::File(Box::new(file)))
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

    /// Checks and returns a URL, without resolving its host.
    pub(crate) fn parse(&self, address: &str) -> Result<Url, RemoteError> {
        if !self.is_on() {
            return Err(RemoteError::Off);
        }
        let url = parse(address)?;
        check(&self.hosts, &url)?;
        Ok(url)
    }
}

impl FileRequest {
    fn of(&self, mut request: RequestBuilder, is_same_origin: bool) -> RequestBuilder {
        if let (Some((name, value)), true) = (&self.login, is_same_origin) {
            request = request.header(name, value);
        }
        for (name, value) in [
            (header::IF_NONE_MATCH, &self.etag),
            (header::IF_MODIFIED_SINCE, &self.last_modified),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request
    }
}

fn parse(address: &str) -> Result<Url, RemoteError> {
    Url::parse(address.trim()).map_err(|_| RemoteError::NotHttps)
}

fn builder(hosts: &RemoteHosts) -> ClientBuilder {
    guarded(hosts)
        .https_only(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(TIMEOUT)
}

fn begun(url: &Url, response: Response) -> Result<RemoteFile, RemoteError> {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_page = content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page {
        return Err(RemoteError::WebPage);
    }
    let last = url.path_segments().and_then(|mut parts| parts.next_back());
    let name = percent_decode_str(last.unwrap_or_default()).decode_utf8_lossy();
    let said = |name: HeaderName| {
        let value = response.headers().get(name)?.to_str().ok()?;
        (value.len() <= MAX_VALIDATOR).then(|| value.to_owned())
    };
    Ok(RemoteFile {
        name: name.into_owned(),
        etag: said(header::ETAG),
        last_modified: said(header::LAST_MODIFIED),
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
