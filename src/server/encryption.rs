//! Encrypts stored secrets and signs links.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use super::config::Config;

const FILE: &str = "encryption.key";
const NONCE: usize = 12;

/// The key file cannot be used.
#[derive(Debug, Error)]
#[error("{} cannot be used as the encryption key: {error}", path.display())]
pub struct KeyFileError {
    path: PathBuf,
    error: io::Error,
}

/// Keys for secrets and links. The first one encrypts and signs; all of them decrypt and verify, for rotation. Cheap to
/// clone.
#[derive(Clone)]
pub(crate) struct Keys(Arc<[Key]>);

struct Key {
    cipher: Aes256Gcm,
    signing: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Derives the keys from the settings or a key file in the data directory; the file is generated if the database is
    /// a file there. `None` if processes on the database would have different keys.
    pub(crate) fn open(config: &Config) -> Result<Option<Self>, KeyFileError> {
        let set = config.encryption_key.iter();
        let mut secrets: Vec<_> = set.chain(&config.auth.authjs_secrets).cloned().collect();
        if config.database.is_file() {
            let path = config.data_dir.join(FILE);
            let is_needed = secrets.is_empty();
            let kept = read_or_generate(&path, is_needed);
            secrets.extend(kept.map_err(|error| KeyFileError { path, error })?);
        }
        Ok(Self::derive(&secrets))
    }

    pub(crate) fn derive(secrets: &[SecretString]) -> Option<Self> {
        let keys: Option<Vec<_>> = secrets.iter().map(Key::derive).collect();
        keys.filter(|keys| !keys.is_empty())
            .map(|keys| Self(keys.into()))
    }

    /// Encrypts a secret; decrypting requires the same purpose. Fails without randomness.
    pub(crate) fn encrypt(&self, purpose: &str, secret: &[u8]) -> Result<String, getrandom::Error> {
        let mut sealed = vec![0; NONCE];
        getrandom::fill(&mut sealed)?;
        let payload = Payload {
            msg: secret,
            aad: purpose.as_bytes(),
        };
        let nonce = sealed.as_slice().try_into();
        let encrypted = nonce.ok().zip(self.0.first()).and_then(|(nonce, key)| {
            // Fails only above 64 GiB.
            key.cipher.encrypt(nonce, payload).ok()
        });
        sealed.extend(encrypted.ok_or(getrandom::Error::UNEXPECTED)?);
        Ok(BASE64_STANDARD.encode(sealed))
    }

    /// Returns `None` for another key or purpose, or a modified text.
    pub(crate) fn decrypt(&self, purpose: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = BASE64_STANDARD.decode(sealed).ok()?;
        let (nonce, encrypted) = sealed.split_at_checked(NONCE)?;
        let nonce = nonce.try_into().ok()?;
        let payload = || Payload {
            msg: encrypted,
            aad: purpose.as_bytes(),
        };
        let decrypt = |key: &Key| key.cipher.decrypt(nonce, payload()).ok();
        self.0.iter().find_map(decrypt).map(Zeroizing::new)
    }
}

impl Keys {
    pub(crate) fn sign(&self, purpose: &str, message: &[u8]) -> Option<[u8; 32]> {
        let mac = hmac(&*self.0.first()?.signing, &parts(purpose, message))?;
        Some(mac.finalize().into_bytes().into())
    }

    /// Accepts signatures by any of the keys.
    pub(crate) fn verify(&self, purpose: &str, message: &[u8], signature: &[u8]) -> bool {
        let parts = parts(purpose, message);
        let is_signed = |key: &Key| {
            hmac(&*key.signing, &parts).is_some_and(|mac| mac.verify_slice(signature).is_ok())
        };
        self.0.iter().any(is_signed)
    }
}

/// Separates the purpose, which has no zero byte, from the message.
fn parts<'a>(purpose: &'a str, message: &'a [u8]) -> [&'a [u8]; 3] {
    [purpose.as_bytes(), b"\0", message]
}

impl Key {
    fn derive(secret: &SecretString) -> Option<Self> {
        let expand = |info: &str| {
            let mut key = Zeroizing::new([0; 32]);
            let hkdf = Hkdf::<Sha256>::new(None, secret.expose_secret().as_bytes());
            // Fails only above 255 hash blocks.
            hkdf.expand(info.as_bytes(), &mut *key).ok().map(|()| key)
        };
        let cipher = expand("Import Relay: stored secrets")?;
        Some(Self {
            cipher: Aes256Gcm::new_from_slice(&*cipher).ok()?,
            signing: expand("Import Relay: signed links")?,
        })
    }
}

pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac)
}

fn read_or_generate(path: &Path, is_needed: bool) -> io::Result<Option<SecretString>> {
    match fs::read_to_string(path) {
        Ok(key) if !key.trim().is_empty() => return Ok(Some(key.trim().to_owned().into())),
        Ok(_) => return Err(io::Error::other("it is empty")),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) if !is_needed => return Ok(None),
        Err(_) => {}
    }
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(io::Error::other)?;
    let key = hex::encode(*bytes);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Renamed into place, so that a key file is complete.
    let draft = path.with_extension("key.new");
    if let Err(error) = fs::remove_file(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = options.open(&draft)?;
    file.write_all(key.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    Ok(Some(key.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(secrets: &[&str]) -> Keys {
        let secrets: Vec<_> = secrets.iter().map(|it| (*it).to_owned().into()).collect();
        Keys::derive(&secrets).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_encrypted_comes_back_for_its_purpose_and_key_alone(
            secret in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let sealed = keys(&["a"]).encrypt("x", &secret).unwrap();
            prop_assert_eq!(&*keys(&["a"]).decrypt("x", &sealed).unwrap(), &secret);
            prop_assert_eq!(&*keys(&["b", "a"]).decrypt("x", &sealed).unwrap(), &secret);
            prop_assert!(keys(&["a"]).decrypt("y", &sealed).is_none());
            prop_assert!(keys(&["b"]).decrypt("x", &sealed).is_none());
            let mut changed = BASE64_STANDARD.decode(&sealed).unwrap();
            changed[5] ^= 1;
            prop_assert!(keys(&["a"]).decrypt("x", &BASE64_STANDARD.encode(changed)).is_none());
        }

        #[test]
        fn nothing_that_is_stored_makes_it_panic(sealed in ".{0,60}") {
            prop_assert!(keys(&["a"]).decrypt("x", &sealed).is_none());
        }
    }

    #[test]
    fn a_key_file_is_generated_once_and_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        assert!(read_or_generate(&path, false).unwrap().is_none());
        let first = read_or_generate(&path, true).unwrap().unwrap();
        let again = read_or_generate(&path, true).unwrap().unwrap();
        assert_eq!(first.expose_secret(), again.expose_secret());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
        fs::write(&path, "").unwrap();
        assert!(read_or_generate(&path, true).is_err());
    }

    #[test]
    fn no_secret_gives_no_keys() {
        assert!(Keys::derive(&[]).is_none());
    }
}
