//! The REST API and its OpenAPI description.

#![allow(unused_qualifications)] // in what the macros of `utoipa` generate

use super::{Route, body::small, progress, quick};
use crate::{
    i18n::messages::{ErrorCode, Params},
    model::{
        changes::Field,
        error::ApiError,
        import_options::{
            ChosenFields, FIELDS, Instructions, MissingProducts, PARAMETERS, WrittenProducts,
        },
        imports_filter::ImportsFilter,
        job::{ImportMode, JobId, ProductImportJob},
        reason::Reason,
        role::Permission::{Import as MayImport, SeeProducts, Watch, Webhooks as MayWebhooks},
        upload::MODE_FIELD,
    },
    server::{
        auth::request::Caller,
        error::error_body,
        http::{
            middleware::{
                access::Access::{Anybody, Known, Person},
                authorize,
            },
            routes::{body::MAX_BODY, uploads::receive},
            state::AppState,
        },
        identity::{principal::Principal, user::User},
        uploads::upload_error::UploadError,
    },
};
use axum::{
    Extension, Json,
    body::to_bytes,
    extract::{Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use axum::{
    extract::DefaultBodyLimit,
    routing::{MethodFilter, MethodRouter, get},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, Modify, OpenApi, ToSchema,
    openapi::{
        Server,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

pub(crate) mod answers;
pub(crate) mod changes;
pub(crate) mod columns;
pub(crate) mod imports;
pub(crate) mod links;
pub(crate) mod product_files;
pub(crate) mod products;
pub(crate) mod rows;
pub(crate) mod sources;
pub(crate) mod webhooks;

use self::answers::OfProgram;

/// An import in its newest known state.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Import {
    /// ID of the import.
    #[schema(value_type = String, example = "0199c2a4-7d55-7f06-8d5e-0a6d0f3f7a10")]
    id: JobId,
    /// Name of the file.
    filename: String,
    /// Status. Every status but `PENDING` is final.
    #[schema(value_type = Status)]
    status: &'static str,
    /// Why the import failed, in English or in the words of an external price monitor.
    error: Option<String>,
    /// Error code; null for the words of an external price monitor.
    error_code: Option<String>,
    /// Parameters of the error code.
    #[schema(value_type = Object)]
    error_params: Params,
    /// Whether the import was cancelled.
    cancelled: bool,
    /// Number of products in the file; null until it is known.
    total_products: Option<u64>,
    /// Number of imported products.
    processed_products: u64,
    /// Number of products that could not be imported.
    failed_products: u64,
    /// SKUs of products that could not be imported.
    failed_product_skus: Vec<String>,
    /// Start, in milliseconds since 1970.
    created_at: i64,
    /// Last change, in milliseconds since 1970.
    updated_at: i64,
    /// End, in milliseconds since 1970.
    completed_at: Option<i64>,
    /// Whether the import writes products or only checks them.
    #[schema(value_type = Mode)]
    mode: &'static str,
}

/// Whether an import writes products.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // only its description is used
enum Mode {
    /// Write the products.
    Import,
    /// Dry run: report what an import would change, and write nothing.
    Check,
}

/// Status of an import.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(dead_code)] // only its description is used
enum Status {
    /// Waiting or running.
    Pending,
    /// All products were imported.
    Success,
    /// Some products could not be imported.
    PartialSuccess,
    /// The import failed.
    Error,
}

impl From<ProductImportJob> for Import {
    fn from(job: ProductImportJob) -> Self {
        Self {
            id: job.id,
            filename: job.filename,
            status: job.status.as_str(),
            error_code: job.error.as_ref().and_then(Reason::code).map(str::to_owned),
            error_params: job
                .error
                .as_ref()
                .map(Reason::params)
                .cloned()
                .unwrap_or_default(),
            cancelled: job.error.as_ref().is_some_and(Reason::is_cancelled),
            error: job.error.as_ref().map(Reason::to_string),
            total_products: job.total_products,
            processed_products: job.processed_products,
            failed_products: job.failed_products,
            failed_product_skus: job.failed_product_skus,
            created_at: job.created_at,
            updated_at: job.updated_at,
            completed_at: job.completed_at,
            mode: job.mode.as_str(),
        }
    }
}

/// A page of imports.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Imports {
    /// Imports on this page, newest first.
    items: Vec<Import>,
    /// Number of this page, from 1.
    page: u64,
    /// Number of pages, at least 1.
    pages: u64,
    /// Number of imports on all pages.
    total: u64,
    /// Whether there are more imports than `total`, which stops counting at a limit. A page after the last one
    /// exists then.
    #[serde(rename = "hasMore")]
    has_more: bool,
}

/// An import that was started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Started {
    /// ID of the import.
    #[schema(value_type = String)]
    id: JobId,
    /// Whether the import writes products or only checks them.
    #[schema(value_type = Mode)]
    mode: &'static str,
}

fn started(id: JobId, mode: ImportMode) -> Response {
    let location = format!("/api/imports/{id}");
    let mode = mode.as_str();
    let body = Json(Started { id, mode });
    (StatusCode::CREATED, [(header::LOCATION, location)], body).into_response()
}

pub(crate) use crate::model::reason::ErrorBody as Problem;

/// Wraps the parser's message in an error.
fn unreadable(problem: String) -> ApiError {
    ApiError::invalid(ErrorCode::UnreadableBecause { problem })
}

/// A product file and how to import it. The file must be the last part.
#[derive(ToSchema)]
#[allow(dead_code)] // only its description is used
struct ProductFile {
    /// Whether to write the products or only check them.
    mode: Option<Mode>,
    /// Products that may be written. Rows of other products are skipped.
    products: Option<WrittenProducts>,
    /// Comma-separated values to update in existing products; all by default. New products get all values. `price`
    /// includes the currency.
    #[schema(example = "price,stock")]
    fields: Option<String>,
    /// What to do with products that are not in the file. Any value but `keep` requires a file with all products.
    missing: Option<MissingProducts>,
    /// ID of the source that the file belongs to. It determines all options above, which must be left out.
    source: Option<String>,
    /// The file, with its name.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// The URL of a product file and how to import it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoteProductFile {
    /// URL of the file, at a host that `IMPORT_URL_HOSTS` allows.
    #[schema(format = "uri", example = "https://supplier.example/feed.csv")]
    url: String,
    /// Whether to write the products or only check them.
    #[schema(value_type = Option<Mode>)]
    mode: Option<String>,
    /// Products that may be written. Rows of other products are skipped.
    #[schema(value_type = Option<WrittenProducts>)]
    products: Option<String>,
    /// Values to update in existing products; all by default. New products get all values. `price` includes the
    /// currency.
    #[schema(value_type = Vec<Field>)]
    #[serde(default)]
    fields: Vec<String>,
    /// What to do with products that are not in the file. Any value but `keep` requires a file with all products.
    #[schema(value_type = Option<MissingProducts>)]
    missing: Option<String>,
}

/// How to import the file. Values in the body take precedence.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // only its description is used
struct ImportParameters {
    /// Whether to write the products or only check them.
    #[param(inline, default = "import")]
    mode: Option<Mode>,
    /// Products that may be written. Rows of other products are skipped.
    #[param(inline, default = "all")]
    products: Option<WrittenProducts>,
    /// Comma-separated values to update in existing products; all by default.
    #[param(example = "price,stock")]
    fields: Option<String>,
    /// What to do with products that are not in the file.
    #[param(inline, default = "keep")]
    missing: Option<MissingProducts>,
}

/// Which page to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Number of the page, from 1. A number past the last page returns the last page.
    #[serde(default = "first")]
    #[param(default = 1, minimum = 1)]
    page: u64,
}

