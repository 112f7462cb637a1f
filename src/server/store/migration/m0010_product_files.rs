//! Rows, columns and products of imports.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns() {
            // SQLite adds one column at a time.
            let alter = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(alter).await?;
        }
        manager.create_table(mappings()).await?;
        // Positions were bytes and become rows: unfinished imports restart, which changes no product.
        let db = manager.get_connection();
        db.execute_unprepared(
            "DELETE FROM monitor_failed_rows WHERE import_id IN \
             (SELECT id FROM monitor_imports WHERE status = 'PENDING')",
        )
        .await?;
        db.execute_unprepared(
            "UPDATE monitor_imports SET position = 0, total_products = 0, processed_products = 0, \
             failed_products = 0 WHERE status = 'PENDING'",
        )
        .await?;
        Ok(())
    }
}

fn columns() -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("products", text_null("currency")),
        ("products", text_null("gtin")),
        ("products", big_integer_null("stock")),
        ("products", text_null("availability")),
        ("products", text_null("url")),
        ("monitor_imports", text_null("owner")),
        ("monitor_imports", text("mode").default("import").take()),
        ("monitor_imports", text_null("problem")),
        ("monitor_imports", text_null("header")),
        ("monitor_imports", text_null("mapping")),
        ("monitor_imports", big_integer("added").default(0).take()),
        ("monitor_imports", big_integer("updated").default(0).take()),
        (
            "monitor_imports",
            big_integer("unchanged").default(0).take(),
        ),
        ("monitor_failed_rows", text_null("column_name")),
        ("monitor_failed_rows", text_null("value")),
        ("monitor_failed_rows", text_null("cells")),
    ]
}

fn mappings() -> TableCreateStatement {
    Table::create()
        .table("monitor_mappings")
        .col(text("owner"))
        .col(text("header"))
        .col(text("mapping"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("owner").col("header"))
        .to_owned()
}
