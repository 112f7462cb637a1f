//! The products in the shop.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use sea_orm::{
    ColumnTrait, DatabaseBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Value,
    sea_query::LikeExpr,
};

use super::{
    Store, StoreError,
    bulk::{Bound, BulkTransaction},
    entity::product,
};
use crate::{
    api::{Page, products::Product},
    job::UnixMillis,
};

/// How many products a page has.
const PAGE_SIZE: u64 = 50;

/// A product as an import brings it.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct NewProduct {
    /// What makes it the same product in the next file.
    pub identity: String,
    /// Its stock-keeping unit, where the file gave one.
    pub sku: Option<String>,
    /// What it is called.
    pub name: String,
    /// Its price as a decimal number.
    pub price: Option<String>,
    /// What the price is in: an ISO 4217 code.
    pub currency: Option<String>,
    /// Its Global Trade Item Number.
    pub gtin: Option<String>,
    /// How many there are.
    pub stock: Option<i64>,
    /// Whether it can be had.
    pub availability: Option<String>,
    /// The address of its page.
    pub url: Option<String>,
}

/// Which values of a product a file has columns for. What it says nothing about stays as it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Said {
    /// What it is called. A product that is new is then called by its SKU.
    pub name: bool,
    /// What the price is in. A price may say so by itself.
    pub currency: bool,
    /// Its Global Trade Item Number.
    pub gtin: bool,
    /// How many there are.
    pub stock: bool,
    /// Whether it can be had.
    pub availability: bool,
    /// The address of its page.
    pub url: bool,
}

impl Said {
    /// Everything.
    pub const ALL: Self = Self {
        name: true,
        currency: true,
        gtin: true,
        stock: true,
        availability: true,
        url: true,
    };

    /// The values that a product gets from a file, of those that it need not have a column for.
    fn optional(self) -> impl Iterator<Item = &'static str> {
        [
            (self.gtin, "gtin"),
            (self.stock, "stock"),
            (self.availability, "availability"),
            (self.url, "url"),
        ]
        .into_iter()
        .filter_map(|(is_said, column)| is_said.then_some(column))
    }
}

impl Default for Said {
    fn default() -> Self {
        Self::ALL
    }
}

/// What became of the products of a batch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Written {
    /// Those that were not there before.
    pub added: u64,
    /// Those that are not as before.
    pub updated: u64,
    /// Those that are as before.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

impl NewProduct {
    /// Whether the product that is there would stay as it is.
    pub(super) fn is_like(&self, there: &Self, said: Said) -> bool {
        let optional = |is_said: bool, same: bool| !is_said || same;
        self.identity == there.identity
            && self.sku == there.sku
            && self.price == there.price
            && optional(said.name, self.name == there.name)
            && optional(
                said.currency || self.currency.is_some(),
                self.currency == there.currency,
            )
            && optional(said.gtin, self.gtin == there.gtin)
            && optional(said.stock, self.stock == there.stock)
            && optional(said.availability, self.availability == there.availability)
            && optional(said.url, self.url == there.url)
    }

    fn search_text(&self) -> String {
        let sku = self.sku.as_deref().unwrap_or_default();
        format!("{}\n{sku}\n{}", self.name, self.identity).to_lowercase()
    }
}

impl Store {
    /// Lists the products whose name, SKU or identity contains `search` in any case, ordered by
    /// name and identity, 50 a page. A page beyond the ends is the nearest one there is.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn list_products(
        &self,
        search: &str,
        page: u64,
    ) -> Result<Page<Product>, StoreError> {
        let mut query = product::Entity::find()
            .order_by_asc(product::Column::Name)
            .order_by_asc(product::Column::Identity);
        if !search.is_empty() {
            query = query.filter(product::Column::SearchText.like(contains(search)));
        }
        let paginator = query.paginate(&self.db, PAGE_SIZE);
        let counted = paginator.num_items_and_pages().await?;
        let pages = counted.number_of_pages.max(1);
        let page = page.clamp(1, pages);
        let rows = paginator.fetch_page(page - 1).await?;
        Ok(Page {
            items: rows.into_iter().map(listed).collect(),
            page,
            pages,
            total: counted.number_of_items,
        })
    }
}

/// The pattern of texts in small letters that contain `search`, taken literally.
pub(super) fn contains(search: &str) -> LikeExpr {
    contains_exactly(&search.to_lowercase())
}

/// The pattern of texts that contain `search`, taken literally, letter by letter.
pub(super) fn contains_exactly(search: &str) -> LikeExpr {
    let mut pattern = String::with_capacity(search.len() + 2);
    pattern.push('%');
    for character in search.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    LikeExpr::new(pattern).escape('\\')
}

fn listed(row: product::Model) -> Product {
    Product {
        identity: row.identity,
        sku: row.sku,
        name: row.name,
        price: row.price,
        updated_at: row.updated_at,
    }
}

/// Products of one statement.
const RUN: usize = 250;

