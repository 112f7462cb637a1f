//! What becomes of the products that a file lacks which is to hold all of them, once its rows are through.
//!
//! Which products the file holds is found anew when an import goes on after a restart, for it is read from its first
//! row then, too. How far the products are looked up is committed with what becomes of them.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    import::{ImportError, Importer, Outcome},
    pace::Pace,
    patience::Patience,
    reading::InFile,
};
use crate::server::store::{
    changes::ImportNumber,
    missing::{MissingBatch, MissingKind},
    monitor_imports::MonitorImport,
};

/// Products that are looked up at once.
const AT_ONCE: u64 = 2_000;

/// Products that were looked up in the file.
pub(super) struct LookedUp {
    pub(super) missing: MissingBatch,
    /// How many there were.
    pub(super) looked_up: u64,
}

impl Importer {
    /// Looks up the next products that were there when an import was made; `None` when all are.
    pub(super) async fn look_up(
        &self,
        import: &MonitorImport,
        in_file: &Arc<InFile>,
        after: Option<String>,
        stop: &CancellationToken,
    ) -> Result<Option<LookedUp>, ImportError> {
        if stop.is_cancelled() {
            return Err(ImportError::Stopped);
        }
        let made_until = import.created_at;
        let list = || {
            self.store
                .known_products(after.as_deref(), made_until, AT_ONCE)
        };
        let products = self.patiently(&import.id, stop, list).await?;
        let Some(last) = products.last().map(|product| product.identity.clone()) else {
            return Ok(None);
        };
        let in_file = Arc::clone(in_file);
        let looking = tokio::task::spawn_blocking(move || {
            let looked_up = products.len() as u64;
            let mut missing = Vec::new();
            for product in products {
                if !in_file.has(&product.identity)? {
                    missing.push(product);
                }
            }
            Ok((missing, looked_up))
        });
        let looked_up = looking.await.map_err(ImportError::Broken)?;
        let (products, looked_up) = looked_up.map_err(ImportError::Scratch)?;
        Ok(Some(LookedUp {
            missing: MissingBatch {
                after,
                last,
                products,
            },
            looked_up,
        }))
    }

    /// Lists, marks or removes the products that a file lacks, from the last that was looked up.
    pub(super) async fn settle_missing(
        &self,
        import: &MonitorImport,
        in_file: InFile,
        rows: u64,
        number: Option<ImportNumber>,
        stop: &CancellationToken,
    ) -> Result<Outcome, ImportError> {
        let action = import.options.missing;
        // A file of which nothing can be read says nothing of what there is.
        if !action.is_full_file() || in_file.is_empty() {
            return Ok(Outcome::Through);
        }
        let in_file = Arc::new(in_file);
        let kind = MissingKind {
            action,
            mode: import.mode,
            number,
            rows,
        };
        let mut after = import.missing.after.clone();
        let mut pace = Pace::new(self.rows_per_second);
        loop {
            let batch = match self.look_up(import, &in_file, after, stop).await {
                Ok(Some(batch)) => batch.missing,
                Ok(None) => return Ok(Outcome::Through),
                Err(ImportError::Stopped) => return Ok(Outcome::Stopped),
                Err(error) => return Err(error),
            };
            if !self.commit_missing(&import.id, kind, &batch, stop).await? {
                return Ok(Outcome::Superseded);
            }
            pace.after(batch.products.len() as u64, stop).await;
            after = Some(batch.last);
        }
    }

    /// Commits a batch. Returns whether the import is where it takes it, and not in other hands.
    async fn commit_missing(
        &self,
        id: &str,
        kind: MissingKind,
        batch: &MissingBatch,
        stop: &CancellationToken,
    ) -> Result<bool, ImportError> {
        let mut patience = Patience::new(&self.room, id, stop);
        let committed = loop {
            match self.store.commit_missing(id, kind, batch).await {
                Ok(committed) => break committed.is_some(),
                Err(error) => patience.after(error).await?,
            }
        };
        if committed || !patience.is_tried() {
            return Ok(committed);
        }
        // The answer to an earlier try may have been lost, not the try.
        let there = self
            .patiently(id, stop, || self.store.monitor_import(id))
            .await?;
        Ok(there.is_some_and(|there| {
            !there.status.is_final() && there.missing.after.as_deref() == Some(&batch.last)
        }))
    }
}
