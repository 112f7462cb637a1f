//! Routes for OpenID Connect: begin and callback.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    SIGN_IN, audit, confirm,
    cookie::OwnCookie,
    oidc::{Identity, OidcError, Provider, Visit, known_error},
    request::Caller,
    session::{self, Evidence},
    sign_in::local_path,
};
use crate::{
    model::{
        audit::AuditAction,
        clock::now,
        error::ApiError,
        role::{Role, RoleClaim},
        session::{CONFIRM_PATH, SignInProblem},
    },
    server::{
        auth::Auth,
        identity::user::User,
        store::{
            StoreError,
            users::{ExternalUser, Seen},
        },
    },
};

const MAX_AGE: i64 = 600;
const MAX_NEXT: usize = 1000;

#[derive(Debug, Deserialize)]
pub(in crate::server) struct BeginQuery {
    next: Option<String>,
    /// Whether the provider must authenticate the user again.
    #[serde(default)]
    anew: bool,
}

/// RFC 6749, sections 4.1.2 and 4.1.2.1.
#[derive(Debug, Deserialize)]
pub(in crate::server) struct CallbackQuery {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

enum Refusal {
    Problem(SignInProblem),
    Fault(ApiError),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Fault(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<OidcError> for Refusal {
    fn from(error: OidcError) -> Self {
        tracing::warn!(%error, "sign-in through the provider failed");
        Self::Problem(match error {
            OidcError::Provider(_) => SignInProblem::Unreachable,
            OidcError::Invalid(_) => SignInProblem::Refused,
        })
    }
}

impl Refusal {
    fn told_at(self, page: &str) -> Response {
        match self {
            Self::Problem(problem) => {
                Redirect::to(&format!("{page}?problem={problem}")).into_response()
            }
            Self::Fault(error) => error.into_response(),
        }
    }
}

pub(in crate::server) async fn begin(
    State(auth): State<Auth>,
    query: Result<Query<BeginQuery>, QueryRejection>,
) -> Response {
    let Some(provider) = &auth.provider else {
        return Redirect::to(SIGN_IN).into_response();
    };
    let (next, anew) = query
        .map(|Query(query)| (query.next, query.anew))
        .unwrap_or_default();
    let next = next.filter(|next| next.len() <= MAX_NEXT);
    match provider.begin(next, anew).await {
        Ok((url, visit)) => {
            let kept = serde_json::to_vec(&visit)
                .map(hex::encode)
                .unwrap_or_default();
            let cookie = OwnCookie::Visit.header(&auth, kept, MAX_AGE);
            with_cookies(Redirect::to(url.as_str()), [cookie])
        }
        Err(error) => Refusal::from(error).told_at(SIGN_IN),
    }
}

pub(in crate::server) async fn callback(
    State(auth): State<Auth>,
    parts: Parts,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Response {
    let Some(provider) = &auth.provider else {
        return Redirect::to(SIGN_IN).into_response();
    };
    let caller = Caller::of(&parts);
    // The state is used once.
    let gone = OwnCookie::Visit.header(&auth, String::new(), 0);
    let visit = visit(&auth, &caller);
    let page = match &visit {
        Some(visit) if visit.anew && caller.principal.is_some() => CONFIRM_PATH,
        _ => SIGN_IN,
    };
    match let_in(&auth, provider, &caller, visit, query).await {
        Ok((session, next)) => {
            let next = Redirect::to(local_path(next.as_deref()));
            with_cookies(next, [session, gone])
        }
        Err(refusal) => with_cookies(refusal.told_at(page), [gone]),
    }
}

/// Returns the session's `Set-Cookie` header and the path to continue at.
async fn let_in(
    auth: &Auth,
    provider: &Provider,
    caller: &Caller,
    visit: Option<Visit>,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Result<(String, Option<String>), Refusal> {
    let refused = |why: &str| Refusal::from(OidcError::Invalid(why.to_owned()));
    let Ok(Query(query)) = query else {
        return Err(refused("the answer cannot be read"));
    };
    let visit = visit.ok_or_else(|| refused("it began in no browser, or long ago"))?;
    let code = match (query.code, query.error) {
        (Some(code), None) => code,
        (_, Some(error)) => {
            let error = known_error(&error);
            return Err(refused(&format!("the provider says {error:?}")));
        }
        (None, None) => return Err(refused("there is no code")),
    };
    // A callback with another state may be forged, and is not counted against this address.
    if !visit.is_of(&query.state) {
        return Err(refused("another state"));
    }
    // Each callback sends a request to the provider.
    let address = caller.address.ok_or(ApiError::Internal)?;
    let admitted = auth.callbacks.admit(&address.network());
    admitted.map_err(|_| Refusal::Problem(SignInProblem::TooMany))?;
    let (next, anew) = (visit.next.clone(), visit.anew);
    let identity = provider.finish(visit, code).await?;
    if !is_allowed(auth, &identity) {
        return Err(Refusal::Problem(SignInProblem::Stranger));
    }
    // A provider that does not say when it authenticated the user did so now, if requested.
    let asked_at = identity.asked_at.unwrap_or(if anew { now() } else { 0 });
    if anew && !confirm::is_certain(asked_at) {
        return Err(refused("it was to ask who it is, and did not"));
    }
    let user = account_of(auth, provider, &identity).await?;
    let session =
        session::open_with_header(auth, caller, &user, Evidence::without_passkey(asked_at)).await?;
    audit::record(auth, caller, &user, AuditAction::SignedIn, "").await;
    Ok((session, next))
}

fn is_allowed(auth: &Auth, identity: &Identity) -> bool {
    let Some(oidc) = &auth.config.auth.oidc else {
        return false;
    };
    if oidc.allowed_domains.is_empty() {
        return true;
    }
    let domain = identity
        .verified_email
        .as_deref()
        .and_then(|email| email.rsplit_once('@'))
        .map(|(_, domain)| domain.to_ascii_lowercase());
    domain.is_some_and(|domain| oidc.allowed_domains.contains(&domain))
}

/// Returns the provider's role, or owner for the owners named in the settings. The provider can still deny access.
fn role(auth: &Auth, identity: &Identity) -> RoleClaim {
    let email = identity.verified_email.as_deref().map(str::to_lowercase);
    let oidc = auth.config.auth.oidc.as_ref();
    let is_owner = email.is_some_and(|email| oidc.is_some_and(|it| it.owners.contains(&email)));
    if is_owner && identity.role != RoleClaim::NoAccess {
        RoleClaim::Known(Role::Owner)
    } else {
        identity.role
    }
}

fn visit(auth: &Auth, caller: &Caller) -> Option<Visit> {
    let kept = OwnCookie::Visit.get(auth, &caller.headers)?;
    serde_json::from_slice(&hex::decode(kept).ok()?).ok()
}

async fn account_of(
    auth: &Auth,
    provider: &Provider,
    identity: &Identity,
) -> Result<User, Refusal> {
    let seen = ExternalUser {
        issuer: provider.issuer(),
        subject: &identity.subject,
        email: identity.email.as_deref(),
        name: identity.name.as_deref(),
        role: role(auth, identity),
        default_role: auth.config.auth.default_role,
    };
    // Only the session's expiry matters here.
    match auth.store.see_external_user(seen, i64::MAX).await? {
        Seen::Known {
            login,
            role_changed,
            ..
        } => {
            if role_changed {
                auth.relay.end_streams_of(&login.user.id);
            }
            Ok(login.user)
        }
        Seen::Refused { user, is_withdrawn } => {
            if is_withdrawn {
                tracing::warn!("an account lost its role at the provider");
            }
            auth.relay.end_streams_of(&user);
            Err(Refusal::Problem(SignInProblem::Stranger))
        }
        Seen::Stranger => Err(Refusal::Problem(SignInProblem::Stranger)),
    }
}

fn with_cookies<const N: usize>(response: impl IntoResponse, cookies: [String; N]) -> Response {
    let mut response = response.into_response();
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}
