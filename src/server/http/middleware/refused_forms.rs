//! Keeps a plain form that was refused until its page shows it again, filled in and with the error.
//!
//! It is kept in a cookie, without secrets. The framework would put the error into the URL of the `Referer`: another site
//! would learn the result of a request that it caused, and could show its own words as this app's.

use std::io::{Read as _, Write as _};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use super::authorize::is_own_origin;
use crate::{
    model::{error::ApiError, refused_form::RefusedForm, secret::SECRET_FIELDS},
    server::{
        auth::{cookie::OwnCookie, request::wants_page},
        http::{routes::body::MAX_BODY, state::AppState},
        identity::user::User,
    },
};

/// How long the page has to be shown, in seconds. Confirming one's identity comes before it.
const MAX_AGE: i64 = 900;

/// Maximum length of the cookie. Browsers keep 4,096 bytes with its name and attributes.
const MAX_COOKIE: usize = 3800;

/// Maximum length of what the cookie inflates to.
const MAX_INFLATED: u64 = 1 << 20;

/// The framework's parameter for an error in a URL.
const ERROR_PARAMETER: &str = "__err";

/// A form, and who sees it where.
#[derive(Deserialize, Serialize)]
struct Kept {
    page: String,
    user: Option<String>,
    form: RefusedForm,
}

pub(crate) async fn keep_and_show(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.uri().path().starts_with("/api/") {
        let from = own_referer(&state, &request);
        if from.is_none() {
            request.headers_mut().remove(header::REFERER);
        }
        return match from {
            Some(from) if *request.method() == Method::POST && wants_page(request.headers()) => {
                keep(&state, request, next, &from).await
            }
            _ => next.run(request).await,
        };
    }
    if *request.method() == Method::GET && is_shown(request.headers()) {
        return show(&state, request, next).await;
    }
    next.run(request).await
}

fn own_referer(state: &AppState, request: &Request) -> Option<Url> {
    let referer = request.headers().get(header::REFERER)?;
    let referer = Url::parse(referer.to_str().ok()?).ok()?;
    is_own_origin(state, request, &referer.origin().ascii_serialization()).then_some(referer)
}

/// Returns whether a page will be seen: neither a script fetches it nor the browser in advance.
fn is_shown(headers: &HeaderMap) -> bool {
    let is_document = headers
        .get("sec-fetch-dest")
        .is_none_or(|it| it == "document");
    wants_page(headers) && is_document && !headers.contains_key("sec-purpose")
}

async fn keep(state: &AppState, request: Request, next: Next, from: &Url) -> Response {
    let (parts, body) = request.into_parts();
    // Limited by `small_body` before.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (action, headers) = (parts.uri.path().to_owned(), parts.headers.clone());
    let user = parts.extensions.get::<User>().cloned();
    let fields = form_urlencoded::parse(&body).into_owned().collect();
    let request = Request::from_parts(parts, Body::from(body));
    let mut response = next.run(request).await;
    // Unless it leads elsewhere: to the next page, or first to confirm one's identity.
    if response
        .headers()
        .get(header::LOCATION)
        .is_some_and(is_referer)
        && let Ok(from) = HeaderValue::from_str(from.as_str())
    {
        response.headers_mut().insert(header::LOCATION, from);
    }
    if !response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let form = RefusedForm {
        action,
        error: serde_json::from_slice::<ApiError>(&body).ok(),
        fields,
    };
    let page = state.config.public_url.base().strip(from.path());
    let cookie = page.and_then(|page| cookie(state, &headers, user.as_ref(), page, form));
    if let Some(cookie) = cookie {
        parts.headers.append(header::SET_COOKIE, cookie);
    }
    Response::from_parts(parts, Body::from(body))
}

/// Returns whether the framework made it of the `Referer`: with the error, or with an empty query in its place.
fn is_referer(location: &HeaderValue) -> bool {
    let location = location.to_str().ok().and_then(|it| Url::parse(it).ok());
    let has_error = |it: &Url| it.query_pairs().any(|(name, _)| name == ERROR_PARAMETER);
    location.is_some_and(|it| it.query() == Some("") || has_error(&it))
}

