//! What SQLite's index has for the first word of a text. All of it is filled anew, in the background.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if db.get_database_backend() != DbBackend::Postgres {
            db.execute_unprepared(
                "INSERT INTO product_search (product_search) VALUES ('delete-all');
                DELETE FROM products_to_index;
                UPDATE product_search_state SET through = 0;",
            )
            .await?;
        }
        Ok(())
    }
}
