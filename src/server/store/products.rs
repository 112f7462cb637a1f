//! Products of the shop.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select, Value,
    sea_query::{Asterisk, Expr, Func, LikeExpr, Query},
};

use sqlx::sqlite::SqliteArguments;

use super::{
    Store, StoreError,
    added::AddedFromHere,
    bulk::{Bound, BulkTransaction, sqlite_arguments},
    changes::ImportNumber,
    entity::product,
    from_db,
    product_search::{FOUND_AT_MOST, Found},
};
use crate::model::{
    changes::Field, import_options::ChosenFields, job::UnixMillis, page::Page, product::Product,
};

const PAGE_SIZE: u64 = 50;

/// Maximum products on all pages together; searches and cursors reach others.
pub const LISTED_AT_MOST: u64 = 10_000;

/// Maximum variants listed with a product.
pub const VARIANTS: u64 = 100;

/// A product of an import.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewProduct {
    /// Identity across files.
    pub identity: String,
    /// Stock-keeping unit, if the file has one.
    pub sku: Option<String>,
    /// Name.
    pub name: String,
    /// Price as a decimal number.
    pub price: Option<String>,
    /// Lower sale price.
    pub sale_price: Option<String>,
    /// Currency of the prices (ISO 4217).
    pub currency: Option<String>,
    /// Global Trade Item Number.
    pub gtin: Option<String>,
    /// Units in stock.
    pub stock: Option<i64>,
    /// Availability.
    pub availability: Option<String>,
    /// URL of its page.
    pub url: Option<String>,
    /// URL of its image.
    pub image: Option<String>,
    /// Options that distinguish it from other variants, in the form of
    /// [`options_text`](crate::model::product::options_text).
    pub options: Option<String>,
}

/// Which values a row sets; others stay unchanged.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Said {
    /// Name. Without it a new product is named by its SKU.
    pub name: bool,
    /// Sale price.
    pub sale_price: bool,
    /// Currency. A price may include one.
    pub currency: bool,
    /// Global Trade Item Number.
    pub gtin: bool,
    /// Units in stock.
    pub stock: bool,
    /// Availability.
    pub availability: bool,
    /// URL of its page.
    pub url: bool,
    /// Image.
    pub image: bool,
    /// Options.
    pub options: bool,
}

impl Said {
    /// All values.
    pub const ALL: Self = Self {
        name: true,
        sale_price: true,
        currency: true,
        gtin: true,
        stock: true,
        availability: true,
        url: true,
        image: true,
        options: true,
    };

    /// Returns the columns of optional values to write.
    fn optional(self, only: ChosenFields) -> impl Iterator<Item = &'static str> {
        [
            (self.sale_price, Field::SalePrice, "sale_price"),
            (self.gtin, Field::Gtin, "gtin"),
            (self.stock, Field::Stock, "stock"),
            (self.availability, Field::Availability, "availability"),
            (self.url, Field::Url, "url"),
            (self.image, Field::Image, "image"),
            (self.options, Field::Options, "options"),
        ]
        .into_iter()
        .filter_map(move |(is_said, field, column)| (is_said && only.has(field)).then_some(column))
    }
}

impl Default for Said {
    fn default() -> Self {
        Self::ALL
    }
}

/// Counts of a batch's products.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Written {
    /// New products.
    pub added: u64,
    /// Changed products.
    pub updated: u64,
    /// Unchanged products.
    pub unchanged: u64,
    /// Rows that replaced an earlier row of the same product, which is counted there.
    pub replaced: u64,
    /// Removed products.
    pub removed: u64,
}

impl Written {
    /// Returns the number of rows.
    #[must_use]
    pub fn rows(self) -> u64 {
        self.added + self.updated + self.unchanged + self.replaced + self.removed
    }
}

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.replaced += other.replaced;
        self.removed += other.removed;
    }
}

impl NewProduct {
    /// Whether writing these values would leave the product unchanged.
    pub(super) fn is_like(&self, there: &Self, said: Said, only: ChosenFields) -> bool {
        let optional = |is_said: bool, field, same: bool| !is_said || !only.has(field) || same;
        let has_currency = only.has_currency() && (said.currency || self.currency.is_some());
        self.identity == there.identity
            && optional(true, Field::Sku, self.sku == there.sku)
            && optional(
                true,
                Field::Price,
                is_same_amount(self.price.as_deref(), there.price.as_deref()),
            )
            && optional(said.name, Field::Name, self.name == there.name)
            && optional(
                said.sale_price,
                Field::SalePrice,
                is_same_amount(self.sale_price.as_deref(), there.sale_price.as_deref()),
            )
            && (!has_currency || self.currency == there.currency)
            && optional(said.gtin, Field::Gtin, self.gtin == there.gtin)
            && optional(said.stock, Field::Stock, self.stock == there.stock)
            && optional(
                said.availability,
                Field::Availability,
                self.availability == there.availability,
            )
            && optional(said.url, Field::Url, self.url == there.url)
            && optional(said.image, Field::Image, self.image == there.image)
            && optional(said.options, Field::Options, self.options == there.options)
    }

    fn search_text(&self) -> String {
        match self.sku.as_deref() {
            Some(sku) if !self.identity.contains(sku) => {
                format!("{}\n{sku}\n{}", self.name, self.identity).to_lowercase()
            }
            _ => format!("{}\n{}", self.name, self.identity).to_lowercase(),
        }
    }
}

