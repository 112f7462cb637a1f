//! Records the products that an import adds as changes: by one statement per batch, in the transaction of the batch. A
//! trigger per row takes twice as long in SQLite.

use sea_orm::{DatabaseBackend, Value};

use super::{
    StoreError,
    bulk::{Bound, BulkTransaction},
};

const NOTE: &str = "INSERT INTO product_changes (id, identity, kind, previous) \
     SELECT p.last_change, p.identity, 0, coalesce((SELECT max(gone.id) FROM product_changes AS gone \
         WHERE gone.kind = 2 AND gone.identity = p.identity), 0) \
     FROM products AS p WHERE p.number > ?1 AND p.last_change <> 0";

/// Products that are added from now on in SQLite. PostgreSQL's trigger, which is called once per statement, records
/// them itself.
#[derive(Debug)]
pub(super) struct AddedFromHere(Option<i64>);

impl AddedFromHere {
    /// Numbers are never reused, so new products have higher ones.
    pub(super) async fn mark(db: &mut BulkTransaction) -> Result<Self, StoreError> {
        if db.backend() == DatabaseBackend::Postgres {
            return Ok(Self(None));
        }
        let newest = "SELECT coalesce(max(number), 0) FROM products";
        let rows = db.fetch(newest, Vec::new()).await?;
        let number = rows
            .first()
            .map(|row| row.try_get_by_index(0))
            .transpose()?;
        Ok(Self(number))
    }

    pub(super) async fn note(self, db: &mut BulkTransaction) -> Result<(), StoreError> {
        if let Self(Some(number)) = self {
            let values = Bound::new(db.backend(), vec![Value::from(number)]);
            db.execute_bound(NOTE.into(), values).await?;
        }
        Ok(())
    }
}
