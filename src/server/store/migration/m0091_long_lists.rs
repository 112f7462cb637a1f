//! Indexes for long lists of imports, by time and by status.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

const INDICES: [&str; 3] = [
    "CREATE INDEX product_import_jobs_by_time ON product_import_jobs (created_at, id)",
    "CREATE INDEX product_import_jobs_by_status ON product_import_jobs (status, created_at, id)",
    "CREATE INDEX product_import_jobs_of_user ON product_import_jobs (user_id, created_at, id)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        // The index by user and time lacks the rest of the order.
        db.execute_unprepared("DROP INDEX product_import_jobs_by_user")
            .await?;
        for index in INDICES {
            db.execute_unprepared(index).await?;
        }
        Ok(())
    }
}
