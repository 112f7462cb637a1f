//! Activity of imports.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Without a foreign key: the price monitor may write before the import is recorded.
        let table = Table::create()
            .table("import_activity")
            .col(text("id").primary_key())
            .col(text("job_id"))
            .col(big_integer("at"))
            .col(text("kind"))
            .col(text_null("actor_id"))
            .col(text_null("about"))
            .to_owned();
        manager.create_table(table).await?;
        for (name, column) in [
            ("import_activity_by_job", "job_id"),
            ("import_activity_by_time", "at"),
        ] {
            let index = Index::create()
                .name(name)
                .table("import_activity")
                .col(column)
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
