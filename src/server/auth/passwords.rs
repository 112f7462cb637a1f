//! Validates and hashes passwords.

use std::{collections::HashSet, sync::LazyLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::{
    i18n::messages::ErrorCode, model::error::ApiError,
    server::store::users::PasswordHash as StoredHash,
};

const LEAST: usize = 10;
/// Maximum bytes, so that hashing stays cheap.
const MOST: usize = 1024;
/// Concurrent hashes: each takes 19 MiB and a CPU.
const CONCURRENCY: usize = 4;

static PERMITS: Semaphore = Semaphore::const_new(CONCURRENCY);

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect()
});

/// A hash that nothing matches, verified for unknown accounts to take the same time.
static DECOY: LazyLock<String> = LazyLock::new(|| {
    let mut noise = [0; 32];
    // Without randomness the decoy is guessable, but opens no account.
    let _ = getrandom::fill(&mut noise);
    Argon2::default()
        .hash_password(&noise)
        .map(|hash| hash.to_string())
        .unwrap_or_default()
});

/// Computes the decoy in the background, so that the first unknown account takes no longer.
pub(super) fn make_decoy() {
    std::thread::spawn(|| LazyLock::force(&DECOY));
}

/// Composed and decomposed accents are the same password (RFC 8265, section 4.2.1).
fn normalised(password: &SecretString) -> SecretString {
    let password = password.expose_secret();
    if is_nfc(password) {
        password.into()
    } else {
        password.nfc().collect::<String>().into()
    }
}

pub(super) async fn matches(
    password: SecretString,
    hash: Option<StoredHash>,
) -> Result<bool, ApiError> {
    if password.expose_secret().len() > MOST {
        return Ok(false);
    }
    blocking(move || {
        let hash = hash.as_ref().map_or(&**DECOY, StoredHash::expose);
        let verify = |password: &SecretString| {
            PasswordHash::new(hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.expose_secret().as_bytes(), &hash)
                    .is_ok()
            })
        };
        // The hash may be older than normalization.
        verify(&normalised(&password)) || !is_nfc(password.expose_secret()) && verify(&password)
    })
    .await
}

/// Validates and hashes a password. `about` is what others know of the user: address and name. Returns
/// [`ApiError::WeakPassword`] if it is too short, too long or easily guessed.
pub(super) async fn hashed(password: SecretString, about: &[&str]) -> Result<StoredHash, ApiError> {
    let password = normalised(&password);
    if let Some(fault) = fault(password.expose_secret(), about) {
        return Err(ApiError::WeakPassword(fault.into()));
    }
    blocking(move || {
        Argon2::default()
            .hash_password(password.expose_secret().as_bytes())
            .map(|hash| StoredHash::from(hash.to_string()))
    })
    .await?
    .map_err(|error| {
        tracing::error!(%error, "cannot hash a password");
        ApiError::Internal
    })
}

/// Returns the fault of a password. There are no composition rules (NIST SP 800-63B, section 3.1.1.2).
fn fault(password: &str, about: &[&str]) -> Option<ErrorCode> {
    if password.chars().count() < LEAST {
        return Some(ErrorCode::ShortPassword {
            least: LEAST as u64,
        });
    }
    if password.len() > MOST {
        return Some(ErrorCode::LongPassword);
    }
    is_guessable(password, about).then_some(ErrorCode::CommonPassword)
}

fn is_guessable(password: &str, about: &[&str]) -> bool {
    let password = password.to_lowercase();
    // `password2026!` is no better than `password`.
    let stem = password.trim_matches(|c: char| !c.is_alphabetic());
    let mut distinct: Vec<_> = password.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let known = about
        .iter()
        .flat_map(|it| it.split(['@', '.', ' ']).chain([*it]))
        .filter(|it| it.chars().count() > 2)
        .any(|it| it.to_lowercase() == stem || it.to_lowercase() == password);
    distinct.len() < 4
        || is_run(&password)
        || known
        || COMMON.contains(&*password)
        || COMMON.contains(stem)
}

/// Returns whether characters are consecutive: `abcdefghij`, `9876543210`.
fn is_run(password: &str) -> bool {
    let steps: Vec<_> = password
        .chars()
        .zip(password.chars().skip(1))
        .map(|(one, next)| i64::from(u32::from(next)) - i64::from(u32::from(one)))
        .collect();
    let broken = steps.windows(2).filter(|pair| pair[0] != pair[1]).count();
    broken <= 2 && steps.iter().all(|step| step.abs() <= 9)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let _permit = PERMITS.acquire().await.map_err(|_| ApiError::Internal)?;
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "password hashing stopped");
        ApiError::Internal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_refused() {
        let about = ["ada.lovelace@example.com", "Ada Lovelace"];
        for password in [
            "short",
            "password123",
            "Password2026!",
            "qwertyuiop",
            "1234567890",
            "aaaaaaaaaaaa",
            "abcdefghijkl",
            "lovelace1815",
            "ada.lovelace@example.com",
            "Ada Lovelace",
        ] {
            assert!(fault(password, &about).is_some(), "{password}");
        }
        for password in [
            "correct horse",
            "a long enough passphrase",
            "ünbekannt wörter",
            "x7Gq!vR2pL9z",
        ] {
            assert_eq!(fault(password, &about), None, "{password}");
        }
    }

    #[tokio::test]
    async fn a_password_is_the_same_however_its_accents_are_written() {
        let (composed, decomposed) = ("gr\u{fc}ne w\u{e4}lder", "gru\u{308}ne wa\u{308}lder");
        let hash = hashed(decomposed.into(), &[]).await.unwrap();
        for written in [composed, decomposed] {
            assert!(matches(written.into(), Some(hash.clone())).await.unwrap());
        }
        // A hash of the unnormalized password is still accepted.
        let before = Argon2::default()
            .hash_password(decomposed.as_bytes())
            .unwrap()
            .to_string();
        let before = Some(StoredHash::from(before));
        assert!(matches(decomposed.into(), before.clone()).await.unwrap());
        assert!(!matches(composed.into(), before).await.unwrap());
    }

    #[test]
    fn a_hash_is_not_shown() {
        let hash = StoredHash::from("$argon2id$v=19$x".to_owned());
        assert!(!format!("{hash:?}").contains("argon2"));
    }

    #[tokio::test]
    async fn only_the_password_matches_its_hash() {
        let hash = hashed("correct horse".into(), &[]).await.unwrap();
        assert!(
            matches("correct horse".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(!matches("correct hors".into(), Some(hash)).await.unwrap());
        assert!(!matches("correct horse".into(), None).await.unwrap());
    }
}
