//! Users and links, for owners.

use std::time::Duration;

use secrecy::SecretString;

use super::{
    accounts, audit, confirm, flash, invitation, passwords, request::Caller, require_passwords,
    secret, sign_in,
};
use crate::{
    i18n::{locale::Locale, messages::ErrorCode},
    model::{
        audit::{AuditAction, AuditEvent},
        error::ApiError,
        page::Page,
        role::{Permission, Role},
        secret::Secret,
        team::{LinkMail, LinkState, NewLink, OpenLink, TeamMember, TeamState},
    },
    server::{
        auth::Auth,
        identity::user::User,
        store::{
            account_links::{AccountLink, LinkPurpose, NewAccountLink},
            users::Member,
        },
    },
};

const INVITATION: Duration = Duration::from_secs(7 * 24 * 3600);
const RESET: Duration = Duration::from_secs(24 * 3600);
const MAX_NOTE: usize = 200;

const PAGE: &str = "/team";

fn owner() -> Result<(Auth, Caller, User), ApiError> {
    let caller = Caller::of_server_fn()?;
    caller.in_person()?;
    let owner = caller.with(Permission::Manage)?.user.clone();
    Ok((Auth::of_server_fn()?, caller, owner))
}

pub(crate) async fn team_state() -> Result<TeamState, ApiError> {
    let (auth, caller, owner) = owner()?;
    let members = auth.store.list_members().await?;
    let with_passkeys = auth.store.users_with_passkeys().await?;
    let links = auth.store.list_links().await?;
    let links = links
        .into_iter()
        .map(|link| OpenLink {
            role: match link.purpose {
                LinkPurpose::Invitation(role) => Some(role),
                LinkPurpose::PasswordReset(_) => None,
            },
            id: link.id,
            note: link.note,
            email: link.email,
            expires_at: link.expires_at,
        })
        .collect();
    Ok(TeamState {
        members: members
            .into_iter()
            .map(|member| TeamMember {
                is_self: member.user.id == owner.id,
                has_passkeys: with_passkeys.contains(member.user.id.as_str()),
                id: member.user.id.as_str().to_owned(),
                name: member.user.name,
                email: member.user.email,
                issuer: member.user.issuer,
                role: member.user.role,
                created_at: member.created_at,
                is_disabled: member.is_disabled,
                has_password: member.has_password,
                role_is_claimed: member.role_is_claimed,
                is_withdrawn: member.is_withdrawn,
            })
            .collect(),
        links,
        passwords: auth.config.auth.passwords,
        fresh: flash::take(&auth, &caller)?.map(fresh),
        mails: auth.config.mail.is_some(),
    })
}

/// Reads a link that was kept for this page.
fn fresh(kept: Secret) -> NewLink {
    // An earlier version keeps the address alone.
    serde_json::from_str(kept.expose()).unwrap_or(NewLink {
        url: kept,
        mail: None,
    })
}

pub(crate) async fn invite(
    role: Role,
    note: &str,
    email: &str,
    language: Locale,
) -> Result<NewLink, ApiError> {
    let (auth, caller, owner) = owner()?;
    require_passwords(&auth)?;
    let note = note.trim();
    if note.chars().count() > MAX_NOTE || note.contains(char::is_control) {
        return Err(ApiError::invalid(ErrorCode::NoteLength { limit: 200 }));
    }
    let email = match email.trim() {
        "" => None,
        email => Some(accounts::checked_email(email)?),
    };
    confirm::require(&auth, &caller, PAGE).await?;
    let purpose = LinkPurpose::Invitation(role);
    let link = NewAccountLink {
        purpose: &purpose,
        note,
        email: email.as_deref(),
        lifetime: INVITATION,
    };
    let url = make_link(&auth, &owner, link).await?;
    let whom = email.iter().map(String::as_str).chain([note]);
    let whom: Vec<_> = whom.filter(|whom| !whom.is_empty()).collect();
    let subject = format!("{} ({role})", whom.join(", "));
    audit::record(&auth, &caller, &owner, AuditAction::Invited, subject.trim()).await;
    let mail = match &email {
        Some(to) => invitation::send(&auth, &owner, to, role, language, &url).await,
        None => None,
    };
    if let Some(LinkMail::Sent(to)) = &mail {
        audit::record(&auth, &caller, &owner, AuditAction::InvitationSent, to).await;
    }
    shown_once(&auth, &caller, NewLink { url, mail })
}

