//! The embedded price monitor's imports.

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

/// An import as the embedded price monitor keeps it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MonitorImport {
    /// Its identifier.
    pub id: String,
    /// What the uploaded file was called.
    pub filename: String,
    /// The stored upload, as a name inside the uploads directory.
    pub stored_as: String,
    /// Where the import stands.
    pub status: ImportStatus,
    /// Why it failed.
    pub error: Option<Reason>,
    /// How far it is.
    pub progress: ImportProgress,
    /// Rows of the file that are committed.
    pub position: u64,
    /// When the file came in.
    pub created_at: UnixMillis,
    /// When these numbers were written.
    pub updated_at: UnixMillis,
    /// When the import ended.
    pub completed_at: Option<UnixMillis>,
    /// Whose it is, in the words of the client that handed it in.
    pub owner: Option<String>,
    /// Whether products are written.
    pub mode: ImportMode,
    /// What a person could do something about.
    pub problem: Option<Question>,
    /// What has to be said before it can go on; it waits for that.
    pub needs: Option<Question>,
    /// The names of the file's columns, once known.
    pub header: Option<Vec<String>>,
    /// What somebody says the columns hold, as JSON.
    pub mapping: Option<String>,
    /// What became of the products that are through.
    pub written: Written,
    /// How often it was begun since it last made headway.
    pub attempts: u64,
    /// What the upload was when it came in; unknown of imports of earlier versions.
    pub file: Option<FileMark>,
    /// What was counted of the rows that are through.
    pub tally: Tally,
    /// The import that it takes back; it has no file then.
    pub undoes: Option<Undo>,
    /// The limit that it goes over.
    pub over_limit: Option<OverLimit>,
    /// Whether it may go over it.
    pub is_approved: bool,
    /// Which products and values it writes.
    pub options: ImportOptions,
    /// Its limits in place of those of the settings.
    pub limits: OwnLimits,
    /// Rows of products that these leave alone; they count as passed over.
    pub left_alone: u64,
    /// What became of products that the file lacks.
    pub missing: Missing,
}

/// What a file is known by.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FileMark {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub checksum: String,
}

impl MonitorImport {
    /// Returns whether rows may turn out not to be written.
    #[must_use]
    pub fn may_leave_rows_alone(&self) -> bool {
        self.options.products != WrittenProducts::All
    }

    /// Returns how far it is, as it is told. How many products there are is not said before there is one, where rows
    /// may be left alone: an import that was to bring some and brought none has failed.
    #[must_use]
    pub fn told_progress(&self) -> ImportProgress {
        let mut progress = self.progress;
        if self.may_leave_rows_alone() && progress.done() == 0 {
            progress.total_products = 0;
        }
        progress
    }

