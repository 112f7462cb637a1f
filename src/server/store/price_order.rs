//! The index by price, which is put off while an import writes many products.
//!
//! Prices come in any order, so each transaction of an import changes most pages of that index: with a million products it
//! takes two thirds of what all else does. Made afterwards it takes a second or two. Until then lists by price are
//! sorted when they are asked for.

use std::sync::atomic::Ordering;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, TransactionTrait};

use super::{Store, StoreError, from_db, now, product_list::price_expression};

/// Rows of an import that is worth it.
const MANY: u64 = 100_000;

impl Store {
    /// Drops the index by price if an import of so many rows writes a third of the products or more.
    /// [`make_price_order`](Self::make_price_order) recreates it after that. Returns whether it was dropped; errors are only
    /// logged, because the import is only slower with the index.
    pub async fn put_off_price_order(&self, rows: u64) -> bool {
        if rows < MANY {
            return false;
        }
        // Until the first rows are written, nothing else keeps it from being recreated.
        self.imported_at.store(now(), Ordering::Relaxed);
        self.drop_price_order(rows).await.unwrap_or_else(|error| {
            tracing::info!(%error, "The index by price is kept during this import");
            false
        })
    }

    async fn drop_price_order(&self, rows: u64) -> Result<bool, StoreError> {
        let most = rows.saturating_mul(2);
        let products = format!(
            "SELECT count(*) FROM (SELECT 1 FROM products LIMIT {}) AS counted",
            most.saturating_add(1)
        );
        if from_db(self.number_of(&products).await?) > most || !self.has_price_order().await? {
            return Ok(false);
        }
        let transaction = self.db.begin().await?;
        if self.db.get_database_backend() == DbBackend::Postgres {
            // A statement that waits for the lock blocks all later ones.
            let timeout = "SET LOCAL lock_timeout = '500ms'";
            transaction.execute_unprepared(timeout).await?;
        }
        transaction
            .execute_unprepared("DROP INDEX products_by_price")
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Makes the index by price if it is not there. Returns whether it had to.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn make_price_order(&self) -> Result<bool, StoreError> {
        if self.has_price_order().await? {
            return Ok(false);
        }
        let price = price_expression(self.db.get_database_backend()).replace("p.price", "price");
        let make =
            format!("CREATE INDEX IF NOT EXISTS products_by_price ON products ({price}, identity)");
        self.db.execute_unprepared(&make).await?;
        Ok(true)
    }

    async fn has_price_order(&self) -> Result<bool, StoreError> {
        let there = match self.db.get_database_backend() {
            DbBackend::Postgres => {
                "SELECT count(*) FROM pg_indexes WHERE schemaname = current_schema() \
                 AND indexname = 'products_by_price'"
            }
            _ => {
                "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = 'products_by_price'"
            }
        };
        Ok(self.number_of(there).await? > 0)
    }

    async fn number_of(&self, sql: &str) -> Result<i64, DbErr> {
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        let row = self.db.query_one_raw(statement).await?;
        row.map_or(Ok(0), |row| row.try_get_by_index(0))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        model::{job::ImportMode, products_filter::ProductsFilter},
        server::store::{
            changes::tests::import_as,
            test_database::{TestDatabase, product},
        },
    };

    #[tokio::test]
    async fn lists_by_price_are_the_same_while_its_index_is_put_off() {
        let (_database, store) = TestDatabase::opened().await;
        let products = [
            product("A", "Cup", "10"),
            product("B", "Bowl", "9.5"),
            product("C", "Jug", "100"),
        ];
        import_as(ImportMode::Import, &store, "one", &products).await;
        let by_price = ProductsFilter::read(|name| (name == "sort").then(|| "price".to_owned()));
        let by_price = by_price.unwrap();
        let listed = async || {
            let found = store.filter_products(&by_price, None, 50, Duration::ZERO);
            let skus = found.await.unwrap().products.into_iter();
            skus.filter_map(|product| product.sku).collect::<String>()
        };
        assert!(!store.put_off_price_order(MANY - 1).await);
        assert!(!store.make_price_order().await.unwrap());
        assert!(store.put_off_price_order(MANY).await);
        assert!(!store.has_price_order().await.unwrap());
        assert_eq!(listed().await, "BAC");
        // It may have been dropped before.
        assert!(!store.put_off_price_order(MANY).await);
        assert!(store.make_price_order().await.unwrap());
        assert!(store.has_price_order().await.unwrap());
        assert_eq!(listed().await, "BAC");
    }
}
