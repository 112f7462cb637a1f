//! Failures of imports and requests: message, and a code if the service has one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::clean;

/// Length of a code and of a parameter's name.
const MAX_NAME: usize = 64;
/// Number and length of parameters.
const MAX_PARAMETERS: usize = 16;
const MAX_TEXT: usize = 500;

/// A failure reported by the service.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Failure {
    /// The message.
    pub message: String,
    /// The code, `errorCode` on the wire; rare.
    pub code: Option<String>,
    /// The code's parameters, `errorParams` on the wire.
    pub parameters: BTreeMap<String, Parameter>,
    /// Whether the import was cancelled.
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
