//! The mode of a recorded import: import or check.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mode = text("mode").default("import").take();
        let alter = Table::alter()
            .table("product_import_jobs")
            .add_column(mode)
            .to_owned();
        manager.alter_table(alter).await
    }
}