/// What is written of a product, the time of the change twice at the end.
const COLUMNS: [&str; 12] = [
    "identity",
    "sku",
    "name",
    "price",
    "currency",
    "gtin",
    "stock",
    "availability",
    "url",
    "search_text",
    "created_at",
    "updated_at",
];

/// Products in the statements that write them: what of writing needs no database, done beforehand.
#[derive(Clone, Debug, Default)]
pub(super) struct Upsert {
    runs: Vec<Run>,
    said: Said,
}

/// The products of one statement.
#[derive(Clone, Debug)]
struct Run {
    rows: usize,
    values: Bound,
}

impl Upsert {
    /// Parts the products into runs in which no identity comes twice: a statement must not touch a row
    /// twice, and what comes later is to be compared with what came before it, as if every product were
    /// written by itself. Within a run they are in one order, as two imports at once must lock rows.
    pub(super) fn new(
        products: Vec<NewProduct>,
        said: Said,
        backend: DatabaseBackend,
        now: UnixMillis,
    ) -> Self {
        let mut runs = Vec::with_capacity(products.len() / RUN + 1);
        let mut run = Vec::with_capacity(RUN);
        // Marks of the identities of the run. Should two of them be the same by chance, a run ends early.
        let mut met = HashSet::with_capacity(RUN);
        for product in products {
            let mark = mark(&product.identity);
            if run.len() == RUN || met.contains(&mark) {
                runs.push(bound(&mut run, backend, now));
                met.clear();
            }
            met.insert(mark);
            run.push(product);
        }
        if !run.is_empty() {
            runs.push(bound(&mut run, backend, now));
        }
        Self { runs, said }
    }

    /// Writes products, each over the one of the same identity; a product that is already there just so
    /// keeps its `updated_at`. Of several with one identity the last counts.
    ///
    /// Those that are new go in first. Only where some were there is a second statement needed, which
    /// then touches those alone that have changed: so the database counts both kinds for us.
    ///
    /// It can be done again, should it fail.
    pub(super) async fn write(&self, db: &mut BulkTransaction) -> Result<Written, StoreError> {
        let backend = db.backend();
        let mut written = Written::default();
        for run in &self.runs {
            let insert = sql(backend, run.rows, Conflict::Keep);
            let added = db.execute_bound(insert, run.values.clone()).await?;
            let all = run.rows as u64;
            let mut updated = 0;
            if added < all {
                let replace = sql(backend, run.rows, Conflict::Replace(self.said));
                updated = db.execute_bound(replace, run.values.clone()).await?;
            }
            written += Written {
                added,
                updated,
                unchanged: all.saturating_sub(added + updated),
            };
        }
        Ok(written)
    }
}

/// Takes the products of a run.
fn bound(run: &mut Vec<NewProduct>, backend: DatabaseBackend, now: UnixMillis) -> Run {
    run.sort_unstable_by(|one, two| one.identity.cmp(&two.identity));
    let rows = run.len();
    let mut values = Vec::with_capacity(rows * COLUMNS.len());
    for product in run.drain(..) {
        let search_text = product.search_text();
        values.extend([
            Value::from(product.identity),
            product.sku.into(),
            product.name.into(),
            product.price.into(),
            product.currency.into(),
            product.gtin.into(),
            product.stock.into(),
            product.availability.into(),
            product.url.into(),
            search_text.into(),
            now.into(),
            now.into(),
        ]);
    }
    Run {
        rows,
        values: Bound::new(backend, values),
    }
}

fn mark(identity: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    identity.hash(&mut hasher);
    hasher.finish()
}

/// What is done about a product that is there already.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Conflict {
    Keep,
    Replace(Said),
}

/// The texts of the statements for full runs.
type Texts = HashMap<(bool, Conflict), Arc<str>>;

/// The text of the statement for so many products. It is long, so that the most usual ones are kept.
fn sql(backend: DatabaseBackend, rows: usize, conflict: Conflict) -> Arc<str> {
    static FULL: LazyLock<Mutex<Texts>> = LazyLock::new(Mutex::default);
    if rows != RUN {
        return written_out(backend, rows, conflict).into();
    }
    let mut full = FULL.lock().unwrap_or_else(PoisonError::into_inner);
    let text = full
        .entry((backend == DatabaseBackend::Postgres, conflict))
        .or_insert_with(|| written_out(backend, rows, conflict).into());
    Arc::clone(text)
}

fn written_out(backend: DatabaseBackend, rows: usize, conflict: Conflict) -> String {
    let mut sql = format!("INSERT INTO products ({}) VALUES ", COLUMNS.join(", "));
    let mut number = 0;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..COLUMNS.len() {
            number += 1;
            if column > 0 {
                sql.push(',');
            }
            match backend {
                DatabaseBackend::Postgres => sql.push_str(&format!("${number}")),
                _ => sql.push('?'),
            }
        }
        sql.push(')');
    }
    sql.push_str(" ON CONFLICT (identity) DO ");
    match conflict {
        Conflict::Keep => sql.push_str("NOTHING"),
        Conflict::Replace(said) => sql.push_str(&replacing(said)),
    }
    sql
}

