//! The router.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{DefaultBodyLimit, Request},
    http::{StatusCode, request::Parts, uri::PathAndQuery},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use leptos::{
    config::LeptosOptions,
    prelude::{AnyView, provide_context, use_context},
    server_fn::axum::server_fn_paths,
};
use leptos_axum::{AxumRouteListing, LeptosRoutes};
use leptos_router::location::RequestUrl;
use tower_http::compression::CompressionLayer;

use super::{mount::mount, state::AppState};
use crate::{
    model::{
        base_path::BasePath, error::ApiError, product::ShowsImages, progress::JobsPerStream,
        refused_form::RefusedForm,
    },
    server::{
        http::{
            middleware::{
                authorize, client_address, cross_origin, hosts, observe, reactive_owner,
                refused_forms, security_headers,
            },
            routes::{
                self,
                body::{self, MAX_BODY},
                quick,
                uploads::resumable,
                watch,
            },
        },
        site,
    },
};

/// The pages, supplied by the composition root.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    /// Lists their routes.
    pub routes: fn() -> Vec<AxumRouteListing>,
    /// Renders the document around a page.
    pub shell: fn(LeptosOptions) -> AnyView,
}

/// Lists every route by method and path.
#[must_use]
pub fn routes(pages: Pages) -> Vec<(String, String)> {
    let pages = (pages.routes)();
    let pages = pages.iter().flat_map(|page| {
        let path = page.path().to_owned();
        let methods: Vec<_> = page.methods().collect();
        methods
            .into_iter()
            .map(move |method| (format!("{method:?}").to_uppercase(), path.clone()))
    });
    let functions = server_fn_paths().map(|(path, method)| (method.to_string(), path.to_owned()));
    let own = routes::all().map(|route| (route.rule.method.to_owned(), route.rule.path.to_owned()));
    let watchers = watch::PATHS.map(|path| ("GET".to_owned(), path.to_owned()));
    pages.chain(functions).chain(own).chain(watchers).collect()
}

/// Builds the router.
pub fn router(state: AppState, pages: Pages) -> Router {
    let shell = pages.shell;
    let context = {
        let state = state.clone();
        let bundle = site::bundle(&state.leptos);
        move || {
            provide_context(state.clone());
            provide_context(state.auth.clone());
            provide_context(state.imports.clone());
            provide_context(state.notifications.clone());
            provide_context(state.share_links.clone());
            provide_context(state.sources.clone());
            provide_context(bundle());
            provide_context(JobsPerStream(state.config.sse.max_jobs));
            provide_context(ShowsImages(state.config.http.product_images));
            provide_refused_form();
            provide_base_path(state.config.public_url.base());
            security_headers::set_page_policy();
        }
    };
    let pages = Router::new()
        .leptos_routes_with_context(&state, (pages.routes)(), context.clone(), {
            let options = state.leptos.clone();
            move || shell(options.clone())
        })
        .merge(site::routes(&state.leptos))
        .fallback(leptos_axum::file_and_error_handler_with_context::<
            AppState,
            _,
        >(context, shell))
        .layer(middleware::from_fn(server_fn_status))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            refused_forms::keep_and_show,
        ))
        .layer(middleware::from_fn(body::small_body))
        .layer(quick())
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(reactive_owner::isolate));
    let own = routes::all()
        .fold(Router::new(), |router, route| {
            router.route(route.rule.path, (route.handler)())
        })
        .layer(resumable::parts(&state));
    let watchers = watch::routes(state.clone());
    let metrics = state.metrics.clone();
    let base = state.config.public_url.base().clone();
    let app = Router::new()
        .merge(pages)
        .merge(own)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            authorize::require_access,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            authorize::require_same_origin,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            client_address::find,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            hosts::require_ours,
        ))
        .with_state(state.clone());
    let app = match cross_origin::layer(&state.config.http.cors_origins) {
        Some(layer) => app.layer(middleware::from_fn_with_state(layer, cross_origin::allow)),
        None => app,
    };
    let app = app
        .merge(watchers.layer(quick()))
        .layer(middleware::from_fn_with_state(state, security_headers::set));
    mount(observe::observed(app, metrics), &base)
}

/// Provides a page with its public path, since the request has the stripped one.
fn provide_base_path(base: &BasePath) {
    if let Some(parts) = use_context::<Parts>() {
        let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        // Without a host, like leptos_axum.
        let url = format!("http://leptos.dev{}", base.address(path));
        provide_context(RequestUrl::new(&url));
    }
    provide_context(base.clone());
}

/// Provides a page with its form that was refused.
fn provide_refused_form() {
    let form = use_context::<Parts>().and_then(|parts| parts.extensions.get().cloned());
    if let Some(form) = form {
        provide_context::<RefusedForm>(form);
    }
}

/// Sets the HTTP status of a server function's error, which otherwise is 500.
async fn server_fn_status(request: Request, next: Next) -> Response {
    let is_server_fn = request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    if !is_server_fn || response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Ok(error) = serde_json::from_slice::<ApiError>(&body) {
        parts.status = error.status_code();
    }
    Response::from_parts(parts, Body::from(body))
}