impl Store {
    /// Lists a page of products whose name, SKU or identity contains `search`, ignoring case, by name and identity. A
    /// page out of range is the nearest one. Limited to [`LISTED_AT_MOST`] products and 1000 search results.
    pub async fn list_products(
        &self,
        search: &str,
        page: u64,
    ) -> Result<Page<Product>, StoreError> {
        let page = page.max(1);
        let mut found = (self.products_of_page(search, page).await?, page);
        if found.0.products.is_empty() && page > 1 {
            // The page is past the end, and the total unknown.
            let first = self.products_of_page(search, 1).await?;
            let last = first.total.div_ceil(PAGE_SIZE).clamp(1, page);
            found = (self.products_of_page(search, last).await?, last);
        }
        let (found, page) = found;
        Ok(Page {
            items: found.products.into_iter().map(listed).collect(),
            page,
            pages: found.total.div_ceil(PAGE_SIZE).max(1),
            total: found.total,
            has_more: found.has_more,
        })
    }

    async fn products_of_page(&self, search: &str, page: u64) -> Result<Found, StoreError> {
        let offset = (page - 1).saturating_mul(PAGE_SIZE);
        if !search.is_empty() {
            let limit = PAGE_SIZE.min(FOUND_AT_MOST.saturating_sub(offset));
            return self
                .find_products(search, limit, offset.min(FOUND_AT_MOST))
                .await;
        }
        let total = self
            .count_up_to(product::Entity::find(), LISTED_AT_MOST + 1)
            .await?;
        let products = product::Entity::find()
            .order_by_asc(product::Column::Name)
            .order_by_asc(product::Column::Identity)
            .offset(offset.min(LISTED_AT_MOST))
            .limit(PAGE_SIZE.min(LISTED_AT_MOST.saturating_sub(offset)))
            .all(&self.lists)
            .await
            .map_err(StoreError::of_search)?;
        Ok(Found {
            products,
            total: total.min(LISTED_AT_MOST),
            has_more: total > LISTED_AT_MOST,
        })
    }

    /// Lists up to `limit` products after one, by name; `None` if that product does not exist.
    pub async fn products_behind_by_name(
        &self,
        identity: &str,
        limit: u64,
    ) -> Result<Option<Vec<Product>>, StoreError> {
        use sea_orm::sea_query::ExprTrait as _;

        let last = product::Entity::find_by_id(identity).one(&self.lists);
        let Some(last) = last.await.map_err(StoreError::of_search)? else {
            return Ok(None);
        };
        let place = Expr::tuple([
            Expr::col(product::Column::Name),
            Expr::col(product::Column::Identity),
        ]);
        let last = Expr::tuple([Expr::value(last.name), Expr::value(last.identity)]);
        let rows = product::Entity::find()
            .filter(place.gt(last))
            .order_by_asc(product::Column::Name)
            .order_by_asc(product::Column::Identity)
            .limit(limit)
            .all(&self.lists)
            .await
            .map_err(StoreError::of_search)?;
        Ok(Some(rows.into_iter().map(listed).collect()))
    }

    /// Finds a product.
    pub async fn find_product(&self, identity: &str) -> Result<Option<Product>, StoreError> {
        let found = product::Entity::find_by_id(identity).one(&self.lists);
        Ok(found.await.map_err(StoreError::of_search)?.map(listed))
    }

    /// Lists the variants of a product: products with its name, if there are several, up to [`VARIANTS`].
    pub async fn variants(&self, name: &str) -> Result<Vec<Product>, StoreError> {
        let rows = product::Entity::find()
            .filter(product::Column::Name.eq(name))
            .order_by_asc(product::Column::Identity)
            .limit(VARIANTS)
            .all(&self.lists)
            .await
            .map_err(StoreError::of_search)?;
        Ok(match rows.len() {
            0 | 1 => Vec::new(),
            _ => rows.into_iter().map(listed).collect(),
        })
    }

    /// Counts the rows of a query, up to `most`.
    pub(super) async fn count_up_to<E: EntityTrait>(
        &self,
        query: Select<E>,
        most: u64,
    ) -> Result<u64, StoreError> {
        let rows = query
            .select_only()
            .expr(Expr::value(1))
            .limit(most)
            .into_query();
        let count = Query::select()
            .expr(Func::count(Expr::col(Asterisk)))
            .from_subquery(rows, "counted")
            .to_owned();
        let row = self.lists.query_one(&count).await;
        let row = row.map_err(StoreError::of_search)?;
        let count: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(from_db(count.unwrap_or_default()))
    }
}

impl Store {
    /// Lists up to `limit` products after an identity, by identity.
    pub async fn products_behind(
        &self,
        identity: &str,
        limit: u64,
    ) -> Result<Vec<NewProduct>, StoreError> {
        let rows = product::Entity::find()
            .filter(product::Column::Identity.gt(identity))
            .order_by_asc(product::Column::Identity)
            .limit(limit)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(as_brought).collect())
    }
}

fn as_brought(row: product::Model) -> NewProduct {
    NewProduct {
        identity: row.identity,
        sku: row.sku,
        name: row.name,
        price: row.price,
        sale_price: row.sale_price,
        currency: row.currency,
        gtin: row.gtin,
        stock: row.stock,
        availability: row.availability,
        url: row.url,
        image: row.image,
        options: row.options,
    }
}

/// Pattern for lower-case texts that contain `search` literally.
pub(super) fn contains(search: &str) -> LikeExpr {
    contains_exactly(&search.to_lowercase())
}

/// Pattern for texts that contain `search` literally, case-sensitively.
pub(super) fn contains_exactly(search: &str) -> LikeExpr {
    LikeExpr::new(contains_text(search)).escape('\\')
}

/// The pattern, escaped with a backslash.
pub(super) fn contains_text(search: &str) -> String {
    let mut pattern = String::with_capacity(search.len() + 2);
    pattern.push('%');
    for character in search.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        // No stored text has U+0000, and PostgreSQL rejects it.
        pattern.push(if character == '\0' { ' ' } else { character });
    }
    pattern.push('%');
    pattern
}

