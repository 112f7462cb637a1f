//! What users do with imports, as their activity has it.

use super::Imports;
use crate::{
    model::{
        activity::{Activity, ActivityKind},
        error::ApiError,
        job::JobId,
    },
    server::{
        identity::{
            job_scope::{ChangeableJob, VisibleJob},
            user::UserId,
        },
        relay::Rerun,
        store::activity::NewActivity,
    },
};

impl Imports {
    /// Lists what has happened to an import.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub(crate) async fn activity(&self, job: &VisibleJob) -> Result<Vec<Activity>, ApiError> {
        Ok(self.store.activity(&job.id).await?)
    }

    /// Cancels an import; what is in stays.
    ///
    /// # Errors
    ///
    /// What the price monitor says of it.
    pub(crate) async fn cancel(&self, user: &UserId, job: &ChangeableJob) -> Result<(), ApiError> {
        // Before its end, which may come at once.
        self.note(&job.id, ActivityKind::CancelRequested, user, None)
            .await;
        self.relay.cancel(job).await
    }

    /// Lets an import go on that goes over a limit.
    ///
    /// # Errors
    ///
    /// What the price monitor says of it.
    pub(crate) async fn approve(&self, user: &UserId, job: &ChangeableJob) -> Result<(), ApiError> {
        self.relay.approve(job).await?;
        self.note(&job.id, ActivityKind::Approved, user, None).await;
        Ok(())
    }

    /// Notes that an import was made of another one.
    pub(super) async fn note_rerun(&self, user: &UserId, of: &JobId, new: &JobId, what: Rerun) {
        let (one, other) = match what {
            Rerun::Again | Rerun::Retry => (ActivityKind::Retried, ActivityKind::StartedAgain),
            Rerun::Undo { .. } => (ActivityKind::Undone, ActivityKind::UndoStarted),
        };
        self.note(of, one, user, Some(new)).await;
        self.note(new, other, user, Some(of)).await;
    }

    /// Notes what a user has done.
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
