//! Importers record the products that they add themselves, where that takes less than a trigger.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let sql = match db.get_database_backend() {
            DbBackend::Postgres => POSTGRES,
            _ => "DROP TRIGGER products_added_change",
        };
        db.execute_unprepared(sql).await?;
        Ok(())
    }
}

/// An importer that records what it adds says so for its transaction.
const POSTGRES: &str = "
CREATE OR REPLACE FUNCTION note_added_products() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('import_relay.notes_added', true) = 'yes' THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM product_changes WHERE kind = 2 ORDER BY identity LIMIT 1;
    IF FOUND THEN
        INSERT INTO product_changes (id, identity, kind, previous)
            SELECT last_change, identity, 0, coalesce((SELECT max(gone.id) FROM product_changes AS gone
                WHERE gone.kind = 2 AND gone.identity = added.identity), 0)
            FROM added WHERE last_change <> 0;
    ELSE
        INSERT INTO product_changes (id, identity, kind, previous)
            SELECT last_change, identity, 0, 0 FROM added WHERE last_change <> 0;
    END IF;
    RETURN NULL;
END $$;
";
