//! Queries of URLs.

use super::base_path::escape;

/// Returns a path with a query of these parameters, or without one if there are none.
#[must_use]
pub fn with_query(path: &str, pairs: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let pairs = pairs.into_iter();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={}", escape(&value)))
        .collect();
    if pairs.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", pairs.join("&"))
}
