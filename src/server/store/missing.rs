//! Finds products that a full file lacks, and lists, marks or removes them.

use std::sync::atomic::Ordering;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, Value,
    sea_query::{Expr, ExprTrait},
};

use super::{
    Store, StoreError,
    bulk::{Bound, BulkTransaction},
    changes::{COLUMNS, ImportNumber},
    entity::monitor_import,
    from_db,
    preview::{self, Preview},
    row_notes::{self, MAX_NOTES, NoteKind, RowNote},
    to_db,
};
use crate::model::{
    changes::Field,
    clock::now,
    import_options::MissingProducts,
    job::{ImportMode, ImportStatus, UnixMillis},
    reason::Reason,
};

const OUT_OF_STOCK: &str = "out_of_stock";

const AT_ONCE: usize = 500;

/// An existing product to look up in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KnownProduct {
    /// Identity across files.
    pub identity: String,
    /// Stock-keeping unit.
    pub sku: Option<String>,
    /// Name.
    pub name: String,
}

/// A batch of products with the missing ones.
#[derive(Clone, Debug, Default)]
pub struct MissingBatch {
    /// The product before the batch, if any.
    pub after: Option<String>,
    /// The last product looked up.
    pub last: String,
    /// Missing products, by identity.
    pub products: Vec<KnownProduct>,
}

/// How missing products are handled.
#[derive(Clone, Copy, Debug)]
pub struct MissingKind {
    /// The action.
    pub action: MissingProducts,
    /// Whether it is applied or only previewed.
    pub mode: ImportMode,
    /// Number for recording changes.
    pub number: Option<ImportNumber>,
    /// Rows of the file.
    pub rows: u64,
}

/// Result of a batch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MissingCounts {
    /// Removed products.
    pub removed: u64,
    /// Products marked as out of stock.
    pub marked: u64,
}

impl Store {
    /// Lists products after one that existed at a time, by identity.
    pub async fn known_products(
        &self,
        after: Option<&str>,
        made_until: UnixMillis,
        limit: u64,
    ) -> Result<Vec<KnownProduct>, StoreError> {
        let sql = format!(
            "SELECT identity, sku, name FROM products WHERE identity > $1 AND created_at <= $2 \
             ORDER BY identity LIMIT {limit}"
        );
        let values = [after.unwrap_or_default().into(), made_until.into()];
        let rows = self.db.query_all_raw(self.statement(&sql, values)).await?;
        let read = |row: &sea_orm::QueryResult| {
            Ok(KnownProduct {
                identity: row.try_get_by_index(0)?,
                sku: row.try_get_by_index(1)?,
                name: row.try_get_by_index(2)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Lists, marks or removes missing products and commits the position, in one transaction. Returns `None`, without
    /// changes, if the import is no longer where the batch begins.
    pub async fn commit_missing(
        &self,
        id: &str,
        kind: MissingKind,
        batch: &MissingBatch,
    ) -> Result<Option<MissingCounts>, StoreError> {
        let previews = self.previews(kind, batch).await?;
        let mut transaction = BulkTransaction::begin(self).await?;
        let column = Expr::col(monitor_import::Column::MissingAfter);
        let is_there = match &batch.after {
            Some(after) => column.eq(after.as_str()),
            None => column.is_null(),
        };
        let missing = batch.products.len() as u64;
        let mine = monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::MissingAfter,
                Expr::value(batch.last.as_str()),
            )
            .col_expr(
                monitor_import::Column::Missing,
                Expr::col(monitor_import::Column::Missing).add(to_db(missing)),
            )
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now()))
            .col_expr(monitor_import::Column::Attempts, Expr::value(0_i64))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(is_there)
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()));
        if transaction.execute(&mine).await? == 0 {
            return Ok(None);
        }
        let before = "SELECT missing FROM monitor_imports WHERE id = $1";
        let before = transaction.fetch(before, vec![id.into()]).await?;
        let before: i64 = before
            .first()
            .map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let before = from_db(before).saturating_sub(missing);
        let first = kind.rows.saturating_add(before);
        note(&mut transaction, id, first, before, batch).await?;
        let applied = match kind.mode {
            ImportMode::Check => check(&mut transaction, kind, first, previews).await?,
            ImportMode::Import => apply(&mut transaction, kind, first, batch).await?,
        };
        let counts = monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::Removed,
                Expr::col(monitor_import::Column::Removed).add(to_db(applied.removed)),
            )
            .col_expr(
                monitor_import::Column::Marked,
                Expr::col(monitor_import::Column::Marked).add(to_db(applied.marked)),
            )
            .filter(monitor_import::Column::Id.eq(id));
        transaction.execute(&counts).await?;
        transaction.commit().await?;
        self.imported_at.store(now(), Ordering::Relaxed);
        Ok(Some(applied))
    }

    /// Records a preview of missing products of an import that waits for approval, after a number of rows, in one
    /// transaction.
    pub async fn note_missing_preview(
        &self,
        kind: MissingKind,
        batch: &MissingBatch,
        first: u64,
    ) -> Result<(), StoreError> {
        let mut previews = self.previews(kind, batch).await?;
        number_rows(&mut previews, first);
        self.note_previews(kind.number, &previews).await
    }

    /// Records what would happen, in a check.
    async fn previews(
        &self,
        kind: MissingKind,
        batch: &MissingBatch,
    ) -> Result<Vec<Preview>, StoreError> {
        if kind.mode == ImportMode::Import || !kind.action.changes_products() {
            return Ok(Vec::new());
        }
        let identities: Vec<_> = batch
            .products
            .iter()
            .map(|it| it.identity.as_str())
            .collect();
        let there = self.products_with_changes(&identities).await?;
        let mut previews = Vec::new();
        for identity in identities {
            let Some((product, last_change)) = there.get(identity) else {
                continue;
            };
            let before = product.values();
            let after = (kind.action == MissingProducts::Unavailable).then(|| {
                let mut after = before.clone();
                after[Field::Availability as usize] = Some(OUT_OF_STOCK.to_owned());
                after
            });
            if after.as_ref() == Some(&before) {
                continue;
            }
            previews.push(Preview {
                row: 0,
                identity: identity.to_owned(),
                previous: *last_change,
                before: Some(before),
                after,
            });
        }
        Ok(previews)
    }
}

