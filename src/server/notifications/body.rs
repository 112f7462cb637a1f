//! Bodies of notifications: flat JSON, the same for each attempt.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use crate::{
    i18n::{locale::Locale, messages::Params},
    model::{job::UnixMillis, reason::Reason},
    server::{
        config::PublicUrl,
        store::import_events::{About, RecordedEvent},
    },
};

#[derive(Serialize)]
struct Body<'a, D> {
    r#type: &'a str,
    timestamp: String,
    data: D,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Import<'a> {
    id: &'a str,
    status: &'a str,
    mode: &'a str,
    filename: &'a str,
    total_products: Option<u64>,
    processed_products: u64,
    failed_products: u64,
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_params: Option<&'a Params>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undone_by: Option<&'a str>,
    url: String,
}

#[derive(Serialize)]
struct Nothing {}

/// A source of which several consecutive runs have failed.
#[derive(Serialize)]
struct Source<'a> {
    id: &'a str,
    name: &'a str,
    failures: u64,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    error: String,
    url: String,
}

pub(super) fn of_event(event: &RecordedEvent, public_url: &PublicUrl) -> String {
    let (r#type, timestamp) = (event.kind.as_str(), rfc3339(event.at));
    match &event.about {
        About::Import(import) => write(&Body {
            r#type,
            timestamp,
            data: Import {
                id: &import.job,
                status: &import.status,
                mode: &import.mode,
                filename: &import.filename,
                total_products: import.total_products,
                processed_products: import.processed_products,
                failed_products: import.failed_products,
                error: import.error.as_ref().map(Reason::message),
                error_code: import.error.as_ref().and_then(Reason::code),
                error_params: import
                    .error
                    .as_ref()
                    .map(Reason::params)
                    .filter(|params| !params.is_empty()),
                undone_by: import.undone_by.as_deref(),
                url: public_url.address(&format!("/imports/{}", import.job)),
            },
        }),
        About::Source(source) => write(&Body {
            r#type,
            timestamp,
            data: Source {
                id: &source.id,
                name: &source.name,
                failures: source.failures,
                code: source.problem.code(),
                status: source.problem.status(),
                error: source.problem.words(Locale::English),
                url: public_url.address(&format!("/sources/{}", source.id)),
            },
        }),
    }
}

pub(super) const TEST: &str = "webhook.test";

pub(super) fn of_test(now: UnixMillis) -> String {
    write(&Body {
        r#type: TEST,
        timestamp: rfc3339(now),
        data: Nothing {},
    })
}

fn write(body: &impl Serialize) -> String {
    // Serializing text and numbers cannot fail.
    serde_json::to_string(body).unwrap_or_default()
}

fn rfc3339(at: UnixMillis) -> String {
    let since = Duration::from_millis(u64::try_from(at).unwrap_or_default());
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}
