//! Imports that only add or only update products: determines which rows to leave unwritten.

use std::collections::HashSet;

use sea_orm::{DatabaseBackend, Value};

use super::{
    StoreError,
    bulk::BulkTransaction,
    from_db,
    monitor_imports::ImportBatch,
    products::{ProductRow, Written},
    row_notes::{self, MAX_NOTES, NoteKind, RowNote},
};
use crate::{model::import_options::WrittenProducts, model::reason::Reason};

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct LeftAlone {
    row: u64,
    line: u64,
    label: String,
}

impl From<&ProductRow> for LeftAlone {
    fn from(row: &ProductRow) -> Self {
        let product = &row.product;
        Self {
            row: row.row,
            line: row.line,
            label: product.sku.as_ref().unwrap_or(&product.identity).clone(),
        }
    }
}

/// Splits rows into written and excluded ones, given the existing products. Of several rows of a new product the first
/// is written; for the others it exists.
pub(super) fn part(
    products: WrittenProducts,
    rows: &[ProductRow],
    is_there: impl Fn(&str) -> bool,
) -> (Vec<ProductRow>, Vec<LeftAlone>) {
    let (mut written, mut left) = (Vec::new(), Vec::new());
    let mut added = HashSet::new();
    for row in rows {
        let identity = row.product.identity.as_str();
        let is_written = match products {
            WrittenProducts::All => true,
            WrittenProducts::New => !row.is_repeat && !is_there(identity) && added.insert(identity),
            WrittenProducts::Existing => is_there(identity),
        };
        if is_written {
            written.push(row.clone());
        } else {
            left.push(row.into());
        }
    }
    (written, left)
}

/// Writes the eligible rows of a batch. Returns the result and the excluded rows.
pub(super) async fn write(
    db: &mut BulkTransaction,
    batch: &ImportBatch,
) -> Result<(Written, Vec<LeftAlone>), StoreError> {
    let (kind, rows) = (batch.kind(), batch.in_question());
    if rows.is_empty() {
        return Ok((Written::default(), Vec::new()));
    }
    let products = kind.options().products;
    if products == WrittenProducts::Existing {
        let there = lock(db, rows).await?;
        let (rows, left) = part(products, rows, |identity| there.contains(identity));
        return Ok((kind.upsert(rows).update(db).await?, left));
    }
    // Concurrent imports may add products: only the database knows.
    let (first, _) = part(products, rows, |_| false);
    let added = kind.upsert(first).add(db).await?;
    let (_, left) = part(products, rows, |identity| !added.contains(identity));
    let written = Written {
        added: added.len() as u64,
        ..Written::default()
    };
    Ok((written, left))
}

/// Locks existing products of these rows against removal.
async fn lock(
    db: &mut BulkTransaction,
    rows: &[ProductRow],
) -> Result<HashSet<String>, StoreError> {
    let mut identities: Vec<_> = rows
        .iter()
        .map(|row| row.product.identity.as_str())
        .collect();
    identities.sort_unstable();
    identities.dedup();
    let mut there = HashSet::with_capacity(identities.len());
    for some in identities.chunks(500) {
        let places: Vec<_> = (1..=some.len()).map(|place| format!("${place}")).collect();
        // In the order in which imports write.
        let lock = match db.backend() {
            DatabaseBackend::Postgres => " FOR UPDATE",
            _ => "",
        };
        let sql = format!(
            "SELECT identity FROM products WHERE identity IN ({}) ORDER BY identity{lock}",
            places.join(", ")
        );
        let values = some.iter().map(|identity| Value::from(*identity)).collect();
        for row in db.fetch(&sql, values).await? {
            there.insert(row.try_get_by_index(0)?);
        }
    }
    Ok(there)
}

/// Writes the notes of a batch and lists its excluded rows.
pub(super) async fn note(
    db: &mut BulkTransaction,
    import: &str,
    batch: &ImportBatch,
    left: &[LeftAlone],
) -> Result<(), StoreError> {
    let Some(code) = batch.kind().options().products.passes_over() else {
        return row_notes::add(db, import, batch.notes()).await;
    };
    let rows: HashSet<u64> = left.iter().map(|row| row.row).collect();
    let replaces_nothing =
        |note: &RowNote| note.kind == NoteKind::Replaced && rows.contains(&note.row);
    let notes: Vec<_> = batch
        .notes()
        .iter()
        .filter(|note| !replaces_nothing(note))
        .cloned()
        .collect();
    row_notes::add(db, import, &notes).await?;
    let listed = "SELECT left_alone FROM monitor_imports WHERE id = $1";
    let listed = db.fetch(listed, vec![import.into()]).await?;
    let listed: i64 = listed
        .first()
        .map_or(Ok(0), |row| row.try_get_by_index(0))?;
    let listed = from_db(listed).saturating_add(batch.tally().passed_over.total());
    let space = usize::try_from(MAX_NOTES.saturating_sub(listed)).unwrap_or(usize::MAX);
    let notes: Vec<_> = left
        .iter()
        .take(space)
        .map(|row| RowNote {
            kind: NoteKind::PassedOver,
            row: row.row,
            part: 0,
            line: row.line,
            label: row.label.clone(),
            reason: Reason::words(code),
            column: None,
            value: None,
            by_line: None,
            cells: Vec::new(),
        })
        .collect();
    row_notes::add(db, import, &notes).await
}
