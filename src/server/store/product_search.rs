//! Searches products by a part of name, SKU or identity, with a trigram index.
//!
//! The index is updated in the background: updating per row makes imports take twice as long on SQLite, three times on
//! PostgreSQL. Triggers list products that are not indexed yet; searches scan these.

use sea_orm::{
    ConnectionTrait, DbBackend, QueryResult, Statement, TransactionTrait, TryGetable, Value,
};

use super::{
    Store, StoreError,
    bulk::failed,
    entity::product,
    from_db,
    products::selected,
    search_term::{GRAM, START, SearchTerm, separators},
};

/// Maximum results of a search.
pub const FOUND_AT_MOST: u64 = 1000;

const AT_ONCE: u64 = 4000;

/// Entries of PostgreSQL's list indexed per transaction; each has the products of a statement.
const ENTRIES_AT_ONCE: u64 = 8;

/// Maximum entries of that list whose products a search scans; with more, all products are scanned.
const FEW_ENTRIES: u64 = 16;

const TRIGRAMS_LOCK: i64 = 0x696d_706f_7472_6967;

/// The most entries of the index that hold what is shorter than its entries and looked up.
const TERMS: u64 = 2000;

const POSTGRES_TIMEOUT: &str = "SET LOCAL statement_timeout = '5s'";

/// Keeps PostgreSQL from looking through all products, with other processes too, where it expects many hits: a search
/// ends at the first of them.
const POSTGRES_BY_INDEX: &str = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; \
    SET LOCAL max_parallel_workers_per_gather = 0";

/// Products that a search found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) products: Vec<product::Model>,
    /// Number on all pages.
    pub(super) total: u64,
    pub(super) has_more: bool,
}

impl Store {
    /// Finds products that hold a text, which is not empty, by name: so many of the first [`FOUND_AT_MOST`]. One or two
    /// letters are looked for at the beginning of words.
    pub(super) async fn find_products(
        &self,
        search: &str,
        limit: u64,
        offset: u64,
    ) -> Result<Found, StoreError> {
        let term = SearchTerm::new(search);
        let found = match self.db.get_database_backend() {
            DbBackend::Postgres => self.find_in_postgres(&term, limit, offset).await,
            _ => self.find_in_sqlite(&term, limit, offset).await,
        };
        found.map_err(|error| match error {
            StoreError::Database(error) => StoreError::of_search(error),
            other => other,
        })
    }

    async fn find_in_sqlite(
        &self,
        term: &SearchTerm,
        limit: u64,
        offset: u64,
    ) -> Result<Found, StoreError> {
        let terms = self.terms_of(term).await?;
        let (of_product, of_new) = (term.sqlite("p.search_text"), term.sqlite("search_text"));
        let most = FOUND_AT_MOST + 1;
        let columns = selected();
        let sql = format!(
            "WITH hits (number) AS ( \
             SELECT * FROM (SELECT p.number FROM product_search \
                 CROSS JOIN products AS p ON p.number = product_search.rowid \
                 WHERE product_search MATCH ?1 AND {of_product} LIMIT {most}) \
             UNION SELECT * FROM (SELECT number FROM products \
                 WHERE number > (SELECT through FROM product_search_state) \
                 AND {of_new} LIMIT {most}) \
             UNION SELECT * FROM (SELECT p.number FROM products_to_index AS listed \
                 CROSS JOIN products AS p ON p.number = listed.number \
                 WHERE {of_product} LIMIT {most}) \
             LIMIT {most}) \
             SELECT {columns}, (SELECT count(*) FROM hits) AS found \
             FROM hits CROSS JOIN products AS p ON p.number = hits.number \
             ORDER BY p.name, p.identity LIMIT {limit} OFFSET {offset}"
        );
        let values = [vec![Value::from(terms)], term.sqlite_values()].concat();
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        found(self.searches.query_all_raw(statement).await?)
    }

    /// Returns a query of SQLite's index.
    async fn terms_of(&self, term: &SearchTerm) -> Result<String, StoreError> {
        let length = term.text().chars().count();
        match term {
            SearchTerm::Anywhere(text) if length >= GRAM => Ok(any_of(&grams(text), " ")),
            SearchTerm::Anywhere(text) => {
                self.entries_beginning_with(std::slice::from_ref(text))
                    .await
            }
            SearchTerm::Beginning(text) => {
                let begins: Vec<_> = separators()
                    .map(|before| format!("{before}{text}"))
                    .collect();
                if length + 1 == GRAM {
                    Ok(any_of(&begins, " OR "))
                } else {
                    self.entries_beginning_with(&begins).await
                }
            }
        }
    }

