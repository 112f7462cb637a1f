//! The source of an import's file, for which answers about columns are remembered.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter()
            .table("monitor_imports")
            .add_column(text_null("source"))
            .to_owned();
        manager.alter_table(table).await
    }
}
