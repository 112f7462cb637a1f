//! Imports that undo another one.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            text_null("undoes"),
            boolean("undo_everything").default(false).to_owned(),
            big_integer("removed").default(0).to_owned(),
        ];
        for column in columns {
            // SQLite adds one column at a time.
            let alter = Table::alter()
                .table("monitor_imports")
                .add_column(column)
                .to_owned();
            manager.alter_table(alter).await?;
        }
        let index = Index::create()
            .name("monitor_imports_by_undone")
            .table("monitor_imports")
            .col("undoes")
            .to_owned();
        manager.create_index(index).await
    }
}