    /// Returns whether it ended because its user wanted it no more.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.error.as_ref().is_some_and(Reason::is_cancelled)
    }

    /// Tells what does not add up of an import of which all rows are through.
    #[must_use]
    pub fn mismatch(&self) -> Option<ErrorCode> {
        let (progress, tally) = (&self.progress, &self.tally);
        let mut written = self.written;
        if self.undoes.is_none() {
            // These are in no row.
            written.removed = 0;
        }
        let done = progress.done();
        // Counting may take rows for products that reading passes over.
        let most = done + tally.passed_over.total();
        if !(done..=most).contains(&progress.total_products) {
            return Some(ErrorCode::MiscountedFile {
                contained: progress.total_products,
                done,
            });
        }
        let told = most;
        // Imports that an earlier version began are not counted from their first row on.
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

/// What became of products that a file lacks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Missing {
    /// How many there are.
    pub products: u64,
    /// How many of them were marked as out of stock.
    pub marked: u64,
    /// The last product that was looked up in the file.
    pub after: Option<String>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Committed {
    /// Of the products that it writes.
    pub written: Written,
    /// Rows of products that the import leaves alone.
    pub left_alone: u64,
}

/// An import that is to be made.
#[derive(Clone, Debug, Default)]
pub struct NewImport {
    /// Its identifier.
    pub id: String,
    /// What the uploaded file was called.
    pub filename: String,
    /// The stored upload, as a name inside the uploads directory.
    pub stored_as: String,
    /// The directory that it is in, by its own name; `None` where that is still to be found out.
    pub stored_in: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whether products are written.
    pub mode: ImportMode,
    /// What somebody says the columns hold, as JSON.
    pub mapping: Option<String>,
    /// What the upload was when it came in.
    pub file: FileMark,
    /// The import that it takes back; it has no file then.
    pub undoes: Option<Undo>,
    /// Which products and values it writes.
    pub options: ImportOptions,
    /// Its limits in place of those of the settings.
    pub limits: OwnLimits,
}

impl Store {
    /// Returns what the batches of such an import are made ready for. Its changes are noted where it has a
    /// number.
    #[must_use]
    pub fn batch_kind(&self, mode: ImportMode, number: Option<ImportNumber>) -> BatchKind {
        BatchKind {
            mode,
            backend: self.db.get_database_backend(),
            number,
            options: ImportOptions::default(),
        }
    }

    /// Records a new import, waiting.
    ///
    /// # Errors
    ///
    /// When the database fails.
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
        };
        let row = monitor_import::ActiveModel::from(import.clone());
        monitor_import::Entity::insert(row)
            .exec_without_returning(&self.db)
            .await?;
        import.try_into()
    }

    /// Finds an import.
    ///
    /// # Errors
    ///
    /// When the database fails or the row cannot be read.
    pub async fn monitor_import(&self, id: &str) -> Result<Option<MonitorImport>, StoreError> {
        let row = monitor_import::Entity::find_by_id(id)
            .filter(monitor_import::Column::Status.ne(REMOVED))
            .one(&self.db)
            .await?;
        row.map(MonitorImport::try_from).transpose()
    }

    /// Finds an import that is to be begun or gone on with, and counts that; `None` when it is over or there
    /// is none.
    ///
    /// # Errors
    ///
    /// When the database fails or the row cannot be read.
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

    /// Forgets how often an import was begun: it was stopped in good order.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn pause_monitor_import(&self, id: &str) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Attempts, Expr::value(0_i64))
            .filter(monitor_import::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Lists the imports that are not over and wait for no answer, oldest first.
    ///
    /// # Errors
    ///
    /// When the database fails or a row cannot be read.
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

    /// Counts the imports of an owner that are not over.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn count_unfinished_of(&self, owner: &str) -> Result<u64, StoreError> {
        Ok(monitor_import::Entity::find()
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Owner.eq(owner))
            .count(&self.db)
            .await?)
    }

    /// Lists the files, and their owners, of imports that ended at `since` or later, or not yet.
    ///
    /// # Errors
    ///
    /// When the database fails.
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

    /// Records how many products the file holds, and what its columns are called.
    ///
    /// # Errors
    ///
    /// When the database fails.
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

    /// Records how many products the file held after all.
    ///
    /// # Errors
    ///
    /// When the database fails.
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

    /// Writes a batch's products and failed rows and moves the import from position `from` to the
    /// batch's, in one transaction. Returns what became of the rows, or `None` when nothing was
    /// done: when the import is no longer at `from`, because another process has taken it further or
    /// ended it.
    ///
    /// # Errors
    ///
    /// When the database fails; nothing of the batch is written then.
    pub async fn commit_monitor_batch(
        &self,
        id: &str,
        from: u64,
        batch: &ImportBatch,
        checked: &Checked,
    ) -> Result<Option<Committed>, StoreError> {
        let mut transaction = BulkTransaction::begin(self).await?;
        // A write comes first: SQLite cannot make a writer of a transaction that began by reading
        // once somebody else has written.
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

    /// Removes an import that is over or waits for an answer; its products stay. Returns it, or `None` when there
    /// is no such import or it runs. What it says of its rows goes
    /// later, by `remove_import_rows`: a million rows not at once.
    ///
    /// # Errors
    ///
    /// When the database fails.
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

    /// Counts how many prices a batch would move by more than a share of what they are.
    ///
    /// # Errors
    ///
    /// When the database fails.
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

    /// Ends an import. Returns it as it ended, or `None` when there is no such import or it was
    /// over before.
    ///
    /// # Errors
    ///
    /// When the database fails.
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
