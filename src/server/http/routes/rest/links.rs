//! Links to an import for people without an account, for programs.

use axum::{
    Extension, Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Problem,
    answers::{OfLink, Subject},
    imports::{Id, find_changeable},
    unreadable,
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        error::ApiError,
        share_link::{LinkLifetime, ShareLink},
    },
    server::{http::state::AppState, identity::principal::Principal},
};

/// What is missing.
#[derive(Debug)]
pub(crate) enum OfLinks {}

impl Subject for OfLinks {
    const MISSING: ErrorCode = ErrorCode::NoLink;
}

type Refusal = super::answers::Refusal<OfLinks>;

type ImportAndLink = Result<Path<(String, String)>, PathRejection>;

/// A link that shows the counts and failures of an import without an account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Link {
    /// ID of the link.
    id: String,
    /// URL. Anyone who has it can open it.
    #[schema(format = "uri", example = "https://relay.example/shared/mZ3q")]
    url: String,
    /// Creation, in milliseconds since 1970.
    created_at: i64,
    /// Expiry, in milliseconds since 1970.
    expires_at: i64,
}

impl From<ShareLink> for Link {
    fn from(link: ShareLink) -> Self {
        Self {
            id: link.id,
            url: link.url.into_exposed(),
            created_at: link.created_at,
            expires_at: link.expires_at,
        }
    }
}

/// Links to an import.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Links {
    /// Links that have not expired, newest first, at most 10.
    items: Vec<Link>,
}

/// A link to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedLink {
    /// How long the link is valid.
    lifetime: LinkLifetime,
}

/// Lists the links to an import.
#[utoipa::path(
    get,
    operation_id = "listLinks",
    path = "/api/imports/{id}/links",
    params(("id" = String, Path, description = "ID of the import")),
    responses((status = 200, description = "The links", body = Links), OfLink)
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<Json<Links>, Refusal> {
    let job = find_changeable(&state, &who, id).await?;
    let links = state.share_links.list(&job).await?.links;
    Ok(Json(Links {
        items: links.into_iter().map(Link::from).collect(),
    }))
}

/// Creates a link to an import. Anyone who has it can follow the counts and failures of the import live, without an
/// account, and nothing else.
#[utoipa::path(
    post,
    operation_id = "createLink",
    path = "/api/imports/{id}/links",
    params(("id" = String, Path, description = "ID of the import")),
    request_body = WantedLink,
    responses(
        (status = 201, description = "The link", body = Link),
        (status = 400, description = "The body cannot be read, or there are too many links", body = Problem),
        (status = 413, description = "The request body is too large", body = Problem),
        (status = 503, description = "No encryption key is set", body = Problem),
        OfLink,
    )
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    wanted: Result<Json<WantedLink>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(WantedLink { lifetime }) = wanted.map_err(|error| unreadable(error.body_text()))?;
    let job = find_changeable(&state, &who, id).await?;
    let link = state.share_links.create(&who, &job, lifetime).await?;
    Ok((StatusCode::CREATED, Json(Link::from(link))).into_response())
}

/// Revokes a link to an import and closes pages opened with it.
#[utoipa::path(
    delete,
    operation_id = "revokeLink",
    path = "/api/imports/{id}/links/{link}",
    params(
        ("id" = String, Path, description = "ID of the import"),
        ("link" = String, Path, description = "ID of the link"),
    ),
    responses(
        (status = 204, description = "The link was revoked"),
        (status = 413, description = "The request body is too large", body = Problem),
        OfLink,
    )
)]
pub(crate) async fn revoke(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    path: ImportAndLink,
) -> Result<StatusCode, Refusal> {
    let Path((id, link)) = path.map_err(|_| ApiError::NotFound)?;
    let job = find_changeable(&state, &who, Ok(Path(id))).await?;
    state.share_links.revoke(&who, &job, &link).await?;
    Ok(StatusCode::NO_CONTENT)
}
