//! Columns of a reason: English sentence, code, and parameters as JSON. Rows of older versions and another service's
//! words have a sentence only.

use crate::model::reason::Reason;

pub(super) fn params(reason: &Reason) -> Option<String> {
    let params = reason.params();
    (!params.is_empty()).then(|| serde_json::to_string(params).unwrap_or_default())
}

pub(super) fn of_row(message: String, code: Option<String>, params: Option<String>) -> Reason {
    let params = params.and_then(|params| serde_json::from_str(&params).ok());
    Reason::new(message, code, params.unwrap_or_default())
}

pub(super) fn read(
    message: Option<String>,
    code: Option<String>,
    params: Option<String>,
) -> Option<Reason> {
    Some(of_row(message?, code, params))
}
