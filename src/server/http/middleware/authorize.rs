//! Authorizes every request: authentication, access rule, and same origin.

use std::time::Duration;

use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use futures_util::StreamExt;

use super::{
    access::{self, Access, Kind},
    cross_origin,
};
use crate::{
    i18n::messages::ErrorCode,
    model::{error::ApiError, passkey::PASSKEY_PATH},
    server::{
        auth::{SIGN_IN, principal, request},
        http::state::AppState,
        identity::principal::{Principal, Visitor},
    },
};

const MAX_UNWANTED: usize = 8 << 20;
const UNWANTED_TIMEOUT: Duration = Duration::from_secs(3);

/// Authenticates a request and applies its rule; pages redirect to sign-in.
pub(crate) async fn require_access(
    State(state): State<AppState>,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = request.extensions().get().copied();
    let (principal, elsewhere) =
        match principal::identify(&state.auth, request.headers(), address).await {
            Ok(Visitor::Known(principal)) => (Some(*principal), None),
            Ok(Visitor::Unknown(elsewhere)) => (None, elsewhere),
            Err(error) => return ApiError::from(error).into_response(),
        };
    let rule = access::rule(
        request.method(),
        matched.as_ref().map(MatchedPath::as_str),
        request.uri().path(),
    );
    let refusal = judge(rule.access, principal.as_ref()).err();
    let refusal = match (refusal, elsewhere) {
        (Some(ApiError::SignedOut), Some(elsewhere)) => Some(ApiError::Elsewhere(elsewhere)),
        (refusal, _) => refusal,
    };
    let in_person = principal.as_ref().is_some_and(Principal::is_in_person);
    if let Some(principal) = principal {
        request.extensions_mut().insert(principal.user.clone());
        request.extensions_mut().insert(principal);
    }
    if let Some(elsewhere) = elsewhere {
        request.extensions_mut().insert(elsewhere);
    }
    let Some(refusal) = refusal else {
        return next.run(request).await;
    };
    let is_page = request::wants_page(request.headers());
    let response = match (rule.kind, &refusal) {
        // The page's own calls are refused too, so it shows only that. Programs get no page.
        (Kind::Page, ApiError::Forbidden) if in_person => {
            let mut response = next.run(request).await;
            *response.status_mut() = StatusCode::FORBIDDEN;
            return response;
        }
        (_, refusal) if refusal.is_signed_out() && is_page => back_from(SIGN_IN, &request),
        (_, ApiError::PasskeyDue) if is_page => back_from(PASSKEY_PATH, &request),
        // The format of server function errors.
        (Kind::Function, _) => (refusal.status_code(), Json(refusal)).into_response(),
        _ => refusal.into_response(),
    };
    read_out(request).await;
    response
}

fn judge(access: Access, principal: Option<&Principal>) -> Result<(), ApiError> {
    let permission = match access {
        Access::Anybody => return Ok(()),
        Access::Person(permission)
        | Access::BeforePasskey(permission)
        | Access::Known(permission) => permission,
    };
    let principal = principal.ok_or(ApiError::SignedOut)?;
    if principal.passkey_due && !matches!(access, Access::BeforePasskey(_)) {
        return Err(ApiError::PasskeyDue);
    }
    if principal.may(permission) && (principal.is_in_person() || matches!(access, Access::Known(_)))
    {
        Ok(())
    } else {
        Err(ApiError::Forbidden)
    }
}

/// Reads the rest of an unneeded body, within limits: most clients read the answer only after sending everything.
pub(crate) async fn read_out(request: Request) {
    let body = http_body_util::Limited::new(request.into_body(), MAX_UNWANTED);
    let mut chunks = http_body_util::BodyExt::into_data_stream(body);
    let read = async { while let Some(Ok(_)) = chunks.next().await {} };
    let _ = tokio::time::timeout(UNWANTED_TIMEOUT, read).await;
}

fn back_from(page: &str, request: &Request) -> Response {
    let back = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    if request.method() != Method::GET || back == "/" {
        return Redirect::to(page).into_response();
    }
    let next: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    Redirect::to(&format!("{page}?next={next}")).into_response()
}

/// Rejects changes from other sites, by `Sec-Fetch-Site` or `Origin`. A client without these headers is no browser and
/// sends no cookies by itself.
///
/// Origins of `CORS_ORIGINS` are allowed on routes that they may change.
pub(crate) async fn require_same_origin(
    State(state): State<AppState>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    let may_change = cross_origin::may_change(request.method(), matched.as_ref());
    if changes && !is_believed(&state, &request, may_change) {
        let refused = ApiError::invalid(ErrorCode::OtherSite);
        read_out(request).await;
        return (StatusCode::FORBIDDEN, refused).into_response();
    }
    next.run(request).await
}

fn is_believed(state: &AppState, request: &Request, may_change: bool) -> bool {
    let origin = request.headers().get(header::ORIGIN);
    let origin = origin.and_then(|it| it.to_str().ok());
    let is_named = origin.is_some_and(|origin| state.config.http.cors_origins.contains(origin));
    is_same_origin(state, request) || may_change && is_named
}

fn is_same_origin(state: &AppState, request: &Request) -> bool {
    let get = |name: HeaderName| {
        let value = request.headers().get(name);
        value.and_then(|value| value.to_str().ok())
    };
    if let Some(site) = get(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    get(header::ORIGIN).is_none_or(|origin| is_own_origin(state, request, origin))
}

/// Returns whether an origin is that of the public URL, or of the host that was asked, which is one of ours.
pub(crate) fn is_own_origin(state: &AppState, request: &Request, origin: &str) -> bool {
    // A whole URL, or HTTP/2, names the host; a `Host` beside it counts for nothing (RFC 9112, section 3.2.2).
    let asked = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => {
            let host = request.headers().get(header::HOST);
            host.and_then(|host| host.to_str().ok())
        }
    };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some() && authority == asked || origin == state.config.public_url.origin()
}
