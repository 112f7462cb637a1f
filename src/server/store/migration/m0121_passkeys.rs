//! Passkeys, their challenges, and the passkey of a session.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let of_user = |table: &'static str| {
            ForeignKey::create()
                .from(table, "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade)
                .to_owned()
        };
        let passkeys = Table::create()
            .table("passkeys")
            .col(text("id").primary_key())
            .col(text_uniq("credential_id"))
            .col(text("user_id"))
            .col(text("name"))
            .col(text("credential"))
            .col(boolean("is_synced"))
            .col(big_integer("created_at"))
            .col(big_integer_null("last_used_at"))
            .foreign_key(&mut of_user("passkeys"))
            .to_owned();
        manager.create_table(passkeys).await?;
        let by_user = Index::create()
            .name("passkeys_by_user")
            .table("passkeys")
            .col("user_id")
            .to_owned();
        manager.create_index(by_user).await?;
        let challenges = Table::create()
            .table("passkey_challenges")
            .col(text("token_hash").primary_key())
            .col(text("purpose"))
            .col(text_null("user_id"))
            .col(text("state"))
            .col(big_integer("expires_at"))
            .foreign_key(&mut of_user("passkey_challenges"))
            .to_owned();
        manager.create_table(challenges).await?;
        let by_age = Index::create()
            .name("passkey_challenges_by_age")
            .table("passkey_challenges")
            .col("expires_at")
            .to_owned();
        manager.create_index(by_age).await?;
        let alter = Table::alter()
            .table("sessions")
            .add_column(text_null("passkey_id").take())
            .to_owned();
        manager.alter_table(alter).await
    }
}