fn first() -> u64 {
    1
}

/// Lists imports, newest first, 20 per page.
#[utoipa::path(
    get,
    operation_id = "listImports",
    path = "/api/imports",
    params(PageQuery),
    responses(
        (status = 200, description = "The imports", body = Imports),
        (status = 400, description = "The page is not valid", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    wanted: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Imports>, ApiError> {
    let Query(PageQuery { page }) = wanted.map_err(|_| ApiError::invalid(ErrorCode::NotAPage))?;
    if page == 0 {
        return Err(ApiError::invalid(ErrorCode::NotAPage));
    }
    let all = ImportsFilter::default();
    let mut jobs = state.store.find_imports(&who.jobs(), &all, page).await?;
    state.relay.refresh(&mut jobs.items).await;
    Ok(Json(Imports {
        items: jobs.items.into_iter().map(Import::from).collect(),
        page: jobs.page,
        pages: jobs.pages,
        total: jobs.total,
        has_more: jobs.has_more,
    }))
}

/// Imports an uploaded product file or one from a URL, or only checks it.
#[utoipa::path(
    post,
    operation_id = "createImport",
    path = "/api/imports",
    params(ImportParameters),
    request_body(content(
        (ProductFile = "multipart/form-data"),
        (RemoteProductFile = "application/json"),
    )),
    responses(
        (status = 201, description = "The import has started", body = Started,
            headers(("location" = String, description = "URL of the import"))),
        (status = 400, description = "The file is missing or empty", body = Problem),
        (status = 401, description = "Missing or invalid token", body = Problem),
        (status = 403, description = "The token doesn't have permission", body = Problem),
        (status = 408, description = "The upload was interrupted", body = Problem),
        (status = 413, description = "The file is too large", body = Problem),
        (status = 422, description = "A parameter is unknown, the file cannot be downloaded, or the price monitor rejected it", body = Problem),
        (status = 429, description = "Too many uploads at once, or the price monitor is busy", body = Problem),
        (status = 500, description = "Internal error", body = Problem),
        (status = 502, description = "The price monitor's response was not understood", body = Problem),
        (status = 503, description = "The price monitor cannot be reached or had an internal error", body = Problem),
        (status = 507, description = "Storage is full", body = Problem),
    )
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    request: Request,
) -> Response {
    let taken = match said_in_query(&state, request.uri().query()) {
        Ok(what) if is_json(request.headers()) => fetch(&state, &who.user, what, request).await,
        Ok(what) => receive::take_file(&state, &who.user, what, None, request).await,
        Err(error) => {
            authorize::read_out(request).await;
            Err(error)
        }
    };
    match taken {
        Ok((id, mode)) => started(id, mode),
        Err(error) => {
            let problem = error_body(error.reason());
            (error.status_code(), error.headers(), Json(problem)).into_response()
        }
    }
}

/// Reads the options in the query; rejects unknown parameters.
fn said_in_query(state: &AppState, query: Option<&str>) -> Result<Instructions, UploadError> {
    let mut what = Instructions::default();
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        receive::instruct(state, &mut what, &name, &value)?;
    }
    Ok(what)
}

