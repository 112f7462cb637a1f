//! Lists products by filter and sort order, from a cursor.
//!
//! Each sort order has an index; filters on its column become a range. Other filters are applied to windows of the
//! index, so that no statement takes long, however few products match.

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait as _, DbBackend, FromQueryResult as _, QueryResult, Value};

use super::{
    Store, StoreError,
    changes::ImportNumber,
    entity::product,
    from_db,
    product_search::FOUND_AT_MOST,
    products::{LISTED_AT_MOST, selected},
    retention::REMOVED,
};
use crate::model::{
    job::UnixMillis,
    product::{ImportName, Product},
    products_filter::{Amount, ProductsFilter, ProductsSort, ProductsSortBy},
};

const WINDOW: u64 = 10_000;

/// Maximum clock difference between writers, in milliseconds.
const CLOCKS: UnixMillis = 60 * 60 * 1000;

const NO_PRICE: &str = "-1";

/// Condition of the out-of-stock index.
const OUT_OF_STOCK: &str =
    "(p.availability = 'out_of_stock' OR (p.availability IS NULL AND p.stock <= 0))";

/// A cursor: the position after a product.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// Sort key of the product.
    key: String,
    identity: String,
}

impl Place {
    /// Parses a cursor of this sort order.
    #[must_use]
    pub fn read(text: &str, sort: ProductsSort) -> Option<Self> {
        let (length, rest) = text.split_once(':')?;
        let (key, identity) = rest.split_at_checked(length.parse().ok()?)?;
        let fits = match sort.by {
            ProductsSortBy::Name => true,
            ProductsSortBy::Price => key == NO_PRICE || key.parse::<Amount>().is_ok(),
            ProductsSortBy::Updated => key.parse::<i64>().is_ok(),
        };
        // No stored text has U+0000, and PostgreSQL rejects it.
        (fits && !text.contains('\0')).then(|| Self {
            key: key.to_owned(),
            identity: identity.to_owned(),
        })
    }

    fn of(product: &Product, sort: ProductsSort) -> Self {
        let key = match sort.by {
            ProductsSortBy::Name => product.name.clone(),
            ProductsSortBy::Updated => product.updated_at.to_string(),
            ProductsSortBy::Price => price_key(product.price.as_deref()),
        };
        Self {
            key,
            identity: product.identity.clone(),
        }
    }
}

fn price_key(price: Option<&str>) -> String {
    let is_amount = |price: &&str| price.parse::<Amount>().is_ok();
    price.filter(is_amount).unwrap_or(NO_PRICE).to_owned()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}{}", self.key.len(), self.key, self.identity)
    }
}

/// A page of products.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProductsFound {
    /// The products.
    pub products: Vec<Product>,
    /// The cursor to continue from; `None` at the end.
    pub next: Option<Place>,
}

impl Store {
    /// Lists up to `limit` products from a cursor. A page may have fewer if finding them takes long. Times out.
    pub async fn filter_products(
        &self,
        filter: &ProductsFilter,
        from: Option<Place>,
        limit: u64,
        timeout: Duration,
    ) -> Result<ProductsFound, StoreError> {
        let Some(walk) = self.walk(filter).await? else {
            return Ok(ProductsFound::default());
        };
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let connections = match filter.search.is_empty() {
            true => &self.lists,
            false => &self.searches,
        };
        let (began, mut from) = (Instant::now(), from);
        let mut products: Vec<Product> = Vec::new();
        loop {
            let end = match walk.is_windowed {
                true => self.end_of_window(&walk, from.as_ref()).await?,
                false => None,
            };
            let missing = most + 1 - products.len();
            let (sql, values) = walk.page(from.as_ref(), end.as_ref(), missing);
            let rows = connections.query_all_raw(self.statement(&sql, values));
            for row in rows.await.map_err(StoreError::of_search)? {
                products.push(product::Model::from_query_result(&row, "")?.into());
            }
            if products.len() > most {
                products.truncate(most);
                let next = products.last().map(|last| Place::of(last, walk.sort));
                return Ok(ProductsFound { products, next });
            }
            if end.is_none() || began.elapsed() > timeout {
                return Ok(ProductsFound {
                    products,
                    next: end,
                });
            }
            from = end;
        }
    }

