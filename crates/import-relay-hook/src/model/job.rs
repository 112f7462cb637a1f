//! An import, its progress and its status.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{params::Params, reason::Reason};

/// The ID that the price monitor gave an import.
///
/// It is part of URLs, room names and event names, so only characters that are safe in all of them are allowed: 1 to 128
/// ASCII letters, digits, `-`, `_`, `.`, `:` and `~`, and not dots alone.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(Arc<str>);

impl JobId {
    /// Maximum characters.
    pub const MAX_LEN: usize = 128;

    /// Returns the ID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a job ID.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a valid import ID")]
pub struct InvalidJobId;

impl FromStr for JobId {
    type Err = InvalidJobId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:~".contains(&byte);
        let dots_only = text.bytes().all(|byte| byte == b'.');
        if text.is_empty() || dots_only || text.len() > Self::MAX_LEN || !text.bytes().all(allowed)
        {
            return Err(InvalidJobId);
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for JobId {
    type Error = InvalidJobId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The status of an import. All but [`Pending`](Self::Pending) are final.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ImportStatus {
    /// Waiting or running.
    #[default]
    Pending,
    /// All products were imported.
    Success,
    /// Some products were imported, some failed.
    PartialSuccess,
    /// The import failed as a whole.
    Error,
}

impl ImportStatus {
    /// Returns whether the import has ended.
    #[must_use]
    pub fn is_final(self) -> bool {
        self != Self::Pending
    }

    /// Returns the status on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Success => "SUCCESS",
            Self::PartialSuccess => "PARTIAL_SUCCESS",
            Self::Error => "ERROR",
        }
    }
}

impl fmt::Display for ImportStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an import does with the products of its file.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportMode {
    /// Writes them.
    #[default]
    Import,
    /// Dry run: writes nothing.
    Check,
}

impl ImportMode {
    /// Returns its name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Check => "check",
        }
    }

    /// Returns whether products are written. By reference for `serde`.
    #[must_use]
    pub fn is_import(&self) -> bool {
        *self == Self::Import
    }
}

/// The text is not an import mode.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("The mode must be import or check.")]
pub struct InvalidImportMode;

impl FromStr for ImportMode {
    type Err = InvalidImportMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Import, Self::Check]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or(InvalidImportMode)
    }
}

/// A question to answer before a file can be imported.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// The meaning of its columns.
    Columns,
    /// The decimal mark of its prices.
    DecimalMark,
    /// The sheets to read.
    Sheets,
    /// Whether it may exceed a limit.
    Approval,
}

impl Question {
    /// Returns its name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::DecimalMark => "decimal-mark",
            Self::Sheets => "sheets",
            Self::Approval => "approval",
        }
    }

    /// Parses its name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Columns,
            Self::DecimalMark,
            Self::Sheets,
            Self::Approval,
        ]
        .into_iter()
        .find(|question| question.as_str() == text)
    }
}

/// The text is not an import status.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a valid import status")]
pub struct InvalidImportStatus;

impl FromStr for ImportStatus {
    type Err = InvalidImportStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [
            Self::Pending,
            Self::Success,
            Self::PartialSuccess,
            Self::Error,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or(InvalidImportStatus)
    }
}

/// The counts of an import. A total of 0 is unknown.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportProgress {
    /// Imported products.
    pub processed_products: u64,
    /// Failed products.
    pub failed_products: u64,
    /// Products in the file; 0 if unknown.
    pub total_products: u64,
}

impl ImportProgress {
    /// Returns the number of imported and failed products.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.processed_products.saturating_add(self.failed_products)
    }

    /// Returns whether any count is known.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.done() > 0 || self.total_products > 0
    }

    /// Returns the processed share from 0 to 1; `None` if the total is unknown.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // a share needs no more precision than a float has
    pub fn fraction(&self) -> Option<f64> {
        (self.total_products > 0)
            .then(|| (self.done() as f64 / self.total_products as f64).min(1.0))
    }
}

