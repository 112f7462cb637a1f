//! Tests the REST calls.

use std::error::Error;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::stream;
use price_monitor_wire::{Reading, answer};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use secrecy::ExposeSecret;
use url::Url;
use uuid::Uuid;

use super::{Finding, Heard, Probe, Upload};
use crate::{
    model::{import_extras::ImportExtras, import_options::Instructions, job::JobId},
    server::http_client,
};

pub(super) const HEALTH: &str = "GET /health";
pub(super) const KEY: &str = "the key";
pub(super) const PROGRESS: &str = "GET /api/products/imports/{id}/progress";
pub(super) const UPLOAD: &str = "POST /api/products/imports";
const FURTHER: &str = "GET /api/products/imports/{id}";
const OWNER: &str = "import-relay-check";
const SCHEMES: [&str; 4] = ["Bearer", "Basic", "ApiKey", "Token"];

pub(super) struct Answer {
    pub(super) status: StatusCode,
    schemes: String,
    location: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn is_missing(&self) -> bool {
        let code = self.status.as_u16();
        matches!(code, 404 | 405 | 501)
    }

    fn is_refusal(&self) -> bool {
        matches!(
            self.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        )
    }

    fn is_json(&self) -> bool {
        price_monitor_wire::from_slice::<serde_json::Value>(&self.body).is_ok()
    }

    /// Returns status and error message as the end of a sentence.
    fn words(&self) -> String {
        let code = self.status.as_u16();
        match answer::own_words(&self.body) {
            Some(words) => format!("HTTP {code}: {words}"),
            None => format!("HTTP {code}"),
        }
    }

    fn moved(&self) -> String {
        let to = self.location.as_deref().unwrap_or("nowhere");
        format!(
            "Redirects are not followed (HTTP {} to {to}). Set MONITOR_PRICE_APP_HOST to the service's own \
             address.",
            self.status.as_u16()
        )
    }
}

impl Probe {
    /// Returns the answer, or a sentence on why there is none.
    pub(super) async fn ask(&self, request: RequestBuilder) -> Result<Answer, String> {
        let asking = async {
            let response = request.send().await.map_err(unreached)?;
            let (status, schemes, location) = (
                response.status(),
                http_client::schemes(response.headers()),
                location(&response),
            );
            let body = http_client::read_limited(response, self.max_message).await;
            Ok(Answer {
                status,
                schemes,
                location,
                body: body.map_err(|error| format!("The response cannot be read: {error}."))?,
            })
        };
        let asked = tokio::time::timeout(self.trial.timeout, asking).await;
        asked.unwrap_or_else(|_| Err(self.late()))
    }

    pub(super) fn late(&self) -> String {
        let timeout = humantime::format_duration(self.trial.timeout);
        format!("No response within {timeout}.")
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.rest
            .client(&Method::GET)
            .get(format!("{}{path}", self.rest.origin))
    }

    /// Returns `Err` if it could not be called.
    pub(super) async fn health(&self) -> Result<Finding, Finding> {
        let answer = self.ask(self.get("/health")).await;
        let answer = answer.map_err(|why| Finding::misfit(HEALTH, why))?;
        let code = answer.status.as_u16();
        Ok(if answer.status.is_success() {
            Finding::fits(HEALTH, format!("Healthy (HTTP {code})."))
        } else if answer.status.is_server_error() && code != 501 {
            let words = answer.words();
            Finding::misfit(HEALTH, format!("Not healthy ({words})."))
        } else {
            let sentence =
                format!("No health check (HTTP {code}). Only `import-relay check` uses it.");
            Finding::note(HEALTH, sentence)
        })
    }

    /// Tests the progress call with the key and with a wrong one. Returns `Err` if it could not be called.
    pub(super) async fn key_and_progress(&self) -> Result<Vec<Finding>, Finding> {
        let unknown = Uuid::new_v4().to_string();
        let job = self.trial.job.as_ref().map_or(&*unknown, JobId::as_str);
        let path = format!("/api/products/imports/{job}/progress");
        let with_key = |key: &str| self.get(&path).header("x-api-key", key);
        let right = self.ask(with_key(self.rest.api_key.expose_secret())).await;
        let right = right.map_err(|why| Finding::misfit(PROGRESS, why))?;
        let ask = || self.get(&path);
        if right.status == StatusCode::UNAUTHORIZED {
            return Ok(vec![self.refused(KEY, &right, ask).await]);
        }
        if right.status == StatusCode::FORBIDDEN
            && let Some(scheme) = self.accepted_scheme(ask).await
        {
            return Ok(vec![Finding::misfit(KEY, wrong_scheme(&right, scheme))]);
        }
        let wrong = self.ask(with_key(&Uuid::new_v4().to_string())).await;
        let of_key = judge_key(&right, wrong.as_ref());
        let of_progress = match &self.trial.job {
            Some(job) => judge_progress(job, &right),
            // At a doubtful URL a 404 is not about an import.
            None if of_key.is_doubtful => None,
            None => Some(judge_unknown(&right)),
        };
        Ok([Some(of_key.finding), of_progress]
            .into_iter()
            .flatten()
            .collect())
    }

