//! Masks secrets of this app in texts, such as filenames, before they are logged.

use std::borrow::Cow;

/// Hexadecimal digits of session, token and link secrets.
const SECRET: usize = 64;
const MASK: char = '…';

/// Replaces each secret by a mark.
pub(in crate::server) fn masked(text: &str) -> Cow<'_, str> {
    if !holds_secret(text) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        masked.push_str(before);
        if run.len() < SECRET {
            masked.push_str(run);
        } else {
            masked.push(MASK);
        }
        rest = after;
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

fn holds_secret(text: &str) -> bool {
    let mut run = 0;
    text.bytes().any(|byte| {
        run = if byte.is_ascii_hexdigit() { run + 1 } else { 0 };
        run == SECRET
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("spring list ä.csv".to_owned(), "spring list ä.csv"),
            (String::new(), ""),
        ] {
            assert_eq!(masked(&text), shown);
        }
    }
}
