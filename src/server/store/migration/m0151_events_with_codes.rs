//! Error codes in events of imports.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let finished = finished();
        let sql = if db.get_database_backend() == DbBackend::Postgres {
            format!(
                "CREATE OR REPLACE FUNCTION note_import_finished() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN {finished} RETURN NULL; END $$;"
            )
        } else {
            format!(
                "DROP TRIGGER import_finished_event;
                CREATE TRIGGER import_finished_event AFTER UPDATE OF status ON product_import_jobs
                    WHEN OLD.status = 'PENDING' AND NEW.status <> 'PENDING' BEGIN {finished} END;"
            )
        };
        db.execute_unprepared(&sql).await?;
        Ok(())
    }
}

/// Columns of an event taken from the import.
const COLUMNS: &str = "kind, job_id, at, filename, status, mode, error, error_code, error_params, \
    total_products, processed_products, failed_products";

/// An import has ended; perhaps an undo. Only this event has an error.
fn finished() -> String {
    format!(
        "INSERT INTO import_events ({COLUMNS}) VALUES ('import.finished', NEW.id, NEW.updated_at, NEW.filename,
            NEW.status, NEW.mode, NEW.error, NEW.error_code, NEW.error_params, NEW.total_products,
            NEW.processed_products, NEW.failed_products);
        INSERT INTO import_events ({COLUMNS}, undone_by)
            SELECT 'import.undone', j.id, NEW.updated_at, j.filename, j.status, j.mode, j.error, j.error_code,
                j.error_params, j.total_products, j.processed_products, j.failed_products, NEW.id
            FROM monitor_imports m JOIN product_import_jobs j ON j.id = m.undoes
            WHERE m.id = NEW.id AND NEW.status IN ('SUCCESS', 'PARTIAL_SUCCESS');"
    )
}
