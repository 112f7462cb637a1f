//! Why something failed, as a value: a code with parameters, or another service's own words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::params::Params;

/// Maximum parameters of a reason from another service, and maximum characters of a code.
const MAX_PARAMS: usize = 16;
const MAX_CODE: usize = 64;

/// Why something failed.
///
/// A reason of this app has a code, which becomes a sentence where the reader's language is known. One without a code is
/// another service's own words, or a sentence that an earlier version recorded, and is shown as it is. [`Display`](fmt::Display) writes it in English.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Reason {
    message: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Box<str>>,
    /// `None` if there are none, because thousands of states are kept and sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    params: Option<Box<Params>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cancelled: bool,
}

static NO_PARAMS: Params = Params::new();

impl Reason {
    /// Wraps another service's words.
    #[must_use]
    pub fn words(message: impl Into<Box<str>>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Creates one with a code and no parameters.
    #[must_use]
    pub(crate) fn coded(code: &str, message: &str) -> Self {
        Self::new(message, Some(code.to_owned()), Params::new())
    }

    /// Creates one from its English sentence, code and parameters. An invalid code is left out.
    #[must_use]
    pub fn new(message: impl Into<Box<str>>, code: Option<String>, params: Params) -> Self {
        let is_code = |code: &String| {
            let is_part =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(is_part)
        };
        let code = code.filter(is_code);
        let params = params.into_iter().take(MAX_PARAMS).collect();
        let params = code.as_ref().and_then(|_| boxed(params));
        Self {
            message: message.into(),
            code: code.map(String::into_boxed_str),
            params,
            cancelled: false,
        }
    }

    /// Sets whether it was cancelled.
    #[must_use]
    pub fn with_cancelled(self, cancelled: bool) -> Self {
        Self { cancelled, ..self }
    }

    /// Returns the English sentence, or another service's words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the code; `None` for another service's words.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        self.params.as_deref().unwrap_or(&NO_PARAMS)
    }

    /// Returns whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// Returns its size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        let code = self.code.as_ref().map_or(0, |code| code.len());
        self.message.len() + code + self.params().len() * 16
    }

    /// Returns whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.message.is_empty()
    }
}

fn boxed(params: Params) -> Option<Box<Params>> {
    (!params.is_empty()).then(|| Box::new(params))
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_code_is_left_out() {
        for bad in ["", "E 12", "Über", "A", &"x".repeat(65)] {
            let reason = Reason::new("Sorry.", Some(bad.to_owned()), Params::new());
            assert_eq!(reason, Reason::words("Sorry."), "{bad}");
        }
    }

    #[test]
    fn a_reason_reads_back() {
        let reason = Reason::new(
            "No products were imported: all 3 rows failed.",
            Some("all-failed".to_owned()),
            Params::from_iter([("failed".to_owned(), 3.into())]),
        );
        let json = serde_json::to_string(&reason).unwrap();
        assert_eq!(
            json,
            r#"{"message":"No products were imported: all 3 rows failed.","code":"all-failed","params":{"failed":3}}"#
        );
        assert_eq!(serde_json::from_str::<Reason>(&json).unwrap(), reason);
    }
}
