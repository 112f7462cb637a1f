//! What waiting imports need from a user.

use futures_util::future::join_all;

use super::Imports;
use crate::{
    model::{
        error::ApiError,
        job::{ImportStatus, JobId, Question},
    },
    server::identity::principal::Principal,
};

/// Waiting imports that the price monitor is asked about at once.
const MOST: usize = 10;

impl Imports {
    /// Returns what those of some imports that have not begun need from a user, of the first ten. Only the embedded price
    /// monitor has questions; another one is not to be asked.
    pub(crate) async fn questions(
        &self,
        who: &Principal,
        ids: &[JobId],
    ) -> Result<Vec<(JobId, Question)>, ApiError> {
        let mut jobs = self.store.find_jobs(&who.jobs(), ids).await?;
        self.relay.refresh(&mut jobs).await;
        jobs.retain(|job| job.status == ImportStatus::Pending && !job.progress().has_begun());
        let asked = jobs.iter().take(MOST).map(async |job| {
            let visible = self.find(who, &job.id).await.ok()?;
            let extras = self.relay.extras(&visible).await?;
            extras.needs.map(|question| (job.id.clone(), question))
        });
        Ok(join_all(asked).await.into_iter().flatten().collect())
    }
}
