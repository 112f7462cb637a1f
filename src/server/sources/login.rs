//! Credentials for a source's server: user and password, or a header. Stored encrypted.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::header::{self, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    i18n::messages::ErrorCode,
    model::{
        error::ApiError,
        source::{LoginChange, ShownLogin},
    },
    server::{encryption::Keys, store::sources::StoredLogin},
};

const PURPOSE: &str = "source";
const LONGEST: usize = 4_000;
/// Headers that are not credentials.
const OTHERS: [HeaderName; 6] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
];

#[derive(Deserialize, Serialize)]
struct Sealed {
    name: String,
    value: String,
}

/// Validates and encrypts new credentials. `None` if they stay unchanged.
pub(super) fn seal(
    keys: Option<&Keys>,
    wanted: &LoginChange,
) -> Result<Option<Option<StoredLogin>>, ApiError> {
    let refused = |why: ErrorCode| Err(ApiError::Invalid(why.into()));
    let (shown, name, value) = match wanted {
        LoginChange::Keep => return Ok(None),
        LoginChange::None => return Ok(Some(None)),
        LoginChange::Basic { user, password } => {
            if user.is_empty() || user.contains(':') {
                return refused(ErrorCode::LoginUser);
            }
            let both = Zeroizing::new(format!("{user}:{}", password.expose()));
            let value = format!("Basic {}", BASE64_STANDARD.encode(&*both));
            (
                ShownLogin::Basic(user.clone()),
                header::AUTHORIZATION.as_str().to_owned(),
                value,
            )
        }
        LoginChange::Header { name, value } => {
            let name = name.trim().to_ascii_lowercase();
            (
                ShownLogin::Header(name.clone()),
                name,
                value.expose().trim().to_owned(),
            )
        }
    };
    let is_header = name
        .parse()
        .is_ok_and(|name: HeaderName| !OTHERS.contains(&name))
        && HeaderValue::from_str(&value).is_ok();
    if !is_header || name.len() + value.len() > LONGEST {
        return refused(ErrorCode::LoginHeader);
    }
    let Some(keys) = keys else {
        return Err(ApiError::Unavailable(ErrorCode::NoEncryptionKey.into()));
    };
    let json = serde_json::to_vec(&Sealed { name, value }).map(Zeroizing::new);
    // Serializing text cannot fail.
    let json = json.map_err(|_| ApiError::Internal)?;
    let sealed = keys.encrypt(PURPOSE, &json).map_err(|error| {
        tracing::error!(%error, "no randomness");
        ApiError::Internal
    })?;
    Ok(Some(Some(StoredLogin { sealed, shown })))
}

/// Decrypts a header. `None` if it was encrypted with another key.
pub(super) fn open(keys: Option<&Keys>, sealed: &str) -> Option<(HeaderName, HeaderValue)> {
    let json = keys?.decrypt(PURPOSE, sealed)?;
    let Sealed { name, value } = serde_json::from_slice(&json).ok()?;
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some((name.parse().ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_comes_back_as_a_header_and_only_with_its_key() {
        let keys = Keys::derive(&["a".to_owned().into()]).unwrap();
        let other = Keys::derive(&["b".to_owned().into()]).unwrap();
        let basic = LoginChange::Basic {
            user: "ada".to_owned(),
            password: "se:cret".to_owned().into(),
        };
        let stored = seal(Some(&keys), &basic).unwrap().unwrap().unwrap();
        assert_eq!(stored.shown, ShownLogin::Basic("ada".to_owned()));
        assert!(!stored.sealed.contains("secret"));
        let (name, value) = open(Some(&keys), &stored.sealed).unwrap();
        assert_eq!(
            (name, value.to_str().unwrap()),
            (header::AUTHORIZATION, "Basic YWRhOnNlOmNyZXQ=")
        );
        assert!(value.is_sensitive());
        assert!(open(Some(&other), &stored.sealed).is_none());
        assert!(open(None, &stored.sealed).is_none());
        assert!(matches!(seal(None, &basic), Err(ApiError::Unavailable(_))));
        assert!(seal(None, &LoginChange::Keep).unwrap().is_none());
        assert!(seal(None, &LoginChange::None).unwrap().unwrap().is_none());
    }

    #[test]
    fn what_is_no_login_is_refused() {
        let keys = Keys::derive(&["a".to_owned().into()]).unwrap();
        for (name, value) in [
            ("", "x"),
            ("x y", "x"),
            ("Host", "x"),
            ("x-token", "a\nb"),
            ("if-none-match", "x"),
        ] {
            let header = LoginChange::Header {
                name: name.to_owned(),
                value: value.to_owned().into(),
            };
            assert!(
                matches!(seal(Some(&keys), &header), Err(ApiError::Invalid(_))),
                "{name}"
            );
        }
        for user in ["", "a:b"] {
            let basic = LoginChange::Basic {
                user: user.to_owned(),
                password: "x".to_owned().into(),
            };
            assert!(
                matches!(seal(Some(&keys), &basic), Err(ApiError::Invalid(_))),
                "{user}"
            );
        }
    }
}
