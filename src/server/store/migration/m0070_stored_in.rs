//! Directories of uploads, separate from leases.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let alter = Table::alter()
            .table("monitor_imports")
            .add_column(text_null("stored_in"))
            .to_owned();
        manager.alter_table(alter).await?;
        let directories = Table::create()
            .table("monitor_directories")
            .col(text("id").primary_key())
            .col(big_integer("seen_at"))
            .to_owned();
        manager.create_table(directories).await?;
        // An index for the queue, independent of the number of finished imports.
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE INDEX monitor_imports_waiting ON monitor_imports (created_at, id) \
                 WHERE status = 'PENDING'",
            )
            .await?;
        Ok(())
    }
}
