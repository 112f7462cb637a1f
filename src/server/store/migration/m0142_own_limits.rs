//! Limits of an import that replace the settings'.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter()
            .table("monitor_imports")
            .add_column(text_null("limits"))
            .to_owned();
        manager.alter_table(table).await
    }
}
