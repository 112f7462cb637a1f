//! Jobs started elsewhere that belong to all staff.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let alter = Table::alter()
            .table("product_import_jobs")
            .add_column(boolean("shared").default(false).take())
            .to_owned();
        manager.alter_table(alter).await?;
        // They belonged to the first visitor, which locked out the uploader.
        manager
            .get_connection()
            .execute_unprepared(
                "UPDATE product_import_jobs SET shared = TRUE WHERE adopted_at IS NOT NULL",
            )
            .await?;
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE INDEX product_import_jobs_shared ON product_import_jobs (created_at) WHERE shared",
            )
            .await?;
        Ok(())
    }
}
