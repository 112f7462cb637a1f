//! Progress reports, from events or REST answers.

use serde_json::{Value, value::RawValue};

use crate::{
    failure::Failure,
    json::{self, Unreadable, clean},
    timestamp,
};

/// Milliseconds since the Unix epoch.
pub type UnixMillis = i64;

/// Characters of an error message.
const MAX_ERROR: usize = 500;
/// Number and length of failed SKUs.
const MAX_SKUS: usize = 10_000;
const MAX_SKU: usize = 200;
/// Characters of an owner.
const MAX_OWNER: usize = 255;
/// Number and length of unknown field names.
const MAX_NAMES: usize = 12;
const MAX_NAME: usize = 40;

/// Counts and outcome of an import.
///
/// Absent counts are 0. A field of the wrong type counts as absent and does not invalidate the others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Imported products.
    pub processed: u64,
    /// Failed products.
    pub failed: u64,
    /// Products in the file, 0 if unknown.
    pub total: u64,
    /// How the import ended, according to the service.
    pub verdict: Verdict,
    /// SKUs of the failed products.
    pub failed_skus: Option<Vec<String>>,
    /// Time of the end.
    pub completed_at: Option<UnixMillis>,
}

/// A statement on the end of an import.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Verdict {
    /// None: the counts decide.
    #[default]
    Open,
    /// Ended; the counts decide how.
    Completed,
    /// Ended with this status.
    Ended(EndStatus),
    /// Failed, for this reason.
    Failed(Failure),
}

/// A final status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndStatus {
    /// All products were imported.
    Success,
    /// Some products were imported.
    PartialSuccess,
    /// The import failed as a whole.
    Error,
    /// The import was cancelled.
    Cancelled,
}

/// A parsed message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reading {
    /// The report.
    pub report: Report,
    /// Whether it has any known field.
    pub is_known: bool,
    /// Whether it has counts or an end, as only imports have. Any service may answer with `status` or `error`.
    pub shows_import: bool,
    /// The import's owner, as named by the service.
    pub owner: Option<String>,
    /// The first unknown field names.
    pub unknown: Vec<String>,
}

impl Reading {
    /// Parses the argument of `import-job-<id>` or the answer of the progress call, also in a `data` wrapper or as a
    /// string of JSON.
    ///
    /// # Errors
    ///
    /// If there is no JSON object.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Unreadable> {
        Self::from_repaired(&json::repair(&json::text(bytes)))
    }

    /// Parses repaired text.
    pub(crate) fn from_repaired(text: &str) -> Result<Self, Unreadable> {
        let text = text.trim();
        if text.starts_with('"') {
            let inner: String = serde_json::from_str(text)?;
            return Self::of_object(&json::repair(&inner));
        }
        Self::of_object(text)
    }

    fn of_object(text: &str) -> Result<Self, Unreadable> {
        let text = json::unwrapped(text);
        if !text.trim_start().starts_with('{') {
            return Err(Unreadable::because("a report is an object"));
        }
        let mut fields = Fields::default();
        let mut reading = Self::default();
        json::for_each_field(text, |name, value| match fields.named(&name) {
            Some(field) => {
                *field = Some(value);
                reading.is_known = true;
            }
            None if name == "owner" => reading.owner = json::value(value).and_then(owner),
            None if reading.unknown.len() < MAX_NAMES => {
                reading.unknown.push(clean(&name, MAX_NAME));
            }
            None => {}
        })?;
        reading.shows_import = fields.show_import();
        reading.report = fields.report();
        Ok(reading)
    }
}

fn owner(value: Value) -> Option<String> {
    let owner = match value {
        Value::String(owner) => owner,
        Value::Number(owner) => owner.to_string(),
        _ => return None,
    };
    let owner = owner.trim();
    (!owner.is_empty() && owner.len() <= MAX_OWNER).then(|| owner.to_owned())
}

