//! Reasons as columns: the English sentence, the code and its parameters as JSON.
//!
//! Rows of earlier versions, and another service's words, have a sentence alone.

use crate::model::reason::Reason;

/// Writes the parameters.
pub(super) fn params(reason: &Reason) -> Option<String> {
    let params = reason.params();
    (!params.is_empty()).then(|| serde_json::to_string(params).unwrap_or_default())
}

/// Reads the reason of a row.
pub(super) fn of_row(message: String, code: Option<String>, params: Option<String>) -> Reason {
    let params = params.and_then(|params| serde_json::from_str(&params).ok());
    Reason::new(message, code, params.unwrap_or_default())
}

/// Reads why an import failed, if it did.
pub(super) fn read(
    message: Option<String>,
    code: Option<String>,
    params: Option<String>,
) -> Option<Reason> {
    Some(of_row(message?, code, params))
}
