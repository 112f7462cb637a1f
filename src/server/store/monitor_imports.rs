//! Imports of the embedded price monitor.

mod batch;
mod failed_rows;
mod questions;
#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;

use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

pub(super) use self::failed_rows::add_failed_rows;
pub use self::{
    batch::{BatchKind, ImportBatch},
    failed_rows::{FailedRow, FailedRowsPage},
};
use super::{
    Store, StoreError,
    bulk::BulkTransaction,
    changes::{ImportNumber, Moves},
    entity::monitor_import,
    from_db, left_alone,
    preview::{self, Checked},
    products::Written,
    reasons,
    retention::REMOVED,
    row_notes::{PassedOverCounts, Tally},
    to_db,
    undo::Undo,
};
pub use crate::model::job::{ImportMode, Question};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        changes::{OverLimit, Percent},
        clock::now,
        import_options::{ImportOptions, OwnLimits, WrittenProducts},
        job::{ImportProgress, ImportStatus, UnixMillis},
        reason::Reason,
    },
};

/// An import of the embedded price monitor.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MonitorImport {
    /// ID.
    pub id: String,
    /// The user's filename.
    pub filename: String,
    /// File name in the uploads directory.
    pub stored_as: String,
    /// Status.
    pub status: ImportStatus,
    /// Error of a failed import.
    pub error: Option<Reason>,
    /// Counts.
    pub progress: ImportProgress,
    /// Committed rows.
    pub position: u64,
    /// Time of the upload.
    pub created_at: UnixMillis,
    /// Time of the last change.
    pub updated_at: UnixMillis,
    /// Time of the end.
    pub completed_at: Option<UnixMillis>,
    /// Owner, as named by the client.
    pub owner: Option<String>,
    /// Import, or check without writing.
    pub mode: ImportMode,
    /// The unanswered question of a failed import.
    pub problem: Option<Question>,
    /// The question that it waits for.
    pub needs: Option<Question>,
    /// Column names, once known.
    pub header: Option<Vec<String>>,
    /// The user's mapping, as JSON.
    pub mapping: Option<String>,
    /// Results of committed rows.
    pub written: Written,
    /// Starts since the last progress.
    pub attempts: u64,
    /// Size and hash of the upload; `None` in imports of older versions.
    pub file: Option<FileMark>,
    /// Counts of committed rows.
    pub tally: Tally,
    /// The import to undo; there is no file then.
    pub undoes: Option<Undo>,
    /// The exceeded limit.
    pub over_limit: Option<OverLimit>,
    /// Whether the user approved exceeding it.
    pub is_approved: bool,
    /// Which products and values it writes.
    pub options: ImportOptions,
    /// Limits that replace the settings'.
    pub limits: OwnLimits,
    /// The source of its file.
    pub source: Option<String>,
    /// Rows excluded by the options; they count as skipped.
    pub left_alone: u64,
    /// Missing products.
    pub missing: Missing,
}

/// Size and hash of a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FileMark {
    /// Bytes.
    pub size: u64,
    /// SHA-256, in hex.
    pub checksum: String,
}

impl MonitorImport {
    /// Returns whether the options may exclude rows.
    #[must_use]
    pub fn may_leave_rows_alone(&self) -> bool {
        self.options.products != WrittenProducts::All
    }

    /// Returns the counts to publish. If rows may be excluded, the total is 0 until a product is written, because a
    /// total without any written product counts as a failure.
    #[must_use]
    pub fn told_progress(&self) -> ImportProgress {
        let mut progress = self.progress;
        if self.may_leave_rows_alone() && progress.done() == 0 {
            progress.total_products = 0;
        }
        progress
    }

