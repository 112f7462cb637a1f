//! The embedded price monitor's imports and their failed rows.

use std::sync::atomic::Ordering;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, DatabaseBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait, Func, OnConflict},
};

use super::{
    Store, StoreError,
    bulk::BulkTransaction,
    changes::{ImportNumber, Moves},
    entity::{failed_row, mapping, monitor_import},
    from_db, left_alone,
    preview::{self, Checked},
    products::{self, DistinctRows, ProductRow, Upsert, Written},
    reasons,
    retention::REMOVED,
    row_notes::{PassedOverCounts, RowNote, Tally},
    to_db,
    undo::Undo,
};
pub use crate::model::job::{ImportMode, Question};
use crate::{
    i18n::messages::{ErrorCode, codes_with},
    model::{
        changes::{OverLimit, Percent},
        clock::now,
        import_options::{ImportOptions, OwnLimits, WrittenProducts},
        job::{ImportProgress, ImportStatus, UnixMillis},
        reason::Reason,
    },
};

/// How many failed rows a page has.
const FAILED_PAGE: u64 = 50;

/// The source of answers that are remembered for all files.
const ANY: &str = "";

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
    /// The source that its file is of.
    pub source: Option<String>,
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

/// What batches are made ready for.
#[derive(Clone, Copy, Debug)]
pub struct BatchKind {
    mode: ImportMode,
    backend: DatabaseBackend,
    number: Option<ImportNumber>,
    options: ImportOptions,
}

impl BatchKind {
    /// For an SQLite database.
    #[cfg(test)]
    pub(crate) fn sqlite(mode: ImportMode) -> Self {
        Self {
            mode,
            backend: DatabaseBackend::Sqlite,
            number: None,
            options: ImportOptions::default(),
        }
    }

    /// As the options of an import say.
    #[must_use]
    pub fn with(self, options: ImportOptions) -> Self {
        Self { options, ..self }
    }

    /// Returns by what changes are known, where they are noted.
    pub(super) fn number(self) -> Option<ImportNumber> {
        self.number
    }

    /// Returns which products and values are written.
    pub(super) fn options(self) -> ImportOptions {
        self.options
    }

    /// Makes rows of different products ready.
    pub(super) fn upsert(self, rows: Vec<ProductRow>) -> Upsert {
        Upsert::of_fields(rows, self.backend, now(), self.number, self.options.fields)
    }
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
    /// The source that its file is of.
    pub source: Option<String>,
}

/// One page of an import's failed rows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FailedRowsPage {
    /// The rows.
    pub rows: Vec<FailedRow>,
    /// Which page this is, from 1.
    pub page: u64,
    /// How many pages there are, at least 1.
    pub pages: u64,
    /// How many rows all pages have together.
    pub total: u64,
}

/// A row that could not be imported.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FailedRow {
    /// Which row of the file it is, from 1; blank rows count.
    pub row: u64,
    /// The line of the file on which the row starts, from 1.
    pub line: u64,
    /// What the row is called in the file: its SKU where it has one.
    pub sku: String,
    /// Why it failed.
    pub reason: Reason,
    /// The column the reason is about, by its name in the file.
    pub column: Option<String>,
    /// What that column holds.
    pub value: Option<String>,
    /// The row's cells.
    pub cells: Vec<String>,
}

/// Rows of one import that are written together or not at all, made ready for that.
#[derive(Clone, Debug)]
pub struct ImportBatch {
    kind: BatchKind,
    products: u64,
    upsert: Upsert,
    checked: DistinctRows,
    /// Rows of which some may have to be left alone.
    in_question: Vec<ProductRow>,
    failed: Vec<FailedRow>,
    notes: Vec<RowNote>,
    tally: Tally,
    position: u64,
}

