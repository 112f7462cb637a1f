//! Undoes an import: restores the previous values of the products it changed.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QueryResult, QuerySelect, Value,
    sea_query::{Expr, ExprTrait},
};

use super::{
    Store, StoreError,
    bulk::{Bound, BulkTransaction},
    changes::{self, ImportNumber, LAST_ROW, Values},
    entity::monitor_import,
    from_db,
    monitor_imports::{FailedRow, add_failed_rows},
    products::{FieldMask, NewProduct, ProductRow, Upsert, Written},
    retention::REMOVED,
    to_db,
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        changes::{ChangeKind, Field},
        clock::now,
        job::{ImportStatus, UnixMillis},
    },
};

/// Maximum changes per batch.
pub const BATCH: usize = 2_000;

/// An import to undo.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Undo {
    /// The ID.
    pub import: String,
    /// Whether products that other imports have changed since are restored too.
    pub everything: bool,
}

/// Changes of an import, from its last one backwards.
#[derive(Clone, Debug)]
pub struct UndoBatch {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    id: i64,
    identity: String,
    kind: ChangeKind,
    fields: i64,
    old: Values,
    created_at: Option<UnixMillis>,
    /// The change whose result this restores, if any.
    before: i64,
}

/// A product while its changes are undone.
#[derive(Clone, Debug)]
struct Product {
    /// Current values and creation time.
    before: Option<(Values, UnixMillis)>,
    /// Values to write.
    values: Option<Values>,
    /// Creation time of a restored product.
    created_at: Option<UnixMillis>,
    /// Its last change, or the one that removed it.
    last_change: i64,
    /// The change whose result its values are: an earlier one if the last change undid something.
    is_as_after: i64,
    /// Whether every undone change was the last one.
    is_clean: bool,
    /// Row of the last undone change.
    row: Option<u64>,
}

impl UndoBatch {
    /// Returns the undo's position after this batch: it counts rows of the original file from the last possible one.
    #[must_use]
    pub fn position(&self) -> u64 {
        let last = self.steps.last().map_or(0, |step| step.id & LAST_ROW);
        from_db(LAST_ROW + 1 - last)
    }

    /// Returns the number of changes.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.steps.len() as u64
    }
}

/// Result of a batch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TakenBack {
    /// Undone changes.
    pub done: u64,
    /// Changes of products that were left unchanged.
    pub left: u64,
}

/// The undo of an import.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Undone {
    /// ID of the import that undoes it.
    pub by: String,
    /// Changes of products that it left unchanged.
    pub left: u64,
}

impl Store {
    /// Returns whether an undo of this import waits or runs.
    pub async fn is_being_undone(&self, import: &str) -> Result<bool, StoreError> {
        let under_way = monitor_import::Entity::find()
            .filter(monitor_import::Column::Undoes.eq(import))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .count(&self.db);
        Ok(under_way.await? > 0)
    }