    /// Returns whether its user cancelled it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.error.as_ref().is_some_and(Reason::is_cancelled)
    }

    /// Returns the inconsistency of a fully processed import, if any.
    #[must_use]
    pub fn mismatch(&self) -> Option<ErrorCode> {
        let (progress, tally) = (&self.progress, &self.tally);
        let mut written = self.written;
        if self.undoes.is_none() {
            // Removals are not rows.
            written.removed = 0;
        }
        let done = progress.done();
        // Counting may include rows that reading skips.
        let most = done + tally.passed_over.total();
        if !(done..=most).contains(&progress.total_products) {
            return Some(ErrorCode::MiscountedFile {
                contained: progress.total_products,
                done,
            });
        }
        let told = most;
        // Imports begun by an older version lack counts of their first rows.
        if tally.rows_read != told && tally.rows_read > 0 {
            return Some(ErrorCode::MiscountedRows {
                read: tally.rows_read,
                accounted: told,
            });
        }
        (written.rows() != progress.processed_products).then(|| ErrorCode::MiscountedProducts {
            imported: progress.processed_products,
            accounted: written.rows(),
        })
    }
}

/// Missing products of a full file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Missing {
    /// Their number.
    pub products: u64,
    /// Those marked as out of stock.
    pub marked: u64,
    /// The last product looked up.
    pub after: Option<String>,
}

/// Result of a batch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Committed {
    /// Counts of written products.
    pub written: Written,
    /// Rows excluded by the options.
    pub left_alone: u64,
}

/// An import to create.
#[derive(Clone, Debug, Default)]
pub struct NewImport {
    /// ID.
    pub id: String,
    /// The user's filename.
    pub filename: String,
    /// File name in the uploads directory.
    pub stored_as: String,
    /// ID of the directory; `None` if not known yet.
    pub stored_in: Option<String>,
    /// Owner, as named by the client.
    pub owner: Option<String>,
    /// Import, or check without writing.
    pub mode: ImportMode,
    /// The user's mapping, as JSON.
    pub mapping: Option<String>,
    /// Size and hash of the upload.
    pub file: FileMark,
    /// The import to undo; there is no file then.
    pub undoes: Option<Undo>,
    /// Which products and values it writes.
    pub options: ImportOptions,
    /// Limits that replace the settings'.
    pub limits: OwnLimits,
    /// The source of its file.
    pub source: Option<String>,
}

impl Store {
    /// Returns the kind of this import's batches. With a number, changes are recorded.
    #[must_use]
    pub fn batch_kind(&self, mode: ImportMode, number: Option<ImportNumber>) -> BatchKind {
        BatchKind {
            mode,
            backend: self.db.get_database_backend(),
            number,
            options: ImportOptions::default(),
        }
    }

    /// Records a new, waiting import.
    pub async fn add_monitor_import(&self, new: NewImport) -> Result<MonitorImport, StoreError> {
        let now = now();
        let import = monitor_import::Model {
            id: new.id,
            filename: new.filename,
            stored_as: new.stored_as,
            status: ImportStatus::Pending.to_string(),
            error: None,
            error_code: None,
            error_params: None,
            cancelled: false,
            total_products: 0,
            processed_products: 0,
            failed_products: 0,
            position: 0,
            created_at: now,
            updated_at: now,
            completed_at: None,
            owner: new.owner,
            mode: new.mode.as_str().to_owned(),
            problem: None,
            header: None,
            mapping: new.mapping,
            added: 0,
            updated: 0,
            unchanged: 0,
            attempts: 0,
            cancel_wanted: false,
            stored_in: new.stored_in,
            size: (!new.file.checksum.is_empty()).then(|| to_db(new.file.size)),
            checksum: Some(new.file.checksum).filter(|checksum| !checksum.is_empty()),
            rows_read: 0,
            passed_over: None,
            understood: None,
            warnings: 0,
            replaced: 0,
            needs: None,
            asked_at: None,
            undo_everything: new.undoes.as_ref().is_some_and(|undo| undo.everything),
            undoes: new.undoes.map(|undo| undo.import),
            removed: 0,
            over_limit: None,
            approved: false,
            options: (!new.options.is_default())
                .then(|| serde_json::to_string(&new.options).ok())
                .flatten(),
            left_alone: 0,
            missing: 0,
            marked: 0,
            missing_after: None,
            limits: (new.limits != OwnLimits::default())
                .then(|| serde_json::to_string(&new.limits).ok())
                .flatten(),
            source: new.source,
        };
        let row = monitor_import::ActiveModel::from(import.clone());
        monitor_import::Entity::insert(row)
            .exec_without_returning(&self.db)
            .await?;
        import.try_into()
    }

