//! Decrypts a JWE in compact form with the algorithm `dir` (RFC 7516, section 7.1; RFC 7518, sections 4.5 and 5).

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::Aead as _, aead::Payload};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _, block_padding::Pkcs7};
use hmac::{Hmac, Mac as _};
use serde::Deserialize;
use sha2::Sha512;

use super::keys::{ContentKey, Key};

/// The relevant fields of the protected header.
#[derive(Debug, Deserialize)]
struct Header {
    alg: Algorithm,
    enc: ContentEncryption,
    kid: Option<String>,
    /// Critical extensions: none is supported (RFC 7516, section 4.1.13).
    crit: Option<serde::de::IgnoredAny>,
    /// Compression: rejected, because a small token could become a large one.
    zip: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
enum Algorithm {
    #[serde(rename = "dir")]
    Direct,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
enum ContentEncryption {
    #[serde(rename = "A256CBC-HS512")]
    CbcHs512,
    #[serde(rename = "A256GCM")]
    Gcm,
}

#[derive(Debug)]
pub(crate) struct Compact<'a> {
    enc: ContentEncryption,
    kid: Option<String>,
    /// Encoded header, as authenticated.
    protected: &'a str,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Returns `None` if the token does not use direct encryption.
    pub(crate) fn parse(token: &'a str) -> Option<Self> {
        let mut parts = token.split('.');
        let mut next = || parts.next();
        let (protected, encrypted_key, iv, ciphertext, tag) =
            (next()?, next()?, next()?, next()?, next()?);
        if parts.next().is_some() || !encrypted_key.is_empty() {
            return None;
        }
        let header: Header = serde_json::from_slice(&decoded(protected)?).ok()?;
        let Header {
            alg: Algorithm::Direct,
            enc,
            kid,
            crit: None,
            zip: None,
        } = header
        else {
            return None;
        };
        Some(Self {
            enc,
            kid,
            protected,
            iv: decoded(iv)?,
            ciphertext: decoded(ciphertext)?,
            tag: decoded(tag)?,
        })
    }

    /// Returns `None` for a wrong key and a modified token alike.
    pub(crate) fn open(&self, key: &Key) -> Option<Vec<u8>> {
        let is_meant = match (&self.kid, &key.thumbprint) {
            (Some(kid), Some(thumbprint)) => kid == thumbprint,
            _ => true,
        };
        if !is_meant {
            return None;
        }
        match (&key.content, self.enc) {
            (ContentKey::CbcHs512(key), ContentEncryption::CbcHs512) => open_cbc_hs512(self, key),
            (ContentKey::Gcm(key), ContentEncryption::Gcm) => open_gcm(self, key),
            _ => None,
        }
    }
}

/// Decodes base64url in canonical form only: no padding, no stray bits.
fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// RFC 7518, section 5.2.2.2: compares the tag in constant time before decrypting.
fn open_cbc_hs512(token: &Compact<'_>, key: &[u8; 64]) -> Option<Vec<u8>> {
    const TAG: usize = 32;
    let (mac_key, enc_key) = key.split_at(32);
    if token.tag.len() != TAG {
        return None;
    }
    let header_bits = u64::try_from(token.protected.len()).ok()? * 8;
    Hmac::<Sha512>::new_from_slice(mac_key)
        .ok()?
        .chain_update(token.protected)
        .chain_update(&token.iv)
        .chain_update(&token.ciphertext)
        .chain_update(header_bits.to_be_bytes())
        .verify_truncated_left(&token.tag)
        .ok()?;
    cbc::Decryptor::<aes::Aes256>::new_from_slices(enc_key, &token.iv)
        .ok()?
        .decrypt_padded_vec::<Pkcs7>(&token.ciphertext)
        .ok()
}

fn open_gcm(token: &Compact<'_>, key: &[u8; 32]) -> Option<Vec<u8>> {
    const TAG: usize = 16;
    if token.tag.len() != TAG {
        return None;
    }
    let iv: [u8; 12] = token.iv.as_slice().try_into().ok()?;
    let sealed = [&*token.ciphertext, &*token.tag].concat();
    let payload = Payload {
        msg: &sealed,
        aad: token.protected.as_bytes(),
    };
    Aes256Gcm::new(key.into()).decrypt(&iv.into(), payload).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{cookies::SessionCookie, keys::KeyRing};

    fn open(token: &str, key: &Key) -> Option<Vec<u8>> {
        Compact::parse(token)?.open(key)
    }

    /// RFC 7516, appendix A.1 to A.3 and others: well-formed, but not with `dir` or another key.
    #[test]
    fn what_is_not_sealed_directly_with_a_known_encryption_is_not_opened() {
        let keys = KeyRing::derive(&["secret".into()]);
        let header = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
        for json in [
            r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
            r#"{"alg":"none","enc":"A256GCM"}"#,
            r#"{"alg":"dir","enc":"A128CBC-HS256"}"#,
            r#"{"alg":"dir"}"#,
            r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#,
            r#"{"alg":"dir","enc":"A256GCM","crit":["exp"]}"#,
            "[]",
            "",
        ] {
            let token = format!(
                "{}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
                header(json)
            );
            for cookie in SessionCookie::ALL {
                for key in keys.of(cookie) {
                    assert_eq!(open(&token, key), None, "{json}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_opens_or_panics(token in "([A-Za-z0-9_=-]{0,40}\\.){0,6}[A-Za-z0-9_-]{0,40}") {
            let keys = KeyRing::derive(&["secret".into()]);
            for cookie in SessionCookie::ALL {
                for key in keys.of(cookie) {
                    prop_assert_eq!(open(&token, key), None);
                }
            }
        }
    }
}
