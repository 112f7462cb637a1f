//! Imports that wait for an answer, and shared mappings.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [text_null("needs"), big_integer_null("asked_at")] {
            // SQLite adds one column at a time.
            let alter = Table::alter()
                .table("monitor_imports")
                .add_column(column)
                .to_owned();
            manager.alter_table(alter).await?;
        }
        let db = manager.get_connection();
        // The newest mapping of a header row is kept.
        db.execute_unprepared(
            "DELETE FROM monitor_mappings WHERE EXISTS (SELECT 1 FROM monitor_mappings AS newer \
             WHERE newer.header = monitor_mappings.header \
             AND (newer.updated_at > monitor_mappings.updated_at \
             OR (newer.updated_at = monitor_mappings.updated_at \
             AND newer.owner > monitor_mappings.owner)))",
        )
        .await?;
        db.execute_unprepared("UPDATE monitor_mappings SET owner = ''")
            .await?;
        Ok(())
    }
}