impl ImportBatch {
    /// Makes rows ready. `position` is how many rows of the file are through once these are, and `tally`
    /// what was counted of all of them.
    #[must_use]
    pub fn new(
        kind: BatchKind,
        products: Vec<ProductRow>,
        failed: Vec<FailedRow>,
        notes: Vec<RowNote>,
        tally: Tally,
        position: u64,
    ) -> Self {
        let mut batch = Self {
            kind,
            products: products.len() as u64,
            upsert: Upsert::default(),
            checked: DistinctRows::default(),
            in_question: Vec::new(),
            failed,
            notes,
            tally,
            position,
        };
        let fields = kind.options.fields;
        match (kind.options.products, kind.mode) {
            (WrittenProducts::New | WrittenProducts::Existing, _) => batch.in_question = products,
            (WrittenProducts::All, ImportMode::Import) => batch.upsert = kind.upsert(products),
            (WrittenProducts::All, ImportMode::Check) => {
                batch.checked = DistinctRows::new(products, fields);
            }
        }
        batch
    }

    /// Returns how many rows of the file are through once these are.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns how many products there are.
    #[must_use]
    pub fn products(&self) -> u64 {
        self.products
    }

    /// Returns the notes on its rows.
    #[must_use]
    pub fn notes(&self) -> &[RowNote] {
        &self.notes
    }

    /// Returns what was counted of the rows from the file's first one on.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Returns how it is written.
    pub(super) fn kind(&self) -> BatchKind {
        self.kind
    }

    /// Returns the products of a check, none of which is to be left alone.
    pub(super) fn checked(&self) -> &DistinctRows {
        &self.checked
    }

    /// Returns rows of which some may have to be left alone.
    pub(super) fn in_question(&self) -> &[ProductRow] {
        &self.in_question
    }

