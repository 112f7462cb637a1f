//! Images of products and options of variants, including their changes.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;

use super::m0100_product_changes::{postgres_update_function, sqlite_update_trigger};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Values of a product, in the order of the bits for changed values.
const FIELDS: [&str; 11] = [
    "sku",
    "name",
    "price",
    "sale_price",
    "currency",
    "gtin",
    "stock",
    "availability",
    "url",
    "image",
    "options",
];

const COLUMNS: [&str; 6] = [
    "ALTER TABLE products ADD COLUMN image TEXT",
    "ALTER TABLE products ADD COLUMN options TEXT",
    "ALTER TABLE product_changes ADD COLUMN old_image TEXT",
    "ALTER TABLE product_changes ADD COLUMN new_image TEXT",
    "ALTER TABLE product_changes ADD COLUMN old_options TEXT",
    "ALTER TABLE product_changes ADD COLUMN new_options TEXT",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for column in COLUMNS {
            db.execute_unprepared(column).await?;
        }
        let trigger = match db.get_database_backend() {
            DbBackend::Postgres => {
                let function = postgres_update_function(&FIELDS);
                format!("CREATE OR REPLACE {function}")
            }
            _ => {
                let trigger = sqlite_update_trigger(&FIELDS);
                format!("DROP TRIGGER products_updated_change; {trigger}")
            }
        };
        db.execute_unprepared(&trigger).await?;
        Ok(())
    }
}
