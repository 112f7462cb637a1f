//! Accounts, sessions, jobs, and the tables of the embedded price monitor.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indices() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn tables() -> [TableCreateStatement; 6] {
    [
        Table::create()
            .table("users")
            .col(text("id").primary_key())
            .col(text_uniq("email"))
            .col(text("name"))
            .col(text_null("password_hash"))
            .col(big_integer("created_at"))
            .to_owned(),
        Table::create()
            .table("sessions")
            .col(text("token_hash").primary_key())
            .col(text("user_id"))
            .col(big_integer("created_at"))
            .col(big_integer("expires_at"))
            .foreign_key(
                ForeignKey::create()
                    .from("sessions", "user_id")
                    .to("users", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned(),
        Table::create()
            .table("product_import_jobs")
            .col(text("id").primary_key())
            .col(text("user_id"))
            .col(text("filename"))
            .col(text("status"))
            .col(text_null("error"))
            .col(big_integer_null("total_products"))
            .col(big_integer("processed_products"))
            .col(big_integer("failed_products"))
            .col(text("failed_product_skus"))
            .col(big_integer("created_at"))
            .col(big_integer("updated_at"))
            .col(big_integer_null("completed_at"))
            .foreign_key(
                ForeignKey::create()
                    .from("product_import_jobs", "user_id")
                    .to("users", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned(),
        Table::create()
            .table("products")
            .col(text("identity").primary_key())
            .col(text_null("sku"))
            .col(text("name"))
            .col(text_null("price"))
            .col(text("search_text"))
            .col(big_integer("created_at"))
            .col(big_integer("updated_at"))
            .to_owned(),
        Table::create()
            .table("monitor_imports")
            .col(text("id").primary_key())
            .col(text("filename"))
            .col(text("stored_as"))
            .col(text("status"))
            .col(text_null("error"))
            .col(big_integer("total_products"))
            .col(big_integer("processed_products"))
            .col(big_integer("failed_products"))
            .col(big_integer("position"))
            .col(big_integer("created_at"))
            .col(big_integer("updated_at"))
            .col(big_integer_null("completed_at"))
            .to_owned(),
        Table::create()
            .table("monitor_failed_rows")
            .col(text("import_id"))
            .col(big_integer("row"))
            .col(big_integer("line"))
            .col(text("sku"))
            .col(text("reason"))
            .primary_key(Index::create().col("import_id").col("row"))
            .foreign_key(
                ForeignKey::create()
                    .from("monitor_failed_rows", "import_id")
                    .to("monitor_imports", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned(),
    ]
}

fn indices() -> [IndexCreateStatement; 4] {
    [
        Index::create()
            .name("monitor_imports_by_status")
            .table("monitor_imports")
            .col("status")
            .to_owned(),
        Index::create()
            .name("product_import_jobs_by_user")
            .table("product_import_jobs")
            .col("user_id")
            .col("created_at")
            .to_owned(),
        Index::create()
            .name("products_by_name")
            .table("products")
            .col("name")
            .col("identity")
            .to_owned(),
        Index::create()
            .name("sessions_by_user")
            .table("sessions")
            .col("user_id")
            .to_owned(),
    ]
}
