//! Accounts and their passwords.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    api::ApiError,
    server::store::{
        Store,
        users::{NewUser, User},
    },
};

/// The fewest characters of a password.
const MIN_PASSWORD: usize = 10;
/// The most bytes of one: hashing longer ones would only serve to keep the server busy.
const MAX_PASSWORD: usize = 1024;

/// Checks an address and a password.
///
/// # Errors
///
/// [`ApiError::Invalid`], in the same words and after the same work, when there is no such account
/// and when the password is wrong.
pub async fn verify(store: &Store, email: &str, password: SecretString) -> Result<User, ApiError> {
    let wrong = || ApiError::Invalid("The email address or the password is wrong.".to_owned());
    if password.expose_secret().len() > MAX_PASSWORD {
        return Err(wrong());
    }
    let found = store.find_user_by_email(&normalised(email)).await?;
    let (user, hash) = match found {
        Some((user, hash)) => (Some(user), hash),
        None => (None, None),
    };
    let matches = blocking(move || {
        let hash = hash.as_deref().unwrap_or(&DECOY);
        PasswordHash::new(hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.expose_secret().as_bytes(), &hash)
                .is_ok()
        })
    })
    .await?;
    user.filter(|_| matches).ok_or_else(wrong)
}

/// Makes the first account.
///
/// # Errors
///
/// [`ApiError::Invalid`] when there is an account already, or the address or password will not do.
pub async fn create_owner(
    store: &Store,
    name: &str,
    email: &str,
    password: SecretString,
) -> Result<User, ApiError> {
    let refused = || ApiError::Invalid("There is an account already. Sign in with it.".to_owned());
    if store.has_users().await? {
        return Err(refused());
    }
    let (name, email) = checked(name, email)?;
    let password_hash = hashed(password).await?;
    store
        .create_first_user(NewUser {
            email: &email,
            name: &name,
            password_hash,
        })
        .await?
        .ok_or_else(refused)
}

/// Makes an account.
///
/// # Errors
///
/// [`ApiError::Invalid`] when the address is taken, or the address or password will not do.
pub async fn create(
    store: &Store,
    name: &str,
    email: &str,
    password: SecretString,
) -> Result<User, ApiError> {
    let (name, email) = checked(name, email)?;
    let password_hash = hashed(password).await?;
    store
        .create_user(NewUser {
            email: &email,
            name: &name,
            password_hash,
        })
        .await?
        .ok_or_else(|| {
            ApiError::Invalid(format!(
                "There is an account with the address {email} already."
            ))
        })
}

/// Gives an account a new password and ends its sessions.
///
/// # Errors
///
/// [`ApiError::Invalid`] when there is no such account, or the password will not do.
pub async fn reset_password(
    store: &Store,
    email: &str,
    password: SecretString,
) -> Result<User, ApiError> {
    let email = normalised(email);
    let Some((user, _)) = store.find_user_by_email(&email).await? else {
        return Err(ApiError::Invalid(format!(
            "There is no account with the address {email}."
        )));
    };
    store
        .set_password_hash(&user.id, hashed(password).await?)
        .await?;
    store.delete_sessions_of(&user.id).await?;
    Ok(user)
}

/// A hash that no password matches, to spend the same time where there is no account.
static DECOY: LazyLock<String> = LazyLock::new(|| {
    let mut noise = [0; 32];
    // Without randomness the password is guessable, but still opens no account.
    let _ = getrandom::fill(&mut noise);
    Argon2::default()
        .hash_password(&noise)
        .map(|hash| hash.to_string())
        .unwrap_or_default()
});

async fn hashed(password: SecretString) -> Result<String, ApiError> {
    let length = password.expose_secret().chars().count();
    if length < MIN_PASSWORD {
        return Err(ApiError::Invalid(format!(
            "The password needs at least {MIN_PASSWORD} characters."
        )));
    }
    if password.expose_secret().len() > MAX_PASSWORD {
        return Err(ApiError::Invalid("The password is too long.".to_owned()));
    }
    blocking(move || {
        Argon2::default()
            .hash_password(password.expose_secret().as_bytes())
            .map(|hash| hash.to_string())
    })
    .await?
    .map_err(|error| {
        tracing::error!(%error, "a password could not be hashed");
        ApiError::Internal
    })
}

/// Argon2 is slow on purpose; the threads that serve must not wait for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "hashing stopped");
        ApiError::Internal
    })
}

fn normalised(email: &str) -> String {
    email.trim().to_lowercase()
}

fn checked(name: &str, email: &str) -> Result<(String, String), ApiError> {
    let email = normalised(email);
    let is_address = email.len() <= 254
        && email
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && !email.contains(|c: char| c.is_whitespace() || c.is_control());
    if !is_address {
        return Err(ApiError::Invalid(
            "This is not an email address.".to_owned(),
        ));
    }
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.contains(char::is_control) {
        return Err(ApiError::Invalid(
            "The name needs 1 to 100 characters.".to_owned(),
        ));
    }
    Ok((name.to_owned(), email))
}