    /// Returns the last undo of this import that was not undone itself; it may not be over.
    pub async fn undone(&self, import: &str) -> Result<Option<Undone>, StoreError> {
        let undos: Vec<(String, i64)> = monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::Id)
            .column(monitor_import::Column::FailedProducts)
            .filter(monitor_import::Column::Undoes.eq(import))
            .filter(
                monitor_import::Column::Status.is_not_in([ImportStatus::Error.as_str(), REMOVED]),
            )
            .order_by_desc(monitor_import::Column::CreatedAt)
            .into_tuple()
            .all(&self.db)
            .await?;
        for (by, left) in undos {
            if Box::pin(self.undone(&by)).await?.is_none() {
                let left = from_db(left);
                return Ok(Some(Undone { by, left }));
            }
        }
        Ok(None)
    }

    /// Counts the changes of an import that can be undone.
    pub async fn count_changes(&self, of: ImportNumber) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM product_changes WHERE id > $1 AND id <= $2";
        let values = [of.change(0).into(), of.change(u64::MAX).into()];
        let row = self.db.query_one_raw(self.statement(sql, values)).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(from_db(count))
    }

    /// Returns up to `most` changes to undo after a position; `None` at the end.
    pub async fn changes_to_take_back(
        &self,
        of: ImportNumber,
        position: u64,
        most: usize,
    ) -> Result<Option<UndoBatch>, StoreError> {
        let last = from_db(LAST_ROW).saturating_sub(position);
        let mut columns =
            "c.id, c.identity, CAST(c.kind AS BIGINT), CAST(c.fields AS BIGINT), c.created_at, \
                           COALESCE(p.restores, c.previous)"
                .to_owned();
        for column in changes::COLUMNS {
            columns.push_str(&match column {
                "stock" => ", CAST(c.old_stock AS TEXT)".to_owned(),
                column => format!(", c.old_{column}"),
            });
        }
        let sql = format!(
            "SELECT {columns} FROM product_changes AS c LEFT JOIN product_changes AS p ON p.id = c.previous \
             WHERE c.id > $1 AND c.id <= $2 ORDER BY c.id DESC LIMIT {most}"
        );
        let values = [of.change(0).into(), of.change(last).into()];
        let rows = self.db.query_all_raw(self.statement(&sql, values)).await?;
        let steps: Result<Vec<_>, StoreError> = rows.iter().map(Step::read).collect();
        let steps = steps?;
        Ok((!steps.is_empty()).then_some(UndoBatch { steps }))
    }

    /// Undoes changes and moves the undo's position from `from`, in one transaction. Returns `None`, without changes,
    /// if it is no longer at `from`.
    pub async fn commit_undo_batch(
        &self,
        id: &str,
        number: ImportNumber,
        from: u64,
        batch: &UndoBatch,
        everything: bool,
    ) -> Result<Option<TakenBack>, StoreError> {
        let mut transaction = BulkTransaction::begin(self).await?;
        let mine = monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::Position,
                Expr::value(to_db(batch.position())),
            )
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now()))
            .col_expr(monitor_import::Column::Attempts, Expr::value(0_i64))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Position.eq(to_db(from)))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()));
        if transaction.execute(&mine).await? == 0 {
            return Ok(None);
        }
        let mut products = read_products(&mut transaction, batch).await?;
        let mut left = Vec::new();
        let mut folded = 0;
        for step in &batch.steps {
            let Some(product) = products.get_mut(&step.identity) else {
                continue;
            };
            let is_last = [product.last_change, product.is_as_after].contains(&step.id);
            if !is_last && !everything {
                left.push(step.failed_row());
                continue;
            }
            folded += u64::from(product.row.is_some());
            product.is_clean &= is_last;
            product.take_back(step, number);
        }
        let mut written = write_products(&mut transaction, number, products).await?;
        written.replaced += folded;
        add_failed_rows(&mut transaction, id, &left).await?;
        let taken = TakenBack {
            done: batch.changes() - left.len() as u64,
            left: left.len() as u64,
        };
        let add = |column: monitor_import::Column, count: u64| Expr::col(column).add(to_db(count));
        let counts = monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::ProcessedProducts,
                add(monitor_import::Column::ProcessedProducts, taken.done),
            )
            .col_expr(
                monitor_import::Column::FailedProducts,
                add(monitor_import::Column::FailedProducts, taken.left),
            )
            .col_expr(
                monitor_import::Column::Added,
                add(monitor_import::Column::Added, written.added),
            )
            .col_expr(
                monitor_import::Column::Updated,
                add(monitor_import::Column::Updated, written.updated),
            )
            .col_expr(
                monitor_import::Column::Unchanged,
                add(monitor_import::Column::Unchanged, written.unchanged),
            )
            .col_expr(
                monitor_import::Column::Replaced,
                add(monitor_import::Column::Replaced, written.replaced),
            )
            .col_expr(
                monitor_import::Column::Removed,
                add(monitor_import::Column::Removed, written.removed),
            )
            .filter(monitor_import::Column::Id.eq(id));
        transaction.execute(&counts).await?;
        transaction.commit().await?;
        Ok(Some(taken))
    }
}

