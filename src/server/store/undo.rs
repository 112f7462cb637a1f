//! Takes an import back: gives the products that it changed the values that they had.

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
    products::{NewProduct, ProductRow, Said, Upsert, Written},
    retention::REMOVED,
    to_db,
};
use crate::model::{
    changes::{ChangeKind, Field},
    clock::now,
    job::{ImportStatus, UnixMillis},
};

/// Changes that are taken back in one transaction.
const BATCH: u64 = 2_000;

/// Why a product is left as it is.
const CHANGED_SINCE: &str = "A later import has changed this product, so it was left unchanged.";

/// An import that is to be taken back.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Undo {
    /// Its identifier.
    pub import: String,
    /// Whether products are taken back, too, that other imports have changed since.
    pub everything: bool,
}

/// Some changes of an import, from its last one back.
#[derive(Clone, Debug)]
pub struct UndoBatch {
    steps: Vec<Step>,
}

/// A change that is to be taken back.
#[derive(Clone, Debug)]
struct Step {
    id: i64,
    identity: String,
    kind: ChangeKind,
    fields: i64,
    old: Values,
    created_at: Option<UnixMillis>,
    /// The change after which the product was as it was before this one, if any.
    before: i64,
}

/// A product while changes of it are taken back.
#[derive(Clone, Debug)]
struct Product {
    /// As it was found, with the time at which it was made.
    before: Option<(Values, UnixMillis)>,
    /// As it is to be.
    values: Option<Values>,
    /// When it was made, where it is to be made again.
    created_at: Option<UnixMillis>,
    /// Its last change; of one that is not there the one that removed it.
    last_change: i64,
    /// The change after which it was as it is: another one where the last one took something back.
    is_as_after: i64,
    /// Whether nothing was taken back that was not the last.
    is_clean: bool,
    /// The row of the last step that was taken back, if any.
    row: Option<u64>,
}

impl UndoBatch {
    /// Returns how far the import is that takes these back once they are: it counts rows of the other's file from
    /// the last possible one.
    #[must_use]
    pub fn position(&self) -> u64 {
        let last = self.steps.last().map_or(0, |step| step.id & LAST_ROW);
        from_db(LAST_ROW + 1 - last)
    }

    /// Returns how many changes there are.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.steps.len() as u64
    }
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TakenBack {
    /// Changes that were taken back.
    pub done: u64,
    /// Changes of products that were left as they are.
    pub left: u64,
}

impl Store {
    /// Returns whether an import that takes this one back waits or runs.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn is_being_undone(&self, import: &str) -> Result<bool, StoreError> {
        let under_way = monitor_import::Entity::find()
            .filter(monitor_import::Column::Undoes.eq(import))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .count(&self.db);
        Ok(under_way.await? > 0)
    }

    /// Returns the last import that took this one back, or is about to, though perhaps not all of it.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn undone_by(&self, import: &str) -> Result<Option<String>, StoreError> {
        let last = monitor_import::Entity::find()
            .select_only()
            .column(monitor_import::Column::Id)
            .filter(monitor_import::Column::Undoes.eq(import))
            .filter(
                monitor_import::Column::Status.is_not_in([ImportStatus::Error.as_str(), REMOVED]),
            )
            .order_by_desc(monitor_import::Column::CreatedAt)
            .into_tuple()
            .one(&self.db);
        Ok(last.await?)
    }

    /// Counts the changes of an import that can be taken back.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn count_changes(&self, of: ImportNumber) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM product_changes WHERE id > $1 AND id <= $2";
        let values = [of.change(0).into(), of.change(u64::MAX).into()];
        let row = self.db.query_one_raw(self.statement(sql, values)).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(from_db(count))
    }

    /// Reads the changes of an import that are next to be taken back, when those up to a position are; `None` when
    /// all are.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn changes_to_take_back(
        &self,
        of: ImportNumber,
        position: u64,
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
             WHERE c.id > $1 AND c.id <= $2 ORDER BY c.id DESC LIMIT {BATCH}"
        );
        let values = [of.change(0).into(), of.change(last).into()];
        let rows = self.db.query_all_raw(self.statement(&sql, values)).await?;
        let steps: Result<Vec<_>, StoreError> = rows.iter().map(Step::read).collect();
        let steps = steps?;
        Ok((!steps.is_empty()).then_some(UndoBatch { steps }))
    }

    /// Takes changes back and moves the import that does so from position `from` on, in one transaction. Returns
    /// what became of them, or `None` when nothing was done: when the import is no longer at `from`.
    ///
    /// # Errors
    ///
    /// When the database fails; nothing is taken back then.
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
            reason: CHANGED_SINCE.to_owned(),
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

