//! Activity of imports, and the users' actions that it records.

use super::Imports;
use crate::{
    model::{
        activity::{Activity, ActivityKind},
        audit::AuditAction,
        error::ApiError,
        job::JobId,
    },
    server::{
        auth::audit,
        identity::{
            job_scope::{ChangeableJob, VisibleJob},
            principal::Principal,
            user::UserId,
        },
        relay::Rerun,
        store::activity::NewActivity,
    },
};

impl Imports {
    pub(crate) async fn activity(&self, job: &VisibleJob) -> Result<Vec<Activity>, ApiError> {
        Ok(self.store.activity(&job.id).await?)
    }

    pub(crate) async fn cancel(
        &self,
        who: &Principal,
        job: &ChangeableJob,
    ) -> Result<(), ApiError> {
        // Before the end, which may come at once.
        let user = &who.user.id;
        self.note(&job.id, ActivityKind::CancelRequested, user, None)
            .await;
        self.relay.cancel(job).await?;
        self.audit(who, job, AuditAction::ImportCancelled).await;
        Ok(())
    }

    /// Approves an import that exceeds a limit.
    pub(crate) async fn approve(
        &self,
        who: &Principal,
        job: &ChangeableJob,
    ) -> Result<(), ApiError> {
        self.relay.approve(job).await?;
        self.note(&job.id, ActivityKind::Approved, &who.user.id, None)
            .await;
        self.audit(who, job, AuditAction::ImportApproved).await;
        Ok(())
    }

    /// Records an action on an import in the audit log.
    pub(super) async fn audit(&self, who: &Principal, job: &ChangeableJob, action: AuditAction) {
        let subject = format!("{} ({})", job.filename, job.id);
        audit::record_by(&self.store, who, action, &subject).await;
    }

    pub(super) async fn note_rerun(&self, user: &UserId, of: &JobId, new: &JobId, what: Rerun) {
        let (one, other) = match what {
            Rerun::Again => (ActivityKind::Retried, ActivityKind::StartedAgain),
            Rerun::Retry => (ActivityKind::RowsRetried, ActivityKind::StartedAgain),
            Rerun::Undo { .. } => (ActivityKind::Undone, ActivityKind::UndoStarted),
        };
        self.note(of, one, user, Some(new)).await;
        self.note(new, other, user, Some(of)).await;
    }

    pub(super) async fn note(
        &self,
        job: &JobId,
        kind: ActivityKind,
        user: &UserId,
        about: Option<&JobId>,
    ) {
        let new = NewActivity {
            kind,
            actor: Some(user),
            about,
        };
        self.store.try_note_activity(job.as_str(), new).await;
    }
}
