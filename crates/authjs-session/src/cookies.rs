//! Finds session tokens in cookies, whole or in chunks.

use std::collections::BTreeMap;

use cookie::Cookie;
use http::{HeaderMap, header};

/// Browsers store far fewer.
const MAX_CHUNKS: u16 = 32;
/// Maximum bytes of a token.
const MAX_TOKEN: usize = 48 << 10;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SessionCookie {
    /// Auth.js 5 over https.
    SecureAuthJs,
    /// Auth.js 5.
    AuthJs,
    /// NextAuth 4 over https.
    SecureNextAuth,
    /// NextAuth 4.
    NextAuth,
}

impl SessionCookie {
    pub(crate) const ALL: [Self; 4] = [
        Self::SecureAuthJs,
        Self::AuthJs,
        Self::SecureNextAuth,
        Self::NextAuth,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SecureAuthJs => "__Secure-authjs.session-token",
            Self::AuthJs => "authjs.session-token",
            Self::SecureNextAuth => "__Secure-next-auth.session-token",
            Self::NextAuth => "next-auth.session-token",
        }
    }

    /// Parses a cookie name into cookie and chunk number.
    fn of_name(name: &str) -> Option<(Self, Option<u16>)> {
        Self::ALL.into_iter().find_map(|cookie| {
            let rest = name.strip_prefix(cookie.name())?;
            if rest.is_empty() {
                return Some((cookie, None));
            }
            let number = rest.strip_prefix('.')?;
            let is_canonical = number == "0" || !number.starts_with('0');
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let number = number.parse().ok().filter(|number| *number < MAX_CHUNKS)?;
            (is_canonical && digits).then_some((cookie, Some(number)))
        })
    }
}

#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) cookie: SessionCookie,
    pub(crate) token: String,
}

/// Finds potential session tokens: for each cookie the whole one, then the joined chunks; both can exist after a change
/// of size. Of cookies with the same name the first wins, as in the installation.
pub(crate) fn candidates(headers: &HeaderMap) -> Vec<Candidate> {
    let found = found(headers);
    SessionCookie::ALL
        .into_iter()
        .flat_map(|cookie| {
            let of_cookie = |chunk| found.get(&(cookie.name(), chunk)).cloned();
            let whole = of_cookie(None);
            let joined: String = (0..MAX_CHUNKS)
                .map_while(|chunk| of_cookie(Some(chunk)))
                .collect();
            [whole, Some(joined)]
                .into_iter()
                .flatten()
                .filter(|token| !token.is_empty() && token.len() <= MAX_TOKEN)
                .map(move |token| Candidate { cookie, token })
        })
        .collect()
}

/// Returns the names of all session cookies in a request.
#[must_use]
pub fn names_in(headers: &HeaderMap) -> Vec<String> {
    found(headers)
        .into_keys()
        .map(|(name, chunk)| match chunk {
            Some(chunk) => format!("{name}.{chunk}"),
            None => name.to_owned(),
        })
        .collect()
}

type Found = BTreeMap<(&'static str, Option<u16>), String>;

fn found(headers: &HeaderMap) -> Found {
    let mut found = Found::new();
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .flatten();
    for pair in pairs {
        if let Some((cookie, chunk)) = SessionCookie::of_name(pair.name()) {
            found
                .entry((cookie.name(), chunk))
                .or_insert_with(|| pair.value().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(header: &str) -> Vec<(&'static str, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, header.parse().unwrap());
        candidates(&headers)
            .into_iter()
            .map(|found| (found.cookie.name(), found.token))
            .collect()
    }

    #[test]
    fn chunks_are_joined_by_number_in_whatever_order_they_come() {
        let header = "a=b; authjs.session-token.10=k; authjs.session-token.2=c; \
            authjs.session-token.0=a; authjs.session-token.1=b";
        assert_eq!(read(header), [("authjs.session-token", "abc".to_owned())]);
    }

    #[test]
    fn a_whole_cookie_comes_before_chunks_left_over() {
        let header = "next-auth.session-token.0=old; next-auth.session-token=new";
        assert_eq!(
            read(header),
            [
                ("next-auth.session-token", "new".to_owned()),
                ("next-auth.session-token", "old".to_owned())
            ]
        );
    }

    #[test]
    fn the_first_of_two_cookies_with_one_name_counts() {
        let header = "authjs.session-token=1; authjs.session-token=2";
        assert_eq!(read(header), [("authjs.session-token", "1".to_owned())]);
    }

    #[test]
    fn other_names_are_other_cookies() {
        for header in [
            "authjs.session-tokens=a",
            "authjs.session-token.x=a",
            "authjs.session-token.00=a",
            "authjs.session-token.+0=a",
            "authjs.session-token.99999999999=a",
            "xauthjs.session-token=a",
            "authjs.session-token=",
            "authjs.session-token.1=without-the-first",
        ] {
            assert_eq!(read(header), [], "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut headers = HeaderMap::new();
                headers.insert(header::COOKIE, value);
                let _ = (candidates(&headers), names_in(&headers));
            }
        }

        #[test]
        fn a_token_survives_its_chunks(token in "[A-Za-z0-9_.-]{1,200}", size in 7_usize..50) {
            let chunks: Vec<_> = token.as_bytes().chunks(size).enumerate().rev()
                .map(|(number, chunk)| {
                    format!("authjs.session-token.{number}={}", std::str::from_utf8(chunk).unwrap())
                })
                .collect();
            prop_assert_eq!(read(&chunks.join("; ")), [("authjs.session-token", token)]);
        }
    }
}
