//! Previews an import: a check records what the import would change.
//!
//! The preview of an import that waits for approval has another name, so that it is never taken for the import's
//! changes.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, Value};

use super::{
    Store, StoreError,
    bulk::{Bound, BulkTransaction},
    changes::{self, COLUMNS, ImportNumber, Values},
    from_db,
    left_alone::{LeftAlone, part},
    monitor_imports::ImportBatch,
    products::{DistinctRows, NewProduct, ProductRow, Written},
};
use crate::model::{
    changes::{ChangeKind, Field},
    import_options::ChosenFields,
    job::ImportStatus,
};

/// Rows per statement, below the parameter limit.
const ROWS: usize = 300;

const COUNTED: u64 = 1_000;

/// Suffix of an import's ID in the name of its preview.
const SUFFIX: &str = "/preview";

/// Returns the name of an import's preview.
#[must_use]
pub fn preview_of(import: &str) -> String {
    format!("{import}{SUFFIX}")
}

pub(super) fn is_preview(name: &str) -> bool {
    name.ends_with(SUFFIX)
}

/// Effects of writing a batch.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Products that would be added and changed.
    pub written: Written,
    pub(super) changes: Vec<Preview>,
    pub(super) left_alone: Vec<LeftAlone>,
}

#[derive(Clone, Debug)]
pub(super) struct Preview {
    pub(super) row: u64,
    pub(super) identity: String,
    /// The product's last change at the check.
    pub(super) previous: i64,
    pub(super) before: Option<Values>,
    /// `None` if the product would be removed.
    pub(super) after: Option<Values>,
}

impl Store {
    /// Computes the effects of writing a batch.
    pub async fn check_monitor_batch(&self, batch: &ImportBatch) -> Result<Checked, StoreError> {
        let options = batch.kind().options();
        let all = batch.checked().rows.iter().chain(batch.in_question());
        let identities: BTreeSet<_> = all.map(|row| row.product.identity.as_str()).collect();
        let identities: Vec<_> = identities.into_iter().collect();
        let there = self.products_with_changes(&identities).await?;
        let is_there = |identity: &str| there.contains_key(identity);
        let (some, left_alone) = part(options.products, batch.in_question(), is_there);
        let parted = DistinctRows::new(some, options.fields);
        let replaced = batch.checked().replaced + parted.replaced;
        let rows = || batch.checked().rows.iter().chain(&parted.rows);
        let first = || rows().filter(|row| !row.is_repeat);
        let mut checked = Checked {
            left_alone,
            ..Checked::default()
        };
        checked.written.replaced = replaced + (rows().count() - first().count()) as u64;
        for row in first() {
            let (before, previous) = match there.get(&row.product.identity) {
                Some((old, _)) if row.product.is_like(old, row.mask, options.fields) => {
                    checked.written.unchanged += 1;
                    continue;
                }
                Some((old, last_change)) => {
                    checked.written.updated += 1;
                    (Some(old), *last_change)
                }
                None => {
                    checked.written.added += 1;
                    (None, 0)
                }
            };
            checked.changes.push(Preview {
                row: row.row,
                identity: row.product.identity.clone(),
                previous,
                after: Some(merged(before, row, options.fields).values()),
                before: before.map(NewProduct::values),
            });
        }
        Ok(checked)
    }

    /// Starts an import's preview, replacing an earlier one. Returns its number.
    pub async fn begin_preview(&self, import: &str) -> Result<ImportNumber, StoreError> {
        self.forget_preview(import).await?;
        self.number_import(&preview_of(import)).await
    }

    /// Deletes an import's preview.
    pub async fn forget_preview(&self, import: &str) -> Result<(), StoreError> {
        match self.import_number(&preview_of(import)).await? {
            Some(number) => self.remove_all_changes(number).await,
            None => Ok(()),
        }
    }