async fn show(state: &AppState, mut request: Request, next: Next) -> Response {
    let mut kept = read(state, request.headers());
    let user = request.extensions().get::<User>().map(|it| it.id.as_str());
    let path = request.uri().path();
    let is_here = |it: &Kept| it.page == path && it.user.as_deref() == user;
    let Some(here) = kept.iter().position(is_here) else {
        return next.run(request).await;
    };
    request.extensions_mut().insert(kept.remove(here).form);
    let mut response = next.run(request).await;
    if let Some(cookie) = write(state, kept) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Redirects to the page of a form that was refused, which shows it again.
pub(crate) fn back_to(
    state: &AppState,
    headers: &HeaderMap,
    user: Option<&User>,
    page: &str,
    form: RefusedForm,
) -> Response {
    let mut response = Redirect::to(page).into_response();
    if let Some(cookie) = cookie(state, headers, user, page, form) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Returns the cookie that keeps a form for a page, besides those of other pages.
fn cookie(
    state: &AppState,
    headers: &HeaderMap,
    user: Option<&User>,
    page: &str,
    mut form: RefusedForm,
) -> Option<HeaderValue> {
    form.fields
        .retain(|(name, _)| !SECRET_FIELDS.contains(&name.as_str()));
    let mut kept = read(state, headers);
    kept.retain(|it| it.page != page);
    kept.push(Kept {
        page: page.to_owned(),
        user: user.map(|user| user.id.as_str().to_owned()),
        form,
    });
    write(state, kept)
}

fn read(state: &AppState, headers: &HeaderMap) -> Vec<Kept> {
    let text = OwnCookie::Failed.get(&state.auth, headers);
    text.and_then(|text| decode(&text)).unwrap_or_default()
}

fn write(state: &AppState, kept: Vec<Kept>) -> Option<HeaderValue> {
    let (text, max_age) = if kept.is_empty() {
        (String::new(), 0)
    } else {
        (fitting(kept)?, MAX_AGE)
    };
    HeaderValue::from_str(&OwnCookie::Failed.header(&state.auth, text, max_age)).ok()
}

/// Encodes forms as far as they fit: without the oldest ones, and the last one without its fields.
fn fitting(mut kept: Vec<Kept>) -> Option<String> {
    loop {
        let text = encode(&kept)?;
        if text.len() <= MAX_COOKIE {
            return Some(text);
        }
        match kept.as_mut_slice() {
            [] => return None,
            [last] if last.form.fields.is_empty() => return None,
            [last] => last.form.fields.clear(),
            _ => drop(kept.remove(0)),
        }
    }
}

fn encode(kept: &[Kept]) -> Option<String> {
    let json = serde_json::to_vec(kept).ok()?;
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
    deflated.write_all(&json).ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(deflated.finish().ok()?))
}

fn decode(text: &str) -> Option<Vec<Kept>> {
    let deflated = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let mut json = Vec::new();
    let mut inflated = DeflateDecoder::new(deflated.as_slice()).take(MAX_INFLATED);
    inflated.read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(page: &str, value: &str) -> Kept {
        Kept {
            page: page.to_owned(),
            user: None,
            form: RefusedForm {
                action: "/api/x".to_owned(),
                error: Some(ApiError::TooMany),
                fields: vec![("name".to_owned(), value.to_owned())],
            },
        }
    }

    /// A text that deflates badly.
    fn noise(seed: u32, length: usize) -> String {
        let next = |seed: &u32| Some(seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        let seeds = std::iter::successors(Some(seed), next);
        let letters = seeds.map(|seed| char::from(b'0' + u8::try_from(seed >> 26).unwrap()));
        letters.take(length).collect()
    }

    #[test]
    fn the_newest_forms_are_kept_as_far_as_they_fit() {
        let all = fitting(vec![kept("/a", "ä"), kept("/b", &noise(1, 1000))]).unwrap();
        let all = decode(&all).unwrap();
        assert_eq!(all[0].form, kept("/a", "ä").form);
        assert_eq!(all.len(), 2);
        let newest = fitting(vec![
            kept("/a", &noise(7, 2000)),
            kept("/b", &noise(1, 2500)),
        ])
        .unwrap();
        assert!(newest.len() <= MAX_COOKIE);
        let newest = decode(&newest).unwrap();
        assert_eq!(newest.len(), 1);
        assert_eq!(newest[0].form, kept("/b", &noise(1, 2500)).form);
        let large = decode(&fitting(vec![kept("/a", &noise(1, 9000))]).unwrap()).unwrap();
        assert!(large[0].form.fields.is_empty());
        assert_eq!(large[0].form.error, Some(ApiError::TooMany));
    }

    #[test]
    fn a_cookie_of_somebody_else_is_no_form() {
        for text in ["", "x", "AAAA", "import-relay"] {
            assert!(decode(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_page_that_nobody_sees_shows_no_form() {
        let shown = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_shown(&headers)
        };
        assert!(shown(&[]) && shown(&[("sec-fetch-dest", "document")]));
        assert!(!shown(&[("sec-fetch-dest", "empty")]));
        assert!(!shown(&[
            ("sec-fetch-dest", "document"),
            ("sec-purpose", "prefetch")
        ]));
    }
}