/// Reads the products of a batch, for nobody else to change them meanwhile.
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
        // In the order in which imports write them.
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

/// Writes products as they are to be. The database notes what changes, but for removals.
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
                product: as_product(identity, values),
                said: Said::ALL,
                is_repeat: false,
                row,
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

/// Notes after which change a product was as a change makes it again: what was done before can be taken back, too.
async fn note_restored(
    db: &mut BulkTransaction,
    restored: &[(i64, i64)],
) -> Result<(), StoreError> {
    for some in restored.chunks(500) {
        // Numbers alone, which need no escape.
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

/// Removes a product, and notes what it was.
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

pub(super) fn as_product(identity: String, values: Values) -> NewProduct {
    let [
        sku,
        name,
        price,
        sale_price,
        currency,
        gtin,
        stock,
        availability,
        url,
    ] = values;
    NewProduct {
        name: name.unwrap_or_else(|| identity.clone()),
        identity,
        sku,
        price,
        sale_price,
        currency,
        gtin,
        stock: stock.and_then(|stock| stock.parse().ok()),
        availability,
        url,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{
        prelude::*,
        test_runner::{Config, TestRunner},
    };

    use super::*;
    use crate::server::store::{monitor_imports::NewImport, test_database::TestDatabase};

    /// What an import or an undo does in a test.
    #[derive(Clone, Debug)]
    enum Deed {
        /// Imports rows: which product, its values, and whether the file has a column for more than the price.
        Import(Vec<(u8, Given, bool)>),
        /// Takes the import before the last so many back, and whether everything.
        Undo(usize, bool),
    }

    #[derive(Clone, Debug)]
    struct Given {
        name: u8,
        price: &'static str,
        stock: Option<i64>,
        url: bool,
    }

    fn given() -> impl Strategy<Value = Given> {
        let price = prop_oneof![Just("1"), Just("1.0"), Just("2"), Just("0"), Just("")];
        (
            0..3_u8,
            price,
            proptest::option::of(0..2_i64),
            any::<bool>(),
        )
            .prop_map(|(name, price, stock, url)| Given {
                name,
                price,
                stock,
                url,
            })
    }

    fn deeds() -> impl Strategy<Value = Vec<Deed>> {
        let rows = proptest::collection::vec((0..5_u8, given(), any::<bool>()), 1..7);
        let deed = prop_oneof![
            3 => rows.prop_map(Deed::Import),
            2 => (0..4_usize, any::<bool>()).prop_map(|(back, everything)| Deed::Undo(back, everything)),
        ];
        proptest::collection::vec(deed, 1..9)
    }

    fn row(number: u64, (product, given, says_all): &(u8, Given, bool)) -> ProductRow {
        let sku = product.to_string();
        let said = Said {
            name: *says_all,
            sale_price: *says_all,
            currency: *says_all,
            gtin: *says_all,
            stock: *says_all,
            availability: *says_all,
            url: *says_all,
        };
        let optional =
            |is_there: bool, text: &str| (is_there && *says_all).then(|| text.to_owned());
        ProductRow {
            product: NewProduct {
                identity: format!("sku:{sku}"),
                name: if *says_all {
                    format!("Name {}", given.name)
                } else {
                    sku.clone()
                },
                sku: Some(sku),
                price: (!given.price.is_empty()).then(|| given.price.to_owned()),
                stock: given.stock.filter(|_| *says_all),
                url: optional(given.url, "https://shop.example/"),
                ..NewProduct::default()
            },
            said,
            row: number,
            ..ProductRow::default()
        }
    }

    /// A change in the model: what it made of which product, and what that was.
    #[derive(Clone, Debug)]
    struct Change {
        identity: String,
        before: Option<NewProduct>,
        after: Option<NewProduct>,
        /// The change before, and the one after which it was so.
        previous: (usize, usize),
    }

    /// Products, and all changes there ever were.
    #[derive(Default)]
    struct Model {
        products: BTreeMap<String, NewProduct>,
        /// The last change of each product, by its place among all, and the one after which it was as it is; 0 is
        /// none.
        last: BTreeMap<String, (usize, usize)>,
        changes: Vec<Change>,
        /// The changes of each import, as a range of all.
        imports: Vec<std::ops::Range<usize>>,
    }

    impl Model {
        fn set(&mut self, identity: &str, after: Option<NewProduct>, restores: Option<usize>) {
            let before = self.products.get(identity).cloned();
            match &after {
                Some(product) => self.products.insert(identity.to_owned(), product.clone()),
                None => self.products.remove(identity),
            };
            let previous = self.last.get(identity).copied().unwrap_or_default();
            self.changes.push(Change {
                identity: identity.to_owned(),
                before,
                after,
                previous,
            });
            let place = self.changes.len();
            let last = (place, restores.unwrap_or(place));
            self.last.insert(identity.to_owned(), last);
        }

        fn import(&mut self, rows: &[ProductRow]) {
            let begin = self.changes.len();
            for row in rows {
                let identity = row.product.identity.clone();
                let there = self.products.get(&identity).cloned();
                let after = match &there {
                    Some(there) if row.product.is_like(there, row.said) => continue,
                    Some(there) if row.said != Said::ALL => NewProduct {
                        price: row.product.price.clone(),
                        ..there.clone()
                    },
                    _ => row.product.clone(),
                };
                self.set(&identity, Some(after), None);
            }
            self.imports.push(begin..self.changes.len());
        }

        /// Returns which products were left as they are.
        fn undo(&mut self, import: usize, everything: bool) -> Vec<String> {
            let begin = self.changes.len();
            let mut left = Vec::new();
            let mut to_be: BTreeMap<String, (Option<NewProduct>, bool)> = BTreeMap::new();
            let mut last = self.last.clone();
            for place in self.imports[import].clone().rev() {
                let change = self.changes[place].clone();
                let identity = change.identity;
                let (by, as_after) = last.get(&identity).copied().unwrap_or_default();
                let is_last = by == place + 1 || as_after == place + 1;
                if !is_last && !everything {
                    left.push(identity);
                    continue;
                }
                // It is changed by the undo from now on.
                last.insert(identity.clone(), (usize::MAX, change.previous.1));
                let (now, was_clean) = match to_be.get(&identity) {
                    Some(now) => now.clone(),
                    None => (self.products.get(&identity).cloned(), true),
                };
                let then = match (change.before, change.after) {
                    (None, _) => None,
                    (Some(before), None) => Some(before),
                    (Some(before), Some(after)) => now.map(|mut now| {
                        if before.name != after.name {
                            now.name = before.name;
                        }
                        if before.price != after.price {
                            now.price = before.price;
                        }
                        if before.stock != after.stock {
                            now.stock = before.stock;
                        }
                        if before.url != after.url {
                            now.url = before.url;
                        }
                        now
                    }),
                };
                to_be.insert(identity, (then, was_clean && is_last));
            }
            for (identity, (then, is_clean)) in to_be {
                if self.products.get(&identity) != then.as_ref() {
                    let restores = is_clean.then(|| last[&identity].1);
                    self.set(&identity, then, restores);
                }
            }
            self.imports.push(begin..self.changes.len());
            left.sort();
            left
        }
    }

    async fn begin(store: &Store, id: &str, undoes: Option<Undo>) -> ImportNumber {
        let new = NewImport {
            id: id.to_owned(),
            undoes,
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
        store.number_import(id).await.unwrap()
    }

    /// Imports rows, each in a transaction: so one that comes again finds the one above.
    async fn import(store: &Store, id: &str, rows: &[ProductRow]) {
        let number = begin(store, id, None).await;
        for row in rows {
            let mut transaction = BulkTransaction::begin(store).await.unwrap();
            let upsert = Upsert::new(
                vec![row.clone()],
                transaction.backend(),
                now(),
                Some(number),
            );
            upsert.write(&mut transaction).await.unwrap();
            transaction.commit().await.unwrap();
        }
        end(store, id).await;
    }

    async fn end(store: &Store, id: &str) {
        let ended = store.finish_monitor_import(id, ImportStatus::Success, None, None);
        ended.await.unwrap();
    }

    /// Takes an import back, and returns which products were left.
    async fn undo(store: &Store, id: &str, of: &str, everything: bool) -> Vec<String> {
        let undo = Undo {
            import: of.to_owned(),
            everything,
        };
        let number = begin(store, id, Some(undo)).await;
        let of = store.import_number(of).await.unwrap().unwrap();
        let mut position = 0;
        while let Some(batch) = store.changes_to_take_back(of, position).await.unwrap() {
            let commit = store.commit_undo_batch(id, number, position, &batch, everything);
            let taken = commit.await.unwrap().unwrap();
            assert_eq!(taken.done + taken.left, batch.changes());
            // It is done once.
            let again = store.commit_undo_batch(id, number, position, &batch, everything);
            assert_eq!(again.await.unwrap(), None);
            position = batch.position();
        }
        let there = store.monitor_import(id).await.unwrap().unwrap();
        assert_eq!(
            there.progress.processed_products,
            there.written.rows(),
            "{there:?}"
        );
        end(store, id).await;
        let left = store.monitor_failed_rows(id, 1000).await.unwrap();
        let mut left: Vec<_> = left
            .into_iter()
            .map(|row| format!("sku:{}", row.sku))
            .collect();
        left.sort();
        left
    }

    /// The whole table, but for what tells when it was changed and by which import.
    async fn table(store: &Store) -> Vec<String> {
        let sql = "SELECT identity || '|' || COALESCE(sku, '-') || '|' || name || '|' || COALESCE(price, '-') || '|' || \
                   COALESCE(sale_price, '-') || '|' || COALESCE(currency, '-') || '|' || COALESCE(gtin, '-') || '|' || \
                   COALESCE(CAST(stock AS TEXT), '-') || '|' || COALESCE(availability, '-') || '|' || \
                   COALESCE(url, '-') || '|' || search_text || '|' || CAST(created_at AS TEXT) \
                   FROM products ORDER BY identity";
        let rows = store
            .db
            .query_all_raw(store.statement(sql, []))
            .await
            .unwrap();
        rows.iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect()
    }

    async fn empty(store: &Store) {
        for table in [
            "products",
            "product_changes",
            "import_numbers",
            "monitor_failed_rows",
            "monitor_imports",
        ] {
            store
                .db
                .execute_unprepared(&format!("DELETE FROM {table}"))
                .await
                .unwrap();
        }
    }

    #[test]
    fn any_sequence_of_imports_and_undos_leaves_what_a_model_says() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (_database, store) = runtime.block_on(async {
            let database = TestDatabase::create().await;
            let store = Store::open(&database.url).await.unwrap();
            (database, store)
        });
        let config = Config {
            cases: 96,
            failure_persistence: None,
            ..Config::default()
        };
        let run = |deeds: Vec<Deed>| {
            runtime.block_on(async {
                empty(&store).await;
                let mut model = Model::default();
                for (number, deed) in deeds.iter().enumerate() {
                    let id = number.to_string();
                    let before = table(&store).await;
                    match deed {
                        Deed::Undo(back, everything) if number > 0 => {
                            let of = number - 1 - back % number;
                            let left = undo(&store, &id, &of.to_string(), *everything).await;
                            prop_assert_eq!(left, model.undo(of, *everything));
                        }
                        Deed::Undo(..) => import(&store, &id, &[]).await,
                        Deed::Import(rows) => {
                            let rows: Vec<_> = (1..)
                                .zip(rows)
                                .map(|(number, it)| row(number, it))
                                .collect();
                            import(&store, &id, &rows).await;
                            model.import(&rows);
                            // Taken back at once, and forth again, it leaves the table as it was.
                            let after = table(&store).await;
                            let (back, forth) = (format!("{id}-back"), format!("{id}-forth"));
                            prop_assert_eq!(
                                undo(&store, &back, &id, false).await,
                                Vec::<String>::new()
                            );
                            prop_assert_eq!(table(&store).await, before);
                            prop_assert_eq!(
                                undo(&store, &forth, &back, false).await,
                                Vec::<String>::new()
                            );
                            prop_assert_eq!(table(&store).await, after);
                            // The model knows both.
                            let last = model.imports.len() - 1;
                            model.undo(last, false);
                            model.undo(last + 1, false);
                            let (_, _) = (model.imports.pop(), model.imports.pop());
                        }
                    }
                    if matches!(deed, Deed::Undo(..)) && number == 0 {
                        model.imports.push(0..0);
                    }
                    let there = store.products_behind("", 100).await.unwrap();
                    let expected: Vec<_> = model.products.values().cloned().collect();
                    prop_assert_eq!(there, expected);
                }
                Ok(())
            })
        };
        TestRunner::new(config).run(&deeds(), run).unwrap();
    }

    #[tokio::test]
    async fn an_undo_of_many_changes_goes_on_where_it_was() {
        let database = TestDatabase::create().await;
        let store = Store::open(&database.url).await.unwrap();
        let rows = |price: &'static str| {
            let one = |number: u64| ProductRow {
                product: NewProduct {
                    identity: format!("sku:{number:05}"),
                    name: "One".to_owned(),
                    price: Some(price.to_owned()),
                    ..NewProduct::default()
                },
                row: number,
                ..ProductRow::default()
            };
            (1..=5_000).map(one).collect::<Vec<_>>()
        };
        let write = async |id: &str, rows: Vec<ProductRow>| {
            let number = begin(&store, id, None).await;
            let mut transaction = BulkTransaction::begin(&store).await.unwrap();
            let upsert = Upsert::new(rows, transaction.backend(), 1, Some(number));
            upsert.write(&mut transaction).await.unwrap();
            transaction.commit().await.unwrap();
            end(&store, id).await;
        };
        write("a", rows("1")).await;
        let before = table(&store).await;
        write("b", rows("2")).await;
        let number = store.import_number("b").await.unwrap().unwrap();
        assert_eq!(store.count_changes(number).await.unwrap(), 5_000);
        assert!(!store.is_being_undone("b").await.unwrap());
        assert!(undo(&store, "c", "b", false).await.is_empty());
        assert_eq!(table(&store).await, before);
        assert_eq!(store.undone_by("b").await.unwrap().as_deref(), Some("c"));
        // What was taken back is no change since.
        assert!(undo(&store, "d", "a", false).await.is_empty());
        assert!(table(&store).await.is_empty());
        assert!(undo(&store, "e", "d", false).await.is_empty());
        assert_eq!(table(&store).await, before);
        write("f", rows("3")).await;
        assert_eq!(
            undo(&store, "g", "a", false).await.len(),
            1_000,
            "as many as are listed"
        );
        assert_eq!(table(&store).await.len(), 5_000);
        assert!(undo(&store, "h", "a", true).await.is_empty());
        assert!(table(&store).await.is_empty());
    }
}
