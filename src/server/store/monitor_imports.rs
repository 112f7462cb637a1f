//! The embedded price monitor's imports and their failed rows.

use std::hash::{DefaultHasher, Hash, Hasher};

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, DatabaseBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, TransactionTrait,
    sea_query::{Expr, ExprTrait, Func, OnConflict},
};

use super::{
    Store, StoreError,
    bulk::BulkTransaction,
    entity::{failed_row, mapping, monitor_import},
    from_db, now,
    products::{self, NewProduct, Said, Upsert, Written},
    to_db,
};
use crate::job::{ImportProgress, ImportStatus, UnixMillis};

/// How many failed rows a page has.
const FAILED_PAGE: u64 = 50;

/// An import as the embedded price monitor keeps it.
#[derive(Clone, Debug, Eq, PartialEq)]
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
    pub error: Option<String>,
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
    pub problem: Option<Problem>,
    /// The names of the file's columns, once known.
    pub header: Option<Vec<String>>,
    /// What somebody says the columns hold, as JSON.
    pub mapping: Option<String>,
    /// What became of the products that are through.
    pub written: Written,
    /// How often it was begun since it last made headway.
    pub attempts: u64,
}

/// What an import does with the products.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ImportMode {
    /// Writes them.
    #[default]
    Import,
    /// Says what writing them would do.
    Check,
}

impl ImportMode {
    /// Returns the word for it in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Check => "check",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Import, Self::Check]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// What batches are made ready for.
#[derive(Clone, Copy, Debug)]
pub struct BatchKind {
    mode: ImportMode,
    backend: DatabaseBackend,
}

impl BatchKind {
    /// For an SQLite database.
    #[cfg(test)]
    pub(crate) const fn sqlite(mode: ImportMode) -> Self {
        let backend = DatabaseBackend::Sqlite;
        Self { mode, backend }
    }
}

/// Why an import failed that a person could help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    /// What the columns hold is not known.
    Columns,
}

const COLUMNS_PROBLEM: &str = "columns";

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
    /// Why it failed, for people.
    pub reason: String,
    /// The column the reason is about, by its name in the file.
    pub column: Option<String>,
    /// What that column holds.
    pub value: Option<String>,
    /// The row's cells.
    pub cells: Vec<String>,
}

/// Rows of one import that are written together or not at all, made ready for that.
#[derive(Clone, Debug, Default)]
pub struct ImportBatch {
    products: u64,
    upsert: Upsert,
    checked: Vec<NewProduct>,
    said: Said,
    failed: Vec<FailedRow>,
    position: u64,
}

