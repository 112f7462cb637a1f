//! Sign-in at an OpenID Connect provider.

use axum::routing::get;

use super::{Route, quick};
use crate::{
    model::session::PROVIDER_PATH,
    server::{
        auth::{oidc, sign_in_elsewhere},
        http::middleware::access::Access::Anybody,
    },
};

pub(super) const ROUTES: &[Route] = &[
    Route::page(PROVIDER_PATH, Anybody, || {
        get(sign_in_elsewhere::begin).layer(quick())
    }),
    Route::page(oidc::CALLBACK, Anybody, || {
        get(sign_in_elsewhere::callback).layer(quick())
    }),
];
