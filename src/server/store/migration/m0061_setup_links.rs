//! Links that create the first owner.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("setup_links")
            .col(text("token_hash").primary_key())
            .col(big_integer("expires_at"))
            .to_owned();
        manager.create_table(table).await
    }
}
