//! Parameters of an error's message.

/// A parameter of an error's message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Parameter {
    /// A number.
    Number(u64),
    /// A text, such as the content of a cell.
    Text(String),
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Parameter {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Parameter {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}
