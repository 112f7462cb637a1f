//! What the status of imports does not say.

use futures_util::future::join_all;

use super::Imports;
use crate::{
    model::{
        error::ApiError,
        imports_filter::ImportNote,
        job::{ImportStatus, JobId},
    },
    server::identity::principal::Principal,
};

/// Waiting imports that the price monitor is asked about at once.
const MOST: usize = 10;

impl Imports {
    /// Returns which of some imports were undone, and what the first ten that have not begun need from a user. Only the
    /// embedded price monitor undoes imports and has questions; another one is not to be asked.
    pub(crate) async fn notes(
        &self,
        who: &Principal,
        ids: &[JobId],
    ) -> Result<Vec<(JobId, ImportNote)>, ApiError> {
        let mut jobs = self.store.find_jobs(&who.jobs(), ids).await?;
        self.relay.refresh(&mut jobs).await;
        let (waiting, begun): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .partition(|job| job.status == ImportStatus::Pending && !job.progress().has_begun());
        let begun: Vec<_> = begun.into_iter().map(|job| job.id).collect();
        let undone = self.store.undone_among(&begun).await?;
        let asked = waiting.iter().take(MOST).map(async |job| {
            let visible = self.find(who, &job.id).await.ok()?;
            let extras = self.relay.extras(&visible).await?;
            let question = extras.needs?;
            Some((job.id.clone(), ImportNote::Asks(question)))
        });
        let asked = join_all(asked).await.into_iter().flatten();
        let undone = undone.into_iter().map(|id| (id, ImportNote::Undone));
        Ok(asked.chain(undone).collect())
    }
}
