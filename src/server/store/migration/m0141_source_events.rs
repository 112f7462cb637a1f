//! Events of sources: owner and data.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["owner_id", "about"] {
            let table = Table::alter()
                .table("import_events")
                .add_column(text_null(column))
                .to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}
