//! Why something failed, and the body of an error response.

pub use import_relay_hook::model::reason::Reason;
use serde::{Deserialize, Serialize};

use crate::i18n::messages::Params;

/// The body of an error response.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema), schema(as = Problem))]
pub struct ErrorBody {
    /// Error message in English, or in the words of an external price monitor.
    pub error: String,
    /// Error code; absent for the words of an external price monitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Parameters of the error code.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub params: Params,
}

impl From<Reason> for ErrorBody {
    fn from(reason: Reason) -> Self {
        Self {
            error: reason.message().to_owned(),
            code: reason.code().map(str::to_owned),
            params: reason.params().clone(),
        }
    }
}

impl From<ErrorBody> for Reason {
    fn from(body: ErrorBody) -> Self {
        Self::new(body.error, body.code, body.params)
    }
}
