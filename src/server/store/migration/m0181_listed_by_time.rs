//! The index by time of imports with all that a list filters by and counts, so that pages and counts of one user's
//! imports are read from it alone.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in [
            "DROP INDEX product_import_jobs_by_time",
            "CREATE INDEX product_import_jobs_by_time
                ON product_import_jobs (created_at, id, user_id, shared, status)",
        ] {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
