//! Creates accounts and verifies passwords.

use secrecy::SecretString;

use super::{audit, passwords};
use crate::{
    i18n::messages::ErrorCode,
    model::{audit::AuditAction, error::ApiError, role::Role},
    server::{
        identity::user::User,
        store::{
            Store,
            users::{Login, NewUser},
        },
    },
};

/// Verifies a password. Unknown account and wrong password give the same [`ApiError::Invalid`], after the same work.
pub(super) async fn verify(login: Option<Login>, password: SecretString) -> Result<User, ApiError> {
    let (user, hash) = match login {
        Some(login) => (Some(login.user), login.password_hash),
        None => (None, None),
    };
    let matches = passwords::matches(password, hash).await?;
    user.filter(|_| matches)
        .ok_or_else(|| ApiError::invalid(ErrorCode::WrongCredentials))
}

pub(super) fn has_owner() -> ApiError {
    ApiError::invalid(ErrorCode::OwnerExists)
}

/// Creates the first owner. Returns [`ApiError::Invalid`] if there is an owner, or address or password are not
/// accepted.
pub(super) async fn create_owner(
    store: &Store,
    name: &str,
    email: &str,
    password: SecretString,
) -> Result<User, ApiError> {
    let (name, email) = checked(name, email)?;
    let password_hash = passwords::hashed(password, &[&name, &email]).await?;
    store
        .create_first_owner(NewUser {
            email: &email,
            name: &name,
            role: Role::Owner,
            password_hash,
        })
        .await?
        .ok_or_else(has_owner)
}

/// Creates an account by command. The default role is owner for the first account, then staff.
///
/// # Errors
///
/// [`ApiError::Invalid`] if the address is taken, or address or password are not accepted.
pub async fn create_by_command(
    store: &Store,
    name: &str,
    email: &str,
    role: Option<Role>,
    password: SecretString,
) -> Result<User, ApiError> {
    let role = match role {
        Some(role) => role,
        None if store.has_owner().await? => Role::Staff,
        None => Role::Owner,
    };
    let user = create(store, name, email, role, password).await?;
    let subject = format!("{}: {role}", user.email);
    audit::record_command(store, AuditAction::AccountMade, &subject).await;
    Ok(user)
}

pub(super) async fn create(
    store: &Store,
    name: &str,
    email: &str,
    role: Role,
    password: SecretString,
) -> Result<User, ApiError> {
    let (name, email) = checked(name, email)?;
    let password_hash = passwords::hashed(password, &[&name, &email]).await?;
    store
        .create_user(NewUser {
            email: &email,
            name: &name,
            role,
            password_hash,
        })
        .await?
        .ok_or_else(|| {
            ApiError::invalid(ErrorCode::EmailTaken {
                email: email.to_string(),
            })
        })
}

/// Resets a password by command, ends the account's sessions and revokes its tokens.
///
/// # Errors
///
/// [`ApiError::Invalid`] if there is no such account, or the password is not accepted.
pub async fn reset_password(
    store: &Store,
    email: &str,
    password: SecretString,
) -> Result<User, ApiError> {
    let user = find(store, email).await?;
    if user.issuer.is_some() {
        return Err(has_no_password());
    }
    set_password(store, &user, password).await?;
    store.revoke_all_of(&user.id, None).await?;
    told_elsewhere(store, &user).await;
    audit::record_command(store, AuditAction::PasswordSet, &user.email).await;
    Ok(user)
}

/// Removes an account's passkeys by command, and ends the sessions they opened. Returns their number.
///
/// # Errors
///
/// [`ApiError::Invalid`] if there is no such account.
pub async fn remove_passkeys(store: &Store, email: &str) -> Result<u64, ApiError> {
    let user = find(store, email).await?;
    let removed = store.remove_passkeys_of(&user.id).await?;
    told_elsewhere(store, &user).await;
    audit::record_command(store, AuditAction::PasskeysRemoved, &user.email).await;
    Ok(removed)
}

/// Changes a role by command.
///
/// # Errors
///
/// [`ApiError::Invalid`] if there is no such account, or it is the last owner.
pub async fn set_role(store: &Store, email: &str, role: Role) -> Result<User, ApiError> {
    let user = find(store, email).await?;
    if !store.set_role(&user.id, role).await? {
        return Err(last_owner());
    }
    if role != Role::Owner {
        store.delete_links_by(&user.id).await?;
    }
    told_elsewhere(store, &user).await;
    let subject = format!("{}: {role}", user.called());
    audit::record_command(store, AuditAction::RoleChanged, &subject).await;
    Ok(User { role, ..user })
}

/// Notifies this database's servers to end a user's streams. A server that misses it notices at its next recheck.
async fn told_elsewhere(store: &Store, user: &User) {
    if let Err(error) = store.notify_revoked(&user.id).await {
        tracing::warn!(%error, "cannot notify the servers");
    }
}

pub(super) fn last_owner() -> ApiError {
    ApiError::invalid(ErrorCode::LastOwner)
}

pub(super) fn has_no_password() -> ApiError {
    ApiError::invalid(ErrorCode::NoPasswordHere)
}

/// Finds an account by address: the local one, or else the only external one with it.
async fn find(store: &Store, email: &str) -> Result<User, ApiError> {
    let email = normalised(email);
    if let Some(login) = store.find_login(&email).await? {
        return Ok(login.user);
    }
    let mut elsewhere = store.users_elsewhere(&email).await?;
    match (elsewhere.pop(), elsewhere.len()) {
        (Some(only), 0) => Ok(only),
        (Some(_), _) => Err(ApiError::invalid(ErrorCode::SeveralAccounts {
            email: email.to_string(),
        })),
        (None, _) => Err(ApiError::invalid(ErrorCode::NoAccountOf {
            email: email.to_string(),
        })),
    }
}

/// Sets a password and revokes password links.
pub(super) async fn set_password(
    store: &Store,
    user: &User,
    password: SecretString,
) -> Result<(), ApiError> {
    let hash = passwords::hashed(password, &[&user.name, &user.email]).await?;
    store.set_password_hash(&user.id, hash).await?;
    store.delete_resets_of(&user.id).await?;
    Ok(())
}

pub(super) fn normalised(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Returns a checked address as it is stored.
pub(super) fn checked_email(email: &str) -> Result<String, ApiError> {
    let email = normalised(email);
    let is_address = email.len() <= 254
        && email
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && !email.contains(|c: char| c.is_whitespace() || c.is_control());
    if !is_address {
        return Err(ApiError::invalid(ErrorCode::InvalidEmail));
    }
    Ok(email)
}

fn checked(name: &str, email: &str) -> Result<(String, String), ApiError> {
    let email = checked_email(email)?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.contains(char::is_control) {
        return Err(ApiError::invalid(ErrorCode::NameLength { limit: 100 }));
    }
    Ok((name.to_owned(), email))
}
