//! The source that an import's file is of, for which answers about its columns are remembered.

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
