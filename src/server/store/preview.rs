//! What an import would change: found by a check, and noted like what an import changes.

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
    undo::as_product,
};
use crate::model::{
    changes::{ChangeKind, Field},
    import_options::ChosenFields,
};

/// Rows of one statement, fewer than its parameters allow.
const ROWS: usize = 300;

/// The most products that are counted as changed since a check.
const COUNTED: u64 = 1_000;

/// What writing a batch would do.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// How many products it would add and change.
    pub written: Written,
    pub(super) changes: Vec<Preview>,
    /// Rows of products that it would leave alone.
    pub(super) left_alone: Vec<LeftAlone>,
}

/// A change that would be made.
#[derive(Clone, Debug)]
pub(super) struct Preview {
    pub(super) row: u64,
    pub(super) identity: String,
    /// The last change of the product as it was found.
    pub(super) previous: i64,
    pub(super) before: Option<Values>,
    /// None of a product that would be removed.
    pub(super) after: Option<Values>,
}

impl Store {
    /// Says what writing a batch would do.
    ///
    /// # Errors
    ///
    /// When the database fails.
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
                Some((old, _)) if row.product.is_like(old, row.said, options.fields) => {
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
                after: Some(values_of(&merged(before, row, options.fields))),
                before: before.map(values_of),
            });
        }
        Ok(checked)
    }

    /// Finds those of these products that are there, each with its last change.
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
                let product = as_product(identity.clone(), values);
                found.insert(identity, (product, row.try_get_by_index(1)?));
            }
        }
        Ok(found)
    }

    /// Counts the products of which a check says what would change and that have changed since, as far as a
    /// thousand.
    ///
    /// # Errors
    ///
    /// When the database fails, or takes too long.
    pub async fn changed_since_check(&self, import: &str) -> Result<u64, StoreError> {
        let Some(number) = self.import_number(import).await? else {
            return Ok(0);
        };
        let (first, last) = (number.change(0), number.change(u64::MAX));
        // Mostly nothing was imported since.
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

/// Returns what a product would be once a row is written.
fn merged(before: Option<&NewProduct>, row: &ProductRow, only: ChosenFields) -> NewProduct {
    let (new, said) = (&row.product, row.said);
    let Some(old) = before else {
        return new.clone();
    };
    let text = |is_said: bool, field, new: &Option<String>, old: &Option<String>| {
        if is_said && only.has(field) {
            new.clone()
        } else {
            old.clone()
        }
    };
    let has_currency = only.has_currency() && (said.currency || new.currency.is_some());
    NewProduct {
        identity: new.identity.clone(),
        sku: text(true, Field::Sku, &new.sku, &old.sku),
        name: if said.name && only.has(Field::Name) {
            new.name.clone()
        } else {
            old.name.clone()
        },
        price: text(true, Field::Price, &new.price, &old.price),
        sale_price: text(
            said.sale_price,
            Field::SalePrice,
            &new.sale_price,
            &old.sale_price,
        ),
        currency: if has_currency {
            new.currency.clone()
        } else {
            old.currency.clone()
        },
        gtin: text(said.gtin, Field::Gtin, &new.gtin, &old.gtin),
        stock: if said.stock && only.has(Field::Stock) {
            new.stock
        } else {
            old.stock
        },
        availability: text(
            said.availability,
            Field::Availability,
            &new.availability,
            &old.availability,
        ),
        url: text(said.url, Field::Url, &new.url, &old.url),
        image: text(said.image, Field::Image, &new.image, &old.image),
        options: text(said.options, Field::Options, &new.options, &old.options),
    }
}

pub(super) fn values_of(product: &NewProduct) -> Values {
    [
        product.sku.clone(),
        Some(product.name.clone()),
        product.price.clone(),
        product.sale_price.clone(),
        product.currency.clone(),
        product.gtin.clone(),
        product.stock.map(|stock| stock.to_string()),
        product.availability.clone(),
        product.url.clone(),
        product.image.clone(),
        product.options.clone(),
    ]
}

/// Notes what would change.
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
    /// Adds the values of its row.
    fn push(&self, number: ImportNumber, values: &mut Vec<Value>) {
        let none = Values::default();
        let before = self.before.as_ref().unwrap_or(&none);
        let after = self.after.as_ref().unwrap_or(&none);
        let kind = match (&self.before, &self.after) {
            // No product leads to it, as to one that was made.
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
            // As the columns are in PostgreSQL.
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
