//! Imports that exceed a limit, and their approval.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            text_null("over_limit"),
            boolean("approved").default(false).to_owned(),
        ] {
            // SQLite adds one column at a time.
            let alter = Table::alter()
                .table("monitor_imports")
                .add_column(column)
                .to_owned();
            manager.alter_table(alter).await?;
        }
        Ok(())
    }
}