pub(crate) async fn make_reset_link(member: &str) -> Result<NewLink, ApiError> {
    let (auth, caller, owner) = owner()?;
    require_passwords(&auth)?;
    let member = find(&auth, member).await?;
    if !member.has_password {
        return Err(accounts::has_no_password());
    }
    confirm::require(&auth, &caller, PAGE).await?;
    auth.store.delete_resets_of(&member.user.id).await?;
    let purpose = LinkPurpose::PasswordReset(member.user.id.as_str().to_owned());
    let subject = &member.user.email;
    let link = NewAccountLink {
        purpose: &purpose,
        note: subject,
        email: None,
        lifetime: RESET,
    };
    let url = make_link(&auth, &owner, link).await?;
    audit::record(&auth, &caller, &owner, AuditAction::ResetLinkMade, subject).await;
    shown_once(&auth, &caller, NewLink { url, mail: None })
}

async fn make_link(
    auth: &Auth,
    owner: &User,
    link: NewAccountLink<'_>,
) -> Result<Secret, ApiError> {
    let token = secret::generate()?;
    auth.store
        .create_link(secret::hash(&token), link, &owner.id)
        .await?;
    Ok(auth
        .config
        .public_url
        .address(&format!("/join/{token}"))
        .into())
}

/// Keeps a link for the page, where that is loaded next.
fn shown_once(auth: &Auth, caller: &Caller, link: NewLink) -> Result<NewLink, ApiError> {
    let kept = serde_json::to_string(&link).map_err(|_| ApiError::Internal)?;
    flash::keep(auth, caller, &kept)?;
    Ok(link)
}

pub(crate) async fn revoke_link(id: &str) -> Result<(), ApiError> {
    let (auth, caller, owner) = owner()?;
    if auth.store.delete_link(id).await? {
        audit::record(&auth, &caller, &owner, AuditAction::LinkRevoked, "").await;
    }
    Ok(())
}

pub(crate) async fn set_role(member: &str, role: Role) -> Result<(), ApiError> {
    let (auth, caller, owner) = owner()?;
    let member = find(&auth, member).await?;
    if member.role_is_claimed {
        return Err(ApiError::invalid(ErrorCode::RoleElsewhere));
    }
    confirm::require(&auth, &caller, PAGE).await?;
    if !auth.store.set_role(&member.user.id, role).await? {
        return Err(accounts::last_owner());
    }
    if !role.may(Permission::Manage) {
        auth.store.delete_links_by(&member.user.id).await?;
    }
    auth.relay.end_streams_of(&member.user.id);
    let subject = format!("{}: {role}", member.user.called());
    audit::record(&auth, &caller, &owner, AuditAction::RoleChanged, &subject).await;
    Ok(())
}

pub(crate) async fn set_access(member: &str, allowed: bool) -> Result<(), ApiError> {
    let (auth, caller, owner) = owner()?;
    let member = find(&auth, member).await?;
    let user = &member.user;
    if !auth.store.set_disabled(&user.id, !allowed).await? {
        return Err(accounts::last_owner());
    }
    let action = if allowed {
        AuditAction::AccessGiven
    } else {
        auth.store.revoke_all_of(&user.id, None).await?;
        auth.store.remove_passkeys_of(&user.id).await?;
        auth.store.delete_resets_of(&user.id).await?;
        auth.store.delete_links_by(&user.id).await?;
        auth.relay.end_streams_of(&user.id);
        AuditAction::AccessTaken
    };
    audit::record(&auth, &caller, &owner, action, &user.called()).await;
    Ok(())
}

