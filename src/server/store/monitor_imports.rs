//! The embedded price monitor's imports and their failed rows.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
    sea_query::{Expr, ExprTrait},
};

use super::{
    Store, StoreError,
    entity::{failed_row, monitor_import},
    from_db, now,
    products::{self, NewProduct},
    to_db,
};
use crate::job::{ImportProgress, ImportStatus, UnixMillis};

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
    /// Bytes of the file whose rows are committed.
    pub position: u64,
    /// When the file came in.
    pub created_at: UnixMillis,
    /// When these numbers were written.
    pub updated_at: UnixMillis,
    /// When the import ended.
    pub completed_at: Option<UnixMillis>,
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
}

/// Rows of one import that are written together or not at all.
#[derive(Clone, Debug, Default)]
pub struct ImportBatch {
    /// The products of these rows.
    pub products: Vec<NewProduct>,
    /// The rows that failed.
    pub failed: Vec<FailedRow>,
    /// Bytes of the file that are through once these rows are.
    pub position: u64,
}

impl Store {
    /// Records a new import, waiting.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn add_monitor_import(
        &self,
        id: &str,
        filename: &str,
        stored_as: &str,
    ) -> Result<MonitorImport, StoreError> {
        let now = now();
        let import = monitor_import::Model {
            id: id.to_owned(),
            filename: filename.to_owned(),
            stored_as: stored_as.to_owned(),
            status: ImportStatus::Pending.to_string(),
            error: None,
            total_products: 0,
            processed_products: 0,
            failed_products: 0,
            position: 0,
            created_at: now,
            updated_at: now,
            completed_at: None,
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

    /// Records how many products the file holds.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn set_monitor_import_total(&self, id: &str, total: u64) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::TotalProducts,
                Expr::value(to_db(total)),
            )
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now()))
            .filter(monitor_import::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Writes a batch's products and failed rows and moves the import from position `from` to the
    /// batch's, in one transaction. Returns whether that was done: it is not when the import is no
    /// longer at `from`, because another process has taken it further or ended it.
    ///
    /// # Errors
    ///
    /// When the database fails; nothing of the batch is written then.
    pub async fn commit_monitor_batch(
        &self,
        id: &str,
        from: u64,
        batch: &ImportBatch,
    ) -> Result<bool, StoreError> {
        let now = now();
        let transaction = self.db.begin().await?;
        // A write comes first: SQLite cannot make a writer of a transaction that began by reading
        // once somebody else has written.
        let moved = monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::Position,
                Expr::value(to_db(batch.position)),
            )
            .col_expr(
                monitor_import::Column::ProcessedProducts,
                Expr::col(monitor_import::Column::ProcessedProducts).add(count(&batch.products)),
            )
            .col_expr(
                monitor_import::Column::FailedProducts,
                Expr::col(monitor_import::Column::FailedProducts).add(count(&batch.failed)),
            )
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Position.eq(to_db(from)))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .exec(&transaction)
            .await?;
        if moved.rows_affected == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        products::upsert(&transaction, &batch.products, now).await?;
        add_failed_rows(&transaction, id, &batch.failed).await?;
        transaction.commit().await?;
        Ok(true)
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
    ) -> Result<Option<MonitorImport>, StoreError> {
        let now = now();
        let ended = monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Status, Expr::value(status.as_str()))
            .col_expr(
                monitor_import::Column::Error,
                Expr::value(error.map(str::to_owned)),
            )
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

async fn add_failed_rows(
    db: &impl ConnectionTrait,
    id: &str,
    failed: &[FailedRow],
) -> Result<(), StoreError> {
    let rows = failed.iter().map(|failed| failed_row::ActiveModel {
        import_id: Set(id.to_owned()),
        row: Set(to_db(failed.row)),
        line: Set(to_db(failed.line)),
        sku: Set(failed.sku.clone()),
        reason: Set(failed.reason.clone()),
    });
    failed_row::Entity::insert_many(rows)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

fn count<T>(rows: &[T]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
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
        store.add_monitor_import("a", "a.csv", "a").await.unwrap();
        (directory, store)
    }

    fn batch(position: u64) -> ImportBatch {
        ImportBatch {
            products: vec![NewProduct {
                identity: format!("sku:{position}"),
                sku: None,
                name: "One".to_owned(),
                price: None,
            }],
            failed: vec![FailedRow {
                row: position,
                line: 1,
                sku: "bad".to_owned(),
                reason: "The price is missing.".to_owned(),
            }],
            position,
        }
    }

    #[tokio::test]
    async fn a_batch_is_written_once() {
        let (_directory, store) = store().await;
        assert!(
            store
                .commit_monitor_batch("a", 0, &batch(10))
                .await
                .unwrap()
        );
        assert!(
            !store
                .commit_monitor_batch("a", 0, &batch(20))
                .await
                .unwrap()
        );
        assert!(
            store
                .commit_monitor_batch("a", 10, &batch(20))
                .await
                .unwrap()
        );
        let import = store.monitor_import("a").await.unwrap().unwrap();
        assert_eq!((import.position, import.progress.done()), (20, 4));
        assert_eq!(store.monitor_failed_rows("a", 10).await.unwrap().len(), 2);
        assert_eq!(store.monitor_failed_rows("a", 1).await.unwrap()[0].row, 10);
    }

    #[tokio::test]
    async fn nothing_of_a_batch_stays_when_a_part_of_it_is_refused() {
        let (_directory, store) = store().await;
        let mut twice = batch(10);
        twice.failed.push(twice.failed[0].clone());
        store
            .commit_monitor_batch("a", 0, &twice)
            .await
            .unwrap_err();
        let import = store.monitor_import("a").await.unwrap().unwrap();
        assert_eq!((import.position, import.progress.done()), (0, 0));
        assert_eq!(store.list_products("", 1).await.unwrap().total, 0);
    }

    #[tokio::test]
    async fn an_import_ends_once() {
        let (_directory, store) = store().await;
        assert_eq!(store.unfinished_monitor_imports().await.unwrap().len(), 1);
        let ended = store
            .finish_monitor_import("a", ImportStatus::Error, Some("No."))
            .await
            .unwrap();
        let ended = ended.unwrap();
        assert_eq!(
            (ended.status, ended.error.as_deref()),
            (ImportStatus::Error, Some("No."))
        );
        assert!(ended.completed_at.is_some());
        let again = store
            .finish_monitor_import("a", ImportStatus::Success, None)
            .await
            .unwrap();
        assert_eq!(again, None);
        assert!(store.unfinished_monitor_imports().await.unwrap().is_empty());
        assert!(
            !store
                .commit_monitor_batch("a", 0, &batch(10))
                .await
                .unwrap()
        );
    }
}
