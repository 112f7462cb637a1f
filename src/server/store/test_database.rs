//! Databases for tests.

use super::{Store, products::NewProduct};
use crate::server::config::DatabaseUrl;

/// A database for one test: a SQLite file, or one on the PostgreSQL server of `IMPORT_RELAY_POSTGRES` (a URL without a
/// database, whose user may create some).
pub(crate) struct TestDatabase {
    pub(crate) url: DatabaseUrl,
    pub(crate) directory: tempfile::TempDir,
}

impl TestDatabase {
    pub(crate) async fn create() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = match test_support::database::postgres_database().await {
            Some(url) => DatabaseUrl::parse(&url).unwrap(),
            None => DatabaseUrl::sqlite(&directory.path().join("test.db")),
        };
        Self { url, directory }
    }

    pub(crate) async fn opened() -> (Self, Store) {
        let database = Self::create().await;
        let store = Store::open(&database.url).await.unwrap();
        (database, store)
    }
}

/// Returns a product identified by SKU; an empty price is none.
pub(crate) fn product(sku: &str, name: &str, price: &str) -> NewProduct {
    NewProduct {
        identity: format!("sku:{sku}"),
        sku: Some(sku.to_owned()),
        name: name.to_owned(),
        price: (!price.is_empty()).then(|| price.to_owned()),
        ..NewProduct::default()
    }
}
