//! Deletes expired data periodically, in batches.

use std::{fmt, time::Duration};

use crate::{
    model::{clock::now, job::UnixMillis},
    server::{
        config::Retention,
        store::{Store, StoreError},
    },
};

const LOOK: Duration = Duration::from_secs(60);

/// Pause between batches, for other writers.
const PAUSE: Duration = Duration::from_millis(20);

const DELIVERIES: Duration = Duration::from_secs(30 * 86_400);
const MOST_DELIVERIES: u64 = 1_000;

/// Retention of events without an app to take them.
const EVENTS: Duration = Duration::from_secs(2 * 86_400);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Chores {
    /// Jobs, audit log and the like.
    App,
    /// Imports and their rows.
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
    /// Deletes a batch of each kind that is due. Returns the number of rows.
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

pub(crate) async fn run(store: Store, retention: Retention, chores: Chores) {
    loop {
        if let Err(error) = tidy(&store, &retention, chores).await {
            tracing::warn!(%error, %chores, "cannot remove expired data");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Deletes all that is due and shrinks the file.
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

pub(crate) fn ago(duration: Duration) -> UnixMillis {
    let duration = UnixMillis::try_from(duration.as_millis()).unwrap_or(UnixMillis::MAX);
    now().saturating_sub(duration)
}
