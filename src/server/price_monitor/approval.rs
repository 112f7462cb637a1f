//! Pauses an import that would exceed a safety limit before it changes anything.
//!
//! Only the first rows are compared, since comparing all would take as long as the import; a later excess can be
//! undone. The changes of these rows are recorded as a preview for the approval.
//!
//! | call | answer |
//! | --- | --- |
//! | `POST …/{id}/approve` | 200 and the job, which continues |

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::post,
};
use product_feed::Mapping;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Service,
    import::{ImportError, Importer},
    message::JobBody,
    reading::{self, InFile, ReadError, Reading},
    service::ServiceError,
};
use crate::{
    model::{
        changes::{Field, OverLimit, Percent},
        import_options::WrittenProducts,
        job::ImportMode,
    },
    server::{
        config::{LimitAction, SafetyLimits},
        store::{
            changes::{ImportNumber, Moves},
            missing::{MissingBatch, MissingKind},
            monitor_imports::{BatchKind, ImportBatch, MonitorImport},
        },
    },
};

const FIRST_ROWS: u64 = 20_000;

/// Minimum excess prices or failed rows that pause an import.
const FEW: u64 = 25;

type Read = JoinHandle<Result<Option<InFile>, ReadError>>;

pub(super) fn router() -> Router<Arc<Service>> {
    Router::new().route("/api/products/imports/{id}/approve", post(approve))
}

