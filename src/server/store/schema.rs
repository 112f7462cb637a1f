//! The schema's version. Migrates under a lock; older programs reject a newer schema.

use std::collections::HashSet;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, QueryOrder, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigrationName, MigratorTrait, seaql_migrations};

use super::{StoreError, migration::Migrator};

const LOCK: i64 = 0x696d_706f_7274_7265;

/// The state of a schema.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Schema {
    /// Applied known migrations, in order.
    pub applied: Vec<String>,
    /// Pending migrations.
    pub pending: Vec<String>,
    /// Migrations of a newer version.
    pub unknown: Vec<String>,
}

impl Schema {
    /// Does not change the database. In an empty database all migrations are pending.
    pub(super) async fn read(db: &impl ConnectionTrait) -> Result<Self, StoreError> {
        let recorded = recorded(db).await?;
        let known: Vec<String> = Migrator::migrations()
            .iter()
            .map(|migration| MigrationName::name(migration.as_ref()).to_owned())
            .collect();
        let names: HashSet<&str> = known.iter().map(String::as_str).collect();
        let unknown = recorded
            .iter()
            .filter(|name| !names.contains(name.as_str()))
            .cloned()
            .collect();
        let (applied, pending) = known.into_iter().partition(|name| recorded.contains(name));
        Ok(Self {
            applied,
            pending,
            unknown,
        })
    }

    fn refuse_newer(&self) -> Result<(), StoreError> {
        match self.unknown.last() {
            None => Ok(()),
            Some(newest) => Err(StoreError::Newer {
                migration: newest.clone(),
            }),
        }
    }
}