impl ImportBatch {
    /// Makes rows ready. `position` is how many rows of the file are through once these are.
    #[must_use]
    pub fn new(
        kind: BatchKind,
        products: Vec<NewProduct>,
        said: Said,
        failed: Vec<FailedRow>,
        position: u64,
    ) -> Self {
        let mut batch = Self {
            products: products.len() as u64,
            said,
            failed,
            position,
            ..Self::default()
        };
        match kind.mode {
            ImportMode::Import => {
                batch.upsert = Upsert::new(products, said, kind.backend, now());
            }
            ImportMode::Check => batch.checked = products,
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

    /// Returns marks of the products of a check, in their order.
    #[must_use]
    pub fn marks(&self) -> Vec<Mark> {
        self.checked.iter().map(Mark::of).collect()
    }

    /// Returns how many rows failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.len() as u64
    }
}

impl Store {
    /// Returns what the batches of such an import are made ready for.
    #[must_use]
    pub fn batch_kind(&self, mode: ImportMode) -> BatchKind {
        let backend = self.db.get_database_backend();
        BatchKind { mode, backend }
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
        let row = monitor_import::Entity::find_by_id(id).one(&self.db).await?;
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

    /// Lists the imports that are not over, oldest first.
    ///
    /// # Errors
    ///
    /// When the database fails or a row cannot be read.
    pub async fn unfinished_monitor_imports(&self) -> Result<Vec<MonitorImport>, StoreError> {
        let rows = monitor_import::Entity::find()
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .order_by_asc(monitor_import::Column::CreatedAt)
            .order_by_asc(monitor_import::Column::Id)
            .all(&self.db)
            .await?;
        rows.into_iter().map(MonitorImport::try_from).collect()
    }

    /// Lists the imports that ended at `since` or later, whose files may still be needed.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn monitor_files_in_use(&self, since: UnixMillis) -> Result<Vec<String>, StoreError> {
        Ok(monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::StoredAs)
            .filter(
                monitor_import::Column::Status
                    .eq(ImportStatus::Pending.as_str())
                    .or(monitor_import::Column::CompletedAt.gte(since)),
            )
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

    /// Writes a batch's products and failed rows and moves the import from position `from` to the
    /// batch's, in one transaction. Returns what became of the products, or `None` when nothing was
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
        checked: Written,
    ) -> Result<Option<Written>, StoreError> {
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
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now()))
            .col_expr(monitor_import::Column::Attempts, Expr::value(0_i64))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Position.eq(to_db(from)))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()));
        if transaction.execute(&mine).await? == 0 {
            return Ok(None);
        }
        let mut written = batch.upsert.write(&mut transaction).await?;
        written += checked;
        add_failed_rows(&mut transaction, id, &batch.failed).await?;
        let counts = monitor_import::Entity::update_many()
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
            .filter(monitor_import::Column::Id.eq(id));
        transaction.execute(&counts).await?;
        transaction.commit().await?;
        Ok(Some(written))
    }

    /// Sets an import that is not over back to its beginning.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn restart_monitor_import(&self, id: &str) -> Result<(), StoreError> {
        let transaction = self.db.begin().await?;
        let mut update = monitor_import::Entity::update_many()
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()));
        for column in [
            monitor_import::Column::Position,
            monitor_import::Column::ProcessedProducts,
            monitor_import::Column::FailedProducts,
            monitor_import::Column::Added,
            monitor_import::Column::Updated,
            monitor_import::Column::Unchanged,
        ] {
            update = update.col_expr(column, Expr::value(0_i64));
        }
        update.exec(&transaction).await?;
        failed_row::Entity::delete_many()
            .filter(failed_row::Column::ImportId.eq(id))
            .exec(&transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Says what writing a batch would do. `before` says of each of its products, in their order, whether
    /// the file had it before just like that; `None` where it had none.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn check_monitor_batch(
        &self,
        batch: &ImportBatch,
        before: &[Option<bool>],
    ) -> Result<Written, StoreError> {
        let identities = batch.checked.iter().map(|product| product.identity.clone());
        let there = self.products_as_they_are(identities.collect()).await?;
        let mut written = Written::default();
        for (product, before) in batch.checked.iter().zip(before) {
            match (before, there.get(&product.identity)) {
                (Some(same), _) => {
                    written.unchanged += u64::from(*same);
                    written.updated += u64::from(!*same);
                }
                (None, Some(old)) if product.is_like(old, batch.said) => written.unchanged += 1,
                (None, Some(_)) => written.updated += 1,
                (None, None) => written.added += 1,
            }
        }
        Ok(written)
    }

    /// Removes an import that is over, and its failed rows; its products stay. Returns it, or `None`
    /// when there is no such import or it is not over.
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
        let removed = monitor_import::Entity::delete_many()
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.ne(ImportStatus::Pending.as_str()))
            .exec(&self.db)
            .await?;
        Ok((removed.rows_affected > 0).then_some(import))
    }

    /// Remembers what a user says the columns of files with this header row hold.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn remember_mapping(
        &self,
        owner: &str,
        header: &str,
        mapping: &str,
    ) -> Result<(), StoreError> {
        let row = mapping::ActiveModel {
            owner: Set(owner.to_owned()),
            header: Set(header.to_owned()),
            mapping: Set(mapping.to_owned()),
            updated_at: Set(now()),
        };
        let replace = OnConflict::columns([mapping::Column::Owner, mapping::Column::Header])
            .update_columns([mapping::Column::Mapping, mapping::Column::UpdatedAt])
            .to_owned();
        mapping::Entity::insert(row)
            .on_conflict(replace)
            .exec_without_returning(&self.db)
            .await?;
        Ok(())
    }

    /// Returns what a user said the columns of files with this header row hold.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn remembered_mapping(
        &self,
        owner: &str,
        header: &str,
    ) -> Result<Option<String>, StoreError> {
        let row = mapping::Entity::find_by_id((owner.to_owned(), header.to_owned()))
            .one(&self.db)
            .await?;
        Ok(row.map(|row| row.mapping))
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
        error: Option<&str>,
        problem: Option<Problem>,
    ) -> Result<Option<MonitorImport>, StoreError> {
        let now = now();
        let problem = problem.map(|Problem::Columns| COLUMNS_PROBLEM.to_owned());
        let ended = monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Status, Expr::value(status.as_str()))
            .col_expr(
                monitor_import::Column::Error,
                Expr::value(error.map(str::to_owned)),
            )
            .col_expr(monitor_import::Column::Problem, Expr::value(problem))
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
                    .add(within(failed_row::Column::Reason))
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

