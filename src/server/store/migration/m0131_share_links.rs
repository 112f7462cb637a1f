//! Links to an import, usable without an account.

use sea_orm::ConnectionTrait as _;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = "CREATE TABLE share_links (
                id TEXT PRIMARY KEY NOT NULL,
                job_id TEXT NOT NULL REFERENCES product_import_jobs (id) ON DELETE CASCADE,
                created_by TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                created_at BIGINT NOT NULL,
                expires_at BIGINT NOT NULL
            );
            CREATE INDEX share_links_by_job ON share_links (job_id);
            CREATE INDEX share_links_by_creator ON share_links (created_by);";
        let db = manager.get_connection();
        db.execute_unprepared(tables).await?;
        Ok(())
    }
}
