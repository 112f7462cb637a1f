//! Lists the changes of an import, filtered and by page.

use std::time::Instant;

use sea_orm::Value;

use super::{
    DEPTH, ImportNumber, PATIENCE, WINDOW,
    history::Heads,
    noted::{Noted, bit, columns, kind_to_db},
    row_of,
};
use crate::{
    model::{
        changes::{ChangeKind, ChangesFilter, ChangesPage, Field},
        job::ImportMode,
    },
    server::store::{
        Store, StoreError, preview::is_preview, product_search::FOUND_AT_MOST,
        products::contains_text,
    },
};

/// Returns the SQL conditions of a filter, on changes `c`.
pub(super) fn conditions(filter: &ChangesFilter) -> String {
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
    /// Lists up to `limit` changes after a row. A page may have fewer if finding them takes long; `next` continues it.
    /// Times out.
    pub async fn changes_after(
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
        let mut after = number.change(row);
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
                last.min(after.saturating_add(WINDOW))
            };
            let missing = (limit + 1).saturating_sub(found.len() as u64);
            let sql = format!(
                "SELECT {} FROM product_changes AS c LEFT JOIN products AS p ON p.identity = c.identity \
                 WHERE c.id > $1 AND c.id <= $2{conditions} ORDER BY c.id LIMIT {missing}",
                columns()
            );
            let mut values = vec![after.into(), through.into()];
            values.extend(sought.values.iter().cloned());
            found.extend(self.noted(&sql, values).await?);
            if found.len() as u64 > limit {
                return Ok(cut(found, limit));
            }
            after = through;
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
}

/// A condition on changes `c`; its values start at `$3`.
#[derive(Default)]
struct Sought {
    condition: String,
    values: Vec<Value>,
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
