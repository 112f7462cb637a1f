//! Error codes beside English sentences, and whether an import was cancelled. Existing sentences stay without a code
//! and are displayed as they are.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

const IMPORTS: [&str; 2] = ["product_import_jobs", "monitor_imports"];

/// Beginnings of older versions' sentences for cancelled imports.
const CANCELLED: [&str; 6] = [
    "The import was cancelled",
    "Cancelled after importing ",
    "Cancelled after undoing ",
    "Cancelled before any products were imported",
    "The dry run was cancelled",
    "The check was cancelled",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let events = ["import_events"];
        let rows = ["monitor_failed_rows", "monitor_row_notes"];
        let columns = IMPORTS
            .into_iter()
            .chain(events)
            .flat_map(|table| [(table, "error_code"), (table, "error_params")]);
        let of_rows = rows
            .into_iter()
            .flat_map(|table| [(table, "code"), (table, "params")]);
        for (table, column) in columns.chain(of_rows) {
            add(manager, table, text_null(column)).await?;
        }
        for table in IMPORTS {
            let cancelled = boolean("cancelled").default(false).take();
            add(manager, table, cancelled).await?;
            let begins = CANCELLED.map(|begin| format!("error LIKE '{begin}%'"));
            let update = format!(
                "UPDATE {table} SET cancelled = TRUE WHERE status = 'ERROR' AND ({})",
                begins.join(" OR ")
            );
            manager.get_connection().execute_unprepared(&update).await?;
        }
        Ok(())
    }
}

async fn add(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: ColumnDef,
) -> Result<(), DbErr> {
    let alter = Table::alter().table(table).add_column(column).to_owned();
    manager.alter_table(alter).await
}
