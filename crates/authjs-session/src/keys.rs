//! Derives an installation's keys from its secrets, as Auth.js and NextAuth do.

use std::{fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use super::cookies::SessionCookie;

/// A content-encryption key, used directly (RFC 7518, section 4.5), with its thumbprint.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) content: ContentKey,
    /// The RFC 7638 thumbprint in the token's header; `None` for NextAuth.
    pub(crate) thumbprint: Option<String>,
}

#[derive(Clone)]
pub(crate) enum ContentKey {
    /// `A256CBC-HS512` (RFC 7518, section 5.2.5): the first half authenticates, the second encrypts.
    CbcHs512(Zeroizing<[u8; 64]>),
    /// `A256GCM` (RFC 7518, section 5.3).
    Gcm(Zeroizing<[u8; 32]>),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The keys of all secrets for each cookie.
#[derive(Clone, Debug)]
pub(crate) struct KeyRing(Arc<[(SessionCookie, Vec<Key>)]>);

impl KeyRing {
    pub(crate) fn derive(secrets: &[SecretString]) -> Self {
        let of_cookie = |cookie| {
            let keys = secrets.iter().flat_map(|secret| keys(secret, cookie));
            (cookie, keys.collect())
        };
        Self(SessionCookie::ALL.into_iter().map(of_cookie).collect())
    }

    pub(crate) fn of(&self, cookie: SessionCookie) -> &[Key] {
        self.0
            .iter()
            .find(|(of, _)| *of == cookie)
            .map_or(&[], |(_, keys)| keys)
    }
}

fn keys(secret: &SecretString, cookie: SessionCookie) -> Vec<Key> {
    let salt = cookie.name();
    match cookie {
        SessionCookie::SecureAuthJs | SessionCookie::AuthJs => {
            let info = format!("Auth.js Generated Encryption Key ({salt})");
            let cbc = derive(secret, salt, &info);
            let gcm = derive(secret, salt, &info);
            vec![
                Key {
                    thumbprint: Some(thumbprint::<Sha512>(&*cbc)),
                    content: ContentKey::CbcHs512(cbc),
                },
                Key {
                    thumbprint: Some(thumbprint::<Sha256>(&*gcm)),
                    content: ContentKey::Gcm(gcm),
                },
            ]
        }
        SessionCookie::SecureNextAuth | SessionCookie::NextAuth => vec![Key {
            thumbprint: None,
            content: ContentKey::Gcm(derive(secret, "", "NextAuth.js Generated Encryption Key")),
        }],
    }
}

fn derive<const N: usize>(secret: &SecretString, salt: &str, info: &str) -> Zeroizing<[u8; N]> {
    let mut key = Zeroizing::new([0; N]);
    let hkdf = Hkdf::<Sha256>::new(Some(salt.as_bytes()), secret.expose_secret().as_bytes());
    // Fails only above 255 hash blocks; two are needed.
    let derived = hkdf.expand(info.as_bytes(), &mut *key);
    debug_assert!(derived.is_ok());
    key
}

/// RFC 7638, section 3, for a symmetric key. Auth.js uses a hash as long as the key.
fn thumbprint<D: Digest>(key: &[u8]) -> String {
    let k = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(key));
    let jwk = Zeroizing::new(format!(r#"{{"k":"{}","kty":"oct"}}"#, *k));
    BASE64_URL_SAFE_NO_PAD.encode(D::digest(jwk.as_bytes()))
}
