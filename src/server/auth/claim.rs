//! Parses claims of Auth.js and OpenID Connect.

use serde_json::Value;

use crate::model::role::RoleClaim;

/// Maximum length of a name.
pub(super) const MAX_NAME: usize = 100;
/// Maximum length of a subject or address.
pub(super) const MAX_ID: usize = 254;

/// Parses a string or number; `None` if unprintable or too long.
pub(super) fn text(value: &Value, most: usize) -> Option<String> {
    match value {
        Value::String(text) => clean(text, most),
        Value::Number(number) => clean(&number.to_string(), most),
        _ => None,
    }
}

/// Trims a string; `None` if empty, unprintable or too long.
pub(super) fn clean(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    let usable =
        !text.is_empty() && text.chars().count() <= most && !text.contains(char::is_control);
    usable.then(|| text.to_owned())
}

/// Parses a role. Anything but a string is unknown.
pub(super) fn role(value: &Value) -> RoleClaim {
    match value {
        Value::Null => RoleClaim::Missing,
        Value::String(name) => RoleClaim::read(name),
        _ => RoleClaim::Unknown,
    }
}
