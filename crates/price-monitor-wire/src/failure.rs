//! Why an import or a request failed: the service's words, and a code where it has one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::clean;

/// Maximum length of a code and of a parameter's name.
const MAX_NAME: usize = 64;
/// Maximum number of parameters, and length of each.
const MAX_PARAMETERS: usize = 16;
const MAX_TEXT: usize = 500;

/// A failure as the service tells it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Failure {
    /// Its words.
    pub message: String,
    /// Its code, `errorCode` on the wire; few services have one.
    pub code: Option<String>,
    /// The parameters of its code, `errorParams` on the wire.
    pub parameters: BTreeMap<String, Parameter>,
    /// Whether somebody cancelled the import.
    pub is_cancelled: bool,
}

/// A parameter of a failure's code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Parameter {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            ..Self::default()
        }
    }
}

impl Failure {
    /// Adds code and parameters to a service's words.
    pub(crate) fn coded(message: String, code: Option<&Value>, parameters: Option<&Value>) -> Self {
        let code = code.and_then(Value::as_str);
        let code = code.map(|code| clean(code, MAX_NAME));
        let code = code.filter(|code| !code.is_empty());
        let parameters = match (&code, parameters) {
            (Some(_), Some(Value::Object(parameters))) => parameters
                .iter()
                .take(MAX_PARAMETERS)
                .filter_map(|(name, value)| Some((clean(name, MAX_NAME), parameter(value)?)))
                .collect(),
            _ => BTreeMap::new(),
        };
        Self {
            message,
            code,
            parameters,
            is_cancelled: false,
        }
    }
}

fn parameter(value: &Value) -> Option<Parameter> {
    match value {
        Value::Number(number) => number.as_u64().map(Parameter::Number),
        Value::String(text) => Some(Parameter::Text(clean(text, MAX_TEXT))),
        _ => None,
    }
}