    /// Plans the query; `None` if nothing can match.
    async fn walk(&self, filter: &ProductsFilter) -> Result<Option<Walk>, StoreError> {
        let sort = filter.order();
        let mut walk = Walk::new(sort, self.db.get_database_backend());
        if let Some(day) = filter.since {
            let condition = format!("p.updated_at >= {}", day.begin());
            walk.ask(condition, ProductsSortBy::Updated);
        }
        let key = price_expression(walk.backend);
        if let Some(from) = &filter.price_from {
            walk.ask(format!("{key} >= {from}"), ProductsSortBy::Price);
        }
        if let Some(to) = &filter.price_to {
            let condition = format!("{key} >= 0 AND {key} <= {to}");
            walk.ask(condition, ProductsSortBy::Price);
        }
        if filter.no_price {
            walk.ask(format!("{key} = {NO_PRICE}"), ProductsSortBy::Price);
        }
        if filter.out_of_stock {
            walk.ask(OUT_OF_STOCK.to_owned(), ProductsSortBy::Name);
        }
        if let Some(import) = &filter.import {
            let Some(number) = self.import_number(import.as_str()).await? else {
                return Ok(None);
            };
            let (first, last) = (number.change(0), number.last());
            walk.also(format!("p.last_change BETWEEN {first} AND {last}"));
            let (began, ended) = self.time_of(number, import.as_str()).await?;
            let condition = format!("p.updated_at >= {began} AND p.updated_at <= {ended}");
            walk.ask(condition, ProductsSortBy::Updated);
        }
        if !filter.search.is_empty() {
            let found = self.find_products(&filter.search, FOUND_AT_MOST, 0).await?;
            let found = found.products.into_iter();
            walk.identities = found.map(|product| product.identity.into()).collect();
            if walk.identities.is_empty() {
                return Ok(None);
            }
            let places: Vec<_> = (1..=walk.identities.len())
                .map(|place| format!("${place}"))
                .collect();
            walk.also(format!("p.identity IN ({})", places.join(", ")));
            // They are few and found by identity.
            walk.is_windowed = false;
        }
        Ok(Some(walk))
    }

    async fn time_of(
        &self,
        number: ImportNumber,
        import: &str,
    ) -> Result<(UnixMillis, UnixMillis), StoreError> {
        let sql = "SELECT n.began_at, m.completed_at FROM import_numbers AS n \
                   LEFT JOIN monitor_imports AS m ON m.id = n.import_id WHERE n.import_id = $1";
        let row = self.search_one(sql, [import.into()]).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt {
            table: "import_numbers",
            reason: format!("{number:?} has no row"),
        })?;
        let began: UnixMillis = row.try_get_by_index(0)?;
        let ended: Option<UnixMillis> = row.try_get_by_index(1)?;
        let ended = ended.map_or(i64::MAX, |ended| ended.saturating_add(CLOCKS));
        Ok((began.saturating_sub(CLOCKS), ended))
    }

    /// Finds the end of the window that starts at a cursor; `None` for the last window.
    async fn end_of_window(
        &self,
        walk: &Walk,
        from: Option<&Place>,
    ) -> Result<Option<Place>, StoreError> {
        let (sql, values) = walk.end_of_window(from);
        let row = self.search_one(&sql, values).await?;
        row.map(|row| walk.place(&row)).transpose()
    }

    /// Counts products up to [`LISTED_AT_MOST`]. Returns whether there are more. Times out.
    pub async fn count_products(&self) -> Result<(u64, bool), StoreError> {
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM products LIMIT {}) AS counted",
            LISTED_AT_MOST + 1
        );
        let row = self.search_one(&sql, []).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let count = from_db(count);
        Ok((count.min(LISTED_AT_MOST), count > LISTED_AT_MOST))
    }

    /// Finds the imports that last changed products, by identity. Times out.
    pub async fn importers(
        &self,
        identities: &[&str],
    ) -> Result<HashMap<String, ImportName>, StoreError> {
        if identities.is_empty() {
            return Ok(HashMap::new());
        }
        let places: Vec<_> = (1..=identities.len())
            .map(|place| format!("${place}"))
            .collect();
        let sql = format!(
            "SELECT p.identity, m.id, m.filename FROM products AS p \
             JOIN import_numbers AS n ON n.number = (p.last_change >> 36) \
             JOIN monitor_imports AS m ON m.id = n.import_id AND m.status <> '{REMOVED}' \
             WHERE p.identity IN ({})",
            places.join(", ")
        );
        let values = identities.iter().map(|identity| Value::from(*identity));
        let rows = self
            .lists
            .query_all_raw(self.statement(&sql, values))
            .await
            .map_err(StoreError::of_search)?;
        let mut importers = HashMap::new();
        for row in rows {
            let import = ImportName {
                id: row.try_get_by_index(1)?,
                filename: row.try_get_by_index(2)?,
            };
            importers.insert(row.try_get_by_index(0)?, import);
        }
        Ok(importers)
    }
}

