//! Isolates the reactive owner of each request from others on the same thread.

use axum::{extract::Request, middleware::Next, response::Response};
use leptos::reactive::{computed::ScopedFuture, owner::Owner};

/// Answers a request under a root owner.
///
/// Rendering a page leaves its owner as the thread's current one. A request answered meanwhile would become its child:
/// a server function would find the page's contexts, and a static file would get the page's headers, cookies included.
pub(crate) async fn isolate(request: Request, next: Next) -> Response {
    let owner = Owner::new_root(None);
    owner
        .with(|| ScopedFuture::new_untracked(next.run(request)))
        .await
}
