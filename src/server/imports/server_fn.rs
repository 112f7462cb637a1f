//! Shared code of server functions for one import.

use leptos::prelude::use_context;

use super::Imports;
use crate::{
    model::{error::ApiError, job::JobId, role::Permission},
    server::{
        auth::{self, require_user},
        identity::{
            job_scope::{ChangeableJob, VisibleJob},
            principal::Principal,
        },
        relay::Rerun,
    },
};

/// Finds an import that the user may see.
pub(crate) async fn find_visible(id: &JobId) -> Result<(Imports, VisibleJob), ApiError> {
    let who = require_user().await?;
    let imports = of_server_fn()?;
    let job = imports.find_visible(&who, id).await?;
    Ok((imports, job))
}

pub(crate) struct Change {
    pub(crate) imports: Imports,
    pub(crate) who: Principal,
    pub(crate) job: ChangeableJob,
}

/// Finds an import that the user may change. Returns [`ApiError::Forbidden`] with read-only access.
pub(crate) async fn find_changeable(id: &JobId) -> Result<Change, ApiError> {
    let who = auth::require(Permission::Import)?;
    let imports = of_server_fn()?;
    let job = imports.find_changeable(&who, id).await?;
    Ok(Change { imports, who, job })
}

pub(crate) async fn rerun(id: &JobId, what: Rerun) -> Result<(), ApiError> {
    let change = find_changeable(id).await?;
    let new = change.imports.rerun(&change.who, &change.job, what).await?;
    leptos_axum::redirect(&format!("/imports/{new}"));
    Ok(())
}

/// Returns the imports of the current request.
pub(crate) fn of_server_fn() -> Result<Imports, ApiError> {
    use_context().ok_or(ApiError::Internal)
}
