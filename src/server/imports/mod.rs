//! Imports that a user may see and change, and actions on them.

mod activity;
mod guesses;
pub(crate) mod intake;
mod notes;
pub(crate) mod product_history;
pub(crate) mod product_list;
mod records;
mod server_fn;

use bytes::Bytes;
use futures_util::Stream;

use self::guesses::Guesses;
pub(crate) use self::{
    records::records,
    server_fn::{find_changeable, find_visible, of_server_fn, rerun},
};
use super::{
    auth::audit,
    identity::{
        job_scope::{ChangeableJob, JobOwner, VisibleJob},
        principal::Principal,
        user::UserId,
    },
    relay::{Asking, Jobs, ProgressAnswer, Relay, Rerun},
    store::{Store, StoreError, jobs::Created},
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        activity::ActivityKind,
        audit::AuditAction,
        changes::undo_name,
        error::ApiError,
        import_extras::{CorrectedCells, FileMapping, RowKind},
        import_options::Instructions,
        job::{ImportMode, JobId, ProductImportJob},
        role::Permission,
    },
};

/// Finds and changes imports for users. Clones share it.
#[derive(Clone, Debug)]
pub struct Imports {
    store: Store,
    relay: Relay,
    guesses: Guesses,
}

impl Imports {
    pub(crate) fn new(store: Store, relay: Relay) -> Self {
        Self {
            store,
            relay,
            guesses: Guesses::default(),
        }
    }

    /// Returns the relay, which accepts only jobs found here.
    pub(crate) fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Finds a visible job in its newest state.
    ///
    /// # Errors
    ///
    /// [`ApiError::NotFound`] if it does not exist or is not visible.
    pub async fn find_visible(&self, who: &Principal, job: &JobId) -> Result<VisibleJob, ApiError> {
        let found = self.find(who, job).await?;
        let mut newest = ProductImportJob::clone(&found);
        self.relay.refresh(std::slice::from_mut(&mut newest)).await;
        Ok(found.in_state(newest))
    }

    /// Finds a changeable job in its newest state. Errors like [`find_visible`](Self::find_visible);
    /// [`ApiError::Forbidden`] with read-only access.
    pub(crate) async fn find_changeable(
        &self,
        who: &Principal,
        job: &JobId,
    ) -> Result<ChangeableJob, ApiError> {
        let scope = who.changeable_jobs().ok_or(ApiError::Forbidden)?;
        let found = self.find_visible(who, job).await?;
        scope.admit(found).ok_or(ApiError::NotFound)
    }

    /// Finds a visible job. If the price monitor knows an unrecorded job, it was started elsewhere: it is recorded when
    /// a user who may import requests it, for its named owner or else for all staff.
    ///
    /// Missing and invisible jobs cause the same queries, so that neither answer nor timing distinguishes them.
    async fn find(&self, who: &Principal, job: &JobId) -> Result<VisibleJob, ApiError> {
        if let Some(found) = self.store.find_job(&who.jobs(), job).await? {
            return Ok(found);
        }
        if !who.may(Permission::Import) {
            return Err(ApiError::NotFound);
        }
        // Each guess would reach the price monitor.
        if self.guesses.are_too_many(&who.user.id) {
            return Err(ApiError::TooMany);
        }
        let is_known = self.store.knows_job(job).await?;
        let Some(named) = self.relay.ask_for_owner(job).await.filter(|_| !is_known) else {
            self.guesses.count(&who.user.id);
            return Err(ApiError::NotFound);
        };
        let filename = format!("import {job}");
        let owner = match named {
            Some(named) => self.store.owner_named(&named).await?,
            None => JobOwner::Staff,
        };
        if let Some(adopted) = self
            .store
            .adopt_job(&who.user.id, &owner, job, &filename)
            .await?
        {
            let action = AuditAction::ImportAdopted;
            audit::record_by(&self.store, who, action, job.as_str()).await;
            self.note(job, ActivityKind::Adopted, &who.user.id, None)
                .await;
            self.relay.has_started(owner, adopted);
        }
        let found = self.store.find_job(&who.jobs(), job).await?;
        found.ok_or(ApiError::NotFound)
    }

    pub(crate) async fn open_stream(
        &self,
        who: &Principal,
        job: &JobId,
        from: &Asking<'_>,
    ) -> Result<ProgressAnswer, ApiError> {
        tracing::info!("SSE Progress API called");
        self.relay.refuse_while_draining()?;
        let recorded = self.find(who, job).await?;
        self.relay.open_stream(who.pass(), &recorded, from)
    }

    /// Opens a user's stream of many jobs. Errors like [`Relay::open_many`].
    pub(crate) async fn open_many(
        &self,
        who: &Principal,
        jobs: Jobs,
        from: &Asking<'_>,
    ) -> Result<ProgressAnswer, ApiError> {
        self.relay
            .open_many(who.pass(), who.jobs(), jobs, from)
            .await
    }