    /// Describes a rejected key, with the scheme that is accepted.
    pub(super) async fn refused(
        &self,
        call: &'static str,
        answer: &Answer,
        ask: impl Fn() -> RequestBuilder,
    ) -> Finding {
        if let Some(scheme) = self.accepted_scheme(ask).await {
            return Finding::misfit(call, wrong_scheme(answer, scheme));
        }
        Finding::misfit(call, refusal(&answer.words(), &answer.schemes))
    }

    /// Finds an accepted `Authorization` scheme, if requests without one are rejected.
    pub(super) async fn accepted_scheme(
        &self,
        ask: impl Fn() -> RequestBuilder,
    ) -> Option<&'static str> {
        let key = self.rest.api_key.expose_secret();
        if !self
            .ask(ask())
            .await
            .is_ok_and(|answer| answer.is_refusal())
        {
            return None;
        }
        for scheme in SCHEMES {
            let credentials = match scheme {
                "Basic" if key.contains(':') => BASE64_STANDARD.encode(key),
                "Basic" => BASE64_STANDARD.encode(format!("{key}:")),
                _ => key.to_owned(),
            };
            let request = ask().header(header::AUTHORIZATION, format!("{scheme} {credentials}"));
            if let Ok(answer) = self.ask(request).await
                && !answer.is_refusal()
                && !answer.status.is_server_error()
            {
                return Some(scheme);
            }
        }
        None
    }

    pub(super) async fn upload(&self, upload: &Upload) -> (Finding, Option<JobId>) {
        let file = stream::iter([Ok::<Bytes, std::io::Error>(upload.content.clone())]);
        let key = Some(Uuid::new_v4().to_string());
        let request = self.rest.upload(
            OWNER,
            Instructions::default(),
            key,
            upload.name.clone(),
            file,
        );
        let answer = match self.ask(request).await {
            Ok(answer) => answer,
            Err(why) => return (Finding::misfit(UPLOAD, why), None),
        };
        if !answer.status.is_success() {
            return (self.judge_refused_file(&answer).await, None);
        }
        let id = answer::created_id(&answer.body).map(|id| id.parse::<JobId>());
        match id {
            Some(Ok(id)) => {
                let sentence = format!("Accepted the file as import {}.", id.as_str());
                (Finding::fits(UPLOAD, sentence), Some(id))
            }
            _ => {
                let sentence = format!(
                    "Accepted the file, but the response has no usable import ID: {}. Expected `id`, \
                     `_id`, `jobId` or `importId`: 1 to 128 ASCII letters, digits and -_.:~",
                    answer::outline(&answer.body)
                );
                (Finding::misfit(UPLOAD, sentence), None)
            }
        }
    }

    async fn judge_refused_file(&self, answer: &Answer) -> Finding {
        let words = answer.words();
        let sentence = match answer.status.as_u16() {
            401 => {
                // An upload is not repeated to find the accepted scheme.
                refusal(&words, &answer.schemes)
            }
            411 => {
                format!("Requires a Content-Length ({words}), but files are streamed without one.")
            }
            _ if answer.is_missing() => format!("No such call ({words})."),
            _ if answer.status.is_redirection() => answer.moved(),
            _ if answer.status.is_server_error() => format!("Did not accept the file ({words})."),
            _ => format!(
                "Rejected the file ({words}). To try another kind of file, use --upload FILE."
            ),
        };
        Finding::misfit(UPLOAD, sentence)
    }

    pub(super) async fn progress(&self, job: &JobId) -> Result<Heard, String> {
        let path = format!("/api/products/imports/{job}/progress");
        let key = self.rest.api_key.expose_secret();
        let answer = self.ask(self.get(&path).header("x-api-key", key)).await?;
        if !answer.status.is_success() {
            return Err(format!(
                "Does not report the progress ({}).",
                answer.words()
            ));
        }
        Ok(heard(&answer.body))
    }

    pub(super) async fn further_calls(&self, job: &JobId) -> Finding {
        let key = self.rest.api_key.expose_secret();
        let request = self.get(&format!("/api/products/imports/{job}"));
        let none = "Offers nothing more, which is optional.";
        match self.ask(request.header("x-api-key", key)).await {
            Ok(answer) if answer.status.is_success() => {
                let extras = price_monitor_wire::from_slice::<ImportExtras>(&answer.body);
                match extras.map(|extras| extras.actions) {
                    Ok(actions) if actions.is_empty() => Finding::note(FURTHER, none),
                    Ok(actions) => {
                        Finding::fits(FURTHER, format!("Offers: {}.", actions.join(", ")))
                    }
                    Err(error) => Finding::note(FURTHER, format!("Offers nothing more: {error}.")),
                }
            }
            Ok(answer) if answer.is_missing() => Finding::note(FURTHER, none),
            Ok(answer) => Finding::note(
                FURTHER,
                format!("Offers nothing more ({}).", answer.words()),
            ),
            Err(why) => Finding::note(FURTHER, why),
        }
    }
}

