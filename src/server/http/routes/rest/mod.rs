//! The REST API and its OpenAPI description.

#![allow(unused_qualifications)] // in what the macros of `utoipa` generate

use super::{Route, body::small, progress, quick};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        error::ApiError,
        role::Permission::{Import as MayImport, SeeImports, SeeProducts, Webhooks as MayWebhooks},
    },
    server::http::{
        middleware::access::Access::{Anybody, Known, Person},
        state::AppState,
    },
};
use axum::{
    Json,
    extract::{DefaultBodyLimit, State},
    routing::{MethodFilter, MethodRouter, get},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Server,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

pub(crate) mod answers;
pub(crate) mod changes;
pub(crate) mod columns;
pub(crate) mod imports;
pub(crate) mod imports_list;
pub(crate) mod links;
pub(crate) mod new_import;
pub(crate) mod product_files;
pub(crate) mod products;
pub(crate) mod rows;
pub(crate) mod sources;
pub(crate) mod webhooks;

pub(crate) use crate::model::reason::ErrorBody as Problem;

/// Wraps the parser's message in an error.
fn unreadable(problem: String) -> ApiError {
    ApiError::invalid(ErrorCode::UnreadableBecause { problem })
}

// A row: method, path, access, handler, wrapper. The handler's `#[utoipa::path]` has the same path.
macro_rules! described {
    ($($method:ident $path:literal, $access:expr, $($handler:ident)::+, $wrap:expr;)*) => {
        pub(super) const ROUTES: &[Route] = &[
            $(Route::rest(stringify!($method), $path, $access, || {
                $wrap(MethodRouter::new().on(MethodFilter::$method, $($handler)::+))
            })),*
        ];

        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "Import Relay",
                description = "Starts and tracks product imports. Authenticate with a token from the page “API tokens”. Times are milliseconds since 1970.",
                license(name = "MIT", identifier = "MIT")
            ),
            paths($($($handler)::+),*),
            modifiers(&Bearer),
            security(("token" = []))
        )]
        struct Description;
    };
}

described! {
    GET "/api/imports", Known(SeeImports), imports_list::list, within_time;
    POST "/api/imports", Known(MayImport), new_import::create, unlimited;
    GET "/api/imports/{id}", Known(SeeImports), imports::show, within_time;
    DELETE "/api/imports/{id}", Known(MayImport), imports::delete, small;
    POST "/api/imports/{id}/approve", Known(MayImport), imports::approve, small;
    POST "/api/imports/{id}/cancel", Known(MayImport), imports::cancel, small;
    POST "/api/imports/{id}/again", Known(MayImport), imports::again, small;
    POST "/api/imports/{id}/retry", Known(MayImport), imports::retry, small;
    POST "/api/imports/{id}/undo", Known(MayImport), imports::undo, small;
    GET "/api/imports/{id}/rows", Known(SeeImports), rows::rows, within_time;
    GET "/api/imports/{id}/rows.csv", Known(SeeImports), rows::rows_file, within_time;
    GET "/api/imports/{id}/changes", Known(SeeImports), changes::list, within_time;
    GET "/api/imports/{id}/changes.csv", Known(SeeImports), changes::file, within_time;
    GET "/api/imports/{id}/columns", Known(SeeImports), columns::columns, within_time;
    POST "/api/imports/{id}/columns", Known(MayImport), columns::map_columns, small;
    GET "/api/imports/{id}/links", Known(MayImport), links::list, within_time;
    POST "/api/imports/{id}/links", Known(MayImport), links::create, small;
    DELETE "/api/imports/{id}/links/{link}", Known(MayImport), links::revoke, small;
    GET "/api/changes", Known(SeeProducts), products::changes, within_time;
    GET "/api/products", Known(SeeProducts), products::list, within_time;
    GET "/api/products.csv", Known(SeeProducts), product_files::csv, within_time;
    GET "/api/products.jsonl", Known(SeeProducts), product_files::json_lines, within_time;
    GET "/api/products.xlsx", Known(SeeProducts), product_files::xlsx, within_time;
    GET "/api/products/{id}/history", Known(SeeProducts), products::history, within_time;
    GET "/api/sources", Known(SeeImports), sources::list, within_time;
    POST "/api/sources", Known(MayImport), sources::create, small;
    GET "/api/sources/{id}", Known(SeeImports), sources::show, within_time;
    PATCH "/api/sources/{id}", Known(MayImport), sources::change, small;
    DELETE "/api/sources/{id}", Known(MayImport), sources::delete, small;
    POST "/api/sources/{id}/run", Known(MayImport), sources::run, small;
    GET "/api/sources/{id}/runs", Known(SeeImports), sources::runs, within_time;
    GET "/api/webhooks", Known(MayWebhooks), webhooks::list, within_time;
    POST "/api/webhooks", Known(MayWebhooks), webhooks::create, small;
    GET "/api/webhooks/{id}", Known(MayWebhooks), webhooks::show, within_time;
    PATCH "/api/webhooks/{id}", Known(MayWebhooks), webhooks::change, small;
    DELETE "/api/webhooks/{id}", Known(MayWebhooks), webhooks::delete, small;
    POST "/api/webhooks/{id}/test", Known(MayWebhooks), webhooks::test, small;
    GET "/api/webhooks/{id}/deliveries", Known(MayWebhooks), webhooks::deliveries, within_time;
    POST "/api/webhooks/{id}/deliveries/{delivery}/redeliver", Known(MayWebhooks), webhooks::redeliver, small;
    // Limits the opening of a stream, not the stream.
    GET "/api/jobs/{job}/progress", Known(SeeImports), progress::job_progress, within_time;
    GET "/api/jobs/progress", Known(SeeImports), progress::jobs_progress, within_time;
}