    /// Finds an import.
    pub async fn monitor_import(&self, id: &str) -> Result<Option<MonitorImport>, StoreError> {
        let row = monitor_import::Entity::find_by_id(id)
            .filter(monitor_import::Column::Status.ne(REMOVED))
            .one(&self.db)
            .await?;
        row.map(MonitorImport::try_from).transpose()
    }

    /// Finds an unfinished import and counts the start; `None` if it is over or does not exist.
    pub async fn begin_monitor_import(
        &self,
        id: &str,
    ) -> Result<Option<MonitorImport>, StoreError> {
        let begun = monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::Attempts,
                Expr::col(monitor_import::Column::Attempts).add(1),
            )
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Needs.is_null())
            .exec(&self.db)
            .await?;
        if begun.rows_affected == 0 {
            Ok(None)
        } else {
            self.monitor_import(id).await
        }
    }

    /// Resets the count of starts, after an orderly stop.
    pub async fn pause_monitor_import(&self, id: &str) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Attempts, Expr::value(0_i64))
            .filter(monitor_import::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Lists unfinished imports that wait for no answer, oldest first.
    pub async fn unfinished_monitor_imports(&self) -> Result<Vec<MonitorImport>, StoreError> {
        let rows = monitor_import::Entity::find()
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Needs.is_null())
            .order_by_asc(monitor_import::Column::CreatedAt)
            .order_by_asc(monitor_import::Column::Id)
            .all(&self.db)
            .await?;
        rows.into_iter().map(MonitorImport::try_from).collect()
    }

    /// Counts an owner's unfinished imports.
    pub async fn count_unfinished_of(&self, owner: &str) -> Result<u64, StoreError> {
        Ok(monitor_import::Entity::find()
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Owner.eq(owner))
            .count(&self.db)
            .await?)
    }

    /// Lists files and owners of imports that ended at `since` or later, or not yet.
    pub async fn monitor_files_in_use(
        &self,
        since: UnixMillis,
    ) -> Result<Vec<(String, Option<String>)>, StoreError> {
        Ok(monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::StoredAs)
            .column(monitor_import::Column::Owner)
            .filter(
                monitor_import::Column::Status
                    .eq(ImportStatus::Pending.as_str())
                    .or(monitor_import::Column::CompletedAt.gte(since)),
            )
            .filter(monitor_import::Column::Status.ne(REMOVED))
            .into_tuple()
            .all(&self.db)
            .await?)
    }

    /// Records the number of products and the column names.
    pub async fn set_monitor_import_total(
        &self,
        id: &str,
        total: u64,
        header: &[String],
    ) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::TotalProducts,
                Expr::value(to_db(total)),
            )
            .col_expr(
                monitor_import::Column::Header,
                Expr::value(serde_json::Value::from(header).to_string()),
            )
            .col_expr(monitor_import::Column::Attempts, Expr::value(0_i64))
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now()))
            .filter(monitor_import::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Corrects the number of products.
    pub async fn correct_monitor_import_total(
        &self,
        id: &str,
        total: u64,
    ) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::TotalProducts,
                Expr::value(to_db(total)),
            )
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Writes a batch and moves the import's position from `from`, in one transaction. Returns `None`, without changes,
    /// if the import is no longer at `from`: another process has continued or ended it.
    pub async fn commit_monitor_batch(
        &self,
        id: &str,
        from: u64,
        batch: &ImportBatch,
        checked: &Checked,
    ) -> Result<Option<Committed>, StoreError> {
        let mut transaction = BulkTransaction::begin(self).await?;
        // Starts with a write: SQLite cannot upgrade a read transaction after another write.
        let mine = monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::Position,
                Expr::value(to_db(batch.position)),
            )
            .col_expr(
                monitor_import::Column::ProcessedProducts,
                Expr::col(monitor_import::Column::ProcessedProducts).add(to_db(batch.products)),
            )
            .col_expr(
                monitor_import::Column::FailedProducts,
                Expr::col(monitor_import::Column::FailedProducts).add(to_db(batch.failed())),
            )
            .col_expr(
                monitor_import::Column::RowsRead,
                Expr::value(to_db(batch.tally.rows_read)),
            )
            .col_expr(
                monitor_import::Column::PassedOver,
                Expr::value(serde_json::to_string(&batch.tally.passed_over).ok()),
            )
            .col_expr(
                monitor_import::Column::Understood,
                Expr::value(batch.tally.understood.clone()),
            )
            .col_expr(
                monitor_import::Column::Warnings,
                Expr::value(to_db(batch.tally.warnings)),
            )
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now()))
            .col_expr(monitor_import::Column::Attempts, Expr::value(0_i64))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Position.eq(to_db(from)))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()));
        if transaction.execute(&mine).await? == 0 {
            return Ok(None);
        }
        let mut written = batch.upsert.write(&mut transaction).await?;
        written += checked.written;
        let left = match batch.kind.mode {
            ImportMode::Check => checked.left_alone.clone(),
            ImportMode::Import => {
                let (some, left) = left_alone::write(&mut transaction, batch).await?;
                written += some;
                left
            }
        };
        preview::note(&mut transaction, batch.kind.number, &checked.changes).await?;
        add_failed_rows(&mut transaction, id, &batch.failed).await?;
        left_alone::note(&mut transaction, id, batch, &left).await?;
        let left = left.len() as u64;
        let less = |column: monitor_import::Column| Expr::col(column).sub(to_db(left));
        let counts = monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::LeftAlone,
                Expr::col(monitor_import::Column::LeftAlone).add(to_db(left)),
            )
            .col_expr(
                monitor_import::Column::ProcessedProducts,
                less(monitor_import::Column::ProcessedProducts),
            )
            .col_expr(
                monitor_import::Column::TotalProducts,
                less(monitor_import::Column::TotalProducts),
            )
            .col_expr(
                monitor_import::Column::Added,
                Expr::col(monitor_import::Column::Added).add(to_db(written.added)),
            )
            .col_expr(
                monitor_import::Column::Updated,
                Expr::col(monitor_import::Column::Updated).add(to_db(written.updated)),
            )
            .col_expr(
                monitor_import::Column::Unchanged,
                Expr::col(monitor_import::Column::Unchanged).add(to_db(written.unchanged)),
            )
            .col_expr(
                monitor_import::Column::Replaced,
                Expr::col(monitor_import::Column::Replaced).add(to_db(written.replaced)),
            )
            .filter(monitor_import::Column::Id.eq(id));
        transaction.execute(&counts).await?;
        transaction.commit().await?;
        self.imported_at.store(now(), Ordering::Relaxed);
        Ok(Some(Committed {
            written,
            left_alone: left,
        }))
    }

    /// Deletes an import that is over or waits for an answer; `None` if it runs or does not exist. Its products stay;
    /// `remove_import_rows` deletes its rows later, in batches.
    pub async fn remove_monitor_import(
        &self,
        id: &str,
    ) -> Result<Option<MonitorImport>, StoreError> {
        let Some(import) = self.monitor_import(id).await? else {
            return Ok(None);
        };
        let removed = monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Status, Expr::value(REMOVED))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.ne(REMOVED))
            .filter(
                monitor_import::Column::Status
                    .ne(ImportStatus::Pending.as_str())
                    .or(monitor_import::Column::Needs.is_not_null()),
            )
            .exec(&self.db)
            .await?;
        Ok((removed.rows_affected > 0).then_some(import))
    }

    /// Counts prices that a batch would change by more than a share.
    pub async fn price_moves(&self, batch: &ImportBatch, by: Percent) -> Result<Moves, StoreError> {
        let rows = &batch.checked.rows;
        let identities = rows.iter().map(|row| row.product.identity.clone());
        let there = self.products_as_they_are(identities.collect()).await?;
        let mut moves = Moves::default();
        for row in rows {
            let old = there.get(&row.product.identity);
            moves.add(
                old.and_then(|old| old.price.as_deref()),
                row.product.price.as_deref(),
                by,
            );
        }
        Ok(moves)
    }

    /// Ends an import. Returns it, or `None` if it was over or does not exist.
    pub async fn finish_monitor_import(
        &self,
        id: &str,
        status: ImportStatus,
        error: Option<&Reason>,
        problem: Option<Question>,
    ) -> Result<Option<MonitorImport>, StoreError> {
        let now = now();
        let problem = problem.map(|problem| problem.as_str().to_owned());
        let ended = monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Status, Expr::value(status.as_str()))
            .col_expr(
                monitor_import::Column::Error,
                Expr::value(error.map(Reason::message)),
            )
            .col_expr(
                monitor_import::Column::ErrorCode,
                Expr::value(error.and_then(Reason::code)),
            )
            .col_expr(
                monitor_import::Column::ErrorParams,
                Expr::value(error.and_then(reasons::params)),
            )
            .col_expr(
                monitor_import::Column::Cancelled,
                Expr::value(error.is_some_and(Reason::is_cancelled)),
            )
            .col_expr(monitor_import::Column::Problem, Expr::value(problem))
            .col_expr(monitor_import::Column::Needs, Expr::value(None::<String>))
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now))
            .col_expr(monitor_import::Column::CompletedAt, Expr::value(now))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .exec(&self.db)
            .await?;
        if ended.rows_affected == 0 {
            Ok(None)
        } else {
            self.monitor_import(id).await
        }
    }
}

