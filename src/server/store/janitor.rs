//! Removes what is kept no longer, now and again and a slice at a time.

use std::{fmt, time::Duration};

use crate::{
    model::{clock::now, job::UnixMillis},
    server::{
        config::Retention,
        store::{Store, StoreError},
    },
};

/// The time between two looks.
const LOOK: Duration = Duration::from_secs(60);

/// The time between two slices, which is others'.
const PAUSE: Duration = Duration::from_millis(20);

/// How long an ended delivery is kept, and how many of a target.
const DELIVERIES: Duration = Duration::from_secs(30 * 86_400);
const MOST_DELIVERIES: u64 = 1_000;

/// How long an event is kept that no app takes.
const EVENTS: Duration = Duration::from_secs(2 * 86_400);

/// Whose work it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Chores {
    /// What the app keeps: jobs, and who did what.
    App,
    /// What the embedded price monitor keeps: imports, and what they say of their rows.
    PriceMonitor,
}

impl fmt::Display for Chores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::App => "app",
            Self::PriceMonitor => "price monitor",
        })
    }
}

impl Chores {
    /// Removes a slice of each kind that is due, and returns how much there was.
    async fn do_some(self, store: &Store, retention: &Retention) -> Result<u64, StoreError> {
        let mut removed = 0;
        match self {
            Self::App => {
                if let Some(before) = retention.imports.map(ago) {
                    removed += store.remove_ended_jobs(before).await?;
                    removed += store.remove_activity(before).await?;
                }
                if let Some(before) = retention.deleted.map(ago) {
                    removed += store.forget_deleted_jobs(before).await?;
                }
                if let Some(before) = retention.audit.map(ago) {
                    removed += store.remove_audit_events(before).await?;
                }
                if let Some(before) = retention.source_runs.map(ago) {
                    removed += store.remove_source_runs(before).await?;
                }
                removed += store.remove_share_links().await?;
                removed += store
                    .remove_deliveries(ago(DELIVERIES), MOST_DELIVERIES)
                    .await?;
            }
            Self::PriceMonitor => {
                if let Some(before) = retention.imports.map(ago) {
                    removed += store.remove_ended_imports(before).await?;
                }
                removed += store.remove_import_rows(retention.rows.map(ago)).await?;
                removed += store.remove_previews().await?;
                if let Some(before) = retention.changes.map(ago) {
                    removed += store.remove_changes(before).await?;
                }
                removed += store.remove_unspread_events(ago(EVENTS)).await?;
            }
        }
        Ok(removed)
    }
}

/// Does the chores for as long as it is let.
pub(crate) async fn run(store: Store, retention: Retention, chores: Chores) {
    loop {
        if let Err(error) = tidy(&store, &retention, chores).await {
            tracing::warn!(%error, %chores, "cannot remove expired data");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Removes all that is due, and gives its room back.
pub(crate) async fn tidy(
    store: &Store,
    retention: &Retention,
    chores: Chores,
) -> Result<(), StoreError> {
    let mut removed = 0;
    loop {
        let slice = chores.do_some(store, retention).await?;
        if slice == 0 {
            break;
        }
        removed += slice;
        tokio::time::sleep(PAUSE).await;
    }
    if removed > 0 {
        tracing::info!(removed, %chores, "removed expired data");
    }
    while store.shrink().await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Returns the time that is so long ago.
pub(crate) fn ago(duration: Duration) -> UnixMillis {
    let duration = UnixMillis::try_from(duration.as_millis()).unwrap_or(UnixMillis::MAX);
    now().saturating_sub(duration)
}