/// SQL expression of the price sort key, as in the index.
pub(super) fn price_expression(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "(CASE WHEN p.price ~ '^[0-9]+([.][0-9]+)?$' THEN p.price::numeric ELSE -1 END)"
        }
        _ => "coalesce(CAST(p.price AS REAL), -1)",
    }
}

struct Walk {
    sort: ProductsSort,
    backend: DbBackend,
    /// Conditions that the sort order's index covers.
    range: Vec<String>,
    further: Vec<String>,
    /// Identities found by a search; the first values of a statement.
    identities: Vec<Value>,
    is_windowed: bool,
}

impl Walk {
    fn new(sort: ProductsSort, backend: DbBackend) -> Self {
        Self {
            sort,
            backend,
            range: Vec::new(),
            further: Vec::new(),
            identities: Vec::new(),
            is_windowed: false,
        }
    }

    fn ask(&mut self, condition: String, by: ProductsSortBy) {
        if by == self.sort.by {
            self.range.push(condition);
        } else {
            self.also(condition);
        }
    }

    fn also(&mut self, condition: String) {
        self.further.push(condition);
        self.is_windowed = true;
    }

    fn key(&self) -> &'static str {
        match self.sort.by {
            ProductsSortBy::Name => "p.name",
            ProductsSortBy::Updated => "p.updated_at",
            ProductsSortBy::Price => price_expression(self.backend),
        }
    }

    /// Returns the condition that products are after a cursor, or up to it.
    fn compared(&self, place: &Place, is_behind: bool, values: &mut Vec<Value>) -> String {
        let operator = match (is_behind, self.sort.descending) {
            (true, false) => ">",
            (true, true) => "<",
            (false, false) => "<=",
            (false, true) => ">=",
        };
        let key = match self.sort.by {
            ProductsSortBy::Name => {
                values.push(place.key.as_str().into());
                format!("${}", values.len())
            }
            ProductsSortBy::Price | ProductsSortBy::Updated => place.key.clone(),
        };
        values.push(place.identity.as_str().into());
        format!(
            "({}, p.identity) {operator} ({key}, ${})",
            self.key(),
            values.len()
        )
    }

    fn order(&self) -> String {
        let direction = if self.sort.descending { " DESC" } else { "" };
        format!("{}{direction}, p.identity{direction}", self.key())
    }

    fn page(
        &self,
        from: Option<&Place>,
        end: Option<&Place>,
        limit: usize,
    ) -> (String, Vec<Value>) {
        let mut values = self.identities.clone();
        let mut conditions = [self.range.as_slice(), self.further.as_slice()].concat();
        conditions.extend(from.map(|place| self.compared(place, true, &mut values)));
        conditions.extend(end.map(|place| self.compared(place, false, &mut values)));
        let sql = format!(
            "SELECT {} FROM products AS p{} ORDER BY {} LIMIT {limit}",
            selected(),
            all(&conditions),
            self.order()
        );
        (sql, values)
    }

    fn end_of_window(&self, from: Option<&Place>) -> (String, Vec<Value>) {
        let mut values = Vec::new();
        let mut conditions = self.range.clone();
        conditions.extend(from.map(|place| self.compared(place, true, &mut values)));
        let key = match self.sort.by {
            ProductsSortBy::Price => "p.price",
            ProductsSortBy::Name | ProductsSortBy::Updated => self.key(),
        };
        let sql = format!(
            "SELECT p.identity, {key} FROM products AS p{} ORDER BY {} LIMIT 1 OFFSET {}",
            all(&conditions),
            self.order(),
            WINDOW - 1
        );
        (sql, values)
    }

    fn place(&self, row: &QueryResult) -> Result<Place, StoreError> {
        let key = match self.sort.by {
            ProductsSortBy::Name => row.try_get_by_index(1)?,
            ProductsSortBy::Updated => row.try_get_by_index::<i64>(1)?.to_string(),
            ProductsSortBy::Price => {
                price_key(row.try_get_by_index::<Option<String>>(1)?.as_deref())
            }
        };
        Ok(Place {
            key,
            identity: row.try_get_by_index(0)?,
        })
    }
}

