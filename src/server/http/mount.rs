//! Mounts the app below the path of its public URL.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;

use crate::{model::base_path::BasePath, server::http::routes::watch};

/// Strips the base path from requests and adds it to answers. Other paths are not found, except those for monitoring.
pub(crate) fn mount(app: Router, base: &BasePath) -> Router {
    if base.as_str().is_empty() {
        return app;
    }
    let base = base.clone();
    Router::new().fallback(move |mut request: Request| {
        let (app, base) = (app.clone(), base.clone());
        async move {
            let path = request.uri().path();
            // `OPTIONS *` and CONNECT have no path.
            if path.starts_with('/') && !watch::PATHS.contains(&path) {
                match inside(&base, request.uri()) {
                    Some(uri) => *request.uri_mut() = uri,
                    None => return StatusCode::NOT_FOUND.into_response(),
                }
            }
            match app.oneshot(request).await {
                Ok(response) => with_address(response, &base),
                Err(never) => match never {},
            }
        }
    })
}

fn inside(base: &BasePath, uri: &Uri) -> Option<Uri> {
    let path = base.strip(uri.path())?;
    let path = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn with_address(mut response: Response, base: &BasePath) -> Response {
    let location = response.headers().get(header::LOCATION);
    let path = location.and_then(|location| location.to_str().ok());
    let path = path.filter(|path| path.starts_with('/') && !path.starts_with("//"));
    if let Some(Ok(address)) = path.map(|path| HeaderValue::try_from(base.address(path))) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, response::Redirect, routing::get};

    use super::*;

    async fn ask(path: &str) -> (StatusCode, Option<String>) {
        let app = Router::new()
            .route("/imports", get(|uri: Uri| async move { uri.to_string() }))
            .route("/old", get(|| async { Redirect::to("/imports") }))
            .route("/away", get(|| async { Redirect::to("//example.com/x") }))
            .route("/health", get(|| async { "well" }));
        let app = mount(app, &BasePath::parse("/import").unwrap());
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        let location = response.headers().get(header::LOCATION);
        let location = location.map(|it| it.to_str().unwrap().to_owned());
        (response.status(), location)
    }

    #[tokio::test]
    async fn the_app_is_below_its_path_alone_and_leads_there() {
        assert_eq!(ask("/import/imports?x=1").await.0, StatusCode::OK);
        assert_eq!(ask("/imports").await.0, StatusCode::NOT_FOUND);
        assert_eq!(ask("/imported/imports").await.0, StatusCode::NOT_FOUND);
        assert_eq!(ask("/health").await.0, StatusCode::OK);
        assert_eq!(ask("/import/health").await.0, StatusCode::OK);
        let to = |path: &str| (StatusCode::SEE_OTHER, Some(path.to_owned()));
        assert_eq!(ask("/import/old").await, to("/import/imports"));
        assert_eq!(ask("/import/away").await, to("//example.com/x"));
    }
}
