//! Responses that many routes share, for the OpenAPI description.

use std::{collections::BTreeMap, marker::PhantomData};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response as Answer},
};
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{Content, Ref, RefOr, Response, ResponseBuilder},
};

use super::Problem;
use crate::{
    i18n::messages::ErrorCode,
    model::{error::ApiError, reason::Reason},
};

const NO_MONITOR: &str = "The price monitor cannot be reached or doesn't support this";

/// The subject of a route, if not an import.
pub(crate) trait Subject {
    /// The error when it does not exist.
    const MISSING: ErrorCode;
}

/// An error of a route with a subject.
#[derive(Debug)]
pub(crate) struct Refusal<S>(ApiError, PhantomData<S>);

impl<S> From<ApiError> for Refusal<S> {
    fn from(error: ApiError) -> Self {
        Self(error, PhantomData)
    }
}

impl<S: Subject> IntoResponse for Refusal<S> {
    fn into_response(self) -> Answer {
        if self.0 != ApiError::NotFound {
            return self.0.into_response();
        }
        let problem = Problem::from(Reason::from(S::MISSING));
        (StatusCode::NOT_FOUND, Json(problem)).into_response()
    }
}

type Responses = BTreeMap<String, RefOr<Response>>;

/// Responses of every route that requires a token.
pub(crate) enum OfProgram {}

/// Responses of a route for an import: also 404.
pub(crate) enum OfImport {}

/// Responses of a route that changes an import: also conflicts.
pub(crate) enum ChangesImport {}

/// Responses of a route for links to an import: also 404.
pub(crate) enum OfLink {}

/// Responses of a route for a webhook: also 404.
pub(crate) enum OfWebhook {}

/// Responses of a route that changes a webhook: also conflicts.
pub(crate) enum ChangesWebhook {}

/// Responses of a route for a source: also 404.
pub(crate) enum OfSource {}

/// Responses of a route that changes a source: also conflicts.
pub(crate) enum ChangesSource {}

/// Responses of an event stream: also limits.
pub(crate) enum OfStream {}

/// Responses of a route that starts an import: also conflicts.
pub(crate) enum BeginsImport {}

impl IntoResponses for OfProgram {
    fn responses() -> Responses {
        let late = Response::new("The request timed out");
        BTreeMap::from([
            problem("401", "Missing or invalid token"),
            problem("403", "The token doesn't have permission"),
            ("408".to_owned(), late.into()),
            problem("500", "Internal error"),
        ])
    }
}

impl IntoResponses for OfImport {
    fn responses() -> Responses {
        let mut responses = OfProgram::responses();
        responses.extend([
            problem("404", "Import not found, or it belongs to another user"),
            guesses(),
        ]);
        responses
    }
}

impl IntoResponses for ChangesImport {
    fn responses() -> Responses {
        let mut responses = OfImport::responses();
        responses.extend([large(), problem("503", NO_MONITOR)]);
        responses
    }
}

impl IntoResponses for OfLink {
    fn responses() -> Responses {
        let mut responses = OfProgram::responses();
        responses.extend([problem("404", "Import or link not found"), guesses()]);
        responses
    }
}

impl IntoResponses for OfWebhook {
    fn responses() -> Responses {
        let mut responses = OfProgram::responses();
        responses.extend([problem("404", "Webhook not found")]);
        responses
    }
}

impl IntoResponses for ChangesWebhook {
    fn responses() -> Responses {
        let mut responses = OfWebhook::responses();
        responses.extend([large()]);
        responses
    }
}

impl IntoResponses for OfSource {
    fn responses() -> Responses {
        let mut responses = OfProgram::responses();
        responses.extend([
            problem("404", "Source not found"),
            problem(
                "503",
                "An external price monitor is in use, with which there are no sources",
            ),
        ]);
        responses
    }
}

impl IntoResponses for ChangesSource {
    fn responses() -> Responses {
        let mut responses = OfSource::responses();
        responses.extend([large()]);
        responses
    }
}

impl IntoResponses for OfStream {
    fn responses() -> Responses {
        let mut responses = OfProgram::responses();
        responses.extend([
            problem("429", "Too many streams are open"),
            problem("503", "The server is shutting down"),
        ]);
        responses
    }
}

impl IntoResponses for BeginsImport {
    fn responses() -> Responses {
        let mut responses = ChangesImport::responses();
        responses.extend([
            problem(
                "429",
                "Too many unfinished imports, or too many requests for unknown imports",
            ),
            problem("502", "The price monitor's response was not understood"),
            problem("507", "Storage is full"),
        ]);
        responses
    }
}

/// Response to repeated requests for unknown imports.
fn guesses() -> (String, RefOr<Response>) {
    problem("429", "Too many requests for unknown imports")
}

fn large() -> (String, RefOr<Response>) {
    problem("413", "The request body is too large")
}

fn problem(status: &str, description: &str) -> (String, RefOr<Response>) {
    let content = Content::new(Some(Ref::from_schema_name(Problem::name())));
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/json", content);
    (status.to_owned(), response.build().into())
}