/// One event of the progress stream: the newest state of a job.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "EventFields", into = "EventFields")]
pub struct ProgressEvent {
    /// Imported products.
    pub processed_products: u64,
    /// Failed products.
    pub failed_products: u64,
    /// Products in the file; 0 if unknown.
    pub total_products: u64,
    /// Status.
    pub status: ImportStatus,
    /// Error.
    pub error: Option<Reason>,
    /// Mode; sent for a dry run only.
    pub mode: ImportMode,
    /// When it ended; sent with the end only.
    pub completed_at: Option<UnixMillis>,
    /// SKUs of the failed products; sent with the end only, if they are known and few.
    pub failed_product_skus: Option<Vec<String>>,
}

/// The fields of an event on the wire.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct EventFields {
    #[serde(default)]
    processed_products: u64,
    #[serde(default)]
    failed_products: u64,
    #[serde(default)]
    total_products: u64,
    #[serde(default)]
    status: ImportStatus,
    /// The error in English, or in the price monitor's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Its code; absent for an external price monitor's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    error_params: Params,
    /// Whether it was cancelled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cancelled: bool,
    #[serde(default, skip_serializing_if = "ImportMode::is_import")]
    mode: ImportMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    completed_at: Option<UnixMillis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed_product_skus: Option<Vec<String>>,
}

impl From<EventFields> for ProgressEvent {
    fn from(fields: EventFields) -> Self {
        let reason = |message| {
            Reason::new(message, fields.error_code, fields.error_params)
                .with_cancelled(fields.cancelled)
        };
        Self {
            processed_products: fields.processed_products,
            failed_products: fields.failed_products,
            total_products: fields.total_products,
            status: fields.status,
            error: fields.error.map(reason),
            mode: fields.mode,
            completed_at: fields.completed_at,
            failed_product_skus: fields.failed_product_skus,
        }
    }
}

impl From<ProgressEvent> for EventFields {
    fn from(event: ProgressEvent) -> Self {
        let error = event.error.as_ref();
        Self {
            processed_products: event.processed_products,
            failed_products: event.failed_products,
            total_products: event.total_products,
            status: event.status,
            error: error.map(Reason::to_string),
            error_code: error.and_then(Reason::code).map(str::to_owned),
            error_params: error.map(Reason::params).cloned().unwrap_or_default(),
            cancelled: error.is_some_and(Reason::is_cancelled),
            mode: event.mode,
            completed_at: event.completed_at,
            failed_product_skus: event.failed_product_skus,
        }
    }
}

impl ProgressEvent {
    /// Returns the counts.
    #[must_use]
    pub fn progress(&self) -> ImportProgress {
        ImportProgress {
            processed_products: self.processed_products,
            failed_products: self.failed_products,
            total_products: self.total_products,
        }
    }
}

/// Milliseconds since the Unix epoch.
pub type UnixMillis = i64;

/// A recorded import of one product file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductImportJob {
    /// The price monitor's ID.
    pub id: JobId,
    /// The name of the uploaded file.
    pub filename: String,
    /// Status.
    pub status: ImportStatus,
    /// Why it failed.
    pub error: Option<Reason>,
    /// Products in the file, once known.
    pub total_products: Option<u64>,
    /// Imported products.
    pub processed_products: u64,
    /// Failed products.
    pub failed_products: u64,
    /// SKUs of the failed products.
    pub failed_product_skus: Vec<String>,
    /// When it was started.
    pub created_at: UnixMillis,
    /// When its counts last changed.
    pub updated_at: UnixMillis,
    /// When the import ended.
    pub completed_at: Option<UnixMillis>,
    /// Mode.
    #[serde(default)]
    pub mode: ImportMode,
}

impl ProductImportJob {
    /// Creates an import of which only the ID is known.
    #[must_use]
    pub fn pending(id: JobId) -> Self {
        Self {
            id,
            filename: String::new(),
            status: ImportStatus::Pending,
            error: None,
            total_products: None,
            processed_products: 0,
            failed_products: 0,
            failed_product_skus: Vec::new(),
            created_at: 0,
            updated_at: 0,
            completed_at: None,
            mode: ImportMode::Import,
        }
    }