/// Applies pending migrations and returns their names. Of several processes one migrates while the others wait.
pub(super) async fn migrate(db: &DatabaseConnection) -> Result<Vec<String>, StoreError> {
    let schema = Schema::read(db).await?;
    schema.refuse_newer()?;
    if schema.pending.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = db
        .begin_with_options(TransactionOptions {
            // SQLite's write lock is the lock.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        })
        .await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction
            .execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
            .await?;
    }
    // Another process may have migrated.
    let schema = Schema::read(&transaction).await?;
    schema.refuse_newer()?;
    Migrator::up(&transaction, None).await?;
    transaction.commit().await?;
    Ok(schema.pending)
}

/// Does not create the table of migrations.
async fn recorded(db: &impl ConnectionTrait) -> Result<Vec<String>, StoreError> {
    let backend = db.get_database_backend();
    let probe = match backend {
        DbBackend::Postgres => {
            "SELECT 1 AS found WHERE to_regclass('seaql_migrations') IS NOT NULL"
        }
        _ => {
            "SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'"
        }
    };
    let found = db
        .query_one_raw(Statement::from_string(backend, probe))
        .await?;
    if found.is_none() {
        return Ok(Vec::new());
    }
    let rows = seaql_migrations::Entity::find()
        .order_by_asc(seaql_migrations::Column::Version)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

#[cfg(test)]
mod tests {
    use sea_orm::ActiveValue::Set;

    use super::*;
    use crate::{
        i18n::messages::ErrorCode,
        model::{
            job::{ImportStatus, ProductImportJob},
            job_state::{JobState, Recorded},
            reason::Reason,
        },
        server::store::{
            Store,
            bulk::BulkTransaction,
            products::{NewProduct, ProductRow, Upsert},
            row_notes::NoteKind,
            test_database::TestDatabase,
        },
    };

    /// Creates a database with the schema before a migration.
    async fn before(migration: &str) -> (TestDatabase, Store) {
        let database = TestDatabase::create().await;
        let store = Store::connect(&database.url).await.unwrap();
        let all = Migrator::migrations();
        let mut names = all.iter().map(|it| MigrationName::name(it.as_ref()));
        let steps = names.position(|name| name == migration).unwrap();
        let steps = u32::try_from(steps).unwrap();
        Migrator::up(&store.db, Some(steps)).await.unwrap();
        (database, store)
    }

    #[tokio::test]
    async fn many_processes_that_start_at_once_migrate_once() {
        let database = TestDatabase::create().await;
        let starts = (0..8).map(|_| Store::open(&database.url));
        for started in futures::future::join_all(starts).await {
            let store = started.unwrap();
            let schema = store.schema().await.unwrap();
            assert!(schema.pending.is_empty() && !schema.applied.is_empty());
        }
    }

    #[tokio::test]
    async fn a_database_that_is_newer_than_the_program_is_refused_and_left_alone() {
        let (database, store) = TestDatabase::opened().await;
        seaql_migrations::Entity::insert(seaql_migrations::ActiveModel {
            version: Set("m9999_from_the_future".to_owned()),
            applied_at: Set(0),
        })
        .exec_without_returning(&store.db)
        .await
        .unwrap();
        let refused = Store::open(&database.url).await.unwrap_err().to_string();
        assert!(
            refused.contains("newer") && refused.contains("m9999_from_the_future"),
            "{refused}"
        );
        let schema = store.schema().await.unwrap();
        assert_eq!(schema.unknown, ["m9999_from_the_future"]);
    }

    #[tokio::test]
    async fn products_of_the_version_before_stay_and_are_found() {
        let (database, before) = before("m0090_product_search").await;
        before
            .db
            .execute_unprepared(
                "INSERT INTO products (identity, sku, name, price, search_text, created_at, updated_at, currency, \
                 gtin, stock, availability, url, sale_price) VALUES \
                 ('sku:A', 'A', 'Lamp', '1.50', 'lamp a sku:a', 3, 4, 'EUR', '4006381333931', 5, 'in_stock', \
                 'https://shop.example/a', '1.20'), \
                 ('sku:B', 'B', 'Chair', NULL, 'chair b sku:b', 6, 7, NULL, NULL, NULL, NULL, NULL, NULL)",
            )
            .await
            .unwrap();
        let text = |text: &str| Some(text.to_owned());
        let products = [
            NewProduct {
                identity: "sku:A".to_owned(),
                sku: text("A"),
                name: "Lamp".to_owned(),
                price: text("1.50"),
                sale_price: text("1.20"),
                currency: text("EUR"),
                gtin: text("4006381333931"),
                stock: Some(5),
                availability: text("in_stock"),
                url: text("https://shop.example/a"),
                ..NewProduct::default()
            },
            NewProduct {
                identity: "sku:B".to_owned(),
                sku: text("B"),
                name: "Chair".to_owned(),
                ..NewProduct::default()
            },
        ];
        before.close().await.unwrap();

        let store = Store::open(&database.url).await.unwrap();
        assert_eq!(store.products_after("", 9).await.unwrap(), products);
        for _ in 0..2 {
            let found = store.list_products("LAM", 1).await.unwrap().items;
            assert_eq!(found.len(), 1);
            assert_eq!(
                (found[0].identity.as_str(), found[0].updated_at),
                ("sku:A", 4)
            );
            while store.index_products().await.unwrap() {}
        }
    }

    #[tokio::test]
    async fn imports_of_the_version_before_stay_as_long_as_they_are_to_be_kept() {
        let (database, before) = before("m0092_retention").await;
        // Written by that version; one import has no end, the others ended at 10 and 20.
        before
            .db
            .execute_unprepared(
                "INSERT INTO users (id, email, name, created_at, role) VALUES ('u', 'a@example.com', 'Ada', 1, 'staff');
                 INSERT INTO product_import_jobs (id, user_id, filename, status, processed_products, failed_products, \
                 failed_product_skus, created_at, updated_at, completed_at) VALUES \
                 ('old', 'u', 'a.csv', 'PARTIAL_SUCCESS', 1, 1, '[\"B\"]', 1, 2, 10), \
                 ('new', 'u', 'b.csv', 'SUCCESS', 1, 0, '[]', 1, 2, 20), \
                 ('runs', 'u', 'c.csv', 'PENDING', 1, 0, '[]', 1, 2, NULL);
                 INSERT INTO monitor_imports (id, filename, stored_as, status, total_products, processed_products, \
                 failed_products, position, created_at, updated_at, completed_at) VALUES \
                 ('old', 'a.csv', 'old.upload', 'PARTIAL_SUCCESS', 2, 1, 1, 2, 1, 2, 10), \
                 ('new', 'b.csv', 'new.upload', 'SUCCESS', 1, 1, 0, 1, 1, 2, 20), \
                 ('runs', 'c.csv', 'runs.upload', 'PENDING', 9, 1, 0, 1, 1, 2, NULL);
                 INSERT INTO monitor_failed_rows (import_id, row, line, sku, reason) VALUES \
                 ('old', 1, 2, 'B', 'The price is missing.');
                 INSERT INTO deleted_jobs (id, deleted_at) VALUES ('x', 10), ('y', 20);",
            )
            .await
            .unwrap();
        before.close().await.unwrap();

        let store = Store::open(&database.url).await.unwrap();
        let count = async |table: &str| {
            let sql = format!("SELECT CAST(count(*) AS BIGINT) AS n FROM {table}");
            let statement = Statement::from_string(store.db.get_database_backend(), sql);
            let row = store.db.query_one_raw(statement).await.unwrap().unwrap();
            row.try_get::<i64>("", "n").unwrap()
        };
        let all = async || {
            let mut all = Vec::new();
            for table in [
                "product_import_jobs",
                "monitor_imports",
                "monitor_failed_rows",
                "deleted_jobs",
            ] {
                all.push(count(table).await);
            }
            all
        };
        assert_eq!(all().await, [3, 3, 1, 2]);
        let failed = store.monitor_failed_rows("old", 9).await.unwrap();
        assert_eq!((failed.len(), failed[0].sku.as_str()), (1, "B"));
        assert_eq!(store.remove_ended_jobs(15).await.unwrap(), 1);
        assert_eq!(store.forget_deleted_jobs(15).await.unwrap(), 1);
        assert_eq!(store.remove_ended_imports(15).await.unwrap(), 1);
        while store.remove_import_rows(Some(15)).await.unwrap() > 0 {}
        // The deleted job is remembered.
        assert_eq!(all().await, [2, 2, 0, 2]);
        let left = store.unfinished_monitor_imports().await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].id.as_str(), left[0].position), ("runs", 1));
    }

    #[tokio::test]
    async fn products_and_changes_of_the_version_before_stay_and_get_images_and_options() {
        let (database, before) = before("m0173_images_and_options").await;
        // Written by that version: an import that added a product, and one that raised its price.
        let change = |import: i64| (import << 36) | 1;
        for statement in [
            "INSERT INTO import_numbers (number, import_id, began_at) VALUES (1, 'a', 10), (2, 'b', 20)"
                .to_owned(),
            format!(
                "INSERT INTO products (identity, sku, name, price, search_text, created_at, updated_at, last_change) \
                 VALUES ('sku:A', 'A', 'Lamp', '1.50', 'lamp\nsku:a', 3, 4, {})",
                change(1)
            ),
            format!(
                "UPDATE products SET price = '3', updated_at = 5, last_change = {} WHERE identity = 'sku:A'",
                change(2)
            ),
        ] {
            before.db.execute_unprepared(&statement).await.unwrap();
        }
        if before.db.get_database_backend() == DbBackend::Postgres {
            let next = "SELECT setval(pg_get_serial_sequence('import_numbers', 'number'), 2)";
            before.db.execute_unprepared(next).await.unwrap();
        }
        before.close().await.unwrap();

        let store = Store::open(&database.url).await.unwrap();
        let products = store.products_after("", 9).await.unwrap();
        assert_eq!((&products[0].image, &products[0].options), (&None, &None));
        let fields = async || {
            let history = store.product_history("sku:A", None, 9).await.unwrap().0;
            let changes = history.into_iter().map(|entry| entry.change);
            changes
                .map(|change| {
                    let fields = change.fields.into_iter();
                    fields
                        .map(|it| {
                            let [old, new] = [it.old, it.new].map(Option::unwrap_or_default);
                            format!("{}: {old} > {new}", it.field.as_str())
                        })
                        .collect::<Vec<_>>()
                        .join(", ")
                })
                .collect::<Vec<_>>()
        };
        let old = [
            "price: 1.50 > 3",
            "sku:  > A, name:  > Lamp, price:  > 1.50",
        ];
        assert_eq!(fields().await, old);

        let number = store.number_import("c").await.unwrap();
        let row = ProductRow {
            product: NewProduct {
                image: Some("https://shop.example/a.jpg".to_owned()),
                options: Some("Red/L".to_owned()),
                ..products[0].clone()
            },
            row: 1,
            ..ProductRow::default()
        };
        let mut transaction = BulkTransaction::begin(&store).await.unwrap();
        let upsert = Upsert::new(vec![row], transaction.backend(), 6, Some(number));
        let written = upsert.write(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(written.updated, 1);
        let told = fields().await;
        let newest = "image:  > https://shop.example/a.jpg, options:  > Red/L";
        assert_eq!(told[0], newest);
        assert_eq!(told[1..], old);
    }

    #[tokio::test]
    async fn products_of_the_version_before_have_changes_from_then_on() {
        let (database, before) = before("m0100_product_changes").await;
        before
            .db
            .execute_unprepared(
                "INSERT INTO products (identity, sku, name, price, search_text, created_at, updated_at) VALUES \
                 ('sku:A', 'A', 'Lamp', '1.50', 'lamp\nsku:a', 3, 4)",
            )
            .await
            .unwrap();
        before.close().await.unwrap();

        let store = Store::open(&database.url).await.unwrap();
        let products = store.products_after("", 9).await.unwrap();
        assert_eq!(
            (products.len(), products[0].price.as_deref()),
            (1, Some("1.50"))
        );
        let history = async || store.product_history("sku:A", None, 9).await.unwrap().0;
        assert!(history().await.is_empty());
        let number = store.number_import("a").await.unwrap();
        let mut dearer = products[0].clone();
        dearer.price = Some("3".to_owned());
        let row = ProductRow {
            product: dearer,
            row: 1,
            ..ProductRow::default()
        };
        let mut transaction = BulkTransaction::begin(&store).await.unwrap();
        let upsert = Upsert::new(vec![row], transaction.backend(), 5, Some(number));
        upsert.write(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        let history = history().await;
        assert_eq!(history.len(), 1);
        assert_eq!(history[0].change.price_change, Some(10_000));
    }

    #[tokio::test]
    async fn a_session_of_the_version_before_lasts_and_has_no_passkey() {
        let (database, before) = before("m0121_passkeys").await;
        let far = i64::MAX;
        for statement in [
            "INSERT INTO users (id, email, name, password_hash, role, created_at, role_from) \
             VALUES ('ada', 'ada@example.com', 'Ada', 'x', 'owner', 1, 'owner')"
                .to_owned(),
            format!(
                "INSERT INTO sessions (token_hash, id, user_id, created_at, last_seen_at, expires_at, confirmed_at) \
                 VALUES ('hash', 'one', 'ada', 1, {far}, {far}, 7)"
            ),
        ] {
            before.db.execute_unprepared(&statement).await.unwrap();
        }
        let store = Store::open(&database.url).await.unwrap();
        let lifetime = crate::server::config::SessionLifetime {
            absolute: std::time::Duration::from_secs(60),
            idle: std::time::Duration::from_secs(60),
        };
        let session = store.find_session("hash", lifetime).await.unwrap().unwrap();
        assert_eq!(session.user.email, "ada@example.com");
        assert_eq!(session.passkey, None);
        assert_eq!(store.session_confirmed_at(&session.id).await.unwrap(), 7);
        assert!(!store.has_any_passkey().await.unwrap());
    }

    #[tokio::test]
    async fn sentences_of_the_version_before_stay_readable_and_tell_who_was_cancelled() {
        let (database, before) = before("m0150_error_codes").await;
        before
            .db
            .execute_unprepared(
                "INSERT INTO users (id, email, name, created_at, role) VALUES ('u', 'a@example.com', 'Ada', 1, 'staff');
                 INSERT INTO product_import_jobs (id, user_id, filename, status, error, processed_products, \
                 failed_products, failed_product_skus, created_at, updated_at, completed_at) VALUES \
                 ('cancelled', 'u', 'a.csv', 'ERROR', 'Cancelled after importing 3 of 10 products.', 3, 0, '[]', 1, 2, 10), \
                 ('failed', 'u', 'b.csv', 'ERROR', 'The shop is closed.', 0, 0, '[]', 1, 2, 20), \
                 ('runs', 'u', 'c.csv', 'PENDING', NULL, 1, 0, '[]', 1, 2, NULL);
                 INSERT INTO monitor_imports (id, filename, stored_as, status, error, total_products, \
                 processed_products, failed_products, position, created_at, updated_at, completed_at) VALUES \
                 ('cancelled', 'a.csv', 'a.upload', 'ERROR', 'The check was cancelled.', 2, 1, 1, 2, 1, 2, 10);
                 INSERT INTO monitor_failed_rows (import_id, row, line, sku, reason) VALUES \
                 ('cancelled', 1, 2, 'B', 'The price is missing.');
                 INSERT INTO monitor_row_notes (import_id, kind, row, part, line, label, reason) VALUES \
                 ('cancelled', 'warning', 1, 0, 2, 'B', 'The stock is odd.');",
            )
            .await
            .unwrap();
        before.close().await.unwrap();

        let store = Store::open(&database.url).await.unwrap();
        let end = |_: &ProductImportJob| JobState {
            status: ImportStatus::Error,
            error: Some(ErrorCode::AllFailed { failed: 9 }.into()),
            total_products: 9,
            processed_products: 1,
            failed_products: 0,
            failed_product_skus: None,
            completed_at: Some(3),
        };
        let job = async |id: &str| match store.end_job(&id.parse().unwrap(), end).await.unwrap() {
            Recorded::Over(job) | Recorded::Ended(job) => *job,
            other => panic!("{other:?}"),
        };
        let cancelled = job("cancelled").await;
        assert!(cancelled.is_cancelled());
        let words = Reason::words("Cancelled after importing 3 of 10 products.");
        assert_eq!(cancelled.error, Some(words.with_cancelled(true)));
        let failed = job("failed").await;
        assert_eq!(failed.error, Some(Reason::words("The shop is closed.")));
        let import = store.monitor_import("cancelled").await.unwrap().unwrap();
        assert!(import.is_cancelled());
        let rows = store
            .list_monitor_failed_rows("cancelled", "PRICE", 1)
            .await
            .unwrap();
        assert_eq!(rows.rows[0].reason, Reason::words("The price is missing."));
        let notes = store
            .list_row_notes("cancelled", NoteKind::Warning, "odd", 1)
            .await
            .unwrap();
        assert_eq!(notes.notes[0].reason, Reason::words("The stock is odd."));

        // Events of later ends have the code.
        let error = job("runs").await.error.unwrap();
        assert_eq!(error, ErrorCode::AllFailed { failed: 9 }.into());
        let sql =
            "SELECT error_code, error_params FROM import_events WHERE kind = 'import.finished'";
        let statement = Statement::from_string(store.db.get_database_backend(), sql);
        let row = store.db.query_one_raw(statement).await.unwrap().unwrap();
        let told: (String, String) = (
            row.try_get("", "error_code").unwrap(),
            row.try_get("", "error_params").unwrap(),
        );
        assert_eq!(
            told,
            ("all-failed".to_owned(), r#"{"failed":9}"#.to_owned())
        );
    }

    #[tokio::test]
    async fn looking_at_an_empty_database_changes_nothing() {
        let database = TestDatabase::create().await;
        let store = Store::connect(&database.url).await.unwrap();
        let schema = store.schema().await.unwrap();
        assert!(schema.applied.is_empty() && !schema.pending.is_empty());
        assert_eq!(store.schema().await.unwrap(), schema);
    }
}
