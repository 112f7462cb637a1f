//! Email preferences.

use sea_orm::ConnectionTrait as _;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = "CREATE TABLE mail_preferences (
                user_id TEXT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                wish TEXT NOT NULL,
                language TEXT NOT NULL
            );";
        let db = manager.get_connection();
        db.execute_unprepared(table).await?;
        Ok(())
    }
}
