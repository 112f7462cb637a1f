//! Roles, session lists, API tokens, links and the audit log.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in user_columns() {
            let alter = Table::alter().table("users").add_column(column).to_owned();
            manager.alter_table(alter).await?;
        }
        manager
            .get_connection()
            .execute_unprepared(
                "UPDATE users SET role = 'owner' WHERE id = \
                 (SELECT id FROM users ORDER BY created_at, id LIMIT 1)",
            )
            .await?;
        // Existing sessions lack the new columns and are ended.
        manager
            .drop_table(Table::drop().table("sessions").to_owned())
            .await?;
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indices() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn user_columns() -> [ColumnDef; 4] {
    [
        text("role").default("staff").take(),
        text_null("shown_email").take(),
        big_integer_null("disabled_at").take(),
        big_integer("signed_out_at").default(0).take(),
    ]
}

fn tables() -> [TableCreateStatement; 4] {
    [
        Table::create()
            .table("sessions")
            .col(text("token_hash").primary_key())
            .col(text_uniq("id"))
            .col(text("user_id"))
            .col(big_integer("created_at"))
            .col(big_integer("last_seen_at"))
            .col(big_integer("expires_at"))
            .col(text_null("address"))
            .col(text_null("agent"))
            .foreign_key(
                ForeignKey::create()
                    .from("sessions", "user_id")
                    .to("users", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned(),
        Table::create()
            .table("api_tokens")
            .col(text("id").primary_key())
            .col(text_uniq("token_hash"))
            .col(text("user_id"))
            .col(text("name"))
            .col(text("scope"))
            .col(big_integer("created_at"))
            .col(big_integer_null("last_used_at"))
            .col(big_integer_null("expires_at"))
            .foreign_key(
                ForeignKey::create()
                    .from("api_tokens", "user_id")
                    .to("users", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned(),
        Table::create()
            .table("account_links")
            .col(text("id").primary_key())
            .col(text_uniq("token_hash"))
            .col(text_null("role"))
            .col(text_null("user_id"))
            .col(text("note"))
            .col(big_integer("created_at"))
            .col(big_integer("expires_at"))
            .foreign_key(
                ForeignKey::create()
                    .from("account_links", "user_id")
                    .to("users", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned(),
        // Without foreign keys: events outlive accounts.
        Table::create()
            .table("audit_events")
            .col(text("id").primary_key())
            .col(big_integer("at"))
            .col(text_null("actor_id"))
            .col(text("actor"))
            .col(text("action"))
            .col(text("subject"))
            .col(text_null("address"))
            .to_owned(),
    ]
}

fn indices() -> [IndexCreateStatement; 3] {
    [
        Index::create()
            .name("sessions_by_user_id")
            .table("sessions")
            .col("user_id")
            .to_owned(),
        Index::create()
            .name("api_tokens_by_user")
            .table("api_tokens")
            .col("user_id")
            .to_owned(),
        Index::create()
            .name("audit_events_by_time")
            .table("audit_events")
            .col("at")
            .to_owned(),
    ]
}