    /// Returns how many rows failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.len() as u64
    }
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
            source: new.source,
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

    /// Remembers what was said of files with this header row: of those of a source for that source, and for other files
    /// where nothing was said of them yet.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn remember_mapping(
        &self,
        source: Option<&str>,
        header: &str,
        mapping: &str,
    ) -> Result<(), StoreError> {
        let is_for_any = source.is_none() || self.remembered_mapping(None, header).await?.is_none();
        for owner in source.into_iter().chain(is_for_any.then_some(ANY)) {
            let replace = OnConflict::columns([mapping::Column::Owner, mapping::Column::Header])
                .update_columns([mapping::Column::Mapping, mapping::Column::UpdatedAt])
                .to_owned();
            let row = mapping::ActiveModel {
                owner: Set(owner.to_owned()),
                header: Set(header.to_owned()),
                mapping: Set(mapping.to_owned()),
                updated_at: Set(now()),
            };
            mapping::Entity::insert(row)
                .on_conflict(replace)
                .exec_without_returning(&self.db)
                .await?;
        }
        Ok(())
    }

    /// Returns what was said of files with this header row: of those of the source, else of others.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn remembered_mapping(
        &self,
        source: Option<&str>,
        header: &str,
    ) -> Result<Option<String>, StoreError> {
        for owner in source.into_iter().chain([ANY]) {
            let row = mapping::Entity::find_by_id((owner.to_owned(), header.to_owned()))
                .one(&self.db)
                .await?;
            if let Some(row) = row {
                return Ok(Some(row.mapping));
            }
        }
        Ok(None)
    }

    /// Has an import wait for an answer. Returns it as it waits, or `None` when it is over.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn ask_monitor_import(
        &self,
        id: &str,
        question: Question,
    ) -> Result<Option<MonitorImport>, StoreError> {
        let now = now();
        let asked = monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::Needs,
                Expr::value(question.as_str()),
            )
            .col_expr(monitor_import::Column::AskedAt, Expr::value(now))
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now))
            .col_expr(monitor_import::Column::Attempts, Expr::value(0_i64))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .exec(&self.db)
            .await?;
        if asked.rows_affected == 0 {
            Ok(None)
        } else {
            self.monitor_import(id).await
        }
    }

    /// Records the limit that an import goes over.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn note_over_limit(&self, id: &str, over: OverLimit) -> Result<(), StoreError> {
        let over = serde_json::to_string(&over).ok();
        monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::OverLimit, Expr::value(over))
            .filter(monitor_import::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Lets an import go on that waits because it goes over a limit. Returns whether it waited.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn approve_import(&self, id: &str) -> Result<bool, StoreError> {
        let approved = monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Approved, Expr::value(true))
            .col_expr(monitor_import::Column::Needs, Expr::value(None::<String>))
            .col_expr(monitor_import::Column::AskedAt, Expr::value(None::<i64>))
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now()))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Needs.eq(Question::Approval.as_str()))
            .exec(&self.db)
            .await?;
        Ok(approved.rows_affected > 0)
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

    /// Gives an import the answers that it waits for. Returns whether it waited: it is to be begun again
    /// then.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn answer_monitor_import(&self, id: &str, mapping: &str) -> Result<bool, StoreError> {
        let answered = monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Mapping, Expr::value(mapping))
            .col_expr(monitor_import::Column::Needs, Expr::value(None::<String>))
            .col_expr(monitor_import::Column::AskedAt, Expr::value(None::<i64>))
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now()))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Needs.is_not_null())
            .filter(monitor_import::Column::Needs.ne(Question::Approval.as_str()))
            .exec(&self.db)
            .await?;
        Ok(answered.rows_affected > 0)
    }

    /// Lists the imports that have waited for an answer since before a time.
    ///
    /// # Errors
    ///
    /// When the database fails or a row cannot be read.
    pub async fn unanswered_monitor_imports(
        &self,
        before: UnixMillis,
    ) -> Result<Vec<MonitorImport>, StoreError> {
        let rows = monitor_import::Entity::find()
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Needs.is_not_null())
            .filter(monitor_import::Column::AskedAt.lt(before))
            .all(&self.db)
            .await?;
        rows.into_iter().map(MonitorImport::try_from).collect()
    }

    /// Records what is said of the columns of an import that has not begun.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn set_monitor_import_mapping(
        &self,
        id: &str,
        mapping: &str,
    ) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Mapping, Expr::value(mapping))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Position.eq(0))
            .exec(&self.db)
            .await?;
        Ok(())
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

    /// Lists the first `limit` failed rows of an import, in the file's order.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn monitor_failed_rows(
        &self,
        id: &str,
        limit: u64,
    ) -> Result<Vec<FailedRow>, StoreError> {
        let rows = failed_row::Entity::find()
            .filter(failed_row::Column::ImportId.eq(id))
            .order_by_asc(failed_row::Column::Row)
            .limit(limit)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(FailedRow::from).collect())
    }
}

impl Store {
    /// Lists failed rows behind a row of the file, in the file's order, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn monitor_failed_rows_behind(
        &self,
        id: &str,
        row: u64,
        limit: u64,
    ) -> Result<Vec<FailedRow>, StoreError> {
        let rows = failed_row::Entity::find()
            .filter(failed_row::Column::ImportId.eq(id))
            .filter(failed_row::Column::Row.gt(to_db(row)))
            .order_by_asc(failed_row::Column::Row)
            .limit(limit)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(FailedRow::from).collect())
    }

    /// Lists the failed rows whose SKU, column, value or reason contains `search`, in any case of ASCII
    /// letters, in the file's order. A page beyond the ends is the nearest one there is.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn list_monitor_failed_rows(
        &self,
        id: &str,
        search: &str,
        page: u64,
    ) -> Result<FailedRowsPage, StoreError> {
        let mut query = failed_row::Entity::find()
            .filter(failed_row::Column::ImportId.eq(id))
            .order_by_asc(failed_row::Column::Row);
        if !search.is_empty() {
            let pattern = products::contains(search);
            let within =
                |column: failed_row::Column| Func::lower(Expr::col(column)).like(pattern.clone());
            query = query.filter(
                Condition::any()
                    .add(within(failed_row::Column::Sku))
                    .add(failed_row::Column::Code.is_in(codes_with(search)))
                    .add(
                        Condition::all()
                            .add(failed_row::Column::Code.is_null())
                            .add(within(failed_row::Column::Reason)),
                    )
                    .add(within(failed_row::Column::ColumnName))
                    .add(within(failed_row::Column::Value)),
            );
        }
        let paginator = query.paginate(&self.db, FAILED_PAGE);
        let counted = paginator.num_items_and_pages().await?;
        let pages = Ord::max(counted.number_of_pages, 1);
        let page = Ord::clamp(page, 1, pages);
        let rows = paginator.fetch_page(page - 1).await?;
        Ok(FailedRowsPage {
            rows: rows.into_iter().map(FailedRow::from).collect(),
            page,
            pages,
            total: counted.number_of_items,
        })
    }
}