pub(super) fn listed(row: product::Model) -> Product {
    Product {
        identity: row.identity,
        sku: row.sku,
        name: row.name,
        price: row.price,
        sale_price: row.sale_price,
        currency: row.currency,
        gtin: row.gtin,
        stock: row.stock,
        availability: row.availability,
        url: row.url,
        image: row.image,
        options: row.options,
        created_at: row.created_at,
        updated_at: row.updated_at,
        updated_by: None,
    }
}

const RUN: usize = 250;

const COLUMNS: [&str; 16] = [
    "identity",
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
    "search_text",
    "created_at",
    "updated_at",
    "last_change",
];

/// A product of a row.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProductRow {
    /// The product.
    pub product: NewProduct,
    /// Which values the row sets.
    pub said: Said,
    /// Whether an earlier row has its identity.
    pub is_repeat: bool,
    /// Row number, from 1.
    pub row: u64,
    /// First line of the row.
    pub line: u64,
    /// Creation time of a restored product.
    pub created_at: Option<UnixMillis>,
}

impl ProductRow {
    /// Merges a later row of the same product: the result is the same as writing one after the other. Values that are
    /// not overwritten come from the first row if the product is new.
    fn replace(&mut self, later: Self, only: ChosenFields) {
        let (old, said) = (std::mem::take(&mut self.product), self.said);
        let mut new = later.product;
        let keeps = |field, later_says: bool, says: bool| !only.has(field) || says && !later_says;
        if !only.has(Field::Sku) {
            new.sku = old.sku;
        }
        if !only.has(Field::Price) {
            new.price = old.price;
        }
        if keeps(Field::Name, later.said.name, said.name) {
            new.name = old.name;
        }
        if keeps(Field::SalePrice, later.said.sale_price, said.sale_price) {
            new.sale_price = old.sale_price;
        }
        if !only.has_currency() {
            new.currency = old.currency;
        } else if !later.said.currency {
            new.currency = new.currency.or(old.currency);
        }
        if keeps(Field::Gtin, later.said.gtin, said.gtin) {
            new.gtin = old.gtin;
        }
        if keeps(Field::Stock, later.said.stock, said.stock) {
            new.stock = old.stock;
        }
        if keeps(
            Field::Availability,
            later.said.availability,
            said.availability,
        ) {
            new.availability = old.availability;
        }
        if keeps(Field::Url, later.said.url, said.url) {
            new.url = old.url;
        }
        if keeps(Field::Image, later.said.image, said.image) {
            new.image = old.image;
        }
        if keeps(Field::Options, later.said.options, said.options) {
            new.options = old.options;
        }
        self.product = new;
        self.row = later.row;
        self.line = later.line;
        self.said = Said {
            name: said.name || later.said.name,
            sale_price: said.sale_price || later.said.sale_price,
            currency: said.currency || later.said.currency,
            gtin: said.gtin || later.said.gtin,
            stock: said.stock || later.said.stock,
            availability: said.availability || later.said.availability,
            url: said.url || later.said.url,
            image: said.image || later.said.image,
            options: said.options || later.said.options,
        };
    }
}

/// Rows of distinct products, ordered by identity.
#[derive(Clone, Debug, Default)]
pub(super) struct DistinctRows {
    pub(super) rows: Vec<ProductRow>,
    /// Rows merged into others.
    pub(super) replaced: u64,
}

impl DistinctRows {
    pub(super) fn new(mut rows: Vec<ProductRow>, only: ChosenFields) -> Self {
        let all = rows.len();
        // A stable sort keeps rows of one product in file order.
        rows.sort_by(|one, two| one.product.identity.cmp(&two.product.identity));
        let mut distinct: Vec<ProductRow> = Vec::with_capacity(all);
        for row in rows {
            match distinct.last_mut() {
                Some(last) if last.product.identity == row.product.identity => {
                    last.replace(row, only)
                }
                _ => distinct.push(row),
            }
        }
        Self {
            replaced: (all - distinct.len()) as u64,
            rows: distinct,
        }
    }
}

/// Prepared statements for writing products.
#[derive(Clone, Debug, Default)]
pub(super) struct Upsert {
    runs: Vec<Run>,
    /// The products of all runs in PostgreSQL's COPY format, with the run number if there are several.
    copied: Vec<u8>,
    /// Their changes in that format, for products that are all new.
    added: Vec<u8>,
    replaced: u64,
    /// Which values of existing products are overwritten.
    only: ChosenFields,
    /// Whether values are written exactly, including trailing zeros of prices.
    is_exact: bool,
}

/// A product, and the ID of its change; 0 if changes are not recorded.
struct Changed {
    product: NewProduct,
    change: i64,
    created_at: UnixMillis,
}

/// Products of one statement, which set the same values.
#[derive(Clone, Debug)]
struct Run {
    rows: usize,
    said: Said,
    is_repeat: bool,
    values: Option<SqliteArguments>,
}

impl Upsert {
    /// Splits products into runs: a statement must not touch a row twice, and leaves the same values unchanged in all
    /// its rows. Runs are sorted, because concurrent imports must lock rows in one order.
    pub(super) fn new(
        rows: Vec<ProductRow>,
        backend: DatabaseBackend,
        now: UnixMillis,
        number: Option<ImportNumber>,
    ) -> Self {
        Self::of_fields(rows, backend, now, number, ChosenFields::ALL)
    }