    /// Returns a query for the entries that begin with any of these texts, which are shorter than them. Every text
    /// ends with enough blanks for its last characters to begin one.
    async fn entries_beginning_with(&self, begins: &[String]) -> Result<String, StoreError> {
        let mut values: Vec<Value> = Vec::new();
        let mut each = Vec::new();
        for begin in begins {
            values.extend([
                begin.as_str().into(),
                format!("{begin}{}", char::MAX).into(),
            ]);
            let [from, to] = [values.len() - 1, values.len()];
            each.push(format!(
                "SELECT term FROM product_search_terms WHERE term >= ?{from} AND term < ?{to}"
            ));
        }
        let sql = format!("{} LIMIT {TERMS}", each.join(" UNION ALL "));
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let rows = self.searches.query_all_raw(statement).await?;
        let terms = rows.iter().map(|row| row.try_get_by_index::<String>(0));
        Ok(any_of(&terms.collect::<Result<Vec<_>, _>>()?, " OR "))
    }

    async fn find_in_postgres(
        &self,
        term: &SearchTerm,
        limit: u64,
        offset: u64,
    ) -> Result<Found, StoreError> {
        let (operator, pattern) = term.postgres();
        let transaction = self.searches.begin().await?;
        transaction.execute_unprepared(POSTGRES_TIMEOUT).await?;
        let entries = format!(
            "SELECT count(*) FROM (SELECT 1 FROM products_to_index LIMIT {}) AS entries",
            FEW_ENTRIES + 1
        );
        let entries: i64 = number(&transaction, &entries).await?;
        let most = FOUND_AT_MOST + 1;
        let hits = if from_db(entries) > FEW_ENTRIES {
            format!(
                "SELECT p.identity FROM products AS p WHERE p.search_text {operator} $1 LIMIT {most}"
            )
        } else {
            transaction.execute_unprepared(POSTGRES_BY_INDEX).await?;
            format!(
                "(SELECT p.identity FROM product_search AS s JOIN products AS p USING (identity) \
                 WHERE s.search_text {operator} $1 AND p.search_text {operator} $1 LIMIT {most}) \
                 UNION (SELECT p.identity FROM products_to_index AS listed, \
                 unnest(listed.identities) AS one JOIN products AS p ON p.identity = one \
                 WHERE p.search_text {operator} $1 LIMIT {most}) \
                 LIMIT {most}"
            )
        };
        let columns = selected();
        let sql = format!(
            "WITH hits AS MATERIALIZED ({hits}) \
             SELECT {columns}, (SELECT count(*) FROM hits) AS found \
             FROM hits JOIN products AS p USING (identity) \
             ORDER BY p.name, p.identity LIMIT {limit} OFFSET {offset}"
        );
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [pattern]);
        let rows = transaction.query_all_raw(statement).await?;
        transaction.commit().await?;
        found(rows)
    }

    /// Indexes some products. Returns whether there may be more.
    pub async fn index_products(&self) -> Result<bool, StoreError> {
        match self.db.get_database_backend() {
            DbBackend::Postgres => self.index_in_postgres().await,
            _ => self.index_in_sqlite().await,
        }
    }

    async fn index_in_sqlite(&self) -> Result<bool, StoreError> {
        if !self.has_unindexed_in_sqlite().await? {
            return Ok(false);
        }
        let Some(bulk) = &self.bulk else {
            return Ok(false);
        };
        let mut transaction = bulk.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        for statement in sqlite_steps() {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        self.has_unindexed_in_sqlite().await
    }

    async fn has_unindexed_in_sqlite(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM products_to_index) OR EXISTS \
                   (SELECT 1 FROM products WHERE number > (SELECT through FROM product_search_state))";
        Ok(number::<i64>(&self.searches, sql).await? > 0)
    }

    async fn index_in_postgres(&self) -> Result<bool, StoreError> {
        // Concurrent writes are listed again on commit.
        let sql = format!(
            "WITH taken AS (DELETE FROM products_to_index WHERE ctid = ANY (ARRAY( \
                 SELECT ctid FROM products_to_index LIMIT {ENTRIES_AT_ONCE} FOR UPDATE SKIP LOCKED)) \
                 RETURNING identities), \
             named AS (SELECT DISTINCT unnest(identities) AS identity FROM taken), \
             gone AS (DELETE FROM product_search AS s USING named WHERE s.identity = named.identity \
                 AND NOT EXISTS (SELECT 1 FROM products AS p WHERE p.identity = named.identity)), \
             put AS (INSERT INTO product_search (identity, search_text) \
                 SELECT p.identity, p.search_text FROM products AS p JOIN named USING (identity) \
                 ORDER BY p.identity \
                 ON CONFLICT (identity) DO UPDATE SET search_text = excluded.search_text \
                 WHERE product_search.search_text <> excluded.search_text) \
             SELECT count(*) FROM taken"
        );
        Ok(number::<i64>(&self.db, &sql).await? > 0)
    }

    /// Creates PostgreSQL's trigram indexes of products and file names. Returns why they cannot be created.
    pub async fn make_trigram_indexes(&self) -> Result<Option<String>, StoreError> {
        if self.db.get_database_backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let there = "SELECT count(*) FROM pg_indexes WHERE schemaname = current_schema() \
                     AND indexname IN ('product_search_trigrams', 'product_import_jobs_trigrams')";
        if number::<i64>(&self.db, there).await? > 1 {
            return Ok(None);
        }
        let transaction = self.db.begin().await?;
        let lock = format!("SELECT pg_advisory_xact_lock({TRIGRAMS_LOCK})");
        transaction.execute_unprepared(&lock).await?;
        let make = "CREATE EXTENSION IF NOT EXISTS pg_trgm; \
                    CREATE INDEX IF NOT EXISTS product_search_trigrams ON product_search \
                    USING gin (search_text gin_trgm_ops); \
                    CREATE INDEX IF NOT EXISTS product_import_jobs_trigrams ON product_import_jobs \
                    USING gin (lower(filename) gin_trgm_ops, filename gin_trgm_ops)";
        match transaction.execute_unprepared(make).await {
            Ok(_) => transaction.commit().await?,
            Err(error) => return Ok(Some(error.to_string())),
        }
        Ok(None)
    }
}

