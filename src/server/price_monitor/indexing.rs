//! Keeps the product search index up to date.

use std::time::{Duration, Instant};

use crate::server::store::Store;

/// Interval between checks while this process imports.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Maximum interval between checks; other importing processes index too.
const SELDOM: Duration = Duration::from_secs(15);

/// Pause between parts of much work, for other writers.
const BREATH: Duration = Duration::from_millis(10);

/// After its last rows an import is expected to write more for this time, in which only a part is indexed per
/// check.
const QUIET: Duration = Duration::from_secs(2);

/// After its last rows an import counts as running for this time.
const RECENT: Duration = Duration::from_secs(5);

/// Retry delay after an error.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Indexes products, mostly while no import writes.
pub(super) async fn keep(store: Store) {
    match store.make_trigram_indexes().await {
        Ok(None) => {}
        Ok(Some(reason)) => tracing::warn!(
            reason,
            "product searches scan all products: the PostgreSQL extension pg_trgm cannot be created; \
             ask the database administrator to create it, and restart"
        ),
        Err(error) => tracing::warn!(%error, "cannot create the product search index"),
    }
    loop {
        if store.since_import() > QUIET
            && let Err(error) = store.make_price_order().await
        {
            tracing::warn!(%error, "cannot create the index of products by price");
        }
        let wait = match store.index_products().await {
            Ok(true) if store.since_import() > QUIET => BREATH,
            Ok(true) => BETWEEN_LOOKS,
            Ok(false) => {
                until_due(&store).await;
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, "cannot update the product search index");
                AFTER_FAILURE
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// Waits for the next check.
async fn until_due(store: &Store) {
    let looked = Instant::now();
    loop {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        if store.since_import() < RECENT || looked.elapsed() >= SELDOM {
            return;
        }
    }
}
