//! An index for lists of imports by file.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index =
            "CREATE INDEX product_import_jobs_by_file ON product_import_jobs (lower(filename), id)";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }
}
