//! Cancellations that no worker has seen yet.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let alter = Table::alter()
            .table("monitor_imports")
            .add_column(boolean("cancel_wanted").default(false).take())
            .to_owned();
        manager.alter_table(alter).await
    }
}