/// Statements that index products in SQLite: first listed ones, then new ones.
fn sqlite_steps() -> [String; 5] {
    // Two blanks, so that a text's last characters begin an entry too, and one before its first word.
    let put = format!(
        "INSERT INTO product_search (rowid, search_text) \
         SELECT number, char({}) || search_text || char(10, 10) FROM products",
        u32::from(START)
    );
    let listed = format!("(SELECT number FROM products_to_index ORDER BY number LIMIT {AT_ONCE})");
    let through = "(SELECT through FROM product_search_state)";
    let next = format!("number > {through} ORDER BY number LIMIT {AT_ONCE}");
    [
        format!("DELETE FROM product_search WHERE rowid IN {listed}"),
        // Those above `through` are indexed below.
        format!("{put} WHERE number IN {listed} AND number <= {through}"),
        format!("DELETE FROM products_to_index WHERE number IN {listed}"),
        format!("{put} WHERE {next}"),
        format!(
            "UPDATE product_search_state SET through = coalesce( \
             (SELECT max(number) FROM (SELECT number FROM products WHERE {next})), through)"
        ),
    ]
}

/// Returns the trigrams of a text; the last ones, which are the rarest, first.
fn grams(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut grams: Vec<String> = Vec::new();
    for gram in characters.windows(GRAM).rev() {
        let gram = String::from_iter(gram);
        if !grams.contains(&gram) {
            grams.push(gram);
        }
    }
    grams
}

/// Returns a query for SQLite's full-text search. Without terms it matches nothing.
fn any_of(terms: &[String], operator: &str) -> String {
    if terms.is_empty() {
        return "\"\"".to_owned();
    }
    let quoted = terms
        .iter()
        .map(|term| format!("\"{}\"", term.replace('"', "\"\"")));
    quoted.collect::<Vec<_>>().join(operator)
}

async fn number<T: TryGetable + Default>(
    db: &impl ConnectionTrait,
    sql: &str,
) -> Result<T, StoreError> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?;
    let number = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(number.unwrap_or_default())
}

fn found(rows: Vec<QueryResult>) -> Result<Found, StoreError> {
    use sea_orm::FromQueryResult as _;

    let total = match rows.first() {
        Some(row) => from_db(row.try_get("", "found")?),
        None => 0,
    };
    let products = rows
        .iter()
        .map(|row| product::Model::from_query_result(row, ""));
    Ok(Found {
        products: products.collect::<Result<_, _>>()?,
        total: total.min(FOUND_AT_MOST),
        has_more: total > FOUND_AT_MOST,
    })
}

#[cfg(test)]
mod tests {
    use test_support::DEADLINE;