    /// Uploads a product file and records the job with its user, even if the caller is dropped. With a `key` the upload
    /// can be repeated.
    pub(crate) async fn create<S, E>(
        &self,
        user: &UserId,
        what: Instructions,
        key: Option<String>,
        filename: String,
        file: S,
    ) -> Result<JobId, ApiError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let (imports, user) = (self.clone(), user.clone());
        let creating = async move {
            let mode = what.mode;
            let submitting = imports
                .relay
                .submit(&user, what, key, filename.clone(), file);
            let job = submitting.await?;
            imports.record(&user, &job, &filename, mode).await?;
            imports
                .note(&job, ActivityKind::Uploaded, &user, None)
                .await;
            Ok(job)
        };
        self.relay.see_through(creating).await?
    }

    /// Imports the file or rows of an import again and records the new import with its user.
    pub(crate) async fn rerun(
        &self,
        who: &Principal,
        of: &ChangeableJob,
        what: Rerun,
    ) -> Result<JobId, ApiError> {
        let mode = match what {
            Rerun::Again | Rerun::Undo { .. } => ImportMode::Import,
            Rerun::Retry => of.mode,
        };
        let filename = match what {
            Rerun::Again | Rerun::Retry => of.filename.clone(),
            Rerun::Undo { .. } => undo_name(&of.filename),
        };
        let (imports, who, of) = (self.clone(), who.clone(), of.clone());
        let creating = async move {
            let user = &who.user.id;
            let job = imports.relay.rerun(user, &of, what).await?;
            let job = imports
                .record_further(user, &of, job, &filename, mode)
                .await?;
            imports.note_rerun(user, &of.id, &job, what).await;
            imports.audit(&who, &of, what.action()).await;
            Ok(job)
        };
        self.relay.see_through(creating).await?
    }

    /// Imports a file with a mapping: the waiting import continues, or a new one starts.
    pub(crate) async fn map_columns(
        &self,
        who: &Principal,
        of: &ChangeableJob,
        mapping: &FileMapping,
    ) -> Result<JobId, ApiError> {
        let (imports, who, of, mapping) = (self.clone(), who.clone(), of.clone(), mapping.clone());
        let creating = async move {
            let user = &who.user.id;
            let job = imports.relay.map_columns(user, &of, &mapping).await?;
            let job = imports
                .record_further(user, &of, job, &of.filename, of.mode)
                .await?;
            if job != of.id {
                imports.note_rerun(user, &of.id, &job, Rerun::Again).await;
            }
            imports
                .note(&job, ActivityKind::ColumnsMapped, user, None)
                .await;
            imports.audit(&who, &of, AuditAction::ImportRetried).await;
            Ok(job)
        };
        self.relay.see_through(creating).await?
    }

    /// Imports rows with corrected cells and records the new import with its user.
    pub(crate) async fn correct(
        &self,
        who: &Principal,
        of: &ChangeableJob,
        kind: RowKind,
        rows: CorrectedCells,
    ) -> Result<JobId, ApiError> {
        let (imports, who, of) = (self.clone(), who.clone(), of.clone());
        let creating = async move {
            let user = &who.user.id;
            let job = imports.relay.correct(user, &of, kind, &rows).await?;
            let job = imports
                .record_further(user, &of, job, &of.filename, of.mode)
                .await?;
            imports.note_rerun(user, &of.id, &job, Rerun::Retry).await;
            imports.audit(&who, &of, AuditAction::ImportRetried).await;
            Ok(job)
        };
        self.relay.see_through(creating).await?
    }

    async fn record_further(
        &self,
        user: &UserId,
        of: &ChangeableJob,
        job: JobId,
        filename: &str,
        mode: ImportMode,
    ) -> Result<JobId, ApiError> {
        if job != of.id {
            self.record(user, &job, filename, mode).await?;
        }
        Ok(job)
    }

    /// Retries, because the job exists at the price monitor.
    async fn record(
        &self,
        user: &UserId,
        job: &JobId,
        filename: &str,
        mode: ImportMode,
    ) -> Result<(), StoreError> {
        let create = || self.store.create_job(user, job, filename, mode);
        let waits = backon::ExponentialBuilder::default().with_max_times(5);
        let created = backon::Retryable::retry(create, waits)
            .when(StoreError::is_passing)
            .await?;
        match created {
            Created::Now(job) => self.relay.has_started(JobOwner::User(user.clone()), job),
            Created::TakenBack(job, before) => {
                self.relay.end_streams_of(&before);
                self.relay.has_started(JobOwner::User(user.clone()), job);
            }
            Created::Before => {}
        }
        Ok(())
    }

    /// Deletes an import that is over or waits for an answer, here and, if offered, at the price monitor. Its products
    /// stay.
    pub(crate) async fn forget(
        &self,
        who: &Principal,
        job: &ChangeableJob,
    ) -> Result<(), ApiError> {
        let may_go = job.status.is_final()
            || self.relay.is_forgotten(job).await
            || self.waits_for_an_answer(job).await;
        if !may_go {
            return Err(ApiError::invalid(ErrorCode::StillRunning));
        }
        self.relay.delete_upstream(job).await?;
        self.store.delete_job(job).await?;
        self.relay.forget(&job.id);
        self.audit(who, job, AuditAction::ImportDeleted).await;
        Ok(())
    }

    async fn waits_for_an_answer(&self, job: &ChangeableJob) -> bool {
        let extras = self.relay.extras(job).await;
        extras.is_some_and(|extras| extras.needs.is_some())
    }
}
