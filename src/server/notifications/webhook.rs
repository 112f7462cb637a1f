//! Sends deliveries to webhooks, signed by [Standard Webhooks](https://www.standardwebhooks.com).

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::Mac as _;
use reqwest::{Client, StatusCode, header};
use url::Url;
use zeroize::Zeroizing;

use crate::{
    i18n::messages::ErrorCode,
    model::webhook::DeliveryProblem,
    server::{
        config::RemoteHosts,
        encryption::{Keys, hmac},
        http_client::remote_hosts::{guarded, is_not_allowed},
    },
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout of an attempt up to the answer's head; the body is not read.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);
const SECRET_PREFIX: &str = "whsec_";
const SECRET: usize = 32;
const PURPOSE: &str = "webhook";
const MAX_URL: usize = 2_000;

/// Sends to allowed hosts, each time over a new connection.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    client: Client,
    hosts: RemoteHosts,
    keys: Option<Keys>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AddressError {
    NotHttps,
    HostNotAllowed,
}

impl AddressError {
    pub(super) fn code(self) -> ErrorCode {
        match self {
            Self::NotHttps => ErrorCode::UrlNotHttps,
            Self::HostNotAllowed => ErrorCode::WebhookHost,
        }
    }
}

/// Checks a URL without resolving its host. A host named by the operator may be reached without TLS.
pub(super) fn parse_url(hosts: &RemoteHosts, text: &str) -> Result<Url, AddressError> {
    let url = Url::parse(text.trim()).map_err(|_| AddressError::NotHttps)?;
    let host = url.host().ok_or(AddressError::NotHttps)?;
    let is_safe = match url.scheme() {
        "https" => true,
        "http" => hosts.is_named(&host.to_string()),
        _ => false,
    };
    let has_login = !url.username().is_empty() || url.password().is_some();
    if !is_safe || has_login || url.as_str().len() > MAX_URL {
        return Err(AddressError::NotHttps);
    }
    if hosts.allow(&host) {
        Ok(url)
    } else {
        Err(AddressError::HostNotAllowed)
    }
}

/// Generates a secret: for display, and encrypted for storage.
pub(super) fn generate_secret(keys: &Keys) -> Result<(String, String), getrandom::Error> {
    let mut bytes = Zeroizing::new([0; SECRET]);
    getrandom::fill(&mut *bytes)?;
    let shown = format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(*bytes));
    Ok((shown, keys.encrypt(PURPOSE, &*bytes)?))
}

impl Sender {
    pub(super) fn new(hosts: RemoteHosts, keys: Option<Keys>) -> reqwest::Result<Self> {
        let client = guarded(&hosts)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self {
            client,
            hosts,
            keys,
        })
    }

    /// Sends a body, signed at a time in seconds.
    pub(super) async fn send(
        &self,
        url: &str,
        secret: &str,
        id: &str,
        seconds: i64,
        body: String,
    ) -> Result<(), DeliveryProblem> {
        let keys = self.keys.as_ref();
        let secret = keys.and_then(|keys| keys.decrypt(PURPOSE, secret));
        let secret = secret.ok_or(DeliveryProblem::SecretUnreadable)?;
        let url = parse_url(&self.hosts, url).map_err(|_| DeliveryProblem::HostNotAllowed)?;
        let seconds = seconds.to_string();
        let signature = sign(&secret, id, &seconds, &body);
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .body(body);
        let answer = request.send().await.map_err(|error| problem(&error))?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(DeliveryProblem::Status(status.as_u16()))
        }
    }
}

pub(super) fn is_gone(problem: DeliveryProblem) -> bool {
    problem == DeliveryProblem::Status(StatusCode::GONE.as_u16())
}

fn sign(secret: &[u8], id: &str, seconds: &str, body: &str) -> String {
    let parts = [id, ".", seconds, ".", body].map(str::as_bytes);
    // HMAC takes keys of any length.
    let signature = hmac(secret, &parts).map(|mac| mac.finalize().into_bytes());
    format!(
        "v1,{}",
        BASE64_STANDARD.encode(signature.unwrap_or_default())
    )
}

fn problem(error: &reqwest::Error) -> DeliveryProblem {
    if is_not_allowed(error) {
        DeliveryProblem::HostNotAllowed
    } else if error.is_timeout() {
        DeliveryProblem::TimedOut
    } else {
        DeliveryProblem::Unreachable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_at_a_public_host_unless_the_host_is_named() {
        let parse = |hosts: &str, url: &str| {
            let hosts = RemoteHosts::parse(hosts).unwrap();
            parse_url(&hosts, url).map(|_| ())
        };
        let ok = [
            ("*", "https://hooks.example/x"),
            ("*, intranet", "http://intranet:8080/x"),
            ("127.0.0.1", "http://127.0.0.1:1/x"),
        ];
        for (hosts, url) in ok {
            assert_eq!(parse(hosts, url), Ok(()), "{hosts} {url}");
        }
        let insecure = [
            ("*", "http://hooks.example/x"),
            ("*", "ftp://hooks.example/x"),
            ("*", "https://ada:secret@hooks.example/x"),
            ("*", "hooks.example"),
            ("*", "data:text/plain,x"),
        ];
        for (hosts, url) in insecure {
            assert_eq!(parse(hosts, url), Err(AddressError::NotHttps), "{url}");
        }
        let not_allowed = [
            ("*", "https://127.0.0.1/x"),
            ("*", "https://169.254.169.254/latest"),
            ("*", "https://[::ffff:10.0.0.1]/x"),
            ("*", "https://0x7f.1/x"),
            ("intranet", "https://hooks.example/x"),
        ];
        for (hosts, url) in not_allowed {
            let refused = parse(hosts, url);
            assert_eq!(refused, Err(AddressError::HostNotAllowed), "{url}");
        }
    }

    #[test]
    fn the_signature_is_the_one_of_the_standard_s_own_library() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let key = BASE64_STANDARD
            .decode(&secret[SECRET_PREFIX.len()..])
            .unwrap();
        let (id, seconds, body) = (
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        let theirs = standardwebhooks::Webhook::new(secret).unwrap();
        let theirs = theirs.sign(id, seconds, body.as_bytes()).unwrap();
        assert_eq!(sign(&key, id, &seconds.to_string(), body), theirs);
    }
}