#[derive(Default)]
struct Fields<'a> {
    processed_products: Option<&'a RawValue>,
    failed_products: Option<&'a RawValue>,
    total_products: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    error_code: Option<&'a RawValue>,
    error_params: Option<&'a RawValue>,
    cancelled: Option<&'a RawValue>,
    status: Option<&'a RawValue>,
    failed_product_skus: Option<&'a RawValue>,
    completed_at: Option<&'a RawValue>,
    is_completed: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    fn named(&mut self, name: &str) -> Option<&mut Option<&'a RawValue>> {
        Some(match name {
            "processedProducts" => &mut self.processed_products,
            "failedProducts" => &mut self.failed_products,
            "totalProducts" => &mut self.total_products,
            "error" => &mut self.error,
            "errorCode" => &mut self.error_code,
            "errorParams" => &mut self.error_params,
            "cancelled" => &mut self.cancelled,
            "status" => &mut self.status,
            "failedProductSkus" => &mut self.failed_product_skus,
            "completedAt" => &mut self.completed_at,
            "isCompleted" => &mut self.is_completed,
            _ => return None,
        })
    }

    fn show_import(&self) -> bool {
        let counts = [
            self.processed_products,
            self.failed_products,
            self.total_products,
        ];
        let others = [
            self.failed_product_skus,
            self.completed_at,
            self.is_completed,
        ];
        counts.iter().chain(&others).any(Option::is_some)
    }

    fn report(&self) -> Report {
        let completed_at = self.completed_at.and_then(json::value);
        Report {
            processed: self.processed_products.map_or(0, count),
            failed: self.failed_products.map_or(0, count),
            total: self
                .total_products
                .filter(|raw| is_whole(raw))
                .map_or(0, count),
            verdict: self.verdict(),
            failed_skus: self
                .failed_product_skus
                .and_then(json::value)
                .and_then(skus),
            completed_at: completed_at.as_ref().and_then(timestamp::read),
        }
    }

    fn verdict(&self) -> Verdict {
        let status = self.status.and_then(json::value);
        let status = status.as_ref().and_then(Value::as_str).unwrap_or_default();
        let status = status.trim().to_ascii_uppercase().replace(['-', ' '], "_");
        let is_cancelled = matches!(status.as_str(), "CANCELLED" | "CANCELED");
        if let Some(error) = self
            .error
            .and_then(json::value)
            .as_ref()
            .and_then(error_text)
        {
            let [code, parameters] =
                [self.error_code, self.error_params].map(|raw| raw.and_then(json::value));
            return Verdict::Failed(Failure {
                is_cancelled: is_cancelled || self.cancelled.is_some_and(|raw| is_yes(raw.get())),
                ..Failure::coded(error, code.as_ref(), parameters.as_ref())
            });
        }
        let is_over = self.completed_at.is_some_and(|at| is_truthy(at.get()))
            || self.is_completed.is_some_and(|raw| is_yes(raw.get()));
        match status.as_str() {
            "SUCCESS" => Verdict::Ended(EndStatus::Success),
            "PARTIAL_SUCCESS" => Verdict::Ended(EndStatus::PartialSuccess),
            "ERROR" | "FAILED" => Verdict::Ended(EndStatus::Error),
            _ if is_cancelled => Verdict::Ended(EndStatus::Cancelled),
            "COMPLETED" | "DONE" | "FINISHED" => Verdict::Completed,
            _ if is_over => Verdict::Completed,
            _ => Verdict::Open,
        }
    }
}

fn is_truthy(json: &str) -> bool {
    !matches!(json, "null" | "false" | "0" | "\"\"" | "0.0" | "-0")
}

fn is_yes(json: &str) -> bool {
    matches!(json, "true" | "1") || json.eq_ignore_ascii_case("\"true\"")
}

fn error_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Object(object) => object.get("message")?.as_str()?,
        _ => return None,
    };
    let text = clean(text, MAX_ERROR);
    (!text.is_empty()).then_some(text)
}