    /// Like [`new`](Self::new), with only these values of existing products.
    pub(super) fn of_fields(
        rows: Vec<ProductRow>,
        backend: DatabaseBackend,
        now: UnixMillis,
        number: Option<ImportNumber>,
        only: ChosenFields,
    ) -> Self {
        let DistinctRows { rows, replaced } = DistinctRows::new(rows, only);
        let mut kinds: Vec<((Said, bool), Vec<Changed>)> = Vec::new();
        for row in rows {
            let kind = (row.said, row.is_repeat);
            let changed = Changed {
                change: number.map_or(0, |number| number.change(row.row)),
                created_at: row.created_at.unwrap_or(now),
                product: row.product,
            };
            match kinds.iter_mut().find(|(other, _)| *other == kind) {
                Some((_, products)) => products.push(changed),
                None => kinds.push((kind, vec![changed])),
            }
        }
        let mut upsert = Self {
            replaced,
            only,
            ..Self::default()
        };
        let has_several = kinds.len() > 1;
        for ((said, is_repeat), products) in kinds {
            let run = |rows, values| Run {
                rows,
                said,
                is_repeat,
                values,
            };
            if backend == DatabaseBackend::Postgres {
                let number = has_several.then_some(upsert.runs.len());
                for product in &products {
                    copied(&mut upsert.copied, number, product, now);
                    note_added(&mut upsert.added, product);
                }
                upsert.runs.push(run(products.len(), None));
                continue;
            }
            let mut products = products.into_iter().peekable();
            while products.peek().is_some() {
                let (rows, values) = bound(products.by_ref().take(RUN), now);
                upsert.runs.push(run(rows, Some(values)));
            }
        }
        upsert
    }

    /// Writes values exactly, including trailing zeros of prices.
    pub(super) fn exactly(self) -> Self {
        Self {
            is_exact: true,
            ..self
        }
    }

    /// Writes products. An unchanged product keeps its `updated_at`. Repeatable after an error.
    ///
    /// SQLite inserts new products first; if some existed, a second statement updates the changed ones, so that the
    /// database counts both. PostgreSQL reports for each row whether it is new.
    pub(super) async fn write(&self, db: &mut BulkTransaction) -> Result<Written, StoreError> {
        let mut written = Written {
            replaced: self.replaced,
            ..Written::default()
        };
        if let Some(added) = self.add_straight(db).await? {
            written.added = added;
            return Ok(written);
        }
        let from_here = AddedFromHere::mark(db).await?;
        if !self.copied.is_empty() {
            self.copy_in(db).await?;
        }
        for (number, run) in self.runs.iter().enumerate() {
            let all = run.rows as u64;
            let replace = self.replacing(run);
            if run.is_repeat {
                run.execute(db, number, replace).await?;
                written.replaced += all;
                continue;
            }
            let (added, updated) = run.write(db, number, replace).await?;
            written.added += added;
            written.updated += updated;
            written.unchanged += all.saturating_sub(added + updated);
        }
        from_here.note(db).await?;
        db.expect_new(written.added > 0 && written.updated + written.unchanged == 0);
        Ok(written)
    }

    fn replacing(&self, run: &Run) -> Conflict {
        match self.is_exact {
            true => Conflict::Restore,
            false => Conflict::Replace(run.said, self.only),
        }
    }

    /// Inserts products that do not exist. Returns their identities. Repeatable after an error.
    pub(super) async fn add(
        &self,
        db: &mut BulkTransaction,
    ) -> Result<HashSet<String>, StoreError> {
        if !self.copied.is_empty() {
            self.copy_in(db).await?;
        }
        let from_here = AddedFromHere::mark(db).await?;
        let mut added = HashSet::new();
        for (number, run) in self.runs.iter().enumerate() {
            let (sql, values) = run.statement(db.backend(), number, Conflict::Keep);
            let sql = format!("{sql} RETURNING identity");
            for row in db.fetch_bound(sql.into(), values).await? {
                added.insert(row.try_get_by_index(0)?);
            }
        }
        from_here.note(db).await?;
        Ok(added)
    }

    /// Updates existing products. Repeatable after an error.
    pub(super) async fn update(&self, db: &mut BulkTransaction) -> Result<Written, StoreError> {
        let mut written = Written {
            replaced: self.replaced,
            ..Written::default()
        };
        let from_here = AddedFromHere::mark(db).await?;
        if !self.copied.is_empty() {
            self.copy_in(db).await?;
        }
        for (number, run) in self.runs.iter().enumerate() {
            let all = run.rows as u64;
            let updated = run.execute(db, number, self.replacing(run)).await?;
            if run.is_repeat {
                written.replaced += all;
            } else {
                written.updated += updated;
                written.unchanged += all.saturating_sub(updated);
            }
        }
        from_here.note(db).await?;
        Ok(written)
    }

    /// Copies products directly into PostgreSQL's table, in half the time, if the previous batch had only new ones.
    /// `None`, without changes, if some exist.
    async fn add_straight(&self, db: &mut BulkTransaction) -> Result<Option<u64>, StoreError> {
        let [run] = self.runs.as_slice() else {
            return Ok(None);
        };
        let is_plain = !self.copied.is_empty() && !run.is_repeat && !self.is_exact;
        if !is_plain || !db.expects_new() {
            return Ok(None);
        }
        let copy = format!("COPY products ({}) FROM STDIN", COLUMNS.join(", "));
        let notes = !self.added.is_empty() && !db.has_removals().await?;
        if notes {
            db.note_added_itself(true).await?;
        }
        let added = db.copy_in_unless_there(&copy, &self.copied).await?;
        if notes {
            if added {
                let copy = "COPY product_changes (id, identity, kind, previous) FROM STDIN";
                db.copy_in(copy, &self.added).await?;
            }
            db.note_added_itself(false).await?;
        }
        Ok(added.then_some(run.rows as u64))
    }

