//! Redirects a plain form whose server function failed to its page, with the error in the URL.
//!
//! The framework redirects to the `Referer`, and shows any error in a URL. So another site would learn the result of a
//! request that it caused, and could show its own words as this app's. This redirects only to pages of this app, and shows
//! an error only to the browser that sent the form, which has its hash in a cookie.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Uri, header},
    middleware::Next,
    response::Response,
};
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::authorize::is_own_origin;
use crate::server::{auth::cookie::OwnCookie, http::state::AppState};

/// The parameters of `server_fn::error::ServerFnUrlError`.
const PARAMETERS: [&str; 2] = ["__path", "__err"];

/// How long the page can be loaded again, in seconds.
const MAX_AGE: i64 = 300;

pub(crate) async fn guard(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.uri().path().starts_with("/api/") {
        if !comes_from_here(&state, &request) {
            request.headers_mut().remove(header::REFERER);
        }
        let mut response = next.run(request).await;
        remember(&state, &mut response);
        return response;
    }
    let kept = OwnCookie::Failed.get(&state.auth, request.headers());
    if let Some(uri) = without_foreign_error(request.uri(), kept.as_deref()) {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

fn comes_from_here(state: &AppState, request: &Request) -> bool {
    let referer = request.headers().get(header::REFERER);
    let referer = referer.and_then(|it| Url::parse(it.to_str().ok()?).ok());
    referer.is_some_and(|it| is_own_origin(state, request, &it.origin().ascii_serialization()))
}

fn remember(state: &AppState, response: &mut Response) {
    let location = response.headers().get(header::LOCATION);
    let query = location.and_then(|it| it.to_str().ok()?.split_once('?'));
    let Some(hash) = query.and_then(|(_, query)| hash_in(query)) else {
        return;
    };
    let cookie = OwnCookie::Failed.header(&state.auth, hash, MAX_AGE);
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Hashes the error in a query; `None` unless there is exactly one.
fn hash_in(query: &str) -> Option<String> {
    let query = query.split('#').next().unwrap_or_default();
    let mut hash = Sha256::new();
    for parameter in PARAMETERS {
        let mut values =
            form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == parameter);
        let (_, value) = values.next()?;
        if values.next().is_some() {
            return None;
        }
        hash.update(value.as_bytes());
        hash.update([0]);
    }
    Some(hex::encode(hash.finalize()))
}

/// Returns an address without its error, if that is not the one whose hash is kept.
fn without_foreign_error(uri: &Uri, kept: Option<&str>) -> Option<Uri> {
    let query = uri.query()?;
    let is_error = |name: &str| PARAMETERS.contains(&name);
    if !form_urlencoded::parse(query.as_bytes()).any(|(name, _)| is_error(&name))
        || kept.is_some() && hash_in(query).as_deref() == kept
    {
        return None;
    }
    let rest = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| !is_error(name));
    let rest = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(rest)
        .finish();
    let path = uri.path();
    let address = if rest.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{rest}")
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(address.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_where_its_hash_is_kept() {
        let query = "next=%2Fteam&__path=%2Fapi%2Fsign_in&__err=abc";
        let hash = hash_in(query).unwrap();
        let shown = |query: &str, kept: Option<&str>| {
            let uri = format!("/sign-in?{query}").parse().unwrap();
            without_foreign_error(&uri, kept).map(|uri| uri.to_string())
        };
        let clean = Some("/sign-in?next=%2Fteam".to_owned());
        assert_eq!(shown(query, Some(&hash)), None);
        assert_eq!(shown(query, None), clean);
        assert_eq!(shown(query, Some("")), clean);
        assert_eq!(shown(&query.replace("abc", "abd"), Some(&hash)), clean);
        assert_eq!(shown(&format!("{query}&__err=abd"), Some(&hash)), clean);
        // A name may be written in another way.
        let written = "%5F_path=%2Fapi%2Fsign_in&__%65rr=abd";
        assert_eq!(shown(written, Some(&hash)), Some("/sign-in".to_owned()));
        assert_eq!(shown("next=%2Fteam", None), None);
    }
}
