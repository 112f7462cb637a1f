//! Leases of imports.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let leases = Table::create()
            .table("monitor_leases")
            .col(text("import_id").primary_key())
            .col(text("worker"))
            .col(big_integer("until"))
            .foreign_key(
                ForeignKey::create()
                    .from("monitor_leases", "import_id")
                    .to("monitor_imports", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        manager.create_table(leases).await
    }
}
