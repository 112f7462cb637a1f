//! A reactive owner for each request, so that requests which are answered on the same thread know nothing of
//! each other.

use axum::{extract::Request, middleware::Next, response::Response};
use leptos::reactive::{computed::ScopedFuture, owner::Owner};

/// Answers a request under an owner that is nobody's child.
///
/// Rendering a page leaves the page's owner behind as the thread's current one. What is answered there before
/// the page is through would be that page's child: a server function would find the page's contexts, and a
/// static file would take the page's headers for its own, cookies among them.
pub(crate) async fn isolate(request: Request, next: Next) -> Response {
    let owner = Owner::new_root(None);
    owner
        .with(|| ScopedFuture::new_untracked(next.run(request)))
        .await
}
