//! Parameters of errors.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, de::Visitor};

/// The parameters of an error, by name.
pub type Params = BTreeMap<String, Param>;

/// A parameter of an error.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Param {
    /// A number, formatted for the language.
    Number(u64),
    /// A text, such as the value of a cell.
    Text(String),
}

impl From<u64> for Param {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for Param {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Param {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Reads a number or a text. By hand, because `serde`'s untagged enums need much code in the bundle.
impl<'de> Deserialize<'de> for Param {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Param;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a text")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Param, E> {
                Ok(Param::Number(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Param, E> {
                Ok(Param::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}