impl Step {
    fn read(row: &QueryResult) -> Result<Self, StoreError> {
        let mut old = Values::default();
        for (place, value) in (6..).zip(&mut old) {
            *value = row.try_get_by_index(place)?;
        }
        Ok(Self {
            before: row.try_get_by_index(5)?,
            id: row.try_get_by_index(0)?,
            identity: row.try_get_by_index(1)?,
            kind: changes::kind_of(row.try_get_by_index(2)?),
            fields: row.try_get_by_index(3)?,
            created_at: row.try_get_by_index(4)?,
            old,
        })
    }

    fn row(&self) -> u64 {
        from_db(self.id & LAST_ROW)
    }

    fn failed_row(&self) -> FailedRow {
        let identity = self.identity.as_str();
        FailedRow {
            row: self.row(),
            line: self.row(),
            sku: identity.strip_prefix("sku:").unwrap_or(identity).to_owned(),
            reason: ErrorCode::ChangedSince.into(),
            column: None,
            value: None,
            cells: Vec::new(),
        }
    }
}

impl Product {
    fn take_back(&mut self, step: &Step, number: ImportNumber) {
        match step.kind {
            ChangeKind::Added => self.values = None,
            ChangeKind::Removed => {
                self.values = Some(step.old.clone());
                self.created_at = step.created_at;
            }
            ChangeKind::Updated => {
                if let Some(values) = &mut self.values {
                    for field in Field::ALL {
                        if step.fields & changes::bit(field) != 0 {
                            values[field as usize].clone_from(&step.old[field as usize]);
                        }
                    }
                }
            }
        }
        self.row = Some(step.row());
        self.last_change = number.change(step.row());
        self.is_as_after = step.before;
    }
}

/// Reads and locks the products of a batch.
async fn read_products(
    db: &mut BulkTransaction,
    batch: &UndoBatch,
) -> Result<HashMap<String, Product>, StoreError> {
    let mut identities: Vec<&str> = batch
        .steps
        .iter()
        .map(|step| step.identity.as_str())
        .collect();
    identities.sort_unstable();
    identities.dedup();
    let mut products = HashMap::with_capacity(identities.len());
    for some in identities.chunks(500) {
        let places: Vec<_> = (1..=some.len()).map(|place| format!("${place}")).collect();
        let places = places.join(", ");
        let values = || some.iter().map(|identity| Value::from(*identity)).collect();
        let mut columns =
            "p.identity, p.last_change, COALESCE(c.restores, p.last_change), p.created_at"
                .to_owned();
        for column in changes::COLUMNS {
            columns.push_str(&match column {
                "stock" => ", CAST(p.stock AS TEXT)".to_owned(),
                column => format!(", p.{column}"),
            });
        }
        // In the order in which imports write.
        let lock = match db.backend() {
            DatabaseBackend::Postgres => " FOR UPDATE OF p",
            _ => "",
        };
        let sql = format!(
            "SELECT {columns} FROM products AS p LEFT JOIN product_changes AS c ON c.id = p.last_change \
             WHERE p.identity IN ({places}) ORDER BY p.identity{lock}"
        );
        for row in db.fetch(&sql, values()).await? {
            let mut now = Values::default();
            for (place, value) in (4..).zip(&mut now) {
                *value = row.try_get_by_index(place)?;
            }
            let product = Product {
                before: Some((now.clone(), row.try_get_by_index(3)?)),
                values: Some(now),
                created_at: None,
                last_change: row.try_get_by_index(1)?,
                is_as_after: row.try_get_by_index(2)?,
                is_clean: true,
                row: None,
            };
            products.insert(row.try_get_by_index(0)?, product);
        }
        let sql = format!(
            "SELECT c.identity, c.id, COALESCE(c.restores, c.id) FROM product_changes AS c WHERE c.id IN \
             (SELECT max(id) FROM product_changes WHERE kind = 2 AND identity IN ({places}) GROUP BY identity)"
        );
        let mut removed: HashMap<String, (i64, i64)> = HashMap::new();
        for row in db.fetch(&sql, values()).await? {
            let last = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            removed.insert(row.try_get_by_index(0)?, last);
        }
        for identity in some {
            let (last_change, is_as_after) = removed.get(*identity).copied().unwrap_or_default();
            products
                .entry((*identity).to_owned())
                .or_insert_with(|| Product {
                    before: None,
                    values: None,
                    created_at: None,
                    last_change,
                    is_as_after,
                    is_clean: true,
                    row: None,
                });
        }
    }
    Ok(products)
}