impl TryFrom<monitor_import::Model> for MonitorImport {
    type Error = StoreError;

    fn try_from(row: monitor_import::Model) -> Result<Self, StoreError> {
        let status = row.status.parse().map_err(|_| StoreError::Corrupt {
            table: "monitor_imports",
            reason: format!("{:?} is no status", row.status),
        })?;
        let options: ImportOptions = row
            .options
            .and_then(|options| serde_json::from_str(&options).ok())
            .unwrap_or_default();
        let mut passed_over: PassedOverCounts = row
            .passed_over
            .and_then(|counts| serde_json::from_str(&counts).ok())
            .unwrap_or_default();
        let left_alone = from_db(row.left_alone);
        if let Some(code) = options.products.passes_over()
            && left_alone > 0
        {
            passed_over.add_some(code, left_alone);
        }
        let limits = row.limits.as_deref();
        Ok(Self {
            options,
            limits: limits
                .and_then(|limits| serde_json::from_str(limits).ok())
                .unwrap_or_default(),
            source: row.source,
            left_alone,
            missing: Missing {
                products: from_db(row.missing),
                marked: from_db(row.marked),
                after: row.missing_after,
            },
            id: row.id,
            filename: row.filename,
            stored_as: row.stored_as,
            status,
            error: reasons::read(row.error, row.error_code, row.error_params)
                .map(|reason| reason.with_cancelled(row.cancelled)),
            progress: ImportProgress {
                processed_products: from_db(row.processed_products),
                failed_products: from_db(row.failed_products),
                total_products: from_db(row.total_products),
            },
            position: from_db(row.position),
            created_at: row.created_at,
            updated_at: row.updated_at,
            completed_at: row.completed_at,
            owner: row.owner,
            mode: row.mode.parse().unwrap_or_default(),
            problem: row.problem.as_deref().and_then(Question::parse),
            needs: row.needs.as_deref().and_then(Question::parse),
            header: row
                .header
                .and_then(|header| serde_json::from_str(&header).ok()),
            mapping: row.mapping,
            written: Written {
                added: from_db(row.added),
                updated: from_db(row.updated),
                unchanged: from_db(row.unchanged),
                replaced: from_db(row.replaced),
                removed: from_db(row.removed),
            },
            over_limit: row
                .over_limit
                .and_then(|over| serde_json::from_str(&over).ok()),
            is_approved: row.approved,
            undoes: row.undoes.map(|import| Undo {
                import,
                everything: row.undo_everything,
            }),
            attempts: from_db(row.attempts),
            file: row.checksum.map(|checksum| FileMark {
                size: row.size.map(from_db).unwrap_or_default(),
                checksum,
            }),
            tally: Tally {
                rows_read: from_db(row.rows_read),
                passed_over,
                warnings: from_db(row.warnings),
                understood: row.understood,
            },
        })
    }
}
