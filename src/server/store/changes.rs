//! Change sets: product changes of each import.
//!
//! Triggers record changes in the transaction that makes them. A change's ID consists of import number and row, so an
//! import's changes are adjacent. A product has its last change's ID, a change the previous one's: product histories
//! need no index.

mod all;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use super::{
    Store, StoreError, from_db,
    preview::is_preview,
    product_search::FOUND_AT_MOST,
    products::{contains_text, is_same_amount},
    retention::{REMOVED, SLICE},
    to_db,
};
use crate::model::{
    changes::{
        ChangeKind, ChangesFilter, ChangesPage, Field, FieldChange, HistoryEntry, Percent,
        ProductChange,
    },
    job::{ImportMode, ImportStatus, UnixMillis},
    product::PricePoint,
};

/// Bits of a change ID for the row.
const ROW_BITS: u32 = 36;

/// The last row with an ID of its own.
pub(super) const LAST_ROW: i64 = (1 << ROW_BITS) - 1;

const WINDOW: i64 = 20_000;

/// Time after which an incomplete page is returned.
const PATIENCE: Duration = Duration::from_millis(25);

const DEPTH: u64 = 1_000;

/// The number of an import in change IDs; never reused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ImportNumber(i64);

impl ImportNumber {
    /// Reads the number in a row's only column.
    pub(super) fn read(row: &QueryResult) -> Result<Self, StoreError> {
        Ok(Self(row.try_get_by_index(0)?))
    }

    /// Returns the ID of the change by a row.
    pub(super) fn change(self, row: u64) -> i64 {
        (self.0 << ROW_BITS) | to_db(row).min(LAST_ROW)
    }

    pub(super) fn last(self) -> i64 {
        self.change(u64::MAX)
    }
}

fn row_of(id: i64) -> u64 {
    from_db(id & LAST_ROW)
}

/// Values of a product, in the order of [`Field::ALL`].
pub(super) type Values = [Option<String>; Field::ALL.len()];

