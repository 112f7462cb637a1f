//! Filenames of form parts (RFC 7578, section 4.2; RFC 5987).

use axum::http::{HeaderMap, header};
use percent_encoding::percent_decode_str;

/// Returns the filename of a `Content-Disposition`: `filename*` before `filename`, percent-decoded if encoded.
pub(crate) fn given(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_DISPOSITION)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    let parameters = parameters(&text);
    let find = |name: &str| {
        let mut named = parameters
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    };
    find("filename*")
        .and_then(extended)
        .or_else(|| find("filename").map(decoded))
}

/// Parses `charset'language'percent-encoded`.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    if charset.eq_ignore_ascii_case("utf-8") {
        String::from_utf8(bytes).ok()
    } else if charset.eq_ignore_ascii_case("iso-8859-1") {
        Some(bytes.into_iter().map(char::from).collect())
    } else {
        None
    }
}

/// Decodes percent-encoding if valid: two digits after every sign, and UTF-8.
fn decoded(name: &str) -> String {
    let mut parts = name.split('%').skip(1);
    let is_hex = |part: &str| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !parts.all(is_hex) {
        return name.to_owned();
    }
    let decoded = percent_decode_str(name).decode_utf8();
    decoded.map_or_else(|_| name.to_owned(), |name| name.into_owned())
}

/// Parses the parameters after the first word.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    let mut found = Vec::new();
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', '\t', ';']).to_owned();
        let after = after.trim_start();
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim_end().to_owned(), &after[end..])
            }
        };
        found.push((name, value));
    }
    found
}

/// Parses a quoted string after its opening quote; returns the rest too. A backslash escapes only a quote: browsers
/// write Windows paths this way.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' if matches!(characters.peek(), Some((_, '"'))) => {
                value.push('"');
                characters.next();
            }
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn name(disposition: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(disposition.as_bytes()).ok()?;
        headers.insert(header::CONTENT_DISPOSITION, value);
        given(&headers)
    }

    #[test]
    fn a_name_is_read_as_clients_write_it() {
        for (disposition, expected) in [
            (r#"form-data; name="file"; filename="list.csv""#, "list.csv"),
            (r#"form-data; name=file; filename=list.csv"#, "list.csv"),
            (
                r#"form-data; name="file"; filename*=UTF-8''%C3%BCber%20uns.csv"#,
                "über uns.csv",
            ),
            (
                r#"form-data; name="file"; filename="ueber.csv"; filename*=utf-8'de'%C3%BCber.csv"#,
                "über.csv",
            ),
            (
                r#"form-data; filename*=iso-8859-1''%FCber.csv; name="file""#,
                "über.csv",
            ),
            (
                r#"form-data; name="file"; filename="%C3%BCber%20uns.csv""#,
                "über uns.csv",
            ),
            (r#"form-data; name="file"; filename="über.csv""#, "über.csv"),
            (
                r#"form-data; name="file"; filename="a%22b.csv""#,
                "a\"b.csv",
            ),
            (
                r#"form-data; name="file"; filename="a\"b;c.csv""#,
                "a\"b;c.csv",
            ),
            (
                r#"form-data; name="file"; filename="50% off.csv""#,
                "50% off.csv",
            ),
            (r#"form-data; name="file"; filename="%FC.csv""#, "%FC.csv"),
            (
                r#"form-data; name="file"; filename="C:\x\y.csv""#,
                r"C:\x\y.csv",
            ),
            // For an unknown charset the plain name is used.
            (
                r#"form-data; filename="plain.csv"; filename*=koi8-r''%C1.csv"#,
                "plain.csv",
            ),
        ] {
            assert_eq!(
                name(disposition).as_deref(),
                Some(expected),
                "{disposition}"
            );
        }
        assert_eq!(name(r#"form-data; name="file""#), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in ".*") {
            let _ = name(&text);
        }

        #[test]
        fn an_encoded_name_comes_back(given in "[^\u{0}-\u{1f}\u{7f}]{1,40}") {
            let encoded: String = given.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let extended = format!("form-data; name=\"file\"; filename*=UTF-8''{encoded}");
            prop_assert_eq!(name(&extended), Some(given.clone()));
            let plain = format!("form-data; name=\"file\"; filename=\"{encoded}\"");
            prop_assert_eq!(name(&plain), Some(given));
        }
    }
}