async fn note(
    db: &mut BulkTransaction,
    id: &str,
    first: u64,
    listed: u64,
    batch: &MissingBatch,
) -> Result<(), StoreError> {
    let space = usize::try_from(MAX_NOTES.saturating_sub(listed)).unwrap_or(usize::MAX);
    let notes: Vec<_> = (first + 1..)
        .zip(batch.products.iter().take(space))
        .map(|(row, product)| RowNote {
            kind: NoteKind::Missing,
            row,
            part: 0,
            line: 0,
            label: product.sku.as_ref().unwrap_or(&product.identity).clone(),
            reason: Reason::words(&*product.name),
            column: None,
            value: None,
            by_line: None,
            cells: Vec::new(),
        })
        .collect();
    row_notes::add(db, id, &notes).await
}

/// Numbers changes after a number of rows.
fn number_rows(previews: &mut [Preview], first: u64) {
    for (row, preview) in (first + 1..).zip(previews) {
        preview.row = row;
    }
}

async fn check(
    db: &mut BulkTransaction,
    kind: MissingKind,
    first: u64,
    mut previews: Vec<Preview>,
) -> Result<MissingCounts, StoreError> {
    number_rows(&mut previews, first);
    preview::note(db, kind.number, &previews).await?;
    let count = previews.len() as u64;
    Ok(match kind.action {
        MissingProducts::Remove => MissingCounts {
            removed: count,
            ..MissingCounts::default()
        },
        _ => MissingCounts {
            marked: count,
            ..MissingCounts::default()
        },
    })
}

async fn apply(
    db: &mut BulkTransaction,
    kind: MissingKind,
    first: u64,
    batch: &MissingBatch,
) -> Result<MissingCounts, StoreError> {
    let mut applied = MissingCounts::default();
    if !kind.action.changes_products() {
        return Ok(applied);
    }
    for (place, some) in (0_u64..).zip(batch.products.chunks(AT_ONCE)) {
        let row = first + place * AT_ONCE as u64;
        let change = kind.number.map(|number| number.change(row));
        if kind.action == MissingProducts::Remove {
            applied.removed += remove(db, change, some).await?;
        } else {
            applied.marked += mark(db, change, some).await?;
        }
    }
    Ok(applied)
}

fn places(from: usize, products: &[KnownProduct]) -> (String, Vec<Value>) {
    let places: Vec<_> = (from..from + products.len())
        .map(|place| format!("${place}"))
        .collect();
    let values = products
        .iter()
        .map(|product| product.identity.as_str().into());
    (places.join(", "), values.collect())
}

/// Locks these products, in the order in which imports write.
async fn lock(db: &mut BulkTransaction, products: &[KnownProduct]) -> Result<(), StoreError> {
    if db.backend() == DatabaseBackend::Postgres {
        let (places, values) = places(1, products);
        let sql = format!(
            "SELECT 1 FROM products WHERE identity IN ({places}) ORDER BY identity FOR UPDATE"
        );
        db.fetch(&sql, values).await?;
    }
    Ok(())
}

/// Removes products and records their values as changes after one.
async fn remove(
    db: &mut BulkTransaction,
    change: Option<i64>,
    products: &[KnownProduct],
) -> Result<u64, StoreError> {
    lock(db, products).await?;
    if let Some(change) = change {
        let old = COLUMNS.map(|column| format!("old_{column}")).join(", ");
        let now = COLUMNS.join(", ");
        let fields = (1_i64 << Field::ALL.len()) - 1;
        let (places, values) = places(1, products);
        let note = format!(
            "INSERT INTO product_changes (id, identity, kind, previous, fields, created_at, {old}) \
             SELECT {change} + row_number() OVER (ORDER BY identity), identity, 2, last_change, {fields}, \
             created_at, {now} FROM products WHERE identity IN ({places})"
        );
        let values = Bound::new(db.backend(), values);
        db.execute_bound(note.into(), values).await?;
    }
    let (places, values) = places(1, products);
    let sql = format!("DELETE FROM products WHERE identity IN ({places})");
    let values = Bound::new(db.backend(), values);
    db.execute_bound(sql.into(), values).await
}

/// Marks products as out of stock; triggers record the changes after one.
async fn mark(
    db: &mut BulkTransaction,
    change: Option<i64>,
    products: &[KnownProduct],
) -> Result<u64, StoreError> {
    lock(db, products).await?;
    let (places, mut values) = places(2, products);
    values.insert(0, now().into());
    let change = match change {
        Some(change) => format!("{change} + there.place"),
        None => "0".to_owned(),
    };
    let sql = format!(
        "UPDATE products SET availability = '{OUT_OF_STOCK}', updated_at = $1, last_change = {change} \
         FROM (SELECT identity AS marked, row_number() OVER (ORDER BY identity) AS place FROM products \
         WHERE identity IN ({places}) AND (availability IS NULL OR availability <> '{OUT_OF_STOCK}')) AS there \
         WHERE products.identity = there.marked"
    );
    let values = Bound::new(db.backend(), values);
    db.execute_bound(sql.into(), values).await
}