fn heard(body: &[u8]) -> Heard {
    let mut heard = Heard::default();
    match Reading::from_slice(body) {
        Ok(reading) => heard.report(reading),
        Err(_) => heard.unreadable = Some(format!("it is {}", answer::outline(body))),
    }
    heard
}

struct OfKey {
    finding: Finding,
    is_doubtful: bool,
}

fn judge_key(right: &Answer, wrong: Result<&Answer, &String>) -> OfKey {
    let of = |finding| OfKey {
        finding,
        is_doubtful: false,
    };
    let wrong = match wrong {
        Ok(wrong) => wrong,
        Err(why) => {
            return of(Finding::note(
                KEY,
                format!("No response to a wrong key. {why}"),
            ));
        }
    };
    let (code, wrong_code) = (right.status.as_u16(), wrong.status.as_u16());
    match wrong_code {
        401 => of(Finding::fits(
            KEY,
            "Accepted in the X-API-Key header; a wrong key is rejected (HTTP 401).",
        )),
        403 if code == 403 => of(Finding::misfit(
            KEY,
            "The configured key and a wrong one both get HTTP 403. Reject keys with 401: 403 is read as \
             an answer about one import.",
        )),
        403 => of(Finding::misfit(
            KEY,
            "A wrong key is rejected with HTTP 403; expected 401, as 403 is read as an answer about one import.",
        )),
        _ if right.is_missing() && wrong.is_missing() && !right.is_json() => OfKey {
            finding: Finding::misfit(
                PROGRESS,
                format!(
                    "There is no such call at this address: any key gets HTTP {code} and {}.",
                    answer::outline(&right.body)
                ),
            ),
            is_doubtful: true,
        },
        _ if code == wrong_code => OfKey {
            finding: Finding::note(
                KEY,
                format!(
                    "A wrong key gets the same answer as the configured one (HTTP {code}): either keys \
                     are not checked, or there is no such call here."
                ),
            ),
            is_doubtful: right.is_missing(),
        },
        _ => of(Finding::note(
            KEY,
            format!("A wrong key gets HTTP {wrong_code}; expected 401."),
        )),
    }
}

fn judge_progress(job: &JobId, answer: &Answer) -> Option<Finding> {
    if answer.status.is_success() {
        // It is followed and judged later.
        return None;
    }
    let job = job.as_str();
    let sentence = match answer.status.as_u16() {
        404 => format!("Import {job} not found ({}).", answer.words()),
        _ if answer.status.is_redirection() => answer.moved(),
        _ => format!(
            "Does not report the progress of import {job} ({}).",
            answer.words()
        ),
    };
    Some(Finding::misfit(PROGRESS, sentence))
}

fn judge_unknown(answer: &Answer) -> Finding {
    let words = answer.words();
    if answer.status.is_success() {
        let shows = Reading::from_slice(&answer.body).is_ok_and(|reading| reading.shows_import);
        return if shows {
            Finding::misfit(
                PROGRESS,
                "Reports progress for a made-up import. Answer 404 for unknown imports, or anyone who \
                 opens a made-up address here would have it recorded.",
            )
        } else {
            Finding::note(
                PROGRESS,
                format!(
                    "A made-up import gets {words}; expected 404, so that an import that is gone is \
                         ended."
                ),
            )
        };
    }
    match answer.status.as_u16() {
        404 => Finding::fits(PROGRESS, "A made-up import is not found (HTTP 404)."),
        429 => Finding::note(PROGRESS, format!("Asks for fewer requests ({words}).")),
        _ if answer.status.is_redirection() => Finding::misfit(PROGRESS, answer.moved()),
        _ => Finding::note(
            PROGRESS,
            format!(
                "A made-up import gets {words}; expected 404. If import IDs look different from {}, \
                 pass one with --job.",
                Uuid::nil()
            ),
        ),
    }
}

pub(super) fn refusal(words: &str, schemes: &str) -> String {
    match schemes.is_empty() {
        false => format!(
            "Rejected ({words}). WWW-Authenticate asks for {schemes}; the key is only sent in the \
             X-API-Key header."
        ),
        true => format!(
            "Rejected ({words}). Check that PRICE_MONITOR_API_KEY is the key the service expects."
        ),
    }
}

fn wrong_scheme(answer: &Answer, scheme: &str) -> String {
    format!(
        "Rejected in the X-API-Key header (HTTP {}), but accepted in `Authorization: {scheme}`. It is \
         only sent in X-API-Key, so the service must accept it there.",
        answer.status.as_u16()
    )
}

/// Removes user, password and query.
fn location(response: &Response) -> Option<String> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let mut url: Url = response.url().join(location).ok()?;
    // Fails only for URLs that can have neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    Some(url.to_string().chars().take(200).collect())
}

/// Describes a failed request by its innermost cause; outer ones repeat the URL.
fn unreached(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!("Cannot be reached: {cause}.")
}