async fn fetch(
    state: &AppState,
    user: &User,
    mut what: Instructions,
    request: Request,
) -> Result<(JobId, ImportMode), UploadError> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY)
        .await
        .map_err(|_| UploadError::Unreadable)?;
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&body).map_err(|_| UploadError::Unreadable)?;
    let unknown = fields.keys().find(|name| !is_known(name));
    if let Some(unknown) = unknown {
        return Err(UploadError::UnknownParameter(receive::shown(unknown)));
    }
    let file: RemoteProductFile = serde_json::from_value(serde_json::Value::Object(fields))
        .map_err(|_| UploadError::Unreadable)?;
    let mut said = vec![
        (MODE_FIELD, file.mode),
        ("products", file.products),
        ("missing", file.missing),
    ];
    if !file.fields.is_empty() {
        // Replaces those of the query.
        what.options.fields = ChosenFields::ALL;
        said.extend(file.fields.into_iter().map(|field| (FIELDS, Some(field))));
    }
    for (name, value) in said {
        if let Some(value) = value {
            receive::instruct(state, &mut what, name, &value)?;
        }
    }
    let (caller, mode) = (Caller::of(&parts), what.mode);
    let id = receive::fetch_file(state, user, &caller, &file.url, what).await?;
    Ok((id, mode))
}