/// Writes products; triggers record changes except removals.
async fn write_products(
    db: &mut BulkTransaction,
    number: ImportNumber,
    products: HashMap<String, Product>,
) -> Result<Written, StoreError> {
    let mut rows = Vec::new();
    let mut restored = Vec::new();
    let mut written = Written::default();
    let mut products: Vec<_> = products.into_iter().collect();
    products.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
    for (identity, product) in products {
        let Some(row) = product.row else { continue };
        if product.is_clean {
            restored.push((number.change(row), product.is_as_after));
        }
        match (product.values, product.before) {
            (Some(values), _) => rows.push(ProductRow {
                product: NewProduct::of_values(identity, values),
                mask: FieldMask::ALL,
                is_repeat: false,
                row,
                line: 0,
                created_at: product.created_at,
            }),
            (None, Some(_)) => {
                remove_product(db, &identity, number.change(row)).await?;
                written.removed += 1;
            }
            (None, None) => written.unchanged += 1,
        }
    }
    let upsert = Upsert::new(rows, db.backend(), now(), Some(number)).exactly();
    written += upsert.write(db).await?;
    note_restored(db, &restored).await?;
    Ok(written)
}

/// Records which change's result was restored, so that earlier changes can be undone too.
async fn note_restored(
    db: &mut BulkTransaction,
    restored: &[(i64, i64)],
) -> Result<(), StoreError> {
    for some in restored.chunks(500) {
        // Numbers only; nothing to escape.
        let rows: Vec<_> = some
            .iter()
            .map(|(id, before)| format!("({id}, {before})"))
            .collect();
        let sql = format!(
            "WITH restored (id, before) AS (VALUES {}) UPDATE product_changes SET restores = restored.before \
             FROM restored WHERE restored.id = product_changes.id",
            rows.join(", ")
        );
        db.execute_bound(sql.into(), Bound::none(db.backend()))
            .await?;
    }
    Ok(())
}

/// Removes a product and records its values.
async fn remove_product(
    db: &mut BulkTransaction,
    identity: &str,
    change: i64,
) -> Result<(), StoreError> {
    let (old, now) = (
        changes::COLUMNS
            .map(|column| format!("old_{column}"))
            .join(", "),
        changes::COLUMNS.join(", "),
    );
    let fields = (1_i64 << Field::ALL.len()) - 1;
    let note = format!(
        "INSERT INTO product_changes (id, identity, kind, previous, fields, created_at, {old}) \
         SELECT $1, identity, 2, last_change, {fields}, created_at, {now} FROM products WHERE identity = $2"
    );
    let values = Bound::new(db.backend(), vec![change.into(), identity.into()]);
    db.execute_bound(note.into(), values).await?;
    let values = Bound::new(db.backend(), vec![identity.into()]);
    let remove = "DELETE FROM products WHERE identity = $1";
    db.execute_bound(remove.into(), values).await?;
    Ok(())
}

#[cfg(test)]
#[path = "undo_tests.rs"]
mod tests;