    /// Deletes previews of imports that no longer wait. Returns their number.
    pub(crate) async fn remove_previews(&self) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT n.number FROM import_numbers AS n WHERE n.import_id LIKE '%{SUFFIX}' AND NOT EXISTS \
             (SELECT 1 FROM monitor_imports AS m WHERE m.id || '{SUFFIX}' = n.import_id AND m.status = '{}') LIMIT 1",
            ImportStatus::Pending.as_str()
        );
        let row = self.db.query_one_raw(self.statement(&sql, [])).await?;
        let Some(row) = row else { return Ok(0) };
        let number = ImportNumber::read(&row)?;
        self.remove_all_changes(number).await?;
        Ok(1)
    }

    /// Records the changes that a batch would make, in one transaction.
    pub async fn note_preview(&self, batch: &ImportBatch) -> Result<(), StoreError> {
        let checked = self.check_monitor_batch(batch).await?;
        self.note_previews(batch.kind().number(), &checked.changes)
            .await
    }

    /// Records changes of a preview, replacing earlier ones of the same rows.
    pub(super) async fn note_previews(
        &self,
        number: Option<ImportNumber>,
        changes: &[Preview],
    ) -> Result<(), StoreError> {
        let rows = || changes.iter().map(|preview| preview.row);
        let (Some(number), Some(first), Some(last)) = (number, rows().min(), rows().max()) else {
            return Ok(());
        };
        let mut transaction = BulkTransaction::begin(self).await?;
        let values = vec![number.change(first).into(), number.change(last).into()];
        let values = Bound::new(transaction.backend(), values);
        let sql = "DELETE FROM product_changes WHERE id >= $1 AND id <= $2";
        transaction.execute_bound(sql.into(), values).await?;
        note(&mut transaction, Some(number), changes).await?;
        transaction.commit().await
    }

    /// Finds existing products, each with its last change.
    pub(super) async fn products_with_changes(
        &self,
        identities: &[&str],
    ) -> Result<HashMap<String, (NewProduct, i64)>, StoreError> {
        let mut columns = "identity, last_change".to_owned();
        for column in COLUMNS {
            columns.push_str(&match column {
                "stock" => ", CAST(stock AS TEXT)".to_owned(),
                column => format!(", {column}"),
            });
        }
        let mut found = HashMap::new();
        for some in identities.chunks(500) {
            let places: Vec<_> = (1..=some.len()).map(|place| format!("${place}")).collect();
            let sql = format!(
                "SELECT {columns} FROM products WHERE identity IN ({})",
                places.join(", ")
            );
            let values = some.iter().map(|identity| Value::from(*identity));
            for row in self.db.query_all_raw(self.statement(&sql, values)).await? {
                let mut values = Values::default();
                for (place, value) in (2..).zip(&mut values) {
                    *value = row.try_get_by_index(place)?;
                }
                let identity: String = row.try_get_by_index(0)?;
                let product = NewProduct::of_values(identity.clone(), values);
                found.insert(identity, (product, row.try_get_by_index(1)?));
            }
        }
        Ok(found)
    }

    /// Counts products of a check that have changed since, up to 1000. Times out.
    pub async fn changed_since_check(&self, import: &str) -> Result<u64, StoreError> {
        let Some(number) = self.import_number(import).await? else {
            return Ok(0);
        };
        let (first, last) = (number.change(0), number.change(u64::MAX));
        // Usually nothing was imported since.
        let later = "SELECT 1 FROM product_changes WHERE id > $1 LIMIT 1";
        if self.search_one(later, [last.into()]).await?.is_none() {
            return Ok(0);
        }
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM product_changes AS c LEFT JOIN products AS p \
             ON p.identity = c.identity WHERE c.id > $1 AND c.id <= $2 \
             AND COALESCE(p.last_change, 0) <> c.previous LIMIT {COUNTED}) AS changed"
        );
        let row = self.search_one(&sql, [first.into(), last.into()]).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(from_db(count))
    }
}

/// Returns the product after a row is written.
fn merged(before: Option<&NewProduct>, row: &ProductRow, only: ChosenFields) -> NewProduct {
    match before {
        Some(before) => row.product.over(before, row.mask, only),
        None => row.product.clone(),
    }
}

pub(super) async fn note(
    db: &mut BulkTransaction,
    number: Option<ImportNumber>,
    changes: &[Preview],
) -> Result<(), StoreError> {
    let Some(number) = number else { return Ok(()) };
    let ages = ["old", "new"];
    let columns = ages.map(|age| COLUMNS.map(|column| format!("{age}_{column}")).join(", "));
    let columns = columns.join(", ");
    for some in changes.chunks(ROWS) {
        let mut values = Vec::new();
        let mut rows = Vec::with_capacity(some.len());
        for preview in some {
            let first = values.len();
            preview.push(number, &mut values);
            let places: Vec<_> = (first + 1..=values.len())
                .map(|place| format!("${place}"))
                .collect();
            rows.push(format!("({})", places.join(", ")));
        }
        let sql = format!(
            "INSERT INTO product_changes (id, identity, kind, previous, fields, price_change, {columns}) VALUES {}",
            rows.join(", ")
        );
        let values = Bound::new(db.backend(), values);
        db.execute_bound(sql.into(), values).await?;
    }
    Ok(())
}

impl Preview {
    fn push(&self, number: ImportNumber, values: &mut Vec<Value>) {
        let none = Values::default();
        let before = self.before.as_ref().unwrap_or(&none);
        let after = self.after.as_ref().unwrap_or(&none);
        let kind = match (&self.before, &self.after) {
            // Unlike an actual change, it is not linked from the product.
            (_, None) => changes::WOULD_REMOVE,
            (Some(_), _) => changes::kind_to_db(ChangeKind::Updated),
            (None, _) => changes::kind_to_db(ChangeKind::Added),
        };
        let differs = |field: &Field| before[*field as usize] != after[*field as usize];
        let fields = Field::ALL.into_iter().filter(differs);
        let fields = fields.map(changes::bit).fold(0, |fields, bit| fields | bit);
        let price = |values: &Values| values[Field::Price as usize].clone();
        values.extend([
            Value::from(number.change(self.row)),
            self.identity.as_str().into(),
            // Matches the column types of PostgreSQL.
            i16::try_from(kind).unwrap_or_default().into(),
            self.previous.into(),
            i32::try_from(fields).unwrap_or_default().into(),
            changes::price_change(price(before).as_deref(), price(after).as_deref()).into(),
        ]);
        for age in [before, after] {
            for field in Field::ALL {
                let value = age[field as usize].clone().filter(|_| differs(&field));
                values.push(match field {
                    Field::Stock => value.and_then(|stock| stock.parse::<i64>().ok()).into(),
                    _ => value.into(),
                });
            }
        }
    }
}
