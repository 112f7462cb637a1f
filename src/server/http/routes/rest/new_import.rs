//! The REST route that starts an import: of an uploaded file, or of one from a URL.

use axum::{
    Extension, Json,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, imports_list::Mode};
use crate::{
    model::{
        changes::Field,
        import_options::{
            ChosenFields, FIELDS, Instructions, MissingProducts, PARAMETERS, WrittenProducts,
        },
        job::{ImportMode, JobId},
        upload::MODE_FIELD,
    },
    server::{
        auth::request::Caller,
        error::error_body,
        http::{
            middleware::authorize,
            routes::{body::MAX_BODY, uploads::receive},
            state::AppState,
        },
        identity::{principal::Principal, user::User},
        uploads::upload_error::UploadError,
    },
};

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

pub(super) fn started(id: JobId, mode: ImportMode) -> Response {
    let location = format!("/api/imports/{id}");
    let mode = mode.as_str();
    let body = Json(Started { id, mode });
    (StatusCode::CREATED, [(header::LOCATION, location)], body).into_response()
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
    let taken = match options_of_query(&state, request.uri().query()) {
        Ok(what) if is_json(request.headers()) => fetch(&state, &who.user, what, request).await,
        Ok(what) => {
            receive::take_file(&state, &who.user, what, None, request, &mut Vec::new()).await
        }
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
fn options_of_query(state: &AppState, query: Option<&str>) -> Result<Instructions, UploadError> {
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
    let mut given = vec![
        (MODE_FIELD, file.mode),
        ("products", file.products),
        ("missing", file.missing),
    ];
    if !file.fields.is_empty() {
        // Replaces those of the query.
        what.options.fields = ChosenFields::ALL;
        given.extend(file.fields.into_iter().map(|field| (FIELDS, Some(field))));
    }
    for (name, value) in given {
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