pub(super) async fn add_failed_rows(
    db: &mut BulkTransaction,
    id: &str,
    failed: &[FailedRow],
) -> Result<(), StoreError> {
    // Fewer than the parameters that a statement may have.
    for some in failed.chunks(500) {
        let rows = some.iter().map(|failed| failed_row::ActiveModel {
            import_id: Set(id.to_owned()),
            row: Set(to_db(failed.row)),
            line: Set(to_db(failed.line)),
            sku: Set(failed.sku.clone()),
            reason: Set(failed.reason.message().to_owned()),
            code: Set(failed.reason.code().map(str::to_owned)),
            params: Set(reasons::params(&failed.reason)),
            column_name: Set(failed.column.clone()),
            value: Set(failed.value.clone()),
            cells: Set(Some(
                serde_json::Value::from(failed.cells.clone()).to_string(),
            )),
        });
        db.execute(&failed_row::Entity::insert_many(rows)).await?;
    }
    Ok(())
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

impl From<failed_row::Model> for FailedRow {
    fn from(row: failed_row::Model) -> Self {
        Self {
            row: from_db(row.row),
            line: from_db(row.line),
            sku: row.sku,
            reason: reasons::of_row(row.reason, row.code, row.params),
            column: row.column_name,
            value: row.value,
            cells: row
                .cells
                .and_then(|cells| serde_json::from_str(&cells).ok())
                .unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::server::{
        config::DatabaseUrl,
        store::{products::NewProduct, row_notes::NoteKind},
    };

    async fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(&directory.path().join("test.db"));
        let store = Store::open(&url).await.unwrap();
        let new = NewImport {
            id: "a".to_owned(),
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
        (directory, store)
    }

    fn product(position: u64) -> ProductRow {
        ProductRow {
            product: NewProduct {
                identity: format!("sku:{position}"),
                name: "One".to_owned(),
                ..NewProduct::default()
            },
            ..ProductRow::default()
        }
    }

    fn warning(row: u64, part: u64) -> RowNote {
        RowNote {
            kind: NoteKind::Warning,
            row,
            part,
            line: row + 1,
            label: format!("S-{row}"),
            reason: Reason::words("The stock \"many\" is not a whole number."),
            column: Some("Stock".to_owned()),
            value: Some("many".to_owned()),
            by_line: None,
            cells: Vec::new(),
        }
    }

    fn rows_of(
        mode: ImportMode,
        products: Vec<ProductRow>,
        failed: Vec<FailedRow>,
        position: u64,
    ) -> ImportBatch {
        let kind = BatchKind::sqlite(mode);
        ImportBatch::new(
            kind,
            products,
            failed,
            Vec::new(),
            Tally::default(),
            position,
        )
    }

    fn failed(row: u64) -> FailedRow {
        FailedRow {
            row,
            line: 1,
            sku: "bad".to_owned(),
            reason: Reason::words("The price is missing."),
            column: Some("Price".to_owned()),
            value: Some(String::new()),
            cells: vec!["bad".to_owned(), String::new()],
        }
    }

    fn batch(position: u64) -> ImportBatch {
        let products = vec![product(position)];
        rows_of(
            ImportMode::Import,
            products,
            vec![failed(position)],
            position,
        )
    }

    async fn commit(store: &Store, from: u64, batch: ImportBatch) -> bool {
        let none = Checked::default();
        let committed = store.commit_monitor_batch("a", from, &batch, &none).await;
        committed.unwrap().is_some()
    }

    #[tokio::test]
    async fn a_batch_is_written_once() {
        let (_directory, store) = store().await;
        assert!(commit(&store, 0, batch(10)).await);
        assert!(!commit(&store, 0, batch(20)).await);
        assert!(commit(&store, 10, batch(20)).await);
        let import = store.monitor_import("a").await.unwrap().unwrap();
        assert_eq!((import.position, import.progress.done()), (20, 4));
        assert_eq!(store.monitor_failed_rows("a", 10).await.unwrap().len(), 2);
        assert_eq!(store.monitor_failed_rows("a", 1).await.unwrap()[0].row, 10);
    }

    #[tokio::test]
    async fn nothing_of_a_batch_stays_when_a_part_of_it_is_refused() {
        let (_directory, store) = store().await;
        let twice = vec![failed(10), failed(10)];
        let products = vec![product(10)];
        let twice = rows_of(ImportMode::Import, products, twice, 10);
        let none = Checked::default();
        // It can be tried again as often as needed.
        for _ in 0..2 {
            store
                .commit_monitor_batch("a", 0, &twice, &none)
                .await
                .unwrap_err();
        }
        let import = store.monitor_import("a").await.unwrap().unwrap();
        assert_eq!((import.position, import.progress.done()), (0, 0));
        assert_eq!(store.list_products("", 1).await.unwrap().total, 0);
    }

    #[tokio::test]
    async fn starts_are_counted_until_there_is_headway() {
        let (_directory, store) = store().await;
        let begun = async || {
            let import = store.begin_monitor_import("a").await.unwrap();
            import.map(|import| import.attempts)
        };
        assert_eq!((begun().await, begun().await), (Some(1), Some(2)));
        assert!(commit(&store, 0, batch(10)).await);
        assert_eq!(begun().await, Some(1));
        store.pause_monitor_import("a").await.unwrap();
        assert_eq!(begun().await, Some(1));
        store
            .finish_monitor_import("a", ImportStatus::Error, None, None)
            .await
            .unwrap();
        assert_eq!(begun().await, None);
    }

    #[tokio::test]
    async fn an_import_ends_once() {
        let (_directory, store) = store().await;
        assert_eq!(store.unfinished_monitor_imports().await.unwrap().len(), 1);
        let why = Reason::from(ErrorCode::CancelledAfter { done: 1, total: 3 });
        let ended = store
            .finish_monitor_import("a", ImportStatus::Error, Some(&why), None)
            .await
            .unwrap();
        let ended = ended.unwrap();
        assert!(ended.is_cancelled());
        assert_eq!(
            (ended.status, ended.error),
            (ImportStatus::Error, Some(why))
        );
        assert!(ended.completed_at.is_some());
        let again = store
            .finish_monitor_import("a", ImportStatus::Success, None, None)
            .await
            .unwrap();
        assert_eq!(again, None);
        assert!(store.unfinished_monitor_imports().await.unwrap().is_empty());
        assert!(!commit(&store, 0, batch(10)).await);
    }

    #[tokio::test]
    async fn failed_rows_are_listed_by_page_and_found_by_what_they_say() {
        let (_directory, store) = store().await;
        let rows = (1..=120).map(|row| FailedRow {
            sku: format!("S-{row}"),
            ..failed(row)
        });
        let all = rows_of(ImportMode::Import, Vec::new(), rows.collect(), 120);
        assert!(commit(&store, 0, all).await);
        let last = store.list_monitor_failed_rows("a", "", 9).await.unwrap();
        assert_eq!((last.page, last.pages, last.total), (3, 3, 120));
        assert_eq!(last.rows.len(), 20);
        assert_eq!(last.rows[0].cells, ["bad", ""]);
        let found = store
            .list_monitor_failed_rows("a", "s-11", 1)
            .await
            .unwrap();
        assert_eq!(found.total, 11);
        let found = store
            .list_monitor_failed_rows("a", "PRICE is", 1)
            .await
            .unwrap();
        assert_eq!(found.total, 120);
        let behind = store.monitor_failed_rows_behind("a", 100, 5).await.unwrap();
        assert_eq!(
            behind.iter().map(|row| row.row).collect::<Vec<_>>(),
            [101, 102, 103, 104, 105]
        );
    }

    #[tokio::test]
    async fn a_check_counts_what_an_import_would_do() {
        let (_directory, store) = store().await;
        assert!(commit(&store, 0, batch(10)).await);
        let mut changed = product(10);
        changed.product.stock = Some(1);
        let again = ProductRow {
            is_repeat: true,
            ..product(30)
        };
        let products = vec![product(10), changed, product(20), product(20), again];
        let check = rows_of(ImportMode::Check, products, Vec::new(), 4);
        let would = store.check_monitor_batch(&check).await.unwrap();
        let expected = Written {
            added: 1,
            updated: 1,
            replaced: 3,
            ..Written::default()
        };
        assert_eq!(would.written, expected);
        assert_eq!(store.list_products("", 1).await.unwrap().total, 1);
    }

    #[tokio::test]
    async fn notes_are_listed_by_kind_and_go_with_their_import() {
        let (_directory, store) = store().await;
        let kind = BatchKind::sqlite(ImportMode::Import);
        let notes = (1..=60).flat_map(|row| [warning(row, 0), warning(row, 1)]);
        let mut tally = Tally {
            rows_read: 60,
            warnings: 120,
            ..Tally::default()
        };
        tally.passed_over.add("image");
        let notes = notes.collect::<Vec<_>>();
        let noted = ImportBatch::new(kind, Vec::new(), Vec::new(), notes, tally.clone(), 60);
        assert!(commit(&store, 0, noted).await);
        assert_eq!(
            store.monitor_import("a").await.unwrap().unwrap().tally,
            tally
        );
        let list = async |search: &str, page| {
            let list = store.list_row_notes("a", NoteKind::Warning, search, page);
            list.await.unwrap()
        };
        let last = list("", 9).await;
        assert_eq!((last.page, last.pages, last.total), (3, 3, 120));
        assert_eq!(last.notes[19], warning(60, 1));
        assert_eq!(list("s-6", 1).await.total, 4);
        let none = store.list_row_notes("a", NoteKind::Replaced, "", 1).await;
        assert_eq!(none.unwrap().total, 0);
        let behind = store.row_notes_behind("a", NoteKind::Warning, (59, 0), 2);
        assert_eq!(behind.await.unwrap(), [warning(59, 1), warning(60, 0)]);
        store
            .finish_monitor_import("a", ImportStatus::Error, None, None)
            .await
            .unwrap();
        store.remove_monitor_import("a").await.unwrap().unwrap();
        while store.remove_import_rows(None).await.unwrap() > 0 {}
        assert_eq!(list("", 1).await.total, 0);
    }

    #[test]
    fn what_does_not_add_up_is_said() {
        let mut tally = Tally {
            rows_read: 4,
            ..Tally::default()
        };
        tally.passed_over.add("image");
        let sound = MonitorImport {
            progress: ImportProgress {
                processed_products: 2,
                failed_products: 1,
                total_products: 3,
            },
            written: Written {
                added: 1,
                replaced: 1,
                ..Written::default()
            },
            tally,
            ..MonitorImport::default()
        };
        assert_eq!(sound.mismatch(), None);
        let mut counted_more = sound.clone();
        counted_more.progress.total_products = 4;
        assert_eq!(counted_more.mismatch(), None);
        let mut lost = sound.clone();
        lost.progress.total_products = 10;
        let (contained, done) = (10, 3);
        assert_eq!(
            lost.mismatch(),
            Some(ErrorCode::MiscountedFile { contained, done })
        );
        let mut lost = sound.clone();
        lost.tally.rows_read = 5;
        assert_eq!(lost.mismatch().unwrap().code(), "miscounted-rows");
        let mut lost = sound;
        lost.written.added = 0;
        assert_eq!(lost.mismatch().unwrap().code(), "miscounted-products");
    }

    #[tokio::test]
    async fn what_was_said_of_a_file_of_a_source_is_remembered_for_that_source_first() {
        let (_directory, store) = store().await;
        let remembered = async |source| store.remembered_mapping(source, "h").await.unwrap();
        let [one, two] = [Some("one"), Some("two")];
        store.remember_mapping(one, "h", "of one").await.unwrap();
        assert_eq!(remembered(one).await.as_deref(), Some("of one"));
        // Where nothing else was said, that is better than to ask.
        assert_eq!(remembered(two).await.as_deref(), Some("of one"));
        store.remember_mapping(two, "h", "of two").await.unwrap();
        assert_eq!(remembered(one).await.as_deref(), Some("of one"));
        assert_eq!(remembered(two).await.as_deref(), Some("of two"));
        assert_eq!(remembered(None).await.as_deref(), Some("of one"));
        store.remember_mapping(None, "h", "of any").await.unwrap();
        assert_eq!(remembered(None).await.as_deref(), Some("of any"));
        assert_eq!(remembered(one).await.as_deref(), Some("of one"));
    }

    #[tokio::test]
    async fn what_was_said_of_a_file_is_remembered_for_its_header() {
        let (_directory, store) = store().await;
        store.remember_mapping(None, "h", "1").await.unwrap();
        store.remember_mapping(None, "h", "2").await.unwrap();
        let remembered = store.remembered_mapping(None, "h").await.unwrap();
        assert_eq!(remembered.as_deref(), Some("2"));
        assert_eq!(store.remembered_mapping(None, "g").await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_import_that_waits_for_an_answer_is_not_run_and_can_be_removed() {
        let (_directory, store) = store().await;
        let asked = store.ask_monitor_import("a", Question::Columns);
        let asked = asked.await.unwrap().unwrap();
        assert_eq!(
            (asked.needs, asked.status),
            (Some(Question::Columns), ImportStatus::Pending)
        );
        assert_eq!(store.begin_monitor_import("a").await.unwrap(), None);
        assert!(store.unfinished_monitor_imports().await.unwrap().is_empty());
        let waiting = async |before| {
            store
                .unanswered_monitor_imports(before)
                .await
                .unwrap()
                .len()
        };
        assert_eq!((waiting(now() + 1).await, waiting(0).await), (1, 0));

        assert!(store.answer_monitor_import("a", "{}").await.unwrap());
        assert!(!store.answer_monitor_import("a", "{}").await.unwrap());
        let begun = store.begin_monitor_import("a").await.unwrap().unwrap();
        assert_eq!((begun.needs, begun.mapping.as_deref()), (None, Some("{}")));
        assert_eq!(store.remove_monitor_import("a").await.unwrap(), None);

        let question = Question::DecimalMark;
        store.ask_monitor_import("a", question).await.unwrap();
        assert!(store.remove_monitor_import("a").await.unwrap().is_some());
        assert_eq!(store.ask_monitor_import("a", question).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_import_that_ends_waits_for_nothing() {
        let (_directory, store) = store().await;
        store
            .ask_monitor_import("a", Question::Sheets)
            .await
            .unwrap();
        let ended = store
            .finish_monitor_import("a", ImportStatus::Error, None, Some(Question::Sheets))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((ended.needs, ended.problem), (None, Some(Question::Sheets)));
        assert!(!store.answer_monitor_import("a", "{}").await.unwrap());
    }
}