async fn approve(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<Json<JobBody>, ServiceError> {
    service.found(&id).await?;
    if !service.store.approve_import(&id).await? {
        return Err(ServiceError::NothingToApprove);
    }
    service.queue.wake();
    Ok(Json(service.found(&id).await?.into()))
}

impl Importer {
    pub(super) async fn check_limits(
        &self,
        import: &MonitorImport,
        mapping: Option<Mapping>,
        stop: &CancellationToken,
    ) -> Result<(), ImportError> {
        let limits = self.safety.with(import.limits);
        let is_due =
            import.mode == ImportMode::Import && import.position == 0 && !import.is_approved;
        if limits.action == LimitAction::Off || !is_due {
            return Ok(());
        }
        // Prices of existing products are not written.
        let writes_prices = import.options.products != WrittenProducts::New
            && import.options.fields.has(Field::Price);
        let kind = self.store.batch_kind(ImportMode::Check, None);
        let mut first = self.read_first(import, mapping.clone(), kind, stop);
        let mut moves = Moves::default();
        let mut failed = 0;
        while let Some(batch) = first.next().await {
            if writes_prices {
                let compare = || self.store.price_moves(&batch, limits.price_change);
                moves += self.with_retries(&import.id, stop, compare).await?;
            }
            failed += batch.failed();
        }
        let rows = first.end(stop).await?;
        let Some(over) = over(&limits, moves, rows, failed) else {
            return Ok(());
        };
        self.preview(import, mapping, stop).await?;
        Err(ImportError::OverLimit(over, limits.action))
    }

    fn read_first(
        &self,
        import: &MonitorImport,
        mapping: Option<Mapping>,
        kind: BatchKind,
        stop: &CancellationToken,
    ) -> FirstRows {
        let (batches, received) = mpsc::channel(1);
        let reading = Reading {
            input: self.uploads.input(&import.stored_as),
            limits: self.limits.clone(),
            mapping,
            kind,
            position: 0,
            total: FIRST_ROWS,
            is_full_file: false,
            largest_batch: reading::BATCH,
            scratch: self.uploads.directory().to_owned(),
        };
        let stopped = stop.clone();
        let reading =
            tokio::task::spawn_blocking(move || reading::read_batches(reading, &batches, &stopped));
        FirstRows {
            reading,
            received,
            rows: 0,
        }
    }

    /// Records the changes of the first rows for the approval. Returns the preview's number, if recorded.
    async fn preview(
        &self,
        import: &MonitorImport,
        mapping: Option<Mapping>,
        stop: &CancellationToken,
    ) -> Result<Option<ImportNumber>, ImportError> {
        let action = self.safety.with(import.limits).action;
        if !self.notes_changes || action != LimitAction::Ask {
            return Ok(None);
        }
        let id = import.id.as_str();
        let begin = || self.store.begin_preview(id);
        let number = self.with_retries(id, stop, begin).await?;
        let kind = self.store.batch_kind(ImportMode::Check, Some(number));
        let kind = kind.with(import.options);
        let mut first = self.read_first(import, mapping, kind, stop);
        while let Some(batch) = first.next().await {
            let note = || self.store.note_preview(&batch);
            self.with_retries(id, stop, note).await?;
        }
        first.end(stop).await?;
        Ok(Some(number))
    }

    /// Records the changes of missing products for the approval.
    async fn preview_missing(
        &self,
        import: &MonitorImport,
        mapping: Option<Mapping>,
        missing: &[MissingBatch],
        total: u64,
        stop: &CancellationToken,
    ) -> Result<(), ImportError> {
        let Some(number) = self.preview(import, mapping, stop).await? else {
            return Ok(());
        };
        let kind = MissingKind {
            action: import.options.missing,
            mode: ImportMode::Check,
            number: Some(number),
            rows: total,
        };
        let mut first = total;
        for batch in missing {
            let note = || self.store.note_missing_preview(kind, batch, first);
            self.with_retries(&import.id, stop, note).await?;
            first += batch.products.len() as u64;
        }
        Ok(())
    }

    pub(super) async fn check_missing_limit(
        &self,
        import: &MonitorImport,
        mapping: Option<Mapping>,
        total: u64,
        stop: &CancellationToken,
    ) -> Result<(), ImportError> {
        let limits = self.safety.with(import.limits);
        let is_due = import.mode == ImportMode::Import
            && import.position == 0
            && !import.is_approved
            && import.options.missing.changes_products();
        if limits.action == LimitAction::Off || !is_due {
            return Ok(());
        }
        let (batches, _received) = mpsc::channel(1);
        let reading = Reading {
            input: self.uploads.input(&import.stored_as),
            limits: self.limits.clone(),
            mapping: mapping.clone(),
            kind: self.store.batch_kind(ImportMode::Check, None),
            // No row belongs to it: only the products are recorded.
            position: u64::MAX,
            total,
            is_full_file: true,
            largest_batch: reading::BATCH,
            scratch: self.uploads.directory().to_owned(),
        };
        let stopped = stop.clone();
        let reading =
            tokio::task::spawn_blocking(move || reading::read_batches(reading, &batches, &stopped));
        let in_file = reading.await.map_err(ImportError::Broken)??;
        let in_file = Arc::new(in_file.ok_or(ImportError::Stopped)?);
        if in_file.is_empty() {
            // Nothing was changed.
            return Ok(());
        }
        let (mut of, mut count) = (0, 0);
        let mut after = None;
        let mut first = Vec::new();
        while let Some(batch) = self.look_up(import, &in_file, after, stop).await? {
            of += batch.looked_up;
            after = Some(batch.missing.last.clone());
            let products = batch.missing.products.len() as u64;
            if products > 0 && count < FIRST_ROWS {
                first.push(batch.missing);
            }
            count += products;
        }
        let is_over = count >= FEW && exceeds(count, of, limits.missing);
        if is_over {
            self.preview_missing(import, mapping, &first, total, stop)
                .await?;
            let over = OverLimit::Missing { count, of };
            return Err(ImportError::OverLimit(over, limits.action));
        }
        Ok(())
    }
}

/// The first rows of a file, in batches.
struct FirstRows {
    reading: Read,
    received: mpsc::Receiver<ImportBatch>,
    rows: u64,
}

impl FirstRows {
    async fn next(&mut self) -> Option<ImportBatch> {
        if self.rows >= FIRST_ROWS {
            return None;
        }
        let batch = self.received.recv().await?;
        self.rows += batch.products() + batch.failed();
        Some(batch)
    }

    /// Stops reading, and returns the number of rows.
    async fn end(self, stop: &CancellationToken) -> Result<u64, ImportError> {
        drop(self.received);
        // Counting reports a read error.
        let _ = self.reading.await.map_err(ImportError::Broken)?;
        if stop.is_cancelled() {
            return Err(ImportError::Stopped);
        }
        Ok(self.rows)
    }
}

fn exceeds(count: u64, of: u64, share: Percent) -> bool {
    let share = u64::try_from(share.hundredths()).unwrap_or_default();
    count.saturating_mul(10_000) > of.saturating_mul(share)
}

/// Returns the first exceeded limit.
fn over(limits: &SafetyLimits, moves: Moves, rows: u64, failed: u64) -> Option<OverLimit> {
    let exceeds = |count, of, share| count >= FEW && exceeds(count, of, share);
    if exceeds(moves.far, moves.compared, limits.prices) {
        return Some(OverLimit::Prices {
            count: moves.far,
            of: moves.compared,
            by: limits.price_change.hundredths(),
        });
    }
    // If all rows fail, nothing changes.
    let is_partial = failed < rows;
    (is_partial && exceeds(failed, rows, limits.failed)).then_some(OverLimit::Failed {
        count: failed,
        of: rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_over_its_limit_only_where_it_is_more_and_not_of_a_few() {
        let limits = SafetyLimits {
            action: LimitAction::Ask,
            prices: Percent::of_hundredths(5_000),
            price_change: Percent::of_hundredths(5_000),
            failed: Percent::of_hundredths(5_000),
            missing: Percent::of_hundredths(2_000),
        };
        let of = |far, compared, rows, failed| over(&limits, Moves { far, compared }, rows, failed);
        assert_eq!(of(50, 100, 100, 0), None);
        assert_eq!(of(24, 24, 24, 24), None);
        assert_eq!(of(0, 0, 100, 100), None);
        let prices = OverLimit::Prices {
            count: 51,
            of: 100,
            by: 5_000,
        };
        assert_eq!(of(51, 100, 100, 60), Some(prices));
        assert_eq!(
            of(0, 100, 100, 60),
            Some(OverLimit::Failed { count: 60, of: 100 })
        );
    }
}
