//! HTTP clients, and limited reading of answers.

pub(crate) mod remote_hosts;

use crate::server::identity::host::is_loopback;
use reqwest::{
    Client, ClientBuilder, Response,
    header::{self, HeaderMap},
    redirect::Policy,
};
use thiserror::Error;
use url::Url;

const MOST_SCHEMES: usize = 4;
const LONGEST_SCHEME: usize = 40;

/// Why an answer could not be read.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("its answer is too long")]
    TooLong,
}

pub(crate) fn client_for(service: &Url) -> ClientBuilder {
    // A redirect must not receive a key, code or secret.
    let client = Client::builder().redirect(Policy::none());
    // A proxy cannot reach this machine.
    if service.host_str().is_some_and(is_loopback) {
        client.no_proxy()
    } else {
        client
    }
}

/// Returns the authorization schemes of an answer (RFC 9110, section 11.6.1) without parameters; empty if there are
/// none.
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
