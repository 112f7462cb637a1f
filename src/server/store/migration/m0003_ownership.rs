//! Sources of roles, visits of external accounts, adopted and deleted jobs.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for (table, column) in [
            ("users", text("role_from").default("owner").take()),
            ("users", big_integer_null("seen_at").take()),
            ("product_import_jobs", big_integer_null("adopted_at").take()),
        ] {
            let alter = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(alter).await?;
        }
        // Roles other than staff were set explicitly.
        manager
            .get_connection()
            .execute_unprepared(
                "UPDATE users SET role_from = 'default' \
                 WHERE shown_email IS NOT NULL AND role = 'staff'",
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("deleted_jobs")
                    .col(text("id").primary_key())
                    .col(big_integer("deleted_at"))
                    .to_owned(),
            )
            .await
    }
}