/// What is remembered of a product that a check has come past: which one it is, and what it was like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mark {
    /// The same for the same product.
    pub identity: u64,
    /// The same for the same product with the same values.
    pub like: u64,
}

impl Mark {
    fn of(product: &NewProduct) -> Self {
        let mark = |value: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            value(&mut hasher);
            hasher.finish()
        };
        Self {
            identity: mark(&|hasher| product.identity.hash(hasher)),
            like: mark(&|hasher| product.hash(hasher)),
        }
    }
}

async fn add_failed_rows(
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
            reason: Set(failed.reason.clone()),
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
        Ok(Self {
            id: row.id,
            filename: row.filename,
            stored_as: row.stored_as,
            status,
            error: row.error,
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
            mode: ImportMode::parse(&row.mode).unwrap_or_default(),
            problem: row
                .problem
                .filter(|problem| problem == COLUMNS_PROBLEM)
                .map(|_| Problem::Columns),
            header: row
                .header
                .and_then(|header| serde_json::from_str(&header).ok()),
            mapping: row.mapping,
            written: Written {
                added: from_db(row.added),
                updated: from_db(row.updated),
                unchanged: from_db(row.unchanged),
            },
            attempts: from_db(row.attempts),
        })
    }
}

impl From<failed_row::Model> for FailedRow {
    fn from(row: failed_row::Model) -> Self {
        Self {
            row: from_db(row.row),
            line: from_db(row.line),
            sku: row.sku,
            reason: row.reason,
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
    use crate::server::config::DatabaseUrl;

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

    fn product(position: u64) -> NewProduct {
        NewProduct {
            identity: format!("sku:{position}"),
            name: "One".to_owned(),
            ..NewProduct::default()
        }
    }

    fn failed(row: u64) -> FailedRow {
        FailedRow {
            row,
            line: 1,
            sku: "bad".to_owned(),
            reason: "The price is missing.".to_owned(),
            column: Some("Price".to_owned()),
            value: Some(String::new()),
            cells: vec!["bad".to_owned(), String::new()],
        }
    }

    fn batch(position: u64) -> ImportBatch {
        ImportBatch::new(
            BatchKind::sqlite(ImportMode::Import),
            vec![product(position)],
            Said::ALL,
            vec![failed(position)],
            position,
        )
    }

    async fn commit(store: &Store, from: u64, batch: ImportBatch) -> bool {
        let none = Written::default();
        let committed = store.commit_monitor_batch("a", from, &batch, none).await;
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
        let twice = ImportBatch::new(
            BatchKind::sqlite(ImportMode::Import),
            products,
            Said::ALL,
            twice,
            10,
        );
        let none = Written::default();
        // It can be tried again as often as needed.
        for _ in 0..2 {
            store
                .commit_monitor_batch("a", 0, &twice, none)
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
        let ended = store
            .finish_monitor_import("a", ImportStatus::Error, Some("No."), None)
            .await
            .unwrap();
        let ended = ended.unwrap();
        assert_eq!(
            (ended.status, ended.error.as_deref()),
            (ImportStatus::Error, Some("No."))
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
        let all = ImportBatch::new(
            BatchKind::sqlite(ImportMode::Import),
            Vec::new(),
            Said::ALL,
            rows.collect(),
            120,
        );
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
        let changed = NewProduct {
            stock: Some(1),
            ..product(10)
        };
        let products = vec![product(10), changed.clone(), changed, product(20)];
        let check = ImportBatch::new(
            BatchKind::sqlite(ImportMode::Check),
            products,
            Said::ALL,
            Vec::new(),
            4,
        );
        let marks = check.marks();
        assert_eq!(marks[1], marks[2]);
        assert_eq!(marks[0].identity, marks[1].identity);
        assert_ne!(marks[0].like, marks[1].like);
        let before = [None, Some(false), Some(true), None];
        let would = store.check_monitor_batch(&check, &before).await.unwrap();
        let expected = Written {
            added: 1,
            updated: 1,
            unchanged: 2,
        };
        assert_eq!(would, expected);
        assert_eq!(store.list_products("", 1).await.unwrap().total, 1);
    }

    #[tokio::test]
    async fn a_mapping_is_remembered_for_its_user_and_header() {
        let (_directory, store) = store().await;
        store.remember_mapping("u", "h", "1").await.unwrap();
        store.remember_mapping("u", "h", "2").await.unwrap();
        assert_eq!(
            store.remembered_mapping("u", "h").await.unwrap().as_deref(),
            Some("2")
        );
        assert_eq!(store.remembered_mapping("v", "h").await.unwrap(), None);
    }
}
