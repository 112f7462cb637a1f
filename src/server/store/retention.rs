//! Deletes expired data in batches, one transaction each.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, SelectStatement},
};

use super::{
    Store, StoreError,
    entity::{audit_event, failed_row, monitor_import, row_note},
};
use crate::model::job::{ImportStatus, UnixMillis};

pub(crate) const SLICE: u64 = 1_000;

/// Status of a deleted import that still has rows; visible in this module only.
pub(super) const REMOVED: &str = "REMOVED";

pub(super) fn has_ended() -> Condition {
    Condition::all()
        .add(monitor_import::Column::Status.is_not_in([ImportStatus::Pending.as_str(), REMOVED]))
}

impl Store {
    pub(crate) async fn remove_audit_events(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let old = audit_event::Entity::find()
            .select_only()
            .column(audit_event::Column::Id)
            .filter(audit_event::Column::At.lt(before))
            .order_by_asc(audit_event::Column::At)
            .limit(SLICE)
            .into_query();
        let removed = audit_event::Entity::delete_many()
            .filter(audit_event::Column::Id.in_subquery(old))
            .exec(&self.db)
            .await?;
        Ok(removed.rows_affected)
    }

    /// Deletes imports of the price monitor that ended before a time. Returns their number.
    /// [`remove_import_rows`](Self::remove_import_rows) deletes their rows.
    pub(crate) async fn remove_ended_imports(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let old = monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::Id)
            .filter(has_ended())
            .filter(monitor_import::Column::CompletedAt.lt(before))
            .limit(SLICE)
            .into_query();
        let removed = monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Status, Expr::value(REMOVED))
            .filter(monitor_import::Column::Id.in_subquery(old))
            .exec(&self.db)
            .await?;
        Ok(removed.rows_affected)
    }

    /// Deletes a batch of row results of deleted imports and of those that ended before a time, then imports without
    /// rows. Returns the number of deleted rows.
    pub(crate) async fn remove_import_rows(
        &self,
        before: Option<UnixMillis>,
    ) -> Result<u64, StoreError> {
        let mut is_old = Condition::any().add(monitor_import::Column::Status.eq(REMOVED));
        if let Some(before) = before {
            let ended = has_ended().add(monitor_import::Column::CompletedAt.lt(before));
            is_old = is_old.add(ended);
        }
        let has_rows = Condition::any()
            .add(Expr::exists(failed_rows()))
            .add(Expr::exists(row_notes()));
        let import: Option<String> = monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::Id)
            .filter(is_old)
            .filter(has_rows)
            .limit(1)
            .into_tuple()
            .one(&self.db)
            .await?;
        let Some(import) = import else {
            return self.remove_emptied_imports().await;
        };
        let removed = self.remove_failed_rows(&import).await?;
        if removed > 0 {
            return Ok(removed);
        }
        self.remove_row_notes(&import).await
    }

    async fn remove_failed_rows(&self, import: &str) -> Result<u64, StoreError> {
        let some = failed_row::Entity::find()
            .select_only()
            .column(failed_row::Column::Row)
            .filter(failed_row::Column::ImportId.eq(import))
            .limit(SLICE)
            .into_query();
        let removed = failed_row::Entity::delete_many()
            .filter(failed_row::Column::ImportId.eq(import))
            .filter(failed_row::Column::Row.in_subquery(some))
            .exec(&self.db)
            .await?;
        Ok(removed.rows_affected)
    }

    async fn remove_row_notes(&self, import: &str) -> Result<u64, StoreError> {
        use row_note::Column::{ImportId, Kind, Part, Row};
        let some = row_note::Entity::find()
            .select_only()
            .columns([Kind, Row, Part])
            .filter(ImportId.eq(import))
            .limit(SLICE)
            .into_query();
        let key = Expr::tuple([Kind, Row, Part].map(Expr::col));
        let removed = row_note::Entity::delete_many()
            .filter(ImportId.eq(import))
            .filter(key.in_subquery(some))
            .exec(&self.db)
            .await?;
        Ok(removed.rows_affected)
    }

    async fn remove_emptied_imports(&self) -> Result<u64, StoreError> {
        let emptied: Vec<String> = monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::Id)
            .filter(monitor_import::Column::Status.eq(REMOVED))
            .filter(Expr::exists(failed_rows()).not())
            .filter(Expr::exists(row_notes()).not())
            .limit(SLICE)
            .into_tuple()
            .all(&self.db)
            .await?;
        if emptied.is_empty() {
            return Ok(0);
        }
        // Changes stay with the products; the import ID may be used again.
        self.unname_imports(&emptied).await?;
        let removed = monitor_import::Entity::delete_many()
            .filter(monitor_import::Column::Id.is_in(emptied))
            .exec(&self.db)
            .await?;
        Ok(removed.rows_affected)
    }

    pub(crate) async fn imports_that_are_over(
        &self,
        ids: &[String],
    ) -> Result<Vec<String>, StoreError> {
        Ok(monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::Id)
            .filter(monitor_import::Column::Id.is_in(ids.iter().map(String::as_str)))
            .filter(monitor_import::Column::Status.ne(ImportStatus::Pending.as_str()))
            .into_tuple()
            .all(&self.db)
            .await?)
    }
}

