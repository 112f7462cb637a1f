//! The answers that many routes have in common, for the description of the API.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema,
    openapi::{Content, Ref, RefOr, Response, ResponseBuilder},
};

use super::Problem;

type Responses = BTreeMap<String, RefOr<Response>>;

/// Those of every route that asks for a token.
pub(crate) enum OfProgram {}

/// Those of a route that is about an import: [`OfProgram`]'s, and that there is none.
pub(crate) enum OfImport {}

/// Those of a route by which an import begins: [`OfImport`]'s, and why it cannot.
pub(crate) enum BeginsImport {}

impl IntoResponses for OfProgram {
    fn responses() -> Responses {
        let late = Response::new("It took too long");
        BTreeMap::from([
            problem("401", "No valid token"),
            problem("403", "The token does not allow it"),
            ("408".to_owned(), late.into()),
            problem("500", "A fault of this server"),
        ])
    }
}

impl IntoResponses for OfImport {
    fn responses() -> Responses {
        let mut responses = OfProgram::responses();
        responses.extend([problem(
            "404",
            "There is no such import, or it is somebody else's",
        )]);
        responses
    }
}

impl IntoResponses for BeginsImport {
    fn responses() -> Responses {
        let mut responses = OfImport::responses();
        responses.extend([
            problem("413", "The body is too large"),
            problem("429", "As many imports are under way or wait as may be"),
            problem(
                "502",
                "The price monitor answered something that is not understood",
            ),
            problem(
                "503",
                "The price monitor cannot be reached, or does not offer it",
            ),
            problem("507", "There is no room for the file"),
        ]);
        responses
    }
}

fn problem(status: &str, description: &str) -> (String, RefOr<Response>) {
    let content = Content::new(Some(Ref::from_schema_name(Problem::name())));
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/json", content);
    (status.to_owned(), response.build().into())
}
