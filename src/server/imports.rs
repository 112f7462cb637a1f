//! What the server functions about one import share.

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{
    auth::{self, audit, request::Caller, require_user},
    relay::Further,
    state::{AppState, app_state},
    store::users::User,
};
use crate::{
    api::{ApiError, audit::AuditAction},
    job::{JobId, ProductImportJob},
    role::Permission,
};

/// Finds an import that the person who asks may see.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] when there is no such import or
/// it is somebody else's.
pub(crate) async fn mine(id: &JobId) -> Result<(User, AppState, ProductImportJob), ApiError> {
    let user = require_user().await?;
    let state = app_state()?;
    let job = state.relay.find_job(&user, id).await?;
    Ok((user, state, job))
}

/// Finds an import that the person who asks may change, and notes what they do with it.
///
/// # Errors
///
/// As [`mine`], and [`ApiError::Forbidden`] for those who only watch.
pub(crate) async fn to_change(
    id: &JobId,
    action: AuditAction,
) -> Result<(User, AppState, ProductImportJob), ApiError> {
    let caller = Caller::of_server_fn()?;
    let user = auth::require(Permission::Import)?;
    let state = app_state()?;
    let job = state.relay.find_job(&user, id).await?;
    let subject = format!("{} ({id})", job.filename);
    audit::record(&state, &caller, &user, action, &subject).await;
    Ok((user, state, job))
}

/// Makes a further import out of one, and goes to its page.
pub(crate) async fn further(id: &JobId, what: Further) -> Result<(), ApiError> {
    let (user, state, job) = to_change(id, AuditAction::ImportRetried).await?;
    let new = state.relay.further(&user, &job, what).await?;
    leptos_axum::redirect(&format!("/imports/{new}"));
    Ok(())
}

/// `GET /imports/{job}/failed-rows.csv`: the rows that failed, as a file that imports as it is once it
/// is corrected.
pub(super) async fn failed_rows_file(
    State(state): State<AppState>,
    Extension(user): Extension<User>,
    Path(job): Path<String>,
) -> Result<Response, ApiError> {
    let job: JobId = job.parse().map_err(|_| ApiError::NotFound)?;
    let job = state.relay.find_job(&user, &job).await?;
    let rows = state.relay.failed_rows_file(&job.id).await?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"failed-rows.csv\""),
        ),
    ];
    Ok((headers, Body::from_stream(rows)).into_response())
}
