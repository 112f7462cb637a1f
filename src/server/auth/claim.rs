//! Claims about somebody, as another installation or provider makes them.

use serde_json::Value;

use crate::model::role::RoleClaim;

/// The longest name that is kept.
pub(super) const MAX_NAME: usize = 100;
/// The longest subject or address that is taken.
pub(super) const MAX_ID: usize = 254;

/// Takes a text or a number, without what cannot be shown; one that is too long is none.
pub(super) fn text(value: &Value, most: usize) -> Option<String> {
    match value {
        Value::String(text) => clean(text, most),
        Value::Number(number) => clean(&number.to_string(), most),
        _ => None,
    }
}

/// Takes a text, without what cannot be shown; one that is too long is none.
pub(super) fn clean(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    let usable =
        !text.is_empty() && text.chars().count() <= most && !text.contains(char::is_control);
    usable.then(|| text.to_owned())
}

/// Reads a role. What is there and is no text is one that is not known.
pub(super) fn role(value: &Value) -> RoleClaim {
    match value {
        Value::Null => RoleClaim::Missing,
        Value::String(name) => RoleClaim::read(name),
        _ => RoleClaim::Unknown,
    }
}