fn failed_rows() -> SelectStatement {
    failed_row::Entity::find()
        .select_only()
        .column(failed_row::Column::Row)
        .filter(
            Expr::col((failed_row::Entity, failed_row::Column::ImportId))
                .equals((monitor_import::Entity, monitor_import::Column::Id)),
        )
        .into_query()
}

fn row_notes() -> SelectStatement {
    row_note::Entity::find()
        .select_only()
        .column(row_note::Column::Row)
        .filter(
            Expr::col((row_note::Entity, row_note::Column::ImportId))
                .equals((monitor_import::Entity, monitor_import::Column::Id)),
        )
        .into_query()
}

#[cfg(test)]
mod tests {
    use sea_orm::{ActiveValue::Set, PaginatorTrait};

    use super::*;
    use crate::{
        model::clock::now,
        server::{
            config::Retention,
            store::{
                janitor::{self, Chores},
                monitor_imports::NewImport,
                test_database::TestDatabase,
            },
        },
    };

    async fn ended(store: &Store, id: &str, rows: u64, notes: u64) {
        let new = NewImport {
            id: id.to_owned(),
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
        let failed = (0..rows).map(|row| failed_row::ActiveModel {
            import_id: Set(id.to_owned()),
            row: Set(row.cast_signed()),
            line: Set(1),
            sku: Set("bad".to_owned()),
            reason: Set("The price is missing.".to_owned()),
            code: Set(None),
            params: Set(None),
            column_name: Set(None),
            value: Set(None),
            cells: Set(Some("x".repeat(1_000))),
        });
        let failed: Vec<_> = failed.collect();
        for some in failed.chunks(500) {
            let insert = failed_row::Entity::insert_many(some.iter().cloned());
            insert.exec_without_returning(&store.db).await.unwrap();
        }
        let notes = (0..notes).map(|row| row_note::ActiveModel {
            import_id: Set(id.to_owned()),
            kind: Set("warning".to_owned()),
            row: Set(row.cast_signed() / 2),
            part: Set(row.cast_signed() % 2),
            line: Set(1),
            label: Set(String::new()),
            reason: Set(String::new()),
            code: Set(None),
            params: Set(None),
            column_name: Set(None),
            value: Set(None),
            by_line: Set(None),
            cells: Set(None),
        });
        let notes: Vec<_> = notes.collect();
        for some in notes.chunks(500) {
            let insert = row_note::Entity::insert_many(some.iter().cloned());
            insert.exec_without_returning(&store.db).await.unwrap();
        }
        store
            .finish_monitor_import(id, ImportStatus::PartialSuccess, None, None)
            .await
            .unwrap();
    }

    async fn rows(store: &Store) -> u64 {
        failed_row::Entity::find().count(&store.db).await.unwrap()
            + row_note::Entity::find().count(&store.db).await.unwrap()
    }

    #[tokio::test]
    async fn a_removed_import_is_gone_at_once_and_its_rows_go_a_slice_at_a_time() {
        let (_database, store) = TestDatabase::opened().await;
        ended(&store, "a", 2 * SLICE + 10, SLICE + 10).await;
        ended(&store, "b", 10, 10).await;
        store.remove_monitor_import("a").await.unwrap().unwrap();
        assert_eq!(store.monitor_import("a").await.unwrap(), None);
        assert_eq!(store.remove_monitor_import("a").await.unwrap(), None);
        assert!(rows(&store).await > 3 * SLICE, "nobody waits for its rows");
        loop {
            let before = rows(&store).await;
            let removed = store.remove_import_rows(None).await.unwrap();
            let gone = before - rows(&store).await;
            assert!(gone <= SLICE, "{gone} in one transaction");
            if removed == 0 {
                break;
            }
        }
        assert_eq!(rows(&store).await, 20);
        let left = monitor_import::Entity::find().count(&store.db).await;
        assert_eq!(left.unwrap(), 1);
    }

    #[tokio::test]
    async fn rows_and_imports_are_kept_as_long_as_is_set() {
        let (_database, store) = TestDatabase::opened().await;
        ended(&store, "a", 10, 10).await;
        let kept = |rows, imports| Retention {
            rows,
            imports,
            ..Retention::default()
        };
        let tidy = async |retention| {
            // Imports that ended in this millisecond are not older.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            let tidied = janitor::tidy(&store, &retention, Chores::PriceMonitor);
            tidied.await.unwrap();
        };
        let (day, none) = (
            std::time::Duration::from_secs(86_400),
            std::time::Duration::ZERO,
        );
        for retention in [kept(None, None), kept(Some(day), Some(day))] {
            tidy(retention).await;
            assert_eq!(rows(&store).await, 20);
        }
        tidy(kept(Some(none), None)).await;
        assert_eq!(rows(&store).await, 0);
        assert!(store.monitor_import("a").await.unwrap().is_some());
        tidy(kept(None, Some(none))).await;
        assert_eq!(store.monitor_import("a").await.unwrap(), None);
        let left = monitor_import::Entity::find().count(&store.db).await;
        assert_eq!(left.unwrap(), 0);
    }

    #[tokio::test]
    async fn an_import_that_is_not_over_keeps_its_rows() {
        let (_database, store) = TestDatabase::opened().await;
        let new = NewImport {
            id: "a".to_owned(),
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
        assert_eq!(store.remove_ended_imports(now() + 1).await.unwrap(), 0);
        assert_eq!(store.remove_import_rows(Some(now() + 1)).await.unwrap(), 0);
        assert!(store.monitor_import("a").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_file_of_sqlite_gives_back_what_is_free() {
        let database = TestDatabase::create().await;
        if !database.url.is_file() {
            return;
        }
        let store = Store::open(&database.url).await.unwrap();
        let pages = async || -> i64 {
            let pool = store.bulk.as_ref().unwrap();
            sqlx::query_scalar("PRAGMA page_count")
                .fetch_one(pool)
                .await
                .unwrap()
        };
        let empty = pages().await;
        ended(&store, "a", 6_000, 0).await;
        let full = pages().await;
        assert!(full > empty + 1_000, "{full} pages");
        store.remove_monitor_import("a").await.unwrap().unwrap();
        janitor::tidy(&store, &Retention::default(), Chores::PriceMonitor)
            .await
            .unwrap();
        let left = pages().await;
        assert!(left < empty + 300, "{left} of {full} pages are left");
    }

    #[tokio::test]
    async fn the_audit_log_is_kept_as_long_as_is_set() {
        let (_database, store) = TestDatabase::opened().await;
        for at in [1, 2, 3] {
            let event = audit_event::ActiveModel {
                id: Set(at.to_string()),
                at: Set(at),
                actor_id: Set(None),
                actor: Set("ada".to_owned()),
                action: Set("signed-in".to_owned()),
                subject: Set(String::new()),
                address: Set(None),
            };
            let insert = audit_event::Entity::insert(event);
            insert.exec_without_returning(&store.db).await.unwrap();
        }
        assert_eq!(store.remove_audit_events(3).await.unwrap(), 2);
        assert_eq!(store.remove_audit_events(3).await.unwrap(), 0);
        assert_eq!(store.list_events(1).await.unwrap().total, 1);
    }
}
