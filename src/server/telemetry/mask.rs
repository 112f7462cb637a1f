//! Masks secrets of this app in texts, such as filenames, before they are logged.

use std::borrow::Cow;

/// Hexadecimal digits of session, token and link secrets.
const SECRET: usize = 64;
/// Minimum characters of a shared link's token, in Base64 for URLs.
const TOKEN: usize = 64;
/// Maximum hyphens and underscores of such a token, of which one in 32 is: a name of this length has one between its
/// words.
const JOINTS: usize = 8;
const MASK: char = '…';

/// Replaces each secret by a mark.
pub(in crate::server) fn masked(text: &str) -> Cow<'_, str> {
    if !runs(text, is_of_token).any(|run| run.len() >= SECRET && holds_secret(run)) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    for run in runs(text, is_of_token) {
        if is_token(run) {
            masked.push(MASK);
            continue;
        }
        for run in runs(run, |byte| byte.is_ascii_hexdigit()) {
            if is_hex_secret(run) {
                masked.push(MASK);
            } else {
                masked.push_str(run);
            }
        }
    }
    Cow::Owned(masked)
}

/// Splits a text where a kind of characters begins or ends.
fn runs(text: &str, is_of: impl Fn(u8) -> bool) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let kind = is_of(*rest.as_bytes().first()?);
        let end = rest.bytes().position(|byte| is_of(byte) != kind);
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(run)
    })
}

fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn holds_secret(run: &str) -> bool {
    is_token(run) || runs(run, |byte| byte.is_ascii_hexdigit()).any(is_hex_secret)
}

fn is_hex_secret(run: &str) -> bool {
    run.len() >= SECRET && run.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_token(run: &str) -> bool {
    let has = |is: fn(&u8) -> bool| run.as_bytes().iter().any(is);
    run.len() >= TOKEN
        && run.bytes().all(is_of_token)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
        && run
            .bytes()
            .filter(|byte| !byte.is_ascii_alphanumeric())
            .count()
            <= JOINTS
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: &str =
        "q83vEjRWeJCrze8SNFZ4kAAAAABqLn4Ai0Zx_mQ3tY7uVb2Kc9-LpDhW5sXeRgTzNfJoHaUyI1w";

    #[test]
    fn a_secret_is_taken_out_wherever_it_stands() {
        let secret = "0123456789abcdef".repeat(4);
        for (text, shown) in [
            (secret.clone(), "…"),
            (format!("irt_{secret}.csv"), "irt_….csv"),
            (format!("a {secret} and {secret}, ü"), "a … and …, ü"),
            (format!("ab{secret}"), "…"),
            (
                "0199c2a4-7d55-7f06-8d5e-0a6d0f3f7a10".to_owned(),
                "0199c2a4-7d55-7f06-8d5e-0a6d0f3f7a10",
            ),
            (secret[1..].to_owned(), &secret[1..]),
            (format!("/shared/{SHARE}/progress"), "/shared/…/progress"),
            (format!("ä{SHARE}ö.csv"), "ä…ö.csv"),
            (
                "Spring-list_2026-of-all-products-and-their-variants-Berlin-Hamburg-2.csv"
                    .to_owned(),
                "Spring-list_2026-of-all-products-and-their-variants-Berlin-Hamburg-2.csv",
            ),
            ("spring list ä.csv".to_owned(), "spring list ä.csv"),
            (String::new(), ""),
        ] {
            assert_eq!(masked(&text), shown);
        }
    }
}
