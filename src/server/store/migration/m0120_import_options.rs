//! Options of imports: which products and values are written, and full files.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            // JSON; `NULL` writes everything.
            text_null("options"),
            // Rows of products that the options exclude.
            big_integer("left_alone").default(0).to_owned(),
            // Missing products, and those marked as out of stock.
            big_integer("missing").default(0).to_owned(),
            big_integer("marked").default(0).to_owned(),
            // The last missing product looked up.
            text_null("missing_after"),
        ];
        for column in columns {
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
