//! Lists, marks or removes products that a full file lacks, after its rows are processed.
//!
//! A restarted import reads the file from its first row, so the set of its products is rebuilt. The position of the
//! lookup is committed with each batch.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    import::{ImportError, Importer, Outcome},
    pace::Pace,
    reading::InFile,
};
use crate::server::store::{
    changes::ImportNumber,
    missing::{MissingBatch, MissingKind},
    monitor_imports::MonitorImport,
};

const AT_ONCE: u64 = 2_000;

pub(super) struct LookedUp {
    pub(super) missing: MissingBatch,
    pub(super) looked_up: u64,
}

impl Importer {
    /// Looks up the next products that existed at the start of the import; `None` at the end.
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
        let products = self.with_retries(&import.id, stop, list).await?;
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

    /// Continues after the last looked-up product.
    pub(super) async fn apply_missing(
        &self,
        import: &MonitorImport,
        in_file: InFile,
        rows: u64,
        number: Option<ImportNumber>,
        stop: &CancellationToken,
    ) -> Result<Outcome, ImportError> {
        let action = import.options.missing;
        // An unreadable file says nothing about missing products.
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

    /// Commits a batch. Returns `false` if another worker has the import.
    async fn commit_missing(
        &self,
        id: &str,
        kind: MissingKind,
        batch: &MissingBatch,
        stop: &CancellationToken,
    ) -> Result<bool, ImportError> {
        let commit = || async {
            let committed = self.store.commit_missing(id, kind, batch).await?;
            Ok(committed.map(|_| ()))
        };
        let find = |there: MonitorImport| {
            (there.missing.after.as_deref() == Some(&batch.last)).then_some(())
        };
        let committed = self.commit_once(id, stop, commit, find).await?;
        Ok(committed.is_some())
    }
}