    use super::*;
    use crate::{
        model::products_filter::ProductsFilter,
        server::store::{
            bulk::BulkTransaction,
            products::{NewProduct, ProductRow, Upsert},
            test_database::TestDatabase,
        },
    };

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

    fn product(number: usize, name: String) -> NewProduct {
        NewProduct {
            identity: format!("sku:{number}"),
            sku: Some(number.to_string()),
            name,
            ..NewProduct::default()
        }
    }

    /// A short text of few letters, so that searches match, and of query syntax.
    fn text(length: std::ops::Range<usize>) -> String {
        const LETTERS: [&str; 14] = [
            "a", "B", "b", "Ä", "ß", "İ", "椅", " ", "%", "_", "\\", "\"", "'", "*",
        ];
        let letters = (0..fastrand::usize(length)).map(|_| LETTERS[fastrand::usize(0..14)]);
        letters.collect()
    }

    fn holds(text: &str, term: &SearchTerm) -> bool {
        match term {
            SearchTerm::Anywhere(part) => text.contains(part),
            SearchTerm::Beginning(part) => text.match_indices(part).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                before.is_none_or(|before| separators().any(|separator| separator == before))
            }),
        }
    }

    async fn found(store: &Store, search: &str) -> String {
        let found = store.find_products(search, 50, 0).await.unwrap();
        let skus = found.products.into_iter().filter_map(|product| product.sku);
        skus.collect::<Vec<_>>().join(" ")
    }

    #[tokio::test]
    async fn two_letters_find_the_words_that_begin_with_them() {
        let (_database, store) = TestDatabase::opened().await;
        store.make_trigram_indexes().await.unwrap();
        let names = [
            "Zq lamp",
            "lamp (zq)",
            "lamp-zqx",
            "xzq lamp",
            "éZq",
            "Ölkanne",
            "Kanne öl",
            "Möl",
            "木製椅子",
            "A\\zq",
            "_zq",
        ];
        let products = (0..)
            .zip(names)
            .map(|(number, name)| product(number, name.to_owned()));
        write(&store, products.collect(), 1).await;
        for _ in 0..2 {
            for (search, expected) in [
                ("zq", "9 0 10 2 1"),
                ("ZQ", "9 0 10 2 1"),
                ("z", "9 0 10 2 1"),
                ("öl", "6 5"),
                ("椅子", "8"),
                ("子", "8"),
                ("qx", ""),
                ("la", "0 2 1 3"),
                ("10", "10"),
                ("1", "10 1"),
                ("(z", "1"),
                ("zqx", "2"),
            ] {
                let mut expected: Vec<_> = expected.split_whitespace().collect();
                let all = found(&store, search).await;
                let mut all: Vec<_> = all.split_whitespace().collect();
                // Databases sort in their own ways.
                expected.sort_unstable();
                all.sort_unstable();
                assert_eq!(all, expected, "{search}");
            }
            while store.index_products().await.unwrap() {}
        }
    }

    #[tokio::test]
    async fn postgres_answers_two_letters_by_its_index() {
        let (_database, store) = TestDatabase::opened().await;
        if store.db.get_database_backend() != DbBackend::Postgres {
            return;
        }
        if store.make_trigram_indexes().await.unwrap().is_some() {
            return;
        }
        let products = (0..20_000).map(|number| product(number, format!("Lamp {number}")));
        write(&store, products.collect(), 1).await;
        while store.index_products().await.unwrap() {}
        // The planner counts entries that are not merged into the index yet as a cost.
        let vacuum = "VACUUM ANALYZE product_search";
        store.db.execute_unprepared(vacuum).await.unwrap();
        let (operator, pattern) = SearchTerm::new("zq").postgres();
        let sql = format!(
            "EXPLAIN SELECT 1 FROM product_search WHERE search_text {operator} $1 LIMIT 1001"
        );
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [pattern]);
        let rows = store.db.query_all_raw(statement).await.unwrap();
        let plan: Vec<String> = rows
            .iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect();
        assert!(
            plan.join("\n").contains("product_search_trigrams"),
            "{plan:?}"
        );
    }

    async fn delete(store: &Store, identity: &str) {
        use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

        let gone = product::Entity::delete_many().filter(product::Column::Identity.eq(identity));
        gone.exec(&store.db).await.unwrap();
    }

    #[tokio::test]
    async fn a_search_finds_what_a_look_at_each_product_finds_however_far_the_index_is() {
        let (_database, store) = TestDatabase::opened().await;
        // Without the extension, searches find the same.
        store.make_trigram_indexes().await.unwrap();
        let mut there = std::collections::BTreeMap::new();
        for round in 0..120 {
            match fastrand::u8(0..4) {
                0 => while store.index_products().await.unwrap() {},
                1 if !there.is_empty() => {
                    let number = fastrand::usize(0..40);
                    there.remove(&number);
                    delete(&store, &format!("sku:{number}")).await;
                }
                _ => {
                    let number = fastrand::usize(0..40);
                    let name = text(0..9);
                    there.insert(number, name.clone());
                    write(&store, vec![product(number, name)], round).await;
                }
            }
            for _ in 0..4 {
                let search = text(1..6);
                let term = SearchTerm::new(&search);
                let mut expected: Vec<_> = there
                    .iter()
                    .filter(|(_, name)| holds(&name.to_lowercase(), &term))
                    .map(|(number, _)| format!("sku:{number}"))
                    .collect();
                expected.sort();
                let found = store.find_products(&search, 50, 0).await.unwrap();
                let mut identities: Vec<_> = found
                    .products
                    .into_iter()
                    .map(|product| product.identity)
                    .collect();
                identities.sort();
                assert_eq!(identities, expected, "{search:?} of {there:?}");
                assert_eq!(
                    (found.total, found.has_more),
                    (expected.len() as u64, false)
                );
            }
        }
    }

    #[tokio::test]
    async fn a_search_finds_a_thousand_at_most_and_says_that_there_are_more() {
        let (_database, store) = TestDatabase::opened().await;
        let products = (0..1200).map(|number| product(number, format!("Lamp {number}")));
        write(&store, products.collect(), 1).await;
        for _ in 0..2 {
            let page = store.list_products("lamp", 99).await.unwrap();
            assert_eq!(
                (page.page, page.pages, page.total, page.has_more),
                (20, 20, 1000, true)
            );
            let page = store.list_products("lamp 119", 1).await.unwrap();
            assert_eq!((page.total, page.has_more), (11, false));
            let page = store.list_products("", 1).await.unwrap();
            assert_eq!((page.total, page.has_more), (1200, false));
            while store.index_products().await.unwrap() {}
        }
    }

    #[tokio::test]
    async fn products_are_gone_through_one_after_the_other() {
        let (_database, store) = TestDatabase::opened().await;
        let names = ["a", "B", "a", "c", "a"];
        let products = names.iter().enumerate();
        let products = products.map(|(number, name)| product(number, (*name).to_owned()));
        write(&store, products.collect(), 1).await;
        let all = store.list_products("", 1).await.unwrap().items;
        let mut after = vec![all[0].clone()];
        while let Some(last) = after.last() {
            let next = store.products_after_by_name(&last.identity, 2).await;
            let next = next.unwrap().unwrap();
            if next.is_empty() {
                break;
            }
            after.extend(next);
        }
        assert_eq!(after, all);
        let none = store.products_after_by_name("sku:none", 2).await.unwrap();
        assert_eq!(none, None);
    }

    #[tokio::test]
    async fn a_list_does_not_wait_for_searches() {
        let (_database, store) = TestDatabase::opened().await;
        let mut searching = Vec::new();
        let moment = std::time::Duration::from_millis(300);
        while let Ok(one) = tokio::time::timeout(moment, store.searches.begin()).await {
            searching.push(one.unwrap());
        }
        let filter = ProductsFilter::default();
        let lists = async {
            let listed = store.list_products("", 1).await.unwrap();
            let page = store.filter_products(&filter, None, 1, moment).await;
            (listed.total, page.unwrap().products.len())
        };
        let listed = tokio::time::timeout(DEADLINE, lists).await;
        assert_eq!(listed, Ok((0, 0)), "{} search", searching.len());
    }

    #[tokio::test]
    async fn a_search_that_takes_too_long_is_given_up() {
        let (_database, store) = TestDatabase::opened().await;
        let (backend, endless) = match store.db.get_database_backend() {
            DbBackend::Postgres => (
                DbBackend::Postgres,
                "SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(60)",
            ),
            other => (
                other,
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT max(n) FROM n",
            ),
        };
        let error = if backend == DbBackend::Postgres {
            let transaction = store.searches.begin().await.unwrap();
            transaction.execute_unprepared(endless).await.unwrap_err()
        } else {
            let statement = Statement::from_string(backend, endless);
            store.searches.query_one_raw(statement).await.unwrap_err()
        };
        let error = StoreError::of_search(error);
        assert!(matches!(error, StoreError::SearchGivenUp(_)), "{error}");
        // The connection is still usable.
        assert_eq!(store.list_products("a", 1).await.unwrap().total, 0);
    }
}