/// The description itself, and downloads for people.
pub(super) const OTHER_ROUTES: &[Route] = &[
    Route::rest("GET", "/api/openapi.json", Anybody, || {
        get(openapi).layer(quick())
    }),
    Route::rest(
        "GET",
        "/imports/{job}/changes.csv",
        Person(SeeImports),
        || get(changes::file_for_person).layer(quick()),
    ),
    Route::rest("GET", "/products.csv", Person(SeeImports), || {
        get(product_files::csv).layer(quick())
    }),
    Route::rest("GET", "/products.jsonl", Person(SeeImports), || {
        get(product_files::json_lines).layer(quick())
    }),
    Route::rest("GET", "/products.xlsx", Person(SeeImports), || {
        get(product_files::xlsx).layer(quick())
    }),
];

fn within_time(route: MethodRouter<AppState>) -> MethodRouter<AppState> {
    route.layer(quick())
}

fn unlimited(route: MethodRouter<AppState>) -> MethodRouter<AppState> {
    route.layer(DefaultBodyLimit::disable())
}

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Returns the description (OpenAPI 3.1).
pub(crate) async fn openapi(State(state): State<AppState>) -> Json<utoipa::openapi::OpenApi> {
    let base = state.config.public_url.base().as_str();
    let mut description = Description::openapi();
    if !base.is_empty() {
        description.servers = Some(vec![Server::new(base)]);
    }
    Json(description)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Names of parameters may differ.
    fn unnamed(path: &str) -> String {
        let parts = path.split('/');
        let parts = parts.map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    #[test]
    fn what_is_described_is_what_is_there() {
        let described = described();
        let paths = described["paths"].as_object().unwrap();
        let described: BTreeSet<_> = paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.map(|method| (method.to_uppercase(), unnamed(path)))
            })
            .collect();
        let routes: BTreeSet<_> = ROUTES
            .iter()
            .map(|route| (route.rule.method.to_owned(), unnamed(route.rule.path)))
            .collect();
        assert_eq!(described, routes);
    }

    fn described() -> serde_json::Value {
        serde_json::to_value(Description::openapi()).unwrap()
    }

    #[test]
    fn each_operation_has_an_id_of_its_own() {
        let described = described();
        let paths = described["paths"].as_object().unwrap();
        let operations = paths.values().flat_map(|path| path.as_object().unwrap());
        let mut ids = BTreeSet::new();
        for (_, operation) in operations {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is not the only one");
        }
    }

    #[test]
    fn each_operation_parameter_and_field_is_described() {
        let described = described();
        let has_text = |value: &serde_json::Value| {
            let texts = ["description", "summary"].map(|name| value[name].as_str());
            texts.into_iter().flatten().any(|text| !text.is_empty())
        };
        // An optional field of another schema is `oneOf` null and that one.
        let is_described = |value: &serde_json::Value| {
            let mut either = value["oneOf"].as_array().into_iter().flatten();
            has_text(value) || either.any(has_text)
        };
        let mut missing = Vec::new();
        for (path, item) in described["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if !is_described(operation) {
                    missing.push(format!("{method} {path}"));
                }
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    if !is_described(parameter) {
                        missing.push(format!("{method} {path}: {}", parameter["name"]));
                    }
                }
            }
        }
        for (name, schema) in described["components"]["schemas"].as_object().unwrap() {
            for (field, value) in schema["properties"].as_object().into_iter().flatten() {
                if !is_described(value) {
                    missing.push(format!("{name}.{field}"));
                }
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
