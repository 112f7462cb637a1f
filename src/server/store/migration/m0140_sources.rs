//! Sources of product files, and their runs.

use sea_orm::ConnectionTrait as _;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // No foreign key from run to import, which may be deleted first.
        let tables = "CREATE TABLE sources (
                id TEXT PRIMARY KEY NOT NULL,
                owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                name TEXT NOT NULL,
                kind TEXT NOT NULL,
                address TEXT NOT NULL,
                login TEXT,
                login_shown TEXT,
                what TEXT NOT NULL,
                cron TEXT,
                time_zone TEXT,
                enabled BOOLEAN NOT NULL,
                created_at BIGINT NOT NULL,
                due_at BIGINT,
                due_by_request BOOLEAN NOT NULL,
                leased_by TEXT,
                leased_until BIGINT,
                failures BIGINT NOT NULL,
                etag TEXT,
                last_modified TEXT,
                checksum TEXT
            );
            CREATE INDEX sources_by_owner ON sources (owner_id);
            CREATE INDEX sources_due ON sources (due_at) WHERE due_at IS NOT NULL;
            CREATE TABLE source_runs (
                id TEXT PRIMARY KEY NOT NULL,
                source_id TEXT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
                cause TEXT NOT NULL,
                outcome TEXT NOT NULL,
                problem TEXT,
                job_id TEXT,
                status TEXT,
                started_at BIGINT NOT NULL,
                ended_at BIGINT,
                processed_products BIGINT,
                failed_products BIGINT
            );
            CREATE INDEX source_runs_by_source ON source_runs (source_id, id);
            CREATE INDEX source_runs_importing ON source_runs (source_id) WHERE outcome = 'importing';
            CREATE INDEX source_runs_by_time ON source_runs (started_at);";
        let db = manager.get_connection();
        db.execute_unprepared(tables).await?;
        Ok(())
    }
}
