//! Uploads to a source, which determines how the file is imported and has one import at a time.

use super::{
    Sources,
    runner::{LEASE, instructions},
};
use crate::{
    i18n::messages::ErrorCode,
    model::{error::ApiError, import_options::Instructions, job::JobId},
    server::{
        identity::user::User,
        store::{
            source_runs::RunEnd,
            sources::{ClaimedSource, FileIdentity},
        },
        uploads::upload_error::UploadError,
    },
};

const RETRY_AFTER: u64 = 30;

#[derive(Debug)]
pub(crate) struct SourceUpload {
    sources: Sources,
    claimed: ClaimedSource,
}

impl Sources {
    /// Claims a source for a user's upload. Returns [`ApiError::NotFound`] if they may not change it,
    /// [`ApiError::Busy`] if its last import has not ended.
    pub(crate) async fn begin_upload(
        &self,
        user: &User,
        id: &str,
    ) -> Result<SourceUpload, ApiError> {
        self.require()?;
        let source = self.store.source(&user.sources(), id).await?;
        let source = source.ok_or(ApiError::NotFound)?;
        let now = self.process.now().await?;
        let process = self.process.name();
        let claiming = self
            .store
            .claim_source_for_upload(&source.id, process, now, LEASE);
        let claimed = claiming.await?.ok_or_else(|| ApiError::Busy {
            reason: ErrorCode::SourceBusy.into(),
            seconds: RETRY_AFTER,
        })?;
        Ok(SourceUpload {
            sources: self.clone(),
            claimed,
        })
    }
}

impl SourceUpload {
    pub(crate) fn what(&self) -> Instructions {
        instructions(&self.claimed.source)
    }

    /// Imports the file and records the result, even if the caller is dropped.
    pub(crate) async fn import(
        self,
        importing: impl Future<Output = Result<(JobId, String), UploadError>> + Send + 'static,
    ) -> Result<(JobId, String), UploadError> {
        let relay = self.sources.imports.relay().clone();
        let imported = relay.see_through(self.import_and_record(importing)).await;
        imported.unwrap_or_else(|error| Err(UploadError::NotTaken(error)))
    }

    async fn import_and_record(
        self,
        importing: impl Future<Output = Result<(JobId, String), UploadError>>,
    ) -> Result<(JobId, String), UploadError> {
        let Self { sources, claimed } = self;
        let held = sources.held(&sources.process, &claimed.source.id, importing);
        let imported = held.await.unwrap_or(Err(UploadError::Broken));
        let end = match &imported {
            // The next fetched file counts as changed.
            Ok((job, _)) => RunEnd::HandedOver(job.clone(), FileIdentity::default()),
            Err(error) => RunEnd::Failed(error.clone().into()),
        };
        if let Err(error) = sources.end(&sources.process, &claimed, end).await {
            tracing::warn!(%error, source = claimed.source.id, "cannot record an upload to a source");
        }
        imported
    }
}
