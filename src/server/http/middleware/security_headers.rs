//! Security headers of every answer.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::{nonce::use_nonce, prelude::use_context};
use leptos_axum::ResponseOptions;

use crate::{
    model::product::ShowsImages,
    server::{http::state::AppState, site},
};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Policy of answers that are not pages, in case a browser displays one.
const NOT_A_PAGE: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
/// Two years, as browsers' preload lists require.
const HSTS: &str = "max-age=63072000";

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Paths that answer with a secret or have one in the URL.
const SECRETS: [&str; 25] = [
    "/account",
    "/api/accept_invitation",
    "/api/add_passkey",
    "/api/begin_new_passkey",
    "/api/begin_passkey_confirmation",
    "/api/begin_passkey_sign_in",
    "/api/change_password",
    "/api/confirm",
    "/api/confirm_with_passkey",
    "/api/create_owner",
    "/api/create_token",
    "/api/create_webhook",
    "/api/invite",
    "/api/link_state",
    "/api/make_reset_link",
    "/api/reset_password",
    "/api/share_import",
    "/api/share_links",
    "/api/shared_import",
    "/api/sign_in",
    "/api/sign_in_state",
    "/api/sign_in_with_passkey",
    "/api/team",
    "/api/tokens",
    "/api/webhooks_state",
];

const SHARED: &str = "/shared/";

/// Returns whether nothing may store the answer, not even the browser.
fn holds_secrets(path: &str) -> bool {
    path.starts_with("/join/")
        // Streams set their own headers.
        || path.starts_with(SHARED) && !path.ends_with("/progress")
        || matches!(path, "/sign-in" | "/team" | "/tokens" | "/webhooks")
        || SECRETS.contains(&path)
}

/// Adds missing headers; pages set a policy of their own.
pub(crate) async fn set(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let holds_secrets = holds_secrets(request.uri().path());
    let is_shared = request.uri().path().starts_with(SHARED);
    let mut response = if request.method() == Method::CONNECT {
        // CONNECT is for proxies. Its answer has no content (RFC 9110, section 9.3.6), which other layers would add.
        StatusCode::METHOD_NOT_ALLOWED.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if holds_secrets {
        headers.insert(header::CACHE_CONTROL, NO_STORE);
    } else {
        // Private, and stale at once.
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("private, no-cache"));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(NOT_A_PAGE));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
        (
            PERMISSIONS_POLICY,
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_shared {
        // The URL is the secret: no referrer, no index.
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        headers.insert(ROBOTS, HeaderValue::from_static("noindex, nofollow"));
    }
    let is_page = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html"));
    if is_page {
        headers.append(header::VARY, super::language::VARY);
    }
    if state.config.public_url.is_https() {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static(HSTS),
        );
    }
    response
}

/// Sets the policy of the page being rendered: only scripts with this answer's nonce run, and those they load; nothing
/// connects elsewhere, except images on product pages, which come from the shops. Does nothing outside of a page.
pub(crate) fn set_page_policy() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else {
        return;
    };
    // `cargo leptos watch` reloads the page over a socket on another port.
    let reload = if site::is_watched() { " ws:" } else { "" };
    let ShowsImages(is_on) = use_context().unwrap_or_default();
    let parts = use_context::<Parts>();
    let shows_images = is_on && parts.is_some_and(|parts| is_of_products(parts.uri.path()));
    let images = if shows_images { " https:" } else { "" };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' data:{images}; font-src 'self'; connect-src 'self'{reload}; \
         manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Returns whether a path is the list of products or a product.
fn is_of_products(path: &str) -> bool {
    let rest = path.strip_prefix("/products");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_shops_are_for_the_pages_of_products() {
        for path in ["/products", "/products/sku:A", "/products/"] {
            assert!(is_of_products(path), "{path}");
        }
        for path in [
            "/",
            "/imports",
            "/products.csv",
            "/productsx",
            "/shared/products",
        ] {
            assert!(!is_of_products(path), "{path}");
        }
    }
}