/// What a product that is there gets of one that comes, and what of it makes it a changed one.
fn replacing(said: Said) -> String {
    let mut set = vec!["sku", "price", "updated_at"];
    let mut compared = vec!["sku", "price"];
    if said.name {
        set.extend(["name", "search_text"]);
        compared.push("name");
    }
    if said.currency {
        set.push("currency");
        compared.push("currency");
    }
    set.extend(said.optional());
    compared.extend(said.optional());
    let mut set: Vec<_> = set
        .into_iter()
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    let mut changed: Vec<_> = compared
        .into_iter()
        .map(|column| format!("products.{column} IS DISTINCT FROM excluded.{column}"))
        .collect();
    if !said.currency {
        set.push("currency = COALESCE(excluded.currency, products.currency)".to_owned());
        changed
            .push("products.currency <> COALESCE(excluded.currency, products.currency)".to_owned());
        changed.push("products.currency IS NULL AND excluded.currency IS NOT NULL".to_owned());
    }
    format!(
        "UPDATE SET {} WHERE {}",
        set.join(", "),
        changed.join(" OR ")
    )
}

impl Store {
    /// Finds those of these products that are there, as they are.
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
            found.extend(rows.into_iter().map(|row| {
                let product = NewProduct {
                    identity: row.identity.clone(),
                    sku: row.sku,
                    name: row.name,
                    price: row.price,
                    currency: row.currency,
                    gtin: row.gtin,
                    stock: row.stock,
                    availability: row.availability,
                    url: row.url,
                };
                (row.identity, product)
            }));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::server::config::DatabaseUrl;

    async fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(&directory.path().join("test.db"));
        let store = Store::open(&url).await.unwrap();
        (directory, store)
    }

    fn product(sku: &str, name: &str, price: &str) -> NewProduct {
        NewProduct {
            identity: format!("sku:{sku}"),
            sku: Some(sku.to_owned()),
            name: name.to_owned(),
            price: (!price.is_empty()).then(|| price.to_owned()),
            ..NewProduct::default()
        }
    }

    async fn upsert(store: &Store, products: &[NewProduct], now: UnixMillis) -> Written {
        upsert_said(store, products, Said::ALL, now).await
    }

    async fn upsert_said(
        store: &Store,
        products: &[NewProduct],
        said: Said,
        now: UnixMillis,
    ) -> Written {
        let mut transaction = BulkTransaction::begin(&store).await.unwrap();
        let upsert = Upsert::new(products.to_vec(), said, transaction.backend(), now);
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
        let (_directory, store) = store().await;
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
    async fn a_page_beyond_the_ends_is_the_nearest_one() {
        let (_directory, store) = store().await;
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
        let (_directory, store) = store().await;
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
    async fn what_a_file_says_nothing_about_stays() {
        let (_directory, store) = store().await;
        let whole = NewProduct {
            currency: Some("EUR".to_owned()),
            gtin: Some("4006381333931".to_owned()),
            stock: Some(7),
            availability: Some("in_stock".to_owned()),
            url: Some("https://shop.example/1".to_owned()),
            ..product("1", "One", "1")
        };
        upsert(&store, std::slice::from_ref(&whole), 1).await;
        let nothing = Said {
            name: false,
            currency: false,
            gtin: false,
            stock: false,
            availability: false,
            url: false,
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
        assert!(dearer[0].is_like(&kept, nothing) && !dearer[0].is_like(&kept, Said::ALL));
        assert_eq!(names(&store, "one").await, ["One"]);

        let again = upsert_said(&store, &[dearer[0].clone()], nothing, 3).await;
        assert_eq!((again.updated, again.unchanged), (0, 1));
        let in_dollars = NewProduct {
            currency: Some("USD".to_owned()),
            ..dearer[0].clone()
        };
        let changed = upsert_said(&store, &[in_dollars], nothing, 4).await;
        assert_eq!(changed.updated, 1);
        // A column that is there and empty takes the value away.
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
        let (_directory, store) = store().await;
        let twice = [product("1", "Old", "1"), product("1", "New", "2")];
        upsert(&store, &twice, 1).await;
        assert_eq!(names(&store, "").await, ["New"]);
        upsert(&store, &[], 2).await;
    }

    #[tokio::test]
    async fn what_became_of_products_is_counted_as_if_each_were_written_by_itself() {
        let (_directory, store) = store().await;
        let first = [
            product("1", "One", "1"),
            product("2", "Two", "2"),
            product("1", "One", "1"),
            product("1", "One", "3"),
        ];
        let written = upsert(&store, &first, 1).await;
        let expected = Written {
            added: 2,
            updated: 1,
            unchanged: 1,
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
}
