//! The bodies of notifications: flat JSON, the same for each try.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use crate::{
    i18n::messages::Params,
    model::{job::UnixMillis, reason::Reason},
    server::{config::PublicUrl, store::import_events::RecordedEvent},
};

#[derive(Serialize)]
struct Body<'a, D> {
    r#type: &'a str,
    /// When it happened (RFC 3339).
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
    /// The page of the import.
    url: String,
}

#[derive(Serialize)]
struct Nothing {}

/// Writes an event of an import.
pub(super) fn of_event(event: &RecordedEvent, public_url: &PublicUrl) -> String {
    write(&Body {
        r#type: event.kind.as_str(),
        timestamp: rfc3339(event.at),
        data: Import {
            id: &event.job,
            status: &event.status,
            mode: &event.mode,
            filename: &event.filename,
            total_products: event.total_products,
            processed_products: event.processed_products,
            failed_products: event.failed_products,
            error: event.error.as_ref().map(Reason::message),
            error_code: event.error.as_ref().and_then(Reason::code),
            error_params: event
                .error
                .as_ref()
                .map(Reason::params)
                .filter(|params| !params.is_empty()),
            undone_by: event.undone_by.as_deref(),
            url: public_url.address(&format!("/imports/{}", event.job)),
        },
    })
}

/// Type of a test.
pub(super) const TEST: &str = "webhook.test";

/// Writes a test, which tells nothing.
pub(super) fn of_test(now: UnixMillis) -> String {
    write(&Body {
        r#type: TEST,
        timestamp: rfc3339(now),
        data: Nothing {},
    })
}

fn write(body: &impl Serialize) -> String {
    // Text, numbers and nothing else always serialize.
    serde_json::to_string(body).unwrap_or_default()
}

fn rfc3339(at: UnixMillis) -> String {
    let since = Duration::from_millis(u64::try_from(at).unwrap_or_default());
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}