    /// Copies products into a temporary table, which is emptied at the end of the transaction.
    async fn copy_in(&self, db: &mut BulkTransaction) -> Result<(), StoreError> {
        if !db.has_table("pg_temp.staged_products").await? {
            let make = format!(
                "CREATE TEMPORARY TABLE staged_products ON COMMIT DELETE ROWS AS \
                 SELECT 0 AS run, {} FROM products LIMIT 0",
                COLUMNS.join(", ")
            );
            db.execute_bound(make.into(), Bound::none(db.backend()))
                .await?;
            let first = "ALTER TABLE staged_products ALTER run SET DEFAULT 0";
            db.execute_bound(first.into(), Bound::none(db.backend()))
                .await?;
        }
        let run = if self.runs.len() > 1 { "run, " } else { "" };
        let copy = format!(
            "COPY staged_products ({run}{}) FROM STDIN",
            COLUMNS.join(", ")
        );
        db.copy_in(&copy, &self.copied).await
    }
}

impl Run {
    /// Writes distinct products. Returns the numbers of added and updated ones.
    async fn write(
        &self,
        db: &mut BulkTransaction,
        number: usize,
        replace: Conflict,
    ) -> Result<(u64, u64), StoreError> {
        if self.values.is_some() {
            let added = self.execute(db, number, Conflict::Keep).await?;
            let is_all = added == self.rows as u64;
            let updated = match is_all {
                true => 0,
                false => self.execute(db, number, replace).await?,
            };
            return Ok((added, updated));
        }
        // The transaction locks an existing row before it writes the new version.
        let counted = format!(
            "WITH written AS ({} RETURNING xmax = 0 AS is_new) \
             SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written",
            staged(number, replace)
        );
        let rows = db.fetch(&counted, Vec::new()).await?;
        let count = |index| -> Result<u64, StoreError> {
            let count: Option<i64> = match rows.first() {
                Some(row) => row.try_get_by_index(index)?,
                None => None,
            };
            Ok(from_db(count.unwrap_or_default()))
        };
        Ok((count(0)?, count(1)?))
    }

    async fn execute(
        &self,
        db: &mut BulkTransaction,
        number: usize,
        conflict: Conflict,
    ) -> Result<u64, StoreError> {
        let (sql, values) = self.statement(db.backend(), number, conflict);
        db.execute_bound(sql, values).await
    }

    fn statement(
        &self,
        backend: DatabaseBackend,
        number: usize,
        conflict: Conflict,
    ) -> (Arc<str>, Bound) {
        match &self.values {
            Some(values) => (sql(self.rows, conflict), Bound::Sqlite(values.clone())),
            None => {
                let from = staged(number, conflict);
                (from.into(), Bound::none(backend))
            }
        }
    }
}

/// Returns PostgreSQL's statement for a run.
fn staged(number: usize, conflict: Conflict) -> String {
    let columns = COLUMNS.join(", ");
    format!(
        "INSERT INTO products ({columns}) SELECT {columns} FROM staged_products \
         WHERE run = {number} ORDER BY identity {}",
        conflict.clause()
    )
}

fn bound(products: impl Iterator<Item = Changed>, now: UnixMillis) -> (usize, SqliteArguments) {
    let mut values = Vec::with_capacity(RUN * COLUMNS.len());
    for changed in products {
        let Changed {
            product,
            change,
            created_at,
        } = changed;
        let search_text = product.search_text();
        values.extend([
            Value::from(product.identity),
            product.sku.into(),
            product.name.into(),
            product.price.into(),
            product.sale_price.into(),
            product.currency.into(),
            product.gtin.into(),
            product.stock.into(),
            product.availability.into(),
            product.url.into(),
            product.image.into(),
            product.options.into(),
            search_text.into(),
            created_at.into(),
            now.into(),
            change.into(),
        ]);
    }
    let rows = values.len() / COLUMNS.len();
    (rows, sqlite_arguments(values))
}

/// Appends a line of PostgreSQL's COPY format, starting with the run number if given.
fn copied(lines: &mut Vec<u8>, run: Option<usize>, changed: &Changed, now: UnixMillis) {
    let Changed {
        product,
        change,
        created_at,
    } = changed;
    let stock = product.stock.map(|stock| stock.to_string());
    if let Some(run) = run {
        lines.extend_from_slice(run.to_string().as_bytes());
        lines.push(b'\t');
    }
    let [created_at, now, change] = [*created_at, now, *change].map(|number| number.to_string());
    let search_text = product.search_text();
    let cells = [
        Some(product.identity.as_str()),
        product.sku.as_deref(),
        Some(product.name.as_str()),
        product.price.as_deref(),
        product.sale_price.as_deref(),
        product.currency.as_deref(),
        product.gtin.as_deref(),
        stock.as_deref(),
        product.availability.as_deref(),
        product.url.as_deref(),
        product.image.as_deref(),
        product.options.as_deref(),
        Some(search_text.as_str()),
        Some(created_at.as_str()),
        Some(now.as_str()),
        Some(change.as_str()),
    ];
    for (column, cell) in cells.into_iter().enumerate() {
        if column > 0 {
            lines.push(b'\t');
        }
        match cell {
            Some(cell) => copied_text(lines, cell),
            None => lines.extend_from_slice(b"\\N"),
        }
    }
    lines.push(b'\n');
}

/// Appends the change of a product that was never there, in PostgreSQL's COPY format.
fn note_added(lines: &mut Vec<u8>, changed: &Changed) {
    if changed.change == 0 {
        return;
    }
    lines.extend_from_slice(changed.change.to_string().as_bytes());
    lines.push(b'\t');
    copied_text(lines, &changed.product.identity);
    lines.extend_from_slice(b"\t0\t0\n");
}

