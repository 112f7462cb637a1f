//! Indexes for the sort orders of products other than by name.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        // Products without a price sort below all others.
        let price = match db.get_database_backend() {
            DbBackend::Postgres => {
                "(CASE WHEN price ~ '^[0-9]+([.][0-9]+)?$' THEN price::numeric ELSE -1 END)"
            }
            _ => "coalesce(CAST(price AS REAL), -1)",
        };
        db.execute_unprepared(&format!(
            "CREATE INDEX products_by_updated ON products (updated_at, identity);
            CREATE INDEX products_by_price ON products ({price}, identity);
            CREATE INDEX products_out_of_stock ON products (name, identity)
                WHERE (availability = 'out_of_stock' OR (availability IS NULL AND stock <= 0));"
        ))
        .await?;
        Ok(())
    }
}
