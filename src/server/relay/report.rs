//! What a price monitor says of a job, over its socket or by REST (pure).

use std::time::UNIX_EPOCH;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::job::{ImportStatus, UnixMillis};

/// The most characters of an error that are kept: it is somebody else's text.
const MAX_ERROR: usize = 500;
/// The most failed SKUs that are kept of one job.
const MAX_SKUS: usize = 10_000;

/// One message about a job.
///
/// Absent counts are 0 and unknown fields are ignored. A field of the wrong type is treated as
/// absent, so that one odd field does not cost the others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Report {
    /// Products that are in.
    pub(crate) processed: u64,
    /// Products that failed.
    pub(crate) failed: u64,
    /// Products in the file, 0 while unknown.
    pub(crate) total: u64,
    /// Whether, and how, the price monitor says that the job is over.
    pub(crate) verdict: Verdict,
    /// What the failed products are called.
    pub(crate) failed_skus: Option<Vec<String>>,
    /// When the job ended.
    pub(crate) completed_at: Option<UnixMillis>,
}

/// The price monitor's own word on the end of a job.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It says nothing: the counts decide.
    #[default]
    Open,
    /// It is over; how well, the counts decide.
    Completed,
    /// It is over, with this status.
    Ended(ImportStatus),
    /// It failed, for this reason.
    Failed(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Wire {
    processed_products: Value,
    failed_products: Value,
    total_products: Value,
    error: Value,
    status: Value,
    failed_product_skus: Value,
    completed_at: Value,
    is_completed: Value,
}

impl Report {
    /// Reads a message (CONTRACT: the object of `import-job-<jobId>`, or REST's progress answer).
    ///
    /// # Errors
    ///
    /// When the bytes are no JSON object.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        Self::from_value(serde_json::from_slice(bytes)?)
    }

    /// Reads a message that is parsed already.
    pub(crate) fn from_value(value: Value) -> Result<Self, serde_json::Error> {
        // Of itself serde would take an array for a struct too.
        let object: Map<String, Value> = serde_json::from_value(value)?;
        serde_json::from_value::<Wire>(Value::Object(object)).map(Self::from)
    }
}

impl From<Wire> for Report {
    fn from(wire: Wire) -> Self {
        let completed_at = time(&wire.completed_at);
        Self {
            processed: count(&wire.processed_products),
            failed: count(&wire.failed_products),
            total: count(&wire.total_products),
            verdict: verdict(&wire, completed_at.is_some()),
            failed_skus: skus(wire.failed_product_skus),
            completed_at,
        }
    }
}

fn verdict(wire: &Wire, has_completion_time: bool) -> Verdict {
    if let Some(error) = wire
        .error
        .as_str()
        .map(str::trim)
        .filter(|error| !error.is_empty())
    {
        return Verdict::Failed(error.chars().take(MAX_ERROR).collect());
    }
    let status = wire.status.as_str().map(str::to_ascii_uppercase);
    match status.as_deref() {
        Some("SUCCESS") => Verdict::Ended(ImportStatus::Success),
        Some("PARTIAL_SUCCESS") => Verdict::Ended(ImportStatus::PartialSuccess),
        Some("ERROR" | "FAILED") => Verdict::Ended(ImportStatus::Error),
        Some("COMPLETED" | "DONE") => Verdict::Completed,
        _ if has_completion_time || wire.is_completed == Value::Bool(true) => Verdict::Completed,
        _ => Verdict::Open,
    }
}

/// Reads a count. JavaScript's numbers may come as floats; a negative one is none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
fn count(value: &Value) -> u64 {
    /// The largest integer that a double holds exactly, `Number.MAX_SAFE_INTEGER`.
    const MOST: u64 = (1 << 53) - 1;
    let count = value
        .as_u64()
        .or_else(|| value.as_f64().map(|float| float as u64));
    count.unwrap_or_default().min(MOST)
}

/// Reads a time: an RFC 3339 text, as JavaScript's `Date` writes it, or Unix milliseconds.
fn time(value: &Value) -> Option<UnixMillis> {
    match value {
        Value::Number(number) => number.as_i64().filter(|millis| *millis > 0),
        Value::String(text) => {
            let time = humantime::parse_rfc3339_weak(text).ok()?;
            let since_epoch = time.duration_since(UNIX_EPOCH).ok()?;
            UnixMillis::try_from(since_epoch.as_millis()).ok()
        }
        _ => None,
    }
}

fn skus(value: Value) -> Option<Vec<String>> {
    let Value::Array(values) = value else {
        return None;
    };
    let text = |value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Some(values.into_iter().filter_map(text).take(MAX_SKUS).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn report(value: Value) -> Report {
        Report::from_value(value).unwrap()
    }

    #[test]
    fn absent_counts_are_zero_and_unknown_fields_ignored() {
        assert_eq!(report(json!({"speed": 3})), Report::default());
    }

    #[test]
    fn an_odd_field_does_not_cost_the_others() {
        let report = report(json!({
            "processedProducts": 12.0, "failedProducts": "many", "totalProducts": -4,
            "status": 7, "failedProductSkus": ["a", 8, null], "error": null,
        }));
        assert_eq!((report.processed, report.failed, report.total), (12, 0, 0));
        assert_eq!(
            report.failed_skus,
            Some(vec!["a".to_owned(), "8".to_owned()])
        );
        assert_eq!(report.verdict, Verdict::Open);
    }

    #[test]
    fn an_error_goes_before_everything() {
        let report = report(json!({"error": "no header", "status": "SUCCESS"}));
        assert_eq!(report.verdict, Verdict::Failed("no header".to_owned()));
    }

    #[test]
    fn an_end_is_said_in_several_ways() {
        for value in [
            json!({"isCompleted": true}),
            json!({"completedAt": "2026-03-01T10:00:00.000Z"}),
            json!({"status": "completed"}),
        ] {
            assert_eq!(report(value).verdict, Verdict::Completed);
        }
        assert_eq!(
            report(json!({"status": "PENDING", "isCompleted": false})).verdict,
            Verdict::Open
        );
    }

    #[test]
    fn a_time_is_read_as_text_and_as_number() {
        let text = report(json!({"completedAt": "1970-01-01T00:00:01.500Z"}));
        assert_eq!(text.completed_at, Some(1500));
        assert_eq!(
            report(json!({"completedAt": 1500})).completed_at,
            Some(1500)
        );
    }

    #[test]
    fn only_an_object_is_a_report() {
        for text in ["", "[]", "3", "null", "{"] {
            assert!(Report::from_json(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Report::from_json(&bytes);
        }
    }
}
