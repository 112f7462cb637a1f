//! The products in the shop.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, LikeExpr, OnConflict},
};

use super::{Store, StoreError, entity::product};
use crate::{
    api::{Page, products::Product},
    job::UnixMillis,
};

/// How many products a page has.
const PAGE_SIZE: u64 = 50;

/// A product as an import brings it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewProduct {
    /// What makes it the same product in the next file.
    pub identity: String,
    /// Its stock-keeping unit, where the file gave one.
    pub sku: Option<String>,
    /// What it is called.
    pub name: String,
    /// Its price as a decimal number.
    pub price: Option<String>,
}

impl NewProduct {
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

/// The pattern of texts that contain `search`, taken literally.
fn contains(search: &str) -> LikeExpr {
    let mut pattern = String::with_capacity(search.len() + 2);
    pattern.push('%');
    for character in search.to_lowercase().chars() {
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

/// Writes products, each over the one of the same identity; a product that is already there just so
/// keeps its `updated_at`. Of several with one identity the last counts.
pub(super) async fn upsert(
    db: &impl ConnectionTrait,
    products: &[NewProduct],
    now: UnixMillis,
) -> Result<(), StoreError> {
    // One statement must not touch a row twice, and two imports at once must lock rows in one order.
    let newest: BTreeMap<&str, &NewProduct> = products
        .iter()
        .map(|product| (product.identity.as_str(), product))
        .collect();
    let rows = newest.into_values().map(|product| product::ActiveModel {
        identity: Set(product.identity.clone()),
        sku: Set(product.sku.clone()),
        name: Set(product.name.clone()),
        price: Set(product.price.clone()),
        search_text: Set(product.search_text()),
        created_at: Set(now),
        updated_at: Set(now),
    });
    let replace = OnConflict::column(product::Column::Identity)
        .update_columns([
            product::Column::Sku,
            product::Column::Name,
            product::Column::Price,
            product::Column::SearchText,
            product::Column::UpdatedAt,
        ])
        .action_and_where(Expr::cust(
            "products.name <> excluded.name \
             OR products.sku IS DISTINCT FROM excluded.sku \
             OR products.price IS DISTINCT FROM excluded.price",
        ))
        .to_owned();
    product::Entity::insert_many(rows)
        .on_conflict(replace)
        .exec_without_returning(db)
        .await?;
    Ok(())
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
        }
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
        upsert(&store.db, &products, 1).await.unwrap();
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
        upsert(&store.db, &products, 1).await.unwrap();
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
        upsert(&store.db, &before, 1).await.unwrap();
        let after = [
            product("1", "One", "1"),
            product("2", "Two", "2"),
            product("3", "3", ""),
        ];
        upsert(&store.db, &after, 2).await.unwrap();
        upsert(&store.db, &after, 3).await.unwrap();
        let page = store.list_products("", 1).await.unwrap();
        let times: Vec<_> = page
            .items
            .iter()
            .map(|item| (item.sku.as_deref().unwrap(), item.updated_at))
            .collect();
        assert_eq!(times, [("3", 2), ("1", 1), ("2", 2)]);
    }

    #[tokio::test]
    async fn the_last_of_several_with_one_identity_counts() {
        let (_directory, store) = store().await;
        let twice = [product("1", "Old", "1"), product("1", "New", "2")];
        upsert(&store.db, &twice, 1).await.unwrap();
        assert_eq!(names(&store, "").await, ["New"]);
        upsert(&store.db, &[], 2).await.unwrap();
    }
}