fn copied_text(lines: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'\\' => lines.extend_from_slice(b"\\\\"),
            b'\t' => lines.extend_from_slice(b"\\t"),
            b'\n' => lines.extend_from_slice(b"\\n"),
            b'\r' => lines.extend_from_slice(b"\\r"),
            byte => lines.push(byte),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Conflict {
    Keep,
    Replace(Said, ChosenFields),
    /// Like [`Replace`](Self::Replace) of all values, including trailing zeros of prices.
    Restore,
}

impl Conflict {
    fn clause(self) -> String {
        match self {
            Self::Keep => "ON CONFLICT (identity) DO NOTHING".to_owned(),
            Self::Replace(said, only) => {
                format!("ON CONFLICT (identity) DO {}", replacing(said, only, false))
            }
            Self::Restore => format!(
                "ON CONFLICT (identity) DO {}",
                replacing(Said::ALL, ChosenFields::ALL, true)
            ),
        }
    }
}

/// Returns SQLite's statement for a number of products. The common ones are cached.
fn sql(rows: usize, conflict: Conflict) -> Arc<str> {
    static FULL: LazyLock<Mutex<HashMap<Conflict, Arc<str>>>> = LazyLock::new(Mutex::default);
    let is_usual = !matches!(conflict, Conflict::Replace(_, only) if !only.is_all());
    if rows != RUN || !is_usual {
        return written_out(rows, conflict).into();
    }
    let mut full = FULL.lock().unwrap_or_else(PoisonError::into_inner);
    let text = full.entry(conflict);
    Arc::clone(text.or_insert_with(|| written_out(rows, conflict).into()))
}

fn written_out(rows: usize, conflict: Conflict) -> String {
    let row = format!("({})", ["?"; COLUMNS.len()].join(","));
    format!(
        "INSERT INTO products ({}) VALUES {} {}",
        COLUMNS.join(", "),
        vec![row; rows].join(","),
        conflict.clause()
    )
}

/// Returns the assignments to an existing product, and the condition for a change.
fn replacing(said: Said, only: ChosenFields, is_exact: bool) -> String {
    let mut compared = Vec::new();
    if only.has(Field::Sku) {
        compared.push("sku");
    }
    if only.has(Field::Price) {
        compared.push("price");
    }
    if said.name && only.has(Field::Name) {
        compared.push("name");
    }
    if said.currency && only.has_currency() {
        compared.push("currency");
    }
    compared.extend(said.optional(only));
    let mut set = compared.clone();
    set.extend(["updated_at", "last_change"]);
    if compared.contains(&"name") {
        set.push("search_text");
    }
    let mut set: Vec<_> = set
        .into_iter()
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    let mut changed: Vec<_> = compared
        .into_iter()
        .map(|column| match column {
            "price" | "sale_price" if !is_exact => {
                let [there, comes] = ["products", "excluded"].map(|table| amount(table, column));
                format!("{there} IS DISTINCT FROM {comes}")
            }
            _ => format!("products.{column} IS DISTINCT FROM excluded.{column}"),
        })
        .collect();
    if !said.currency && only.has_currency() {
        set.push("currency = COALESCE(excluded.currency, products.currency)".to_owned());
        changed
            .push("products.currency <> COALESCE(excluded.currency, products.currency)".to_owned());
        changed.push("products.currency IS NULL AND excluded.currency IS NOT NULL".to_owned());
    }
    if changed.is_empty() {
        // The file lacks the chosen columns.
        changed.push("1 = 0".to_owned());
    }
    format!(
        "UPDATE SET {} WHERE {}",
        set.join(", "),
        changed.join(" OR ")
    )
}

/// A price without trailing zeros, since `419.00` equals `419`.
fn amount(table: &str, column: &str) -> String {
    let price = format!("{table}.{column}");
    format!("CASE WHEN {price} LIKE '%.%' THEN rtrim(rtrim({price}, '0'), '.') ELSE {price} END")
}

/// Like [`amount`], in Rust.
pub(super) fn is_same_amount(one: Option<&str>, other: Option<&str>) -> bool {
    let amount = |price: &str| match price.contains('.') {
        true => price.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => price.to_owned(),
    };
    one.map(amount) == other.map(amount)
}

impl Store {
    /// Finds the current state of existing products.
    pub(super) async fn products_as_they_are(
        &self,
        identities: Vec<String>,
    ) -> Result<HashMap<String, NewProduct>, StoreError> {
        let mut found = HashMap::new();
        for some in identities.chunks(RUN) {
            let rows = product::Entity::find()
                .filter(product::Column::Identity.is_in(some.iter().cloned()))
                .all(&self.db)
                .await?;
            let there = rows.into_iter().map(as_brought);
            found.extend(there.map(|product| (product.identity.clone(), product)));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::server::store::test_database::{TestDatabase, product};

    async fn upsert(store: &Store, products: &[NewProduct], now: UnixMillis) -> Written {
        upsert_said(store, products, Said::ALL, now).await
    }

    async fn upsert_said(
        store: &Store,
        products: &[NewProduct],
        said: Said,
        now: UnixMillis,
    ) -> Written {
        let mut transaction = BulkTransaction::begin(store).await.unwrap();
        let rows = products.iter().map(|product| ProductRow {
            product: product.clone(),
            said,
            ..ProductRow::default()
        });
        let upsert = Upsert::new(rows.collect(), transaction.backend(), now, None);
        let written = upsert.write(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        written
    }

    async fn names(store: &Store, search: &str) -> Vec<String> {
        let page = store.list_products(search, 1).await.unwrap();
        page.items.into_iter().map(|product| product.name).collect()
    }

    #[tokio::test]
    async fn a_search_takes_wildcards_literally_and_any_case() {
        let (_directory, store) = TestDatabase::opened().await;
        let products = [
            product("A_1", "100% Wool", "1"),
            product("AB1", "1000 Wool", "1"),
            product("C\\D", "ÄRMEL", "1"),
        ];
        upsert(&store, &products, 1).await;
        assert_eq!(names(&store, "0% w").await, ["100% Wool"]);
        assert_eq!(names(&store, "a_1").await, ["100% Wool"]);
        assert_eq!(names(&store, "c\\d").await, ["ÄRMEL"]);
        assert_eq!(names(&store, "ärm").await, ["ÄRMEL"]);
        assert_eq!(names(&store, "SKU:AB").await, ["1000 Wool"]);
        assert_eq!(names(&store, "").await.len(), 3);
    }

    #[tokio::test]
    async fn every_character_comes_through() {
        let (_directory, store) = TestDatabase::opened().await;
        let odd = NewProduct {
            url: Some("\\N".to_owned()),
            gtin: Some(String::new()),
            stock: Some(-1),
            ..product("a\tb", "One\\n\r\nTwo \u{1F4A1} \\.", "1")
        };
        upsert(&store, std::slice::from_ref(&odd), 1).await;
        let there = store.products_as_they_are(vec![odd.identity.clone()]).await;
        assert_eq!(there.unwrap()[&odd.identity], odd);
        let again = upsert(&store, std::slice::from_ref(&odd), 2).await;
        assert_eq!((again.added, again.unchanged), (0, 1));
    }

    #[tokio::test]
    async fn a_page_beyond_the_ends_is_the_nearest_one() {
        let (_directory, store) = TestDatabase::opened().await;
        for search in ["\0", "a\0b", "\n½\0x"] {
            assert_eq!(store.list_products(search, 12).await.unwrap().total, 0);
        }
        let empty = store.list_products("", 7).await.unwrap();
        assert_eq!((empty.page, empty.pages, empty.total), (1, 1, 0));
        let products: Vec<_> = (0..120)
            .map(|n| product(&format!("{n:03}"), "Same name", "1"))
            .collect();
        upsert(&store, &products, 1).await;
        let first = store.list_products("", 0).await.unwrap();
        assert_eq!(
            (first.page, first.pages, first.total, first.items.len()),
            (1, 3, 120, 50)
        );
        let last = store.list_products("", u64::MAX).await.unwrap();
        assert_eq!((last.page, last.items.len()), (3, 20));
        assert_eq!(last.items[19].identity, "sku:119");
    }

    #[tokio::test]
    async fn only_a_changed_product_gets_a_new_time() {
        let (_directory, store) = TestDatabase::opened().await;
        let before = [
            product("1", "One", "1"),
            product("2", "Two", ""),
            product("3", "3", "3"),
        ];
        upsert(&store, &before, 1).await;
        let after = [
            product("1", "One", "1"),
            product("2", "Two", "2"),
            product("3", "3", ""),
        ];
        upsert(&store, &after, 2).await;
        upsert(&store, &after, 3).await;
        let page = store.list_products("", 1).await.unwrap();
        let times: Vec<_> = page
            .items
            .iter()
            .map(|item| (item.sku.as_deref().unwrap(), item.updated_at))
            .collect();
        assert_eq!(times, [("3", 2), ("1", 1), ("2", 2)]);
    }

    #[tokio::test]
    async fn a_price_with_other_zeros_is_the_same() {
        let (_directory, store) = TestDatabase::opened().await;
        for (before, after, is_changed) in [
            ("419", "419.00", false),
            ("419.00", "419", false),
            ("4.50", "4.5", false),
            ("100", "1", true),
            ("0.10", "0.01", true),
            ("", "0", true),
        ] {
            let [before, after] = [before, after].map(|price| NewProduct {
                sale_price: (!price.is_empty()).then(|| price.to_owned()),
                ..product("1", "One", price)
            });
            upsert(&store, std::slice::from_ref(&before), 1).await;
            let written = upsert(&store, std::slice::from_ref(&after), 2).await;
            assert_eq!(
                written.updated,
                u64::from(is_changed),
                "{before:?} {after:?}"
            );
            assert_eq!(
                after.is_like(&before, Said::ALL, ChosenFields::ALL),
                !is_changed
            );
        }
    }

    #[tokio::test]
    async fn what_a_file_says_nothing_about_stays() {
        let (_directory, store) = TestDatabase::opened().await;
        let whole = NewProduct {
            currency: Some("EUR".to_owned()),
            gtin: Some("4006381333931".to_owned()),
            stock: Some(7),
            availability: Some("in_stock".to_owned()),
            url: Some("https://shop.example/1".to_owned()),
            image: Some("https://shop.example/1.jpg".to_owned()),
            options: Some("Blue/L".to_owned()),
            ..product("1", "One", "1")
        };
        upsert(&store, std::slice::from_ref(&whole), 1).await;
        let nothing = Said {
            name: false,
            sale_price: false,
            currency: false,
            gtin: false,
            stock: false,
            availability: false,
            url: false,
            image: false,
            options: false,
        };
        let dearer = [product("1", "1", "2"), product("2", "2", "2")];
        for product in &dearer {
            upsert_said(&store, std::slice::from_ref(product), nothing, 2).await;
        }
        let identity = vec!["sku:1".to_owned()];
        let kept = NewProduct {
            price: Some("2".to_owned()),
            ..whole
        };
        let there = store.products_as_they_are(identity.clone()).await.unwrap();
        assert_eq!(there["sku:1"], kept);
        let is_like = |said| dearer[0].is_like(&kept, said, ChosenFields::ALL);
        assert!(is_like(nothing) && !is_like(Said::ALL));
        assert_eq!(names(&store, "one").await, ["One"]);

        let again = upsert_said(&store, &[dearer[0].clone()], nothing, 3).await;
        assert_eq!((again.updated, again.unchanged), (0, 1));
        let in_dollars = NewProduct {
            currency: Some("USD".to_owned()),
            ..dearer[0].clone()
        };
        let changed = upsert_said(&store, &[in_dollars], nothing, 4).await;
        assert_eq!(changed.updated, 1);
        // An empty value clears the field.
        let emptied = Said {
            stock: true,
            ..nothing
        };
        upsert_said(&store, &[dearer[0].clone()], emptied, 5).await;
        let there = store.products_as_they_are(identity).await.unwrap();
        let product = &there["sku:1"];
        assert_eq!(
            (product.stock, product.currency.as_deref()),
            (None, Some("USD"))
        );
        assert_eq!(product.gtin.as_deref(), Some("4006381333931"));
    }

    #[tokio::test]
    async fn the_last_of_several_with_one_identity_counts() {
        let (_directory, store) = TestDatabase::opened().await;
        let twice = [product("1", "Old", "1"), product("1", "New", "2")];
        upsert(&store, &twice, 1).await;
        assert_eq!(names(&store, "").await, ["New"]);
        upsert(&store, &[], 2).await;
    }

    #[tokio::test]
    async fn what_became_of_products_is_counted_and_a_row_that_comes_again_replaces_one() {
        let (_directory, store) = TestDatabase::opened().await;
        let first = [
            product("1", "One", "1"),
            product("2", "Two", "2"),
            product("1", "One", "1"),
            product("1", "One", "3"),
        ];
        let written = upsert(&store, &first, 1).await;
        let expected = Written {
            added: 2,
            replaced: 2,
            ..Written::default()
        };
        assert_eq!(written, expected);
        let mut more: Vec<_> = (0..700)
            .map(|n| product(&n.to_string(), "One", "3"))
            .collect();
        let written = upsert(&store, &more, 2).await;
        assert_eq!(
            (written.added, written.updated, written.unchanged),
            (698, 1, 1)
        );
        more[5].stock = Some(7);
        more[6].currency = Some("EUR".to_owned());
        let written = upsert(&store, &more, 3).await;
        assert_eq!(
            (written.added, written.updated, written.unchanged),
            (0, 2, 698)
        );
    }

    #[tokio::test]
    async fn a_batch_is_written_whether_or_not_only_new_products_were_expected() {
        let (_directory, store) = TestDatabase::opened().await;
        let is_postgres = store.db.get_database_backend() == DatabaseBackend::Postgres;
        let expects_new = || store.expects_new.load(std::sync::atomic::Ordering::Relaxed);
        let products = |numbers: std::ops::Range<u32>| -> Vec<_> {
            numbers
                .map(|n| product(&n.to_string(), "One", "1"))
                .collect()
        };
        for (numbers, added, expected_behind) in [
            (0..10, 10, true),
            // Two of them exist.
            (8..20, 10, false),
            (20..30, 10, true),
            (30..40, 10, true),
            (0..40, 0, false),
        ] {
            let batch = products(numbers.clone());
            let written = upsert(&store, &batch, 1).await;
            let unchanged = batch.len() as u64 - added;
            assert_eq!(
                (written.added, written.updated, written.unchanged),
                (added, 0, unchanged),
                "{numbers:?}"
            );
            assert_eq!(expects_new(), expected_behind || !is_postgres);
        }
        assert_eq!(store.list_products("", 1).await.unwrap().total, 40);
    }

    /// A row that sets some of a few values of one of a few products.
    fn any_row() -> ProductRow {
        let mut row = ProductRow {
            product: product(&fastrand::u8(0..4).to_string(), "", "1"),
            said: Said {
                name: fastrand::bool(),
                sale_price: fastrand::bool(),
                currency: fastrand::bool(),
                gtin: fastrand::bool(),
                stock: fastrand::bool(),
                availability: fastrand::bool(),
                url: fastrand::bool(),
                image: fastrand::bool(),
                options: fastrand::bool(),
            },
            ..ProductRow::default()
        };
        let text = |text: &str| fastrand::bool().then(|| format!("{text}{}", fastrand::u8(0..2)));
        let (said, product) = (row.said, &mut row.product);
        product.name = if said.name { text("n") } else { None }
            .unwrap_or_else(|| product.sku.clone().unwrap_or_default());
        product.sale_price = text("").filter(|_| said.sale_price);
        product.currency = text("EU");
        product.gtin = text("g").filter(|_| said.gtin);
        product.stock = said.stock.then(|| fastrand::i64(0..2));
        product.availability = text("a").filter(|_| said.availability);
        product.url = text("u").filter(|_| said.url);
        product.image = text("i").filter(|_| said.image);
        product.options = text("o").filter(|_| said.options);
        row
    }

    async fn write_rows(
        store: &Store,
        rows: Vec<ProductRow>,
        now: UnixMillis,
        only: ChosenFields,
    ) -> Written {
        let mut transaction = BulkTransaction::begin(store).await.unwrap();
        let upsert = Upsert::of_fields(rows, transaction.backend(), now, None, only);
        let written = upsert.write(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        written
    }

    #[tokio::test]
    async fn rows_written_together_leave_what_they_would_one_by_one() {
        let ids = || (0..4).map(|n| format!("sku:{n}")).collect::<Vec<_>>();
        let ((_one, together), (_two, apart)) =
            (TestDatabase::opened().await, TestDatabase::opened().await);
        for _ in 0..60 {
            for store in [&together, &apart] {
                let all = product::Entity::delete_many();
                all.exec(&store.db).await.unwrap();
            }
            for now in 1..3 {
                let chosen = Field::ALL.into_iter().filter(|_| fastrand::u8(0..4) == 0);
                let only = ChosenFields::of(chosen);
                let rows: Vec<_> = (0..fastrand::usize(1..8)).map(|_| any_row()).collect();
                let written = write_rows(&together, rows.clone(), now, only).await;
                assert_eq!(written.rows(), rows.len() as u64);
                for row in rows.clone() {
                    write_rows(&apart, vec![row], now, only).await;
                }
                let there = together.products_as_they_are(ids()).await.unwrap();
                let expected = apart.products_as_they_are(ids()).await.unwrap();
                assert_eq!(there, expected, "{only} {rows:?}");
            }
        }
    }
}
