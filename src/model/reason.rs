//! Why something failed, and how an answer says it.

pub use import_relay_hook::model::reason::Reason;
use serde::{Deserialize, Serialize};

use crate::i18n::messages::Params;

/// The body of an answer that is an error: the sentence in English, or another service's words, which have no code.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema), schema(as = Problem))]
pub struct ErrorBody {
    /// Why, for people.
    pub error: String,
    /// The same as a code; absent where the words are those of an external price monitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The values in it.
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
