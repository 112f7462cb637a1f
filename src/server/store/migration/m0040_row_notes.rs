//! Notes on rows, sizes and checksums of uploads, sale prices.

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
        manager.create_table(row_notes()).await
    }
}

fn columns() -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("products", text_null("sale_price")),
        ("monitor_imports", big_integer_null("size")),
        ("monitor_imports", text_null("checksum")),
        (
            "monitor_imports",
            big_integer("rows_read").default(0).take(),
        ),
        ("monitor_imports", text_null("passed_over")),
        ("monitor_imports", text_null("understood")),
        ("monitor_imports", big_integer("warnings").default(0).take()),
        ("monitor_imports", big_integer("replaced").default(0).take()),
    ]
}

fn row_notes() -> TableCreateStatement {
    Table::create()
        .table("monitor_row_notes")
        .col(text("import_id"))
        .col(text("kind"))
        .col(big_integer("row"))
        .col(big_integer("part"))
        .col(big_integer("line"))
        .col(text("label"))
        .col(text("reason"))
        .col(text_null("column_name"))
        .col(text_null("value"))
        .col(big_integer_null("by_line"))
        .primary_key(
            Index::create()
                .col("import_id")
                .col("kind")
                .col("row")
                .col("part"),
        )
        .foreign_key(
            ForeignKey::create()
                .from("monitor_row_notes", "import_id")
                .to("monitor_imports", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
