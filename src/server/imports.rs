//! What the server functions about one import share.

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use futures_util::TryStreamExt;

use super::{
    auth::{self, audit, principal::Principal, require_user},
    neutral::Neutral,
    relay::Further,
    state::{AppState, app_state},
    store::job_scope::{ChangeableJob, VisibleJob},
};
use crate::{
    api::{ApiError, audit::AuditAction},
    job::JobId,
    role::Permission,
};

/// Finds an import that the person who asks may see.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] when there is no such import or
/// it is somebody else's.
pub(crate) async fn mine(id: &JobId) -> Result<(AppState, VisibleJob), ApiError> {
    let who = require_user().await?;
    let state = app_state()?;
    let job = state.relay.find_job(&who, id).await?;
    Ok((state, job))
}

/// An import that the person who asks may change.
pub(crate) struct Change {
    pub(crate) state: AppState,
    pub(crate) who: Principal,
    pub(crate) job: ChangeableJob,
}

/// Finds an import that the person who asks may change.
///
/// # Errors
///
/// As [`mine`], and [`ApiError::Forbidden`] for those who only watch.
pub(crate) async fn to_change(id: &JobId) -> Result<Change, ApiError> {
    let who = auth::require(Permission::Import)?;
    let state = app_state()?;
    let job = state.relay.find_job_to_change(&who, id).await?;
    Ok(Change { state, who, job })
}

impl Change {
    /// Notes what was done with the import, once it is done.
    pub(crate) async fn done(&self, action: AuditAction) {
        let subject = format!("{} ({})", self.job.filename, self.job.id);
        audit::record_by(&self.state.store, &self.who, action, &subject).await;
    }
}

/// Makes a further import out of one, and goes to its page.
pub(crate) async fn further(id: &JobId, what: Further) -> Result<(), ApiError> {
    let change = to_change(id).await?;
    let user = &change.who.user;
    let new = change.state.relay.further(user, &change.job, what).await?;
    change.done(AuditAction::ImportRetried).await;
    leptos_axum::redirect(&format!("/imports/{new}"));
    Ok(())
}

/// `GET /imports/{job}/failed-rows.csv`: the rows that failed, as a file that imports as it is once it
/// is corrected.
pub(super) async fn failed_rows_file(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    Path(job): Path<String>,
) -> Result<Response, ApiError> {
    let job: JobId = job.parse().map_err(|_| ApiError::NotFound)?;
    let job = state.relay.find_job(&who, &job).await?;
    let rows = state.relay.failed_rows_file(&job).await?;
    // Another service than the embedded one may not have minded spreadsheet programs.
    let mut neutral = (!state.has_products()).then(Neutral::default);
    let rows = rows.map_ok(move |chunk| match &mut neutral {
        Some(neutral) => neutral.next(&chunk),
        None => chunk,
    });
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