/// Parses a count: a number, or a string with one. Fractions are truncated; negative and huge ones count as 0.
fn count(raw: &RawValue) -> u64 {
    /// The largest integer that a double represents exactly, `Number.MAX_SAFE_INTEGER`.
    const MOST: u64 = (1 << 53) - 1;
    let text = number(raw);
    let count = text.parse::<u64>().ok().or_else(|| of_float(text));
    count.filter(|count| *count <= MOST).unwrap_or_default()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
fn of_float(text: &str) -> Option<u64> {
    let float = text.parse::<f64>().ok()?;
    (float.is_finite() && float >= 0.0).then_some(float as u64)
}

/// A total with a fraction could end an import too early.
fn is_whole(raw: &RawValue) -> bool {
    number(raw)
        .parse::<f64>()
        .is_ok_and(|float| float.fract() == 0.0)
}

/// Returns the digits of a number, also in quotes, or an empty string.
fn number(raw: &RawValue) -> &str {
    let text = raw.get();
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    let text = text.trim();
    let is_number = text.len() <= 400 && text.starts_with(|c: char| c.is_ascii_digit());
    if is_number { text } else { "" }
}

fn skus(value: Value) -> Option<Vec<String>> {
    let Value::Array(values) = value else {
        return None;
    };
    let text = |value| match value {
        Value::String(text) => Some(clean(&text, MAX_SKU)).filter(|text| !text.is_empty()),
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

    fn read(text: &str) -> Report {
        Reading::from_slice(text.as_bytes()).unwrap().report
    }

    fn report(value: Value) -> Report {
        read(&value.to_string())
    }

    #[test]
    fn an_owner_is_read_where_one_is_named_and_says_nothing_of_an_import() {
        for (body, named) in [
            (r#"{"owner":" u1 ","processedProducts":3}"#, Some("u1")),
            (
                r#"{"data":{"owner":"ada@example.com"}}"#,
                Some("ada@example.com"),
            ),
            (r#"{"owner":42}"#, Some("42")),
            (r#"{"owner":" "}"#, None),
            (r#"{"owner":{"id":1}}"#, None),
            (r#"{"processedProducts":3}"#, None),
        ] {
            let reading = Reading::from_slice(body.as_bytes()).unwrap();
            assert_eq!(reading.owner.as_deref(), named, "{body}");
            assert_eq!(reading.is_known, body.contains("processed"), "{body}");
        }
    }

    #[test]
    fn absent_counts_are_zero_and_unknown_fields_ignored() {
        let reading = Reading::from_slice(br#"{"speed":3,"a\u0000b":1}"#).unwrap();
        let unknown = vec!["speed".to_owned(), "ab".to_owned()];
        assert_eq!(
            reading,
            Reading {
                unknown,
                ..Reading::default()
            }
        );
        let of_any_service = Reading::from_slice(br#"{"status":"ok","error":"no"}"#).unwrap();
        assert!(of_any_service.is_known && !of_any_service.shows_import);
        assert!(
            Reading::from_slice(br#"{"totalProducts":null}"#)
                .unwrap()
                .is_known
        );
    }

    #[test]
    fn an_odd_field_does_not_cost_the_others() {
        let report = report(json!({
            "processedProducts": 12.0, "failedProducts": "many", "totalProducts": -4,
            "status": 7, "failedProductSkus": ["a", 8, null, "\u{0}"], "error": null,
        }));
        assert_eq!((report.processed, report.failed, report.total), (12, 0, 0));
        let skus = vec!["a".to_owned(), "8".to_owned()];
        assert_eq!(report.failed_skus, Some(skus));
        assert_eq!(report.verdict, Verdict::Open);
    }

    #[test]
    fn counts_are_numbers_or_numeric_texts() {
        for (value, count) in [
            (json!("12"), 12),
            (json!(" 12 "), 12),
            (json!("12.0"), 12),
            (json!(12.7), 12),
            (json!(-3), 0),
            (json!("-3"), 0),
            (json!("0x10"), 0),
            (json!("inf"), 0),
            (json!("NaN"), 0),
            (json!(""), 0),
            (json!(1e300), 0),
            (json!(u64::MAX), 0),
            (json!(true), 0),
            (json!([3]), 0),
        ] {
            let report = report(json!({"processedProducts": value}));
            assert_eq!(report.processed, count, "{value}");
        }
        assert_eq!(report(json!({"totalProducts": 20.5})).total, 0);
        assert_eq!(report(json!({"totalProducts": "20.0"})).total, 20);
    }

    #[test]
    fn whatever_stands_in_a_field_of_another_s_the_counts_are_read() {
        let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
        let digits = "9".repeat(400);
        for odd in [r#""\ud83d""#, &deep, &digits, r#"{"\udc00":1}"#, "1e999999"] {
            for name in [
                "x",
                "error",
                "failedProductSkus",
                "failedProducts",
                "\\udc00",
            ] {
                let text =
                    format!(r#"{{"{name}":{odd},"processedProducts":20,"totalProducts":100}}"#);
                let report = read(&text);
                assert_eq!((report.processed, report.total), (20, 100), "{name}");
            }
        }
    }

    #[test]
    fn an_error_goes_before_everything() {
        let report = report(json!({"error": "no header", "status": "SUCCESS"}));
        assert_eq!(report.verdict, Verdict::Failed("no header".into()));
    }

    #[test]
    fn an_error_may_have_a_code_and_say_that_somebody_cancelled() {
        let report = report(json!({
            "error": "Cancelled after importing 3 of 9 products.", "cancelled": true,
            "errorCode": "cancelled-after", "errorParams": {"done": 3, "total": 9, "odd": {}},
        }));
        let Verdict::Failed(failure) = report.verdict else {
            panic!("it failed");
        };
        assert!(failure.is_cancelled);
        assert_eq!(failure.code.as_deref(), Some("cancelled-after"));
        assert_eq!(failure.parameters.len(), 2);
        let named = read(r#"{"error":"Stopped by Ada","status":"canceled"}"#);
        assert!(matches!(named.verdict, Verdict::Failed(failure) if failure.is_cancelled));
    }

    #[test]
    fn an_error_is_a_text_or_has_a_message() {
        let verdict = |error: Value| report(json!({ "error": error })).verdict;
        let failed = |text: &str| Verdict::Failed(text.into());
        assert_eq!(
            verdict(json!({"message": "no header"})),
            failed("no header")
        );
        assert_eq!(verdict(json!("bad\u{0} byte\u{9}")), failed("bad byte"));
        assert_eq!(
            read(r#"{"error":"Row 7: \"Mug \ud83d\""}"#).verdict,
            failed("Row 7: \"Mug \u{fffd}\"")
        );
        for none in [
            json!({}),
            json!(""),
            json!(" "),
            json!("\u{0}"),
            json!(null),
            json!(3),
        ] {
            assert_eq!(verdict(none), Verdict::Open);
        }
    }

    #[test]
    fn an_end_is_said_in_several_ways() {
        for value in [
            json!({"isCompleted": true}),
            json!({"isCompleted": "True"}),
            json!({"completedAt": "2026-03-01T10:00:00.000Z"}),
            json!({"completedAt": "yesterday"}),
            json!({"completedAt": true}),
            json!({"status": "completed"}),
            json!({"status": " Done"}),
            json!({"status": "FINISHED"}),
        ] {
            assert_eq!(report(value.clone()).verdict, Verdict::Completed, "{value}");
        }
        for value in [
            json!({"status": "PENDING", "isCompleted": false}),
            json!({"status": "WHATEVER"}),
            json!({"completedAt": null}),
            json!({"completedAt": ""}),
            json!({"completedAt": 0}),
            json!({"completedAt": false}),
        ] {
            assert_eq!(report(value.clone()).verdict, Verdict::Open, "{value}");
        }
        for (status, ended) in [
            ("success", EndStatus::Success),
            ("partial-success", EndStatus::PartialSuccess),
            ("FAILED", EndStatus::Error),
            ("canceled", EndStatus::Cancelled),
            ("CANCELLED", EndStatus::Cancelled),
        ] {
            assert_eq!(
                report(json!({ "status": status })).verdict,
                Verdict::Ended(ended)
            );
        }
        let far = format!(r#"{{"completedAt":{}}}"#, "9".repeat(400));
        assert_eq!(read(&far).verdict, Verdict::Completed);
        assert_eq!(read(&far).completed_at, None);
    }

    #[test]
    fn a_report_may_be_wrapped_or_a_text() {
        let bare = json!({"processedProducts": 5, "totalProducts": 10});
        let expected = report(bare.clone());
        assert_eq!(expected.processed, 5);
        assert_eq!(report(json!({"status": "success", "data": bare})), expected);
        assert_eq!(report(Value::from(bare.to_string())), expected);
    }

    #[test]
    fn only_an_object_is_a_report() {
        for text in ["", "[]", "3", "null", "{", "\"\"", "\"[]\"", "{}x"] {
            assert!(Reading::from_slice(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Reading::from_slice(&bytes);
        }

        #[test]
        fn what_is_kept_has_no_control_characters(error: String, sku: String) {
            let report = report(json!({"error": error, "failedProductSkus": [sku]}));
            let mut kept = report.failed_skus.unwrap_or_default();
            if let Verdict::Failed(reason) = report.verdict {
                kept.push(reason.message);
            }
            prop_assert!(kept.iter().flat_map(|text| text.chars()).all(|c| !c.is_control()));
        }
    }
}