pub(super) const COLUMNS: [&str; Field::ALL.len()] = [
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

/// A stored change with the current product.
#[derive(Clone, Debug)]
struct Noted {
    id: i64,
    identity: String,
    kind: ChangeKind,
    fields: i64,
    price_change: Option<i64>,
    old: Values,
    new: Values,
    now: Option<Now>,
}

#[derive(Clone, Debug)]
struct Now {
    last_change: i64,
    values: Values,
}

/// Columns for [`Noted::read`], of changes `c` and products `p`.
fn columns() -> String {
    let mut columns =
        "c.id, c.identity, CAST(c.kind AS BIGINT), CAST(c.fields AS BIGINT), c.price_change, \
                       p.last_change"
            .to_owned();
    for table in ["c.old_", "c.new_", "p."] {
        for column in COLUMNS {
            columns.push_str(&match column {
                "stock" => format!(", CAST({table}{column} AS TEXT)"),
                _ => format!(", {table}{column}"),
            });
        }
    }
    columns
}

pub(super) fn kind_of(kind: i64) -> ChangeKind {
    match kind {
        0 => ChangeKind::Added,
        1 => ChangeKind::Updated,
        _ => ChangeKind::Removed,
    }
}

/// Kind of a change by which a check would remove a product; actual removals have another kind.
pub(super) const WOULD_REMOVE: i64 = 3;

pub(super) fn kind_to_db(kind: ChangeKind) -> i64 {
    match kind {
        ChangeKind::Added => 0,
        ChangeKind::Updated => 1,
        ChangeKind::Removed => 2,
    }
}

pub(super) fn bit(field: Field) -> i64 {
    1 << field as i64
}

impl Noted {
    fn read(row: &QueryResult) -> Result<Self, StoreError> {
        let values = |from: usize| -> Result<Values, StoreError> {
            let mut values = Values::default();
            for (place, value) in (from..).zip(&mut values) {
                *value = row.try_get_by_index(place)?;
            }
            Ok(values)
        };
        let last_change: Option<i64> = row.try_get_by_index(5)?;
        Ok(Self {
            id: row.try_get_by_index(0)?,
            identity: row.try_get_by_index(1)?,
            kind: kind_of(row.try_get_by_index(2)?),
            fields: row.try_get_by_index(3)?,
            price_change: row.try_get_by_index(4)?,
            old: values(6)?,
            new: values(6 + COLUMNS.len())?,
            now: match last_change {
                Some(last_change) => Some(Now {
                    last_change,
                    values: values(6 + 2 * COLUMNS.len())?,
                }),
                None => None,
            },
        })
    }

    /// Whether it added a product without recording the values.
    fn lacks_values(&self) -> bool {
        self.kind == ChangeKind::Added && self.fields == 0
    }

    /// Reverts the change on a product's values.
    fn take_back(&self, values: Option<Values>) -> Option<Values> {
        match self.kind {
            ChangeKind::Added => None,
            ChangeKind::Removed => Some(self.old.clone()),
            ChangeKind::Updated => values.map(|mut values| {
                for (field, value) in Field::ALL.into_iter().zip(&mut values) {
                    if self.fields & bit(field) != 0 {
                        value.clone_from(&self.old[field as usize]);
                    }
                }
                values
            }),
        }
    }

    fn matches(&self, filter: &ChangesFilter) -> bool {
        let ChangesFilter {
            kind,
            field,
            price_down,
            price_up,
            search: _,
        } = filter;
        let moved = self.price_change.unwrap_or_default();
        let is_price_asked = price_down.is_some() || price_up.is_some();
        let falls = price_down.is_some_and(|by| moved < -by.hundredths());
        let rises = price_up.is_some_and(|by| moved > by.hundredths());
        let has_field = |field: Field| {
            let is_same = field == Field::Price && self.price_change == Some(0);
            self.kind == ChangeKind::Updated && self.fields & bit(field) != 0 && !is_same
        };
        kind.is_none_or(|kind| kind == self.kind)
            && field.is_none_or(has_field)
            && (!is_price_asked || falls || rises)
    }

    fn into_change(self) -> ProductChange {
        let [sku, name] = match &self.now {
            Some(now) => [now.values[0].clone(), now.values[1].clone()],
            None => [self.old[0].clone(), self.old[1].clone()],
        };
        let mut fields = Vec::new();
        for field in Field::ALL {
            let (old, new) = (&self.old[field as usize], &self.new[field as usize]);
            let is_same = match field {
                Field::Price | Field::SalePrice => is_same_amount(old.as_deref(), new.as_deref()),
                _ => old == new,
            };
            if !is_same {
                let (old, new) = (old.clone(), new.clone());
                fields.push(FieldChange { field, old, new });
            }
        }
        ProductChange {
            row: row_of(self.id),
            identity: self.identity,
            sku,
            name,
            kind: self.kind,
            price_change: self.price_change,
            fields,
        }
    }
}

/// Returns the SQL conditions of a filter, on changes `c`.
fn conditions(filter: &ChangesFilter) -> String {
    let ChangesFilter {
        kind,
        field,
        price_down,
        price_up,
        search: _,
    } = filter;
    let mut sql = String::new();
    if let Some(kind) = kind {
        let compared = match kind {
            ChangeKind::Removed => format!(">= {}", kind_to_db(*kind)),
            ChangeKind::Added | ChangeKind::Updated => format!("= {}", kind_to_db(*kind)),
        };
        sql.push_str(&format!(" AND c.kind {compared}"));
    }
    if let Some(field) = field {
        sql.push_str(&format!(
            " AND c.kind = 1 AND (c.fields & {}) <> 0",
            bit(*field)
        ));
        if *field == Field::Price {
            sql.push_str(" AND COALESCE(c.price_change, 1) <> 0");
        }
    }
    let down = price_down.map(|by| format!("c.price_change < -{}", by.hundredths()));
    let up = price_up.map(|by| format!("c.price_change > {}", by.hundredths()));
    let moved: Vec<_> = down.into_iter().chain(up).collect();
    if !moved.is_empty() {
        sql.push_str(&format!(" AND ({})", moved.join(" OR ")));
    }
    sql
}

impl Store {
    /// Returns the number of an import, assigning one if necessary.
    pub async fn number_import(&self, id: &str) -> Result<ImportNumber, StoreError> {
        if let Some(number) = self.import_number(id).await? {
            return Ok(number);
        }
        let sql = "INSERT INTO import_numbers (import_id, began_at) VALUES ($1, $2) \
                   ON CONFLICT (import_id) DO NOTHING";
        let values = [id.into(), super::now().into()];
        self.db.execute_raw(self.statement(sql, values)).await?;
        let number = self.import_number(id).await?;
        number.ok_or_else(|| StoreError::Corrupt {
            table: "import_numbers",
            reason: format!("import {id} has no number"),
        })
    }

    /// Returns the number of an import, if assigned.
    pub async fn import_number(&self, id: &str) -> Result<Option<ImportNumber>, StoreError> {
        let sql = "SELECT number FROM import_numbers WHERE import_id = $1";
        let row = self
            .db
            .query_one_raw(self.statement(sql, [id.into()]))
            .await?;
        let number = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(number.map(ImportNumber))
    }

    pub(super) fn statement(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        Statement::from_sql_and_values(self.db.get_database_backend(), sql, values)
    }

    /// Returns whether changes of an import are stored.
    pub async fn has_changes(&self, import: &str) -> Result<bool, StoreError> {
        let Some(number) = self.import_number(import).await? else {
            return Ok(false);
        };
        let sql = "SELECT 1 FROM product_changes WHERE id > $1 AND id <= $2 LIMIT 1";
        let values = [number.change(0).into(), number.last().into()];
        let row = self.db.query_one_raw(self.statement(sql, values)).await?;
        Ok(row.is_some())
    }

    /// Lists up to `limit` changes after a row. A page may have fewer if finding them takes long; `next` continues it.
    /// Times out.
    pub async fn changes_behind(
        &self,
        import: &str,
        filter: &ChangesFilter,
        row: u64,
        limit: u64,
    ) -> Result<ChangesPage, StoreError> {
        let Some(number) = self.import_number(import).await? else {
            return Ok(ChangesPage::default());
        };
        let (found, next) = if filter.search.is_empty() {
            let all = Sought::default();
            self.scan(number, filter, &all, row, limit).await?
        } else if self.is_sought_in_changes(import).await? {
            let sought = self.sought(&filter.search).await?;
            self.scan(number, filter, &sought, row, limit).await?
        } else {
            self.changes_of_found(number, filter, row, limit).await?
        };
        Ok(ChangesPage {
            items: self.with_values(found).await?,
            next,
        })
    }

    async fn scan(
        &self,
        number: ImportNumber,
        filter: &ChangesFilter,
        sought: &Sought,
        row: u64,
        limit: u64,
    ) -> Result<(Vec<Noted>, Option<u64>), StoreError> {
        let last = "SELECT max(id) FROM product_changes WHERE id > $1 AND id <= $2";
        let values = [number.change(row).into(), number.last().into()];
        let last = self.search_one(last, values).await?;
        let last: Option<i64> = match last {
            Some(row) => row.try_get_by_index(0)?,
            None => None,
        };
        let mut behind = number.change(row);
        let mut found = Vec::new();
        let Some(last) = last else {
            return Ok((found, None));
        };
        let conditions = format!("{}{}", conditions(filter), sought.condition);
        let began = Instant::now();
        loop {
            let through = if conditions.is_empty() {
                last
            } else {
                last.min(behind.saturating_add(WINDOW))
            };
            let missing = (limit + 1).saturating_sub(found.len() as u64);
            let sql = format!(
                "SELECT {} FROM product_changes AS c LEFT JOIN products AS p ON p.identity = c.identity \
                 WHERE c.id > $1 AND c.id <= $2{conditions} ORDER BY c.id LIMIT {missing}",
                columns()
            );
            let mut values = vec![behind.into(), through.into()];
            values.extend(sought.values.iter().cloned());
            found.extend(self.noted(&sql, values).await?);
            if found.len() as u64 > limit {
                return Ok(cut(found, limit));
            }
            behind = through;
            if through >= last {
                return Ok((found, None));
            }
            if began.elapsed() > PATIENCE {
                return Ok((found, Some(row_of(through))));
            }
        }
    }

    /// Returns whether products have no link to an import's changes: those of a check, and removals.
    async fn is_sought_in_changes(&self, import: &str) -> Result<bool, StoreError> {
        if is_preview(import) {
            return Ok(true);
        }
        let sql = "SELECT 1 FROM monitor_imports WHERE id = $1 AND (mode = $2 OR removed > 0)";
        let values = [import.into(), ImportMode::Check.as_str().into()];
        Ok(self.search_one(sql, values).await?.is_some())
    }

    async fn sought(&self, search: &str) -> Result<Sought, StoreError> {
        let products = self.find_products(search, FOUND_AT_MOST, 0).await?.products;
        let mut values = vec![Value::from(contains_text(&search.to_lowercase()))];
        let mut places = vec!["''".to_owned()];
        for product in products {
            values.push(product.identity.into());
            places.push(format!("${}", values.len() + 2));
        }
        let like = |column: &str| format!("lower({column}) LIKE $3 ESCAPE '\\'");
        let condition = format!(
            " AND ({} OR {} OR {} OR c.identity IN ({}))",
            like("c.identity"),
            like("c.new_name"),
            like("c.old_name"),
            places.join(", ")
        );
        Ok(Sought { condition, values })
    }

    /// Finds changes of an import whose product matches a text.
    async fn changes_of_found(
        &self,
        number: ImportNumber,
        filter: &ChangesFilter,
        row: u64,
        limit: u64,
    ) -> Result<(Vec<Noted>, Option<u64>), StoreError> {
        let search = filter.search.as_str();
        let products = self.find_products(search, FOUND_AT_MOST, 0).await?.products;
        let mut identities: Vec<_> = products.into_iter().map(|row| row.identity).collect();
        // Removed products have no name; their identity is searched.
        for removed in [search.to_owned(), format!("sku:{search}")] {
            if !identities.contains(&removed) {
                identities.push(removed);
            }
        }
        let mut found = self.chain(&Heads::Of(identities), DEPTH).await?;
        let (first, last) = (number.change(row), number.last());
        found.retain(|one| one.id > first && one.id <= last && one.matches(filter));
        found.sort_by_key(|one| one.id);
        Ok(cut(found, limit))
    }

    /// Follows products' changes back, newest first.
    async fn chain(&self, heads: &Heads, depth: u64) -> Result<Vec<Noted>, StoreError> {
        let mut values: Vec<Value> = Vec::new();
        let heads = match heads {
            Heads::At(id) => {
                values.push((*id).into());
                "SELECT CAST($1 AS BIGINT), 1".to_owned()
            }
            Heads::Of(identities) => {
                let mut places = Vec::with_capacity(identities.len());
                for identity in identities {
                    values.push(identity.as_str().into());
                    places.push(format!("${}", values.len()));
                }
                let places = places.join(", ");
                format!(
                    "SELECT last_change, 1 FROM products WHERE identity IN ({places}) \
                     UNION ALL SELECT max(gone.id), 1 FROM product_changes AS gone \
                     WHERE gone.kind = 2 AND gone.identity IN ({places}) AND NOT EXISTS \
                     (SELECT 1 FROM products WHERE products.identity = gone.identity) GROUP BY gone.identity"
                )
            }
        };
        let sql = format!(
            "WITH RECURSIVE chain (id, depth) AS ({heads} \
             UNION ALL SELECT c.previous, chain.depth + 1 FROM chain JOIN product_changes AS c ON c.id = chain.id \
             WHERE chain.depth < {depth}) \
             SELECT {} FROM chain JOIN product_changes AS c ON c.id = chain.id \
             LEFT JOIN products AS p ON p.identity = c.identity ORDER BY chain.depth",
            columns()
        );
        self.noted(&sql, values).await
    }

    /// Adds the initial values of added products: the current values minus later changes.
    async fn with_values(&self, noted: Vec<Noted>) -> Result<Vec<ProductChange>, StoreError> {
        let mut noted = noted;
        let mut followed = Vec::new();
        for one in noted.iter_mut().filter(|one| one.lacks_values()) {
            match &one.now {
                Some(now) if now.last_change == one.id => one.new = now.values.clone(),
                _ => followed.push(one.identity.clone()),
            }
        }
        if !followed.is_empty() {
            let mut chains: HashMap<String, Vec<Noted>> = HashMap::new();
            for one in self.chain(&Heads::Of(followed), DEPTH).await? {
                chains.entry(one.identity.clone()).or_default().push(one);
            }
            for one in noted.iter_mut().filter(|one| one.lacks_values()) {
                if let Some(chain) = chains.get(&one.identity)
                    && let Some(values) = values_at(one, chain)
                {
                    one.new = values;
                }
            }
        }
        Ok(noted.into_iter().map(Noted::into_change).collect())
    }

    /// Lists up to `limit` changes of a product, newest first, starting at the newest or at `from`. Returns them and
    /// where to continue. Times out.
    pub async fn product_history(
        &self,
        identity: &str,
        from: Option<i64>,
        limit: u64,
    ) -> Result<(Vec<HistoryEntry>, Option<i64>), StoreError> {
        let heads = match from {
            Some(id) => Heads::At(id),
            None => Heads::Of(vec![identity.to_owned()]),
        };
        let mut noted = self.chain(&heads, limit + 1).await?;
        noted.retain(|one| one.identity == identity);
        let further = noted.get(usize::try_from(limit).unwrap_or(usize::MAX));
        let further = further.map(|one| one.id);
        noted.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok((self.entries(noted).await?, further))
    }

    /// Returns the price history of a product, oldest first, from its last thousand stored changes. Times out.
    pub async fn price_points(&self, identity: &str) -> Result<Vec<PricePoint>, StoreError> {
        let heads = Heads::Of(vec![identity.to_owned()]);
        let mut noted = self.chain(&heads, DEPTH).await?;
        noted.retain(|one| one.identity == identity);
        let imports = self.imports_of(&noted).await?;
        let price = Field::Price as usize;
        let now = noted.first().and_then(|one| one.now.as_ref());
        let mut cost = now.and_then(|now| now.values[price].clone());
        let mut points = Vec::new();
        for one in noted {
            let is_other = one.kind != ChangeKind::Updated || one.fields & bit(Field::Price) != 0;
            if !is_other {
                continue;
            }
            let of = imports.get(&(one.id >> ROW_BITS));
            if let Some(of) = of {
                let price = match one.kind {
                    ChangeKind::Removed => None,
                    ChangeKind::Added | ChangeKind::Updated => cost,
                };
                let at = of.began_at;
                points.push(PricePoint { at, price });
            }
            cost = match one.kind {
                ChangeKind::Added => None,
                ChangeKind::Updated | ChangeKind::Removed => one.old[price].clone(),
            };
        }
        points.reverse();
        points.sort_by_key(|point| point.at);
        Ok(points)
    }

    async fn entries(&self, noted: Vec<Noted>) -> Result<Vec<HistoryEntry>, StoreError> {
        let imports = self.imports_of(&noted).await?;
        let ids: Vec<_> = noted.iter().map(|one| one.id).collect();
        let changes = self.with_values(noted).await?;
        let entries = ids.into_iter().zip(changes).map(|(id, change)| {
            let of = imports.get(&(id >> ROW_BITS)).cloned().unwrap_or_default();
            HistoryEntry {
                import: of.import,
                filename: of.filename,
                at: of.began_at,
                change,
            }
        });
        Ok(entries.collect())
    }

    async fn imports_of(&self, noted: &[Noted]) -> Result<HashMap<i64, OfImport>, StoreError> {
        let mut numbers: Vec<i64> = noted.iter().map(|one| one.id >> ROW_BITS).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() {
            return Ok(HashMap::new());
        }
        let places: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        let sql = format!(
            "SELECT n.number, m.id, m.filename, n.began_at FROM import_numbers AS n \
             LEFT JOIN monitor_imports AS m ON m.id = n.import_id AND m.status <> '{REMOVED}' \
             WHERE n.number IN ({})",
            places.join(", ")
        );
        let rows = self.lists.query_all_raw(self.statement(&sql, [])).await;
        let mut imports = HashMap::new();
        for row in rows.map_err(StoreError::of_search)? {
            let of = OfImport {
                import: row.try_get_by_index(1)?,
                filename: row.try_get_by_index(2)?,
                began_at: row.try_get_by_index(3)?,
            };
            imports.insert(row.try_get_by_index(0)?, of);
        }
        Ok(imports)
    }

    async fn noted(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Noted>, StoreError> {
        let rows = self.lists.query_all_raw(self.statement(sql, values)).await;
        let rows = rows.map_err(StoreError::of_search)?;
        rows.iter().map(Noted::read).collect()
    }

    pub(super) async fn search_one(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<QueryResult>, StoreError> {
        let row = self.lists.query_one_raw(self.statement(sql, values)).await;
        row.map_err(StoreError::of_search)
    }

    pub(super) async fn unname_imports(&self, ids: &[String]) -> Result<(), StoreError> {
        let places: Vec<_> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let sql = format!(
            "UPDATE import_numbers SET import_id = NULL WHERE import_id IN ({})",
            places.join(", ")
        );
        let values = ids.iter().map(|id| id.as_str().into());
        self.db.execute_raw(self.statement(&sql, values)).await?;
        Ok(())
    }

    /// Deletes the changes of an import, and its number.
    pub(super) async fn remove_all_changes(&self, number: ImportNumber) -> Result<(), StoreError> {
        let values = [number.change(0).into(), number.last().into()];
        let sql = "DELETE FROM product_changes WHERE id > $1 AND id <= $2";
        self.db.execute_raw(self.statement(sql, values)).await?;
        let sql = "DELETE FROM import_numbers WHERE number = $1";
        let values = [number.0.into()];
        self.db.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// Deletes a batch of changes of imports that began before a time and have ended. Returns their number.
    pub(crate) async fn remove_changes(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT n.number FROM import_numbers AS n WHERE n.began_at < $1 AND NOT EXISTS \
             (SELECT 1 FROM monitor_imports AS m WHERE m.id = n.import_id AND m.status = '{}') \
             ORDER BY n.number LIMIT 1",
            ImportStatus::Pending.as_str()
        );
        let row = self
            .db
            .query_one_raw(self.statement(&sql, [before.into()]))
            .await?;
        let Some(row) = row else { return Ok(0) };
        let number = ImportNumber(row.try_get_by_index(0)?);
        let sql = format!(
            "DELETE FROM product_changes WHERE id IN (SELECT id FROM product_changes \
             WHERE id > $1 AND id <= $2 ORDER BY id LIMIT {SLICE})"
        );
        let values = [number.change(0).into(), number.last().into()];
        let removed = self.db.execute_raw(self.statement(&sql, values)).await?;
        if removed.rows_affected() > 0 {
            return Ok(removed.rows_affected());
        }
        let sql = "DELETE FROM import_numbers WHERE number = $1";
        let removed = self
            .db
            .execute_raw(self.statement(sql, [number.0.into()]))
            .await?;
        Ok(removed.rows_affected())
    }
}

/// Counts of price changes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Moves {
    /// Those above a share of the old price.
    pub far: u64,
    /// Those with an old and a new price.
    pub compared: u64,
}

impl Moves {
    pub(super) fn add(&mut self, old: Option<&str>, new: Option<&str>, by: Percent) {
        let number = |price: Option<&str>| price.and_then(|price| price.parse::<f64>().ok());
        let (Some(old), Some(new)) = (number(old), number(new)) else {
            return;
        };
        #[allow(clippy::cast_precision_loss)] // a share of a price, not a price
        let share = by.hundredths() as f64 / 10_000.0;
        self.compared += 1;
        self.far += u64::from((new - old).abs() > old.abs() * share);
    }
}

impl std::ops::AddAssign for Moves {
    fn add_assign(&mut self, other: Self) {
        self.far += other.far;
        self.compared += other.compared;
    }
}

/// Returns the price change in hundredths of a percent of the old price, like the triggers.
pub(super) fn price_change(old: Option<&str>, new: Option<&str>) -> Option<i64> {
    const MOST: f64 = 1e9;
    if old == new {
        return None;
    }
    let number = |price: Option<&str>| price.and_then(|price| price.parse::<f64>().ok());
    let (old, new) = (number(old)?, number(new)?);
    #[allow(clippy::cast_possible_truncation)] // it is clamped
    let rounded = |change: f64| change.clamp(-MOST, MOST).round() as i64;
    Some(match (old == 0.0, new == 0.0) {
        (true, true) => 0,
        (true, false) => rounded(MOST),
        _ => rounded((new - old) * 10_000.0 / old),
    })
}

enum Heads {
    /// The last changes of these products.
    Of(Vec<String>),
    /// This change.
    At(i64),
}

/// A condition on changes `c`; its values start at `$3`.
#[derive(Default)]
struct Sought {
    condition: String,
    values: Vec<Value>,
}

#[derive(Clone, Debug, Default)]
struct OfImport {
    import: Option<String>,
    filename: Option<String>,
    began_at: UnixMillis,
}

/// Returns the first `limit`, and the last one's row if there are more.
fn cut(mut found: Vec<Noted>, limit: u64) -> (Vec<Noted>, Option<u64>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if found.len() <= limit {
        return (found, None);
    }
    found.truncate(limit);
    let next = found.last().map(|one| row_of(one.id));
    (found, next)
}

/// Returns a product's values right after a change, by reverting later ones; `None` if some are not stored.
fn values_at(change: &Noted, chain: &[Noted]) -> Option<Values> {
    let mut values = chain.first()?.now.as_ref().map(|now| now.values.clone());
    for one in chain {
        if one.id == change.id {
            return values;
        }
        values = one.take_back(values);
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        model::changes::Percent,
        server::store::{
            bulk::BulkTransaction,
            monitor_imports::NewImport,
            products::{NewProduct, ProductRow, Upsert},
            test_database::{TestDatabase, product},
        },
    };

    async fn import(store: &Store, id: &str, products: &[NewProduct]) {
        import_as(ImportMode::Import, store, id, products).await;
    }

    /// Writes products as an import, one row each.
    pub(in crate::server::store) async fn import_as(
        mode: ImportMode,
        store: &Store,
        id: &str,
        products: &[NewProduct],
    ) {
        let new = NewImport {
            id: id.to_owned(),
            filename: format!("{id}.csv"),
            mode,
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
        let number = store.number_import(id).await.unwrap();
        assert_eq!(store.number_import(id).await.unwrap(), number);
        let rows = (1..).zip(products).map(|(row, product)| ProductRow {
            product: product.clone(),
            row,
            ..ProductRow::default()
        });
        let mut transaction = BulkTransaction::begin(store).await.unwrap();
        let now = crate::server::store::now();
        let upsert = Upsert::new(rows.collect(), transaction.backend(), now, Some(number));
        upsert.write(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        store
            .finish_monitor_import(id, ImportStatus::Success, None, None)
            .await
            .unwrap();
    }

    async fn list(store: &Store, id: &str, filter: &ChangesFilter) -> Vec<ProductChange> {
        store.changes_behind(id, filter, 0, 50).await.unwrap().items
    }

    async fn all(store: &Store, id: &str) -> Vec<ProductChange> {
        list(store, id, &ChangesFilter::default()).await
    }

    /// Formats changes as `sku kind field:old>new …`.
    fn said(changes: &[ProductChange]) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let one = |change: &ProductChange| {
            let mut said = format!("{} {}", change.identity, change.kind.as_str());
            for field in &change.fields {
                let (old, new) = (text(&field.old), text(&field.new));
                said.push_str(&format!(" {}:{old}>{new}", field.field.as_str()));
            }
            said
        };
        changes.iter().map(one).collect()
    }

    #[tokio::test]
    async fn an_import_says_which_values_of_which_products_it_changed() {
        let (_directory, store) = TestDatabase::opened().await;
        let first = [
            product("1", "One", "10.00"),
            product("2", "Two", ""),
            product("3", "Three", "3"),
        ];
        import(&store, "a", &first).await;
        let second = [
            NewProduct {
                stock: Some(7),
                ..product("2", "Two", "2")
            },
            product("1", "One", "7"),
            // The same price with other zeros.
            product("3", "Three", "3.00"),
            product("4", "Four", "4"),
        ];
        import(&store, "b", &second).await;
        assert_eq!(
            said(&all(&store, "a").await),
            [
                "sku:1 added sku:->1 name:->One price:->10.00",
                "sku:2 added sku:->2 name:->Two",
                "sku:3 added sku:->3 name:->Three price:->3",
            ]
        );
        let changes = all(&store, "b").await;
        assert_eq!(
            said(&changes),
            [
                "sku:2 updated price:->2 stock:->7",
                "sku:1 updated price:10.00>7",
                "sku:4 added sku:->4 name:->Four price:->4",
            ]
        );
        assert_eq!(changes[0].price_change, None);
        assert_eq!((changes[1].price_change, changes[1].row), (Some(-3000), 2));
        assert_eq!(changes[1].name.as_deref(), Some("One"));
        assert!(all(&store, "c").await.is_empty());
        assert!(store.has_changes("b").await.unwrap());
        assert!(!store.has_changes("c").await.unwrap());
    }

    #[tokio::test]
    async fn changes_are_filtered_and_paged() {
        let (_directory, store) = TestDatabase::opened().await;
        let price = |price: fn(u32) -> String| {
            let products = (0..120).map(move |n| product(&n.to_string(), "One", &price(n)));
            products.collect::<Vec<_>>()
        };
        import(&store, "a", &price(|_| "100".to_owned())).await;
        import(&store, "b", &price(|n| n.to_string())).await;
        let filtered = async |filter: ChangesFilter| {
            let mut rows = Vec::new();
            let mut after = Some(0);
            while let Some(behind) = after {
                let page = store.changes_behind("b", &filter, behind, 7).await.unwrap();
                assert!(page.items.len() <= 7);
                rows.extend(page.items.into_iter().map(|change| change.row));
                after = page.next;
            }
            rows
        };
        let any = ChangesFilter::default();
        // One price is unchanged.
        assert_eq!(filtered(any.clone()).await.len(), 119);
        let percent = |text: &str| text.parse::<Percent>().ok();
        let down = ChangesFilter {
            price_down: percent("90"),
            ..any.clone()
        };
        assert_eq!(filtered(down).await, (1..=10).collect::<Vec<_>>());
        let either = ChangesFilter {
            price_down: percent("98.5"),
            price_up: percent("18"),
            ..any.clone()
        };
        assert_eq!(filtered(either).await, [1, 2, 120]);
        let of = |kind, field| ChangesFilter {
            kind,
            field,
            ..any.clone()
        };
        assert_eq!(filtered(of(Some(ChangeKind::Added), None)).await.len(), 0);
        assert_eq!(filtered(of(None, Some(Field::Price))).await.len(), 119);
        assert_eq!(filtered(of(None, Some(Field::Name))).await.len(), 0);
        let search = |search: &str| ChangesFilter {
            search: search.to_owned(),
            ..any.clone()
        };
        assert_eq!(
            filtered(search("sku:7")).await,
            [8, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80]
        );
        assert_eq!(filtered(search("nothing")).await.len(), 0);
    }

    #[tokio::test]
    async fn a_product_has_a_history_however_it_goes_on() {
        let (_directory, store) = TestDatabase::opened().await;
        for (id, price) in [("a", "1"), ("b", "2"), ("c", "2"), ("d", "3")] {
            import(&store, id, &[product("1", "One", price)]).await;
        }
        // Initial values are known despite a later change.
        assert_eq!(
            said(&all(&store, "a").await),
            ["sku:1 added sku:->1 name:->One price:->1"]
        );
        let (entries, next) = store.product_history("sku:1", None, 2).await.unwrap();
        let told: Vec<_> = entries
            .iter()
            .map(|entry| entry.filename.as_deref())
            .collect();
        assert_eq!(told, [Some("d.csv"), Some("b.csv")]);
        let (older, next) = store.product_history("sku:1", next, 2).await.unwrap();
        assert_eq!((older.len(), next), (1, None));
        assert_eq!(older[0].change.kind, ChangeKind::Added);

        // The history survives the import's deletion.
        store.remove_monitor_import("b").await.unwrap().unwrap();
        while store.remove_import_rows(None).await.unwrap() > 0 {}
        let (entries, _) = store.product_history("sku:1", None, 9).await.unwrap();
        let told: Vec<_> = entries
            .iter()
            .map(|entry| entry.import.as_deref())
            .collect();
        assert_eq!(told, [Some("d"), None, Some("a")]);
        assert_eq!(store.product_history("sku:2", None, 9).await.unwrap().0, []);
    }

    #[tokio::test]
    async fn changes_are_kept_as_long_as_is_set() {
        let (_directory, store) = TestDatabase::opened().await;
        let products: Vec<_> = (0..1_500)
            .map(|n| product(&n.to_string(), "One", "1"))
            .collect();
        import(&store, "a", &products).await;
        let before = super::super::now() + 1;
        assert_eq!(store.remove_changes(0).await.unwrap(), 0);
        let mut slices = Vec::new();
        loop {
            match store.remove_changes(before).await.unwrap() {
                0 => break,
                removed => slices.push(removed),
            }
        }
        assert_eq!(slices, [1_000, 500, 1]);
        assert!(!store.has_changes("a").await.unwrap());
        assert_eq!(store.list_products("", 1).await.unwrap().total, 1_500);
        // Numbers are not reused.
        let (one, two) = (
            store.number_import("a").await.unwrap(),
            store.number_import("b").await.unwrap(),
        );
        assert!(one.0 == 2 && two.0 > one.0, "{one:?} {two:?}");
    }

    #[tokio::test]
    async fn changes_of_an_import_that_is_not_over_are_kept() {
        let (_directory, store) = TestDatabase::opened().await;
        let new = NewImport {
            id: "a".to_owned(),
            ..NewImport::default()
        };
        store.add_monitor_import(new).await.unwrap();
        store.number_import("a").await.unwrap();
        assert_eq!(store.remove_changes(i64::MAX).await.unwrap(), 0);
    }
}