fn all(conditions: &[String]) -> String {
    match conditions {
        [] => String::new(),
        some => format!(" WHERE {}", some.join(" AND ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::job::ImportMode,
        server::store::{
            bulk::BulkTransaction,
            changes::tests::import_as,
            products::{NewProduct, ProductRow, Upsert},
            test_database::{TestDatabase, product},
        },
    };

    const DAY: i64 = 24 * 60 * 60 * 1000;

    async fn write(store: &Store, products: Vec<NewProduct>, now: i64) {
        let mut transaction = BulkTransaction::begin(store).await.unwrap();
        let rows = products.into_iter().map(|product| ProductRow {
            product,
            ..ProductRow::default()
        });
        let upsert = Upsert::new(rows.collect(), transaction.backend(), now, None);
        upsert.write(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }

    fn filter(query: &str) -> ProductsFilter {
        ProductsFilter::read(|name| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(other, _)| *other == name);
            found.map(|(_, value)| value.to_owned())
        })
        .unwrap()
    }

    async fn all(store: &Store, query: &str, limit: u64) -> Vec<Product> {
        let filter = filter(query);
        let (mut all, mut from) = (Vec::new(), None);
        loop {
            let found = store.filter_products(&filter, from, limit, Duration::ZERO);
            let found = found.await.unwrap();
            assert!(found.products.len() as u64 <= limit);
            all.extend(found.products);
            let Some(next) = found.next else { return all };
            let read = Place::read(&next.to_string(), filter.order()).unwrap();
            assert_eq!(read, next);
            from = Some(read);
        }
    }

    async fn skus(store: &Store, query: &str) -> String {
        let mut told = Vec::new();
        for limit in [1, 2, 50] {
            let products = all(store, query, limit).await;
            let skus = products.into_iter().map(|product| product.sku.unwrap());
            told.push(skus.collect::<Vec<_>>().join(" "));
        }
        assert!(told.iter().all(|one| *one == told[0]), "{query}: {told:?}");
        told.remove(0)
    }

    #[tokio::test]
    async fn a_filter_leaves_what_it_says_in_every_order() {
        let (_database, store) = TestDatabase::opened().await;
        let stock = |product: NewProduct, stock: i64| NewProduct {
            stock: Some(stock),
            ..product
        };
        let none = NewProduct {
            availability: Some("out_of_stock".to_owned()),
            ..stock(product("D", "Plate", ""), 7)
        };
        let ordered = NewProduct {
            availability: Some("backorder".to_owned()),
            ..stock(product("E", "Tray 2:x", "9.50"), 0)
        };
        write(
            &store,
            vec![
                product("A", "Cup", "10"),
                stock(product("B", "Cup", "9.5"), 0),
            ],
            DAY,
        )
        .await;
        write(&store, vec![product("C", "Bowl", "100.00"), none], 2 * DAY).await;
        write(&store, vec![ordered, product("F", "", "")], 3 * DAY).await;
        for (query, expected) in [
            ("", "F C A B D E"),
            ("sort=-name", "E D B A C F"),
            ("sort=price", "D F B E A C"),
            ("sort=-price", "C A E B F D"),
            ("sort=updated", "A B C D E F"),
            ("sort=-updated", "F E D C B A"),
            ("changedSince=1970-01-03", "F E D C"),
            ("changedSince=1970-01-03&sort=name", "F C D E"),
            ("changedSince=1970-01-05", ""),
            ("priceFrom=9.5&priceTo=10.0", "B E A"),
            ("priceTo=10&sort=name", "A B E"),
            ("noPrice=true", "D F"),
            ("noPrice=true&sort=-name", "D F"),
            ("outOfStock=true", "B D"),
            ("outOfStock=true&sort=-price", "B D"),
            ("outOfStock=true&noPrice=true", "D"),
            ("search=cup", "A B"),
            ("search=cup&sort=price", "B A"),
            ("search=cup&priceFrom=9.6", "A"),
            ("search=nothing", ""),
            ("import=none", ""),
        ] {
            assert_eq!(skus(&store, query).await, expected, "{query}");
        }
        assert_eq!(store.count_products().await.unwrap(), (6, false));
    }

    #[tokio::test]
    async fn the_products_of_an_import_are_those_that_it_changed_last() {
        let (_database, store) = TestDatabase::opened().await;
        let import = async |id: &str, skus: &[&str], price: &str| {
            let products: Vec<_> = skus.iter().map(|sku| product(sku, sku, price)).collect();
            import_as(ImportMode::Import, &store, id, &products).await;
        };
        import("one", &["A", "B", "C"], "1").await;
        import("two", &["B", "C"], "2").await;
        import("three", &["C"], "2").await;
        assert_eq!(skus(&store, "import=one").await, "A");
        assert_eq!(skus(&store, "import=two&sort=name").await, "B C");
        assert_eq!(skus(&store, "import=three").await, "");
        let importers = store.importers(&["sku:A", "sku:C", "sku:X"]).await.unwrap();
        assert_eq!(importers.len(), 2);
        assert_eq!(importers["sku:C"].filename, "two.csv");

        let points = store.price_points("sku:C").await.unwrap();
        let prices: Vec<_> = points.iter().map(|point| point.price.as_deref()).collect();
        assert_eq!(prices, [Some("1"), Some("2")]);
        assert_eq!(store.price_points("sku:X").await.unwrap(), []);
    }

    #[tokio::test]
    async fn what_is_rare_is_found_however_many_others_there_are() {
        let (_database, store) = TestDatabase::opened().await;
        let others = 25_000;
        let mut products: Vec<_> = (0..others)
            .map(|number| product(&format!("{number:05}"), "Cup", "1"))
            .collect();
        products[others - 2].price = None;
        write(&store, products, DAY).await;
        let found = all(&store, "noPrice=true&sort=name", 50).await;
        assert_eq!(found.len(), 1);
        // The page ends early, with a cursor to continue.
        let rare = filter("noPrice=true&sort=name");
        let page = store.filter_products(&rare, None, 50, Duration::ZERO);
        let page = page.await.unwrap();
        assert!(page.products.is_empty() && page.next.is_some());
        assert_eq!(all(&store, "sort=price", 1000).await.len(), others);
    }

    #[tokio::test]
    async fn every_order_and_what_it_is_asked_for_is_answered_by_an_index() {
        let (_database, store) = TestDatabase::opened().await;
        let backend = store.db.get_database_backend();
        if backend == DbBackend::Postgres {
            let products = (0..20_000).map(|n| product(&n.to_string(), &n.to_string(), "1"));
            write(&store, products.collect(), DAY).await;
            store
                .db
                .execute_unprepared("ANALYZE products")
                .await
                .unwrap();
        }
        for (query, index) in [
            ("", "products_by_name"),
            ("sort=-name", "products_by_name"),
            ("changedSince=1970-01-01", "products_by_updated"),
            ("sort=updated&outOfStock=true", "products_by_updated"),
            ("priceFrom=1&priceTo=2", "products_by_price"),
            ("sort=-price&changedSince=1970-01-01", "products_by_price"),
            ("outOfStock=true", "products_out_of_stock"),
        ] {
            let filter = filter(query);
            let walk = store.walk(&filter).await.unwrap().unwrap();
            let key = match walk.sort.by {
                ProductsSortBy::Name => "x",
                ProductsSortBy::Price | ProductsSortBy::Updated => "1",
            };
            let from = Place {
                key: key.to_owned(),
                identity: "sku:1".to_owned(),
            };
            let from = Some(&from);
            for (sql, values) in [walk.page(from, None, 50), walk.end_of_window(from)] {
                let explain = match backend {
                    DbBackend::Postgres => format!("EXPLAIN {sql}"),
                    _ => format!("EXPLAIN QUERY PLAN {sql}"),
                };
                let rows = store.db.query_all_raw(store.statement(&explain, values));
                let plan: Vec<String> = rows
                    .await
                    .unwrap()
                    .iter()
                    .map(|row| match backend {
                        DbBackend::Postgres => row.try_get_by_index(0).unwrap(),
                        _ => row.try_get("", "detail").unwrap(),
                    })
                    .collect();
                let plan = plan.join("\n");
                // PostgreSQL knows that few products match, and may use another index.
                let is_answered = match backend {
                    DbBackend::Postgres => !plan.contains("Seq Scan"),
                    _ => plan.contains(index) && !plan.contains("TEMP B-TREE"),
                };
                assert!(is_answered, "{query}: {plan}");
            }
        }
    }
}
