//! Keeps the index that searches for products look through.

use std::time::{Duration, Instant};

use crate::server::store::Store;

/// The time between two looks for products that are not in the index, while this process imports.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// The longest time between two looks: others that import keep the index as well.
const SELDOM: Duration = Duration::from_secs(15);

/// The time between two parts of much work, in which others write.
const BREATH: Duration = Duration::from_millis(10);

/// For how long after an import's last rows its next ones are expected. Meanwhile the index gets a part at each
/// look alone.
const QUIET: Duration = Duration::from_secs(2);

/// For how long after an import's last rows this process counts as importing.
const RECENT: Duration = Duration::from_secs(5);

/// The time until what failed is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Puts what imports bring into the index, mostly when none writes.
pub(super) async fn keep(store: Store) {
    match store.make_trigram_index().await {
        Ok(None) => {}
        Ok(Some(reason)) => tracing::warn!(
            reason,
            "searches for products read all of them: PostgreSQL's extension pg_trgm cannot be created here; \
             have its administrator do so, and start again"
        ),
        Err(error) => tracing::warn!(%error, "the index of products could not be made"),
    }
    loop {
        let wait = match store.index_products().await {
            Ok(true) if store.since_import() > QUIET => BREATH,
            Ok(true) => BETWEEN_LOOKS,
            Ok(false) => {
                until_due(&store).await;
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, "the index of products could not be kept");
                AFTER_FAILURE
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// Waits until it is time to look again.
async fn until_due(store: &Store) {
    let looked = Instant::now();
    loop {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        if store.since_import() < RECENT || looked.elapsed() >= SELDOM {
            return;
        }
    }
}
