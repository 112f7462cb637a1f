//! Images of products and options of variants, including their changes.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Values of a product, in the order of the bits for changed values.
const FIELDS: [&str; 11] = [
    "sku",
    "name",
    "price",
    "sale_price",
    "currency",
    "gtin",
    "stock",
    "availability",
    "url",
    "image",
    "options",
];

const COLUMNS: [&str; 6] = [
    "ALTER TABLE products ADD COLUMN image TEXT",
    "ALTER TABLE products ADD COLUMN options TEXT",
    "ALTER TABLE product_changes ADD COLUMN old_image TEXT",
    "ALTER TABLE product_changes ADD COLUMN new_image TEXT",
    "ALTER TABLE product_changes ADD COLUMN old_options TEXT",
    "ALTER TABLE product_changes ADD COLUMN new_options TEXT",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for column in COLUMNS {
            db.execute_unprepared(column).await?;
        }
        let trigger = match db.get_database_backend() {
            DbBackend::Postgres => postgres_trigger(),
            _ => sqlite_trigger(),
        };
        db.execute_unprepared(&trigger).await?;
        Ok(())
    }
}

/// Lists the columns of old and new, and their values if they differ.
fn values(old: &str, new: &str, differs: &str) -> (String, String) {
    let (mut columns, mut values) = (String::new(), String::new());
    for (age, row) in [("old", old), ("new", new)] {
        for field in FIELDS {
            let _ = write!(columns, ", {age}_{field}");
            let _ = write!(
                values,
                ", CASE WHEN {old}.{field} {differs} {new}.{field} THEN {row}.{field} END"
            );
        }
    }
    (columns, values)
}

fn sqlite_trigger() -> String {
    let (columns, values) = values("old", "new", "IS NOT");
    let fields = (0..).zip(FIELDS);
    let fields: Vec<_> = fields
        .map(|(bit, field)| format!("((old.{field} IS NOT new.{field}) << {bit})"))
        .collect();
    let fields = fields.join(" | ");
    format!(
        "DROP TRIGGER products_updated_change;
        CREATE TRIGGER products_updated_change AFTER UPDATE OF last_change ON products
        WHEN new.last_change <> old.last_change AND new.last_change <> 0 BEGIN
            INSERT INTO product_changes (id, identity, kind, previous, fields, price_change{columns}) VALUES (
                new.last_change, new.identity, 1, old.last_change, {fields},
                CASE
                    WHEN old.price IS new.price OR old.price IS NULL OR new.price IS NULL THEN NULL
                    WHEN old.price + 0 = 0 THEN CASE WHEN new.price + 0 = 0 THEN 0 ELSE 1000000000 END
                    ELSE CAST(round(max(-1e9, min(1e9,
                        (new.price - old.price) * 10000.0 / old.price))) AS INTEGER)
                END{values}
            );
        END;"
    )
}

fn postgres_trigger() -> String {
    let (columns, values) = values("before", "changed", "IS DISTINCT FROM");
    let fields = (0..).zip(FIELDS);
    let fields: Vec<_> = fields
        .map(|(bit, field)| {
            format!("((before.{field} IS DISTINCT FROM changed.{field})::integer << {bit})")
        })
        .collect();
    let fields = fields.join(" | ");
    format!(
        "CREATE OR REPLACE FUNCTION note_updated_products() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO product_changes (id, identity, kind, previous, fields, price_change{columns})
                SELECT changed.last_change, changed.identity, 1, before.last_change, {fields},
                    CASE WHEN before.price <> changed.price
                        THEN price_change(before.price, changed.price) END{values}
                FROM changed JOIN before USING (identity)
                WHERE changed.last_change <> before.last_change AND changed.last_change <> 0;
            RETURN NULL;
        END $$;"
    )
}
