//! What the server functions about one import share.

use leptos::prelude::use_context;

use super::Imports;
use crate::{
    model::{audit::AuditAction, error::ApiError, job::JobId, role::Permission},
    server::{
        auth::{self, audit, require_user},
        identity::{
            job_scope::{ChangeableJob, VisibleJob},
            principal::Principal,
        },
        relay::Rerun,
    },
};

/// Finds an import that the person who asks may see.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] when there is no such import or
/// it is somebody else's.
pub(crate) async fn find_visible(id: &JobId) -> Result<(Imports, VisibleJob), ApiError> {
    let who = require_user().await?;
    let imports = of_server_fn()?;
    let job = imports.find_visible(&who, id).await?;
    Ok((imports, job))
}

/// An import that the person who asks may change.
pub(crate) struct Change {
    pub(crate) imports: Imports,
    pub(crate) who: Principal,
    pub(crate) job: ChangeableJob,
}

/// Finds an import that the person who asks may change.
///
/// # Errors
///
/// As [`find_visible`], and [`ApiError::Forbidden`] for those who may only look.
pub(crate) async fn find_changeable(id: &JobId) -> Result<Change, ApiError> {
    let who = auth::require(Permission::Import)?;
    let imports = of_server_fn()?;
    let job = imports.find_changeable(&who, id).await?;
    Ok(Change { imports, who, job })
}

impl Change {
    /// Notes what was done with the import, once it is done.
    pub(crate) async fn done(&self, action: AuditAction) {
        let subject = format!("{} ({})", self.job.filename, self.job.id);
        audit::record_by(&self.imports.store, &self.who, action, &subject).await;
    }
}

/// Makes another import out of one, and goes to its page.
pub(crate) async fn rerun(id: &JobId, what: Rerun) -> Result<(), ApiError> {
    let change = find_changeable(id).await?;
    let user = &change.who.user;
    let new = change.imports.rerun(user, &change.job, what).await?;
    change.done(what.action()).await;
    leptos_axum::redirect(&format!("/imports/{new}"));
    Ok(())
}

fn of_server_fn() -> Result<Imports, ApiError> {
    use_context().ok_or(ApiError::Internal)
}
