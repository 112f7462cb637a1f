//! Creators of links, and the role `observer` for viewers who saw every import.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let made_by = text_null("made_by").take();
        let alter = Table::alter()
            .table("account_links")
            .add_column(made_by)
            .to_owned();
        manager.alter_table(alter).await?;
        for table in ["users", "account_links"] {
            let update = Query::update()
                .table(table)
                .value("role", "observer")
                .and_where(Expr::col("role").eq("viewer"))
                .to_owned();
            manager.execute(update).await?;
        }
        Ok(())
    }
}
