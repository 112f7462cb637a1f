//! What we ask of others over HTTP: how they are reached, and how much they may say.

pub(crate) mod remote_hosts;

use crate::server::identity::host::is_loopback;
use reqwest::{
    Client, ClientBuilder, Response,
    header::{self, HeaderMap},
    redirect::Policy,
};
use thiserror::Error;
use url::Url;

/// The most schemes of authorization that are named, and the most bytes of a name.
const MOST_SCHEMES: usize = 4;
const LONGEST_SCHEME: usize = 40;

/// Why an answer could not be had whole.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    /// It broke off.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// There is more of it than is taken.
    #[error("its answer is too long")]
    TooLong,
}

/// Begins a client for one service.
pub(crate) fn client_for(service: &Url) -> ClientBuilder {
    // A key, a code or a secret must not follow a redirect to somewhere else.
    let client = Client::builder().redirect(Policy::none());
    // A proxy is for the way out; it could not come back to our own machine.
    if service.host_str().is_some_and(is_loopback) {
        client.no_proxy()
    } else {
        client
    }
}

/// Returns the schemes that an answer asks for (RFC 9110, section 11.6.1), without their parameters; an empty
/// text where it asks for none.
pub(crate) fn schemes(headers: &HeaderMap) -> String {
    let all = headers.get_all(header::WWW_AUTHENTICATE);
    let schemes: Vec<_> = all
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|value| value.split([' ', ',']).next())
        .filter(|scheme| !scheme.is_empty() && scheme.len() <= LONGEST_SCHEME)
        .take(MOST_SCHEMES)
        .collect();
    schemes.join(" or ")
}

/// Reads an answer of so many bytes at most.
pub(crate) async fn read_limited(
    mut response: Response,
    most: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Err(ReadError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