/// Removes a member's lost passkeys and ends the sessions they opened.
pub(crate) async fn remove_passkeys(member: &str) -> Result<(), ApiError> {
    let (auth, caller, owner) = owner()?;
    let user = find(&auth, member).await?.user;
    if user.id == owner.id {
        // The account page protects one's own last passkey.
        return Err(ApiError::Forbidden);
    }
    confirm::require(&auth, &caller, PAGE).await?;
    if auth.store.remove_passkeys_of(&user.id).await? > 0 {
        auth.relay.end_streams_of(&user.id);
        let action = AuditAction::PasskeysRemoved;
        audit::record(&auth, &caller, &owner, action, &user.called()).await;
    }
    Ok(())
}

pub(crate) async fn audit_log(page: u64) -> Result<Page<AuditEvent>, ApiError> {
    let (auth, ..) = owner()?;
    Ok(auth.store.list_events(page).await?)
}

async fn find(auth: &Auth, id: &str) -> Result<Member, ApiError> {
    let found = auth.store.find_member(id).await?;
    found.ok_or_else(|| ApiError::invalid(ErrorCode::NoAccount))
}

pub(crate) async fn link_state(token: &str) -> Result<LinkState, ApiError> {
    let auth = Auth::of_server_fn()?;
    if !auth.config.auth.passwords {
        return Ok(LinkState::Gone);
    }
    let Some(link) = auth.store.find_link(&secret::hash(token)).await? else {
        return Ok(LinkState::Gone);
    };
    Ok(match link.purpose {
        LinkPurpose::Invitation(role) => LinkState::Invitation {
            role,
            email: link.email,
        },
        LinkPurpose::PasswordReset(user) => match auth.store.find_member(&user).await? {
            Some(member) => LinkState::PasswordReset {
                email: member.user.email,
            },
            None => LinkState::Gone,
        },
    })
}

pub(crate) async fn accept_invitation(
    token: &str,
    name: &str,
    email: &str,
    password: SecretString,
) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let link = find_link(&auth, token).await?;
    let LinkPurpose::Invitation(role) = link.purpose else {
        return Err(gone());
    };
    let user = accounts::create(&auth.store, name, email, role, password).await?;
    // Only one of two concurrent uses succeeds.
    if !auth.store.use_link(&link).await? {
        auth.store.delete_user(&user.id).await?;
        return Err(gone());
    }
    audit::record(
        &auth,
        &caller,
        &user,
        AuditAction::Joined,
        &role.to_string(),
    )
    .await;
    sign_in::enter_new(&auth, &caller, &user, None).await
}

/// Sets a password by a link, ends the account's sessions and signs in.
pub(crate) async fn reset_password(token: &str, password: SecretString) -> Result<(), ApiError> {
    let auth = Auth::of_server_fn()?;
    let caller = Caller::of_server_fn()?;
    let link = find_link(&auth, token).await?;
    let LinkPurpose::PasswordReset(member) = &link.purpose else {
        return Err(gone());
    };
    let member = find(&auth, member).await?;
    let user = member.user;
    let hash = passwords::hashed(password, &[&user.name, &user.email]).await?;
    if member.is_disabled || !auth.store.use_link(&link).await? {
        return Err(gone());
    }
    auth.store.set_password_hash(&user.id, hash).await?;
    auth.store.revoke_all_of(&user.id, None).await?;
    auth.relay.end_streams_of(&user.id);
    audit::record(&auth, &caller, &user, AuditAction::PasswordReset, "").await;
    sign_in::enter_new(&auth, &caller, &user, None).await
}

async fn find_link(auth: &Auth, token: &str) -> Result<AccountLink, ApiError> {
    require_passwords(auth)?;
    let found = auth.store.find_link(&secret::hash(token)).await?;
    found.ok_or_else(gone)
}

fn gone() -> ApiError {
    ApiError::invalid(ErrorCode::UsedLink)
}
