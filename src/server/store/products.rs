//! Products of the shop.

mod conflict;
mod fields;
mod row;
#[cfg(test)]
mod tests;
mod upsert;

pub(super) use self::{
    conflict::is_same_amount,
    fields::{COLUMNS, Values, selected},
    row::DistinctRows,
    upsert::Upsert,
};
pub use self::{
    fields::{FieldMask, NewProduct},
    row::ProductRow,
};

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
    sea_query::{Asterisk, Expr, Func, LikeExpr, Query},
};

use super::{
    Store, StoreError,
    entity::product,
    from_db,
    product_search::{FOUND_AT_MOST, Found},
};
use crate::model::{page::Page, product::Product};

const PAGE_SIZE: u64 = 50;

/// Maximum products on all pages together; searches and cursors reach others.
pub const LISTED_AT_MOST: u64 = 10_000;

/// Maximum variants listed with a product.
pub const VARIANTS: u64 = 100;

/// Products of one statement.
const RUN: usize = 250;

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
            items: found.products.into_iter().map(Product::from).collect(),
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
    pub async fn products_after_by_name(
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
        Ok(Some(rows.into_iter().map(Product::from).collect()))
    }

    /// Finds a product.
    pub async fn find_product(&self, identity: &str) -> Result<Option<Product>, StoreError> {
        let found = product::Entity::find_by_id(identity).one(&self.lists);
        Ok(found
            .await
            .map_err(StoreError::of_search)?
            .map(Product::from))
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
            _ => rows.into_iter().map(Product::from).collect(),
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
    pub async fn products_after(
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
        Ok(rows.into_iter().map(NewProduct::from).collect())
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
            let there = rows.into_iter().map(NewProduct::from);
            found.extend(there.map(|product| (product.identity.clone(), product)));
        }
        Ok(found)
    }
}
