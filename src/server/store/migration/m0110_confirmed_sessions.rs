//! When a session's user last proved their identity; unknown for existing sessions.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let alter = Table::alter()
            .table("sessions")
            .add_column(big_integer("confirmed_at").default(0).take())
            .to_owned();
        manager.alter_table(alter).await
    }
}
