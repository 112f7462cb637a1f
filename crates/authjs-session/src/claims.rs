//! Claims of a session token.

use serde::Deserialize;
use serde_json::Value;

/// Maximum characters of a name.
pub const MAX_NAME: usize = 100;
/// Maximum characters of a subject or address.
pub const MAX_ID: usize = 254;
/// Maximum clock skew in seconds, as in Auth.js.
const LEEWAY: i64 = 15;

/// The user of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// Permanent ID in the installation: `sub 42`, or `email ada@example.com` without one.
    pub subject: String,
    /// Email address, for display.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// The claim `role`, as the installation gives it; `Null` if missing.
    pub role: Value,
    /// Time of issue, in seconds since 1970; 0 if missing.
    pub issued_at: i64,
    /// Expiry with clock skew, in seconds since 1970.
    pub expires_at: i64,
}

/// RFC 7519, section 4.1. Times may have fractions.
#[derive(Debug, Deserialize)]
struct Claims {
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    #[serde(default)]
    sub: Value,
    #[serde(default)]
    email: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    role: Value,
}

/// Returns `None` if the token is not valid at `now` or has no subject.
pub(crate) fn read(payload: &[u8], now: i64) -> Option<Identity> {
    let claims: Claims = serde_json::from_slice(payload).ok()?;
    let expired = whole(claims.exp) <= now.saturating_sub(LEEWAY);
    let too_early = claims
        .nbf
        .is_some_and(|nbf| whole(nbf) > now.saturating_add(LEEWAY));
    if expired || too_early {
        return None;
    }
    let email = text(&claims.email, MAX_ID);
    let subject = match text(&claims.sub, MAX_ID) {
        Some(sub) => format!("sub {sub}"),
        // Installations may omit `sub`; then the address identifies the user.
        None => format!("email {}", email.as_ref()?.to_lowercase()),
    };
    Some(Identity {
        subject,
        name: text(&claims.name, MAX_NAME),
        role: claims.role,
        issued_at: claims.iat.map_or(0, whole),
        expires_at: whole(claims.exp).saturating_add(LEEWAY),
        email,
    })
}

/// Parses a string or number; `None` if unprintable or too long.
fn text(value: &Value, most: usize) -> Option<String> {
    match value {
        Value::String(text) => clean(text, most),
        Value::Number(number) => clean(&number.to_string(), most),
        _ => None,
    }
}

/// Trims a claim; `None` if empty, unprintable or longer than `most` characters.
#[must_use]
pub fn clean(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    let usable =
        !text.is_empty() && text.chars().count() <= most && !text.contains(char::is_control);
    usable.then(|| text.to_owned())
}

#[allow(clippy::cast_possible_truncation)] // a cast of a float saturates; NaN is 0, which is past
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(claims: Value) -> Option<Identity> {
        read(claims.to_string().as_bytes(), NOW)
    }

    #[test]
    fn the_claims_give_the_user() {
        let identity = at(json!({
            "sub": "42", "email": "ada@example.com", "name": " Ada ", "role": "ADMIN",
            "iat": NOW - 5, "exp": NOW + 5, "picture": null
        }))
        .unwrap();
        assert_eq!(
            identity,
            Identity {
                subject: "sub 42".to_owned(),
                email: Some("ada@example.com".to_owned()),
                name: Some("Ada".to_owned()),
                role: json!("ADMIN"),
                issued_at: NOW - 5,
                expires_at: NOW + 20,
            }
        );
    }

    #[test]
    fn time_is_kept_with_fifteen_seconds_of_leeway() {
        let valid = |claims| at(claims).is_some();
        assert!(valid(json!({"sub": "1", "exp": NOW - 14})));
        assert!(!valid(json!({"sub": "1", "exp": NOW - 15})));
        assert!(valid(json!({"sub": "1", "exp": NOW + 60, "nbf": NOW + 15})));
        assert!(!valid(
            json!({"sub": "1", "exp": NOW + 60, "nbf": NOW + 16})
        ));
    }

    #[test]
    fn a_token_that_never_ends_or_names_nobody_is_none() {
        for claims in [
            json!({"sub": "1"}),
            json!({"sub": "1", "exp": "never"}),
            json!({"exp": NOW + 60}),
            json!({"sub": "", "exp": NOW + 60}),
            json!({"sub": {"id": 1}, "exp": NOW + 60}),
            json!({"sub": "a\nb", "exp": NOW + 60}),
            json!([]),
        ] {
            assert_eq!(at(claims.clone()), None, "{claims}");
        }
    }

    #[test]
    fn without_a_subject_the_address_is_one_and_never_the_same_as_a_subject() {
        let by_email = at(json!({"email": "Ada@example.com", "exp": NOW + 60})).unwrap();
        let by_sub = at(json!({"sub": "ada@example.com", "exp": NOW + 60})).unwrap();
        assert_eq!(by_email.subject, "email ada@example.com");
        assert_ne!(by_email.subject, by_sub.subject);
    }

    #[test]
    fn a_role_is_passed_on_as_it_is() {
        let of = |claims: Value| at(claims).unwrap().role;
        assert_eq!(of(json!({"sub": "1", "exp": NOW + 60})), Value::Null);
        for role in [json!("viewer"), json!(7), json!(["owner"])] {
            assert_eq!(of(json!({"sub": "1", "exp": NOW + 60, "role": role})), role);
        }
    }

    #[test]
    fn a_token_that_does_not_say_when_it_was_made_is_as_old_as_can_be() {
        let identity = at(json!({"sub": "1", "exp": NOW + 60})).unwrap();
        assert_eq!(identity.issued_at, 0);
    }
}
