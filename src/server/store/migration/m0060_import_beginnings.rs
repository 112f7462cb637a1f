//! First rows of the files of imports.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("monitor_import_beginnings")
            .col(text("import_id").primary_key())
            .col(text("rows"))
            .foreign_key(
                ForeignKey::create()
                    .from("monitor_import_beginnings", "import_id")
                    .to("monitor_imports", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        manager.create_table(table).await
    }
}
