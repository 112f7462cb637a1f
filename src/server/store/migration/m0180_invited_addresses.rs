//! The email address that an invitation is for, where one was given.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter()
            .table("account_links")
            .add_column(text_null("email"))
            .to_owned();
        manager.alter_table(table).await
    }
}
