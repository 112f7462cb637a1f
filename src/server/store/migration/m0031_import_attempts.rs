//! Starts of an import without progress.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let attempts = big_integer("attempts").default(0).take();
        let alter = Table::alter()
            .table("monitor_imports")
            .add_column(attempts)
            .to_owned();
        manager.alter_table(alter).await
    }
}
