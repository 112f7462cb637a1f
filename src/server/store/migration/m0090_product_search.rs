//! Product search index, and the list of products not yet indexed.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared(match db.get_database_backend() {
            DbBackend::Postgres => POSTGRES,
            _ => SQLITE,
        })
        .await?;
        Ok(())
    }
}

/// The index uses a product number of its own, because SQLite's row IDs change on `VACUUM`. Numbers are not reused, so
/// those up to `through` are either indexed or listed.
///
/// Case is folded before, as for PostgreSQL.
const SQLITE: &str = "
CREATE TABLE products_numbered (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL UNIQUE,
    sku TEXT,
    name TEXT NOT NULL,
    price TEXT,
    search_text TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    currency TEXT,
    gtin TEXT,
    stock BIGINT,
    availability TEXT,
    url TEXT,
    sale_price TEXT
);
INSERT INTO products_numbered (
    identity, sku, name, price, search_text, created_at, updated_at, currency, gtin, stock, availability, url,
    sale_price
) SELECT
    identity, sku, name, price, search_text, created_at, updated_at, currency, gtin, stock, availability, url,
    sale_price
FROM products;
DROP TABLE products;
ALTER TABLE products_numbered RENAME TO products;
CREATE INDEX products_by_name ON products (name, identity);

CREATE VIRTUAL TABLE product_search USING fts5(
    search_text, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1'
);
CREATE VIRTUAL TABLE product_search_terms USING fts5vocab(product_search, 'row');
CREATE TABLE product_search_state (through BIGINT NOT NULL);
INSERT INTO product_search_state VALUES (0);
CREATE TABLE products_to_index (number INTEGER PRIMARY KEY);
CREATE TRIGGER products_search_text_changed AFTER UPDATE OF search_text ON products
WHEN old.search_text <> new.search_text BEGIN
    INSERT INTO products_to_index VALUES (new.number) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER products_deleted AFTER DELETE ON products BEGIN
    INSERT INTO products_to_index VALUES (old.number) ON CONFLICT DO NOTHING;
END;
";

/// The trigram index needs an extension that the user may not be allowed to create; each start tries again.
const POSTGRES: &str = "
CREATE TABLE product_search (identity TEXT PRIMARY KEY, search_text TEXT NOT NULL);
CREATE TABLE products_to_index (identities TEXT[] NOT NULL);
INSERT INTO products_to_index
    SELECT array_agg(identity)
    FROM (SELECT identity, row_number() OVER (ORDER BY identity) / 2000 AS part FROM products) AS parted
    GROUP BY part;

CREATE FUNCTION products_are_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO products_to_index SELECT array_agg(identity) FROM added HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER products_added AFTER INSERT ON products
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION products_are_added();

CREATE FUNCTION products_are_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO products_to_index SELECT array_agg(identity)
        FROM changed JOIN before USING (identity)
        WHERE changed.search_text <> before.search_text HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER products_changed AFTER UPDATE ON products
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION products_are_changed();

CREATE FUNCTION products_are_deleted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO products_to_index SELECT array_agg(identity) FROM gone HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER products_deleted AFTER DELETE ON products
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION products_are_deleted();
";
