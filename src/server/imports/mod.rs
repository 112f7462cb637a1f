//! What the server functions about one import share.

pub(crate) mod product_history;

use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
};

use futures_util::TryStreamExt;
use serde::Deserialize;

use super::{
    auth::{self, audit, principal::Principal, require_user},
    relay::Further,
    store::job_scope::{ChangeableJob, VisibleJob},
};
use crate::model::{
    audit::AuditAction, error::ApiError, import_extras::RowKind, job::JobId, role::Permission,
};
use crate::server::http::{
    csv_injection::Neutral,
    state::{AppState, app_state},
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

/// Forgets an import that is over or waits for an answer. Its products stay.
pub(crate) async fn forget(state: &AppState, job: &ChangeableJob) -> Result<(), ApiError> {
    let may_go = job.status.is_final()
        || state.relay.is_forgotten(job).await
        || waits_for_an_answer(state, job).await;
    if !may_go {
        return Err(ApiError::Invalid(
            "The import is still running. Cancel it first.".to_owned(),
        ));
    }
    state.relay.forget(job).await
}

async fn waits_for_an_answer(state: &AppState, job: &ChangeableJob) -> bool {
    let extras = state.relay.extras(job).await;
    extras.is_some_and(|extras| extras.needs.is_some())
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
pub(crate) async fn failed_rows_file(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    Path(job): Path<String>,
) -> Result<Response, ApiError> {
    let job: JobId = job.parse().map_err(|_| ApiError::NotFound)?;
    rows_file(&state, &who, &job, RowKind::Failed).await
}

/// Which rows are wanted.
#[derive(Debug, Deserialize)]
pub(crate) struct WantedRows {
    kind: RowKind,
}

/// `GET /imports/{job}/rows.csv?kind=`: the rows of a kind, and what is said of them.
pub(crate) async fn noted_rows_file(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    Path(job): Path<String>,
    wanted: Result<Query<WantedRows>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(wanted) = wanted.map_err(|_| ApiError::NotFound)?;
    let job: JobId = job.parse().map_err(|_| ApiError::NotFound)?;
    rows_file(&state, &who, &job, wanted.kind).await
}

/// Gives the rows of a kind as a file.
pub(crate) async fn rows_file(
    state: &AppState,
    who: &Principal,
    job: &JobId,
    kind: RowKind,
) -> Result<Response, ApiError> {
    let job = state.relay.find_job(who, job).await?;
    let rows = state.relay.rows_file(&job, kind).await?;
    // The embedded service's list of failed rows minds spreadsheet programs by itself, in a way that its
    // reader takes back.
    let is_harmless = state.has_products() && kind == RowKind::Failed;
    let mut neutral = (!is_harmless).then(Neutral::default);
    let rows = rows.map_ok(move |chunk| match &mut neutral {
        Some(neutral) => neutral.next(&chunk),
        None => chunk,
    });
    let disposition = format!("attachment; filename=\"{}-rows.csv\"", kind.as_str());
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from_stream(rows)).into_response())
}
