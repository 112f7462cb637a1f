//! Indexes for finding expired data.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, column) in [
            (
                "product_import_jobs_by_end",
                "product_import_jobs",
                "completed_at",
            ),
            ("monitor_imports_by_end", "monitor_imports", "completed_at"),
            ("deleted_jobs_by_time", "deleted_jobs", "deleted_at"),
        ] {
            let index = Index::create()
                .name(name)
                .table(table)
                .col(column)
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