/// Returns whether [`RemoteProductFile`] has this field.
fn is_known(name: &str) -> bool {
    ["url", MODE_FIELD].contains(&name) || PARAMETERS.contains(&name)
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
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
    GET "/api/imports", Known(Watch), list, within_time;
    POST "/api/imports", Known(MayImport), create, unlimited;
    GET "/api/imports/{id}", Known(Watch), imports::show, within_time;
    DELETE "/api/imports/{id}", Known(MayImport), imports::delete, small;
    POST "/api/imports/{id}/approve", Known(MayImport), imports::approve, small;
    POST "/api/imports/{id}/cancel", Known(MayImport), imports::cancel, small;
    POST "/api/imports/{id}/again", Known(MayImport), imports::again, small;
    POST "/api/imports/{id}/retry", Known(MayImport), imports::retry, small;
    POST "/api/imports/{id}/undo", Known(MayImport), imports::undo, small;
    GET "/api/imports/{id}/rows", Known(Watch), rows::rows, within_time;
    GET "/api/imports/{id}/rows.csv", Known(Watch), rows::rows_file, within_time;
    GET "/api/imports/{id}/changes", Known(Watch), changes::list, within_time;
    GET "/api/imports/{id}/changes.csv", Known(Watch), changes::file, within_time;
    GET "/api/imports/{id}/columns", Known(Watch), columns::columns, within_time;
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
    GET "/api/sources", Known(Watch), sources::list, within_time;
    POST "/api/sources", Known(MayImport), sources::create, small;
    GET "/api/sources/{id}", Known(Watch), sources::show, within_time;
    PATCH "/api/sources/{id}", Known(MayImport), sources::change, small;
    DELETE "/api/sources/{id}", Known(MayImport), sources::delete, small;
    POST "/api/sources/{id}/run", Known(MayImport), sources::run, small;
    GET "/api/sources/{id}/runs", Known(Watch), sources::runs, within_time;
    GET "/api/webhooks", Known(MayWebhooks), webhooks::list, within_time;
    POST "/api/webhooks", Known(MayWebhooks), webhooks::create, small;
    GET "/api/webhooks/{id}", Known(MayWebhooks), webhooks::show, within_time;
    PATCH "/api/webhooks/{id}", Known(MayWebhooks), webhooks::change, small;
    DELETE "/api/webhooks/{id}", Known(MayWebhooks), webhooks::delete, small;
    POST "/api/webhooks/{id}/test", Known(MayWebhooks), webhooks::test, small;
    GET "/api/webhooks/{id}/deliveries", Known(MayWebhooks), webhooks::deliveries, within_time;
    POST "/api/webhooks/{id}/deliveries/{delivery}/redeliver", Known(MayWebhooks), webhooks::redeliver, small;
    // Limits the opening of a stream, not the stream.
    GET "/api/jobs/{job}/progress", Known(Watch), progress::job_progress, within_time;
    GET "/api/jobs/progress", Known(Watch), progress::jobs_progress, within_time;
}

/// The description itself, and downloads for people.
pub(super) const OTHER_ROUTES: &[Route] = &[
    Route::rest("GET", "/api/openapi.json", Anybody, || {
        get(openapi).layer(quick())
    }),
    Route::rest("GET", "/imports/{job}/changes.csv", Person(Watch), || {
        get(changes::file_for_person).layer(quick())
    }),
    Route::rest("GET", "/products.csv", Person(Watch), || {
        get(product_files::csv).layer(quick())
    }),
    Route::rest("GET", "/products.jsonl", Person(Watch), || {
        get(product_files::json_lines).layer(quick())
    }),
    Route::rest("GET", "/products.xlsx", Person(Watch), || {
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