    /// Returns whether it ended because somebody cancelled it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.error.as_ref().is_some_and(Reason::is_cancelled)
    }

    /// Returns the counts.
    #[must_use]
    pub fn progress(&self) -> ImportProgress {
        ImportProgress {
            processed_products: self.processed_products,
            failed_products: self.failed_products,
            total_products: self.total_products.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_safe_in_a_url_and_a_room_name() {
        for good in ["1", "66f0c0ffee", "0190-ab_c.d:e~", &"x".repeat(128)] {
            assert_eq!(good.parse::<JobId>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a b",
            "é",
            "a\n",
            "%2e",
            &"x".repeat(129),
        ] {
            assert_eq!(bad.parse::<JobId>(), Err(InvalidJobId), "{bad:?}");
        }
    }

    #[test]
    fn an_identifier_from_json_is_checked_too() {
        assert!(serde_json::from_str::<JobId>(r#""ab-1""#).is_ok());
        assert!(serde_json::from_str::<JobId>(r#""../etc""#).is_err());
    }

    #[test]
    fn an_event_reads_and_writes_the_contract_s_json() {
        let text = r#"{"processedProducts":120,"failedProducts":3,"totalProducts":500,"status":"PENDING"}"#;
        let event: ProgressEvent = serde_json::from_str(text).unwrap();
        assert_eq!(event.progress().done(), 123);
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
    }

    #[test]
    fn an_event_of_a_check_says_that_it_is_one() {
        let check = ProgressEvent {
            mode: ImportMode::Check,
            ..ProgressEvent::default()
        };
        let text = serde_json::to_string(&check).unwrap();
        assert!(text.ends_with(r#","mode":"check"}"#), "{text}");
        assert_eq!(serde_json::from_str::<ProgressEvent>(&text).unwrap(), check);
    }

    #[test]
    fn an_event_with_an_error_alone_has_counts_of_zero() {
        let event: ProgressEvent =
            serde_json::from_str(r#"{"error":"no header","status":"ERROR"}"#).unwrap();
        assert_eq!(event.progress(), ImportProgress::default());
        assert_eq!(event.status, ImportStatus::Error);
    }

    #[test]
    fn the_share_is_unknown_until_the_total_is() {
        let mut progress = ImportProgress {
            processed_products: 3,
            ..Default::default()
        };
        assert_eq!(progress.fraction(), None);
        progress.total_products = 4;
        assert_eq!(progress.fraction(), Some(0.75));
        progress.failed_products = 9;
        assert_eq!(progress.fraction(), Some(1.0));
    }

    #[test]
    fn an_error_goes_over_the_wire_as_a_sentence_and_as_a_code() {
        let event = ProgressEvent {
            status: ImportStatus::Error,
            error: Some(
                Reason::new(
                    "Cancelled after importing 3 of 10 products.",
                    Some("cancelled-after".to_owned()),
                    Params::from_iter([
                        ("done".to_owned(), 3.into()),
                        ("total".to_owned(), 10.into()),
                    ]),
                )
                .with_cancelled(true),
            ),
            ..ProgressEvent::default()
        };
        let text = serde_json::to_string(&event).unwrap();
        let expected = r#"{"processedProducts":0,"failedProducts":0,"totalProducts":0,"status":"ERROR","error":"Cancelled after importing 3 of 10 products.","errorCode":"cancelled-after","errorParams":{"done":3,"total":10},"cancelled":true}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<ProgressEvent>(&text).unwrap(), event);
    }

    #[test]
    fn every_status_reads_back() {
        for status in ["PENDING", "SUCCESS", "PARTIAL_SUCCESS", "ERROR"] {
            assert_eq!(status.parse::<ImportStatus>().unwrap().as_str(), status);
        }
        assert!("DONE".parse::<ImportStatus>().is_err());
    }
}
