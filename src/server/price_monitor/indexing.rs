//! Updates the product search index.

use std::time::{Duration, Instant};

use crate::server::store::Store;

/// Polling interval while this process imports.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Maximum polling interval; other processes index too.
const SELDOM: Duration = Duration::from_secs(15);

const BREATH: Duration = Duration::from_millis(10);

/// Time after the last rows of an import in which more are expected, and only a part is indexed per poll.
const QUIET: Duration = Duration::from_secs(2);

/// Time after its last rows in which an import counts as running.
const RECENT: Duration = Duration::from_secs(5);

const AFTER_FAILURE: Duration = Duration::from_secs(30);

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

async fn until_due(store: &Store) {
    let looked = Instant::now();
    loop {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        if store.since_import() < RECENT || looked.elapsed() >= SELDOM {
            return;
        }
    }
}
