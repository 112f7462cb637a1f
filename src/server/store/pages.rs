//! Pages of rows, newest first, and leases of rows.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::Expr,
};

use super::StoreError;

/// Rows of a page.
pub(super) const PAGE: u64 = 50;

/// Returns a page of rows after one, newest first. The second value is the page's last ID if there are more rows, after
/// which the next page begins. IDs are in `column`, and read by `id_of`.
pub(super) async fn page_after<E: EntityTrait>(
    db: &impl ConnectionTrait,
    query: Select<E>,
    column: E::Column,
    id_of: impl Fn(&E::Model) -> &str,
    after: Option<&str>,
) -> Result<(Vec<E::Model>, Option<String>), StoreError> {
    let mut query = query.order_by_desc(column).limit(PAGE + 1);
    if let Some(after) = after {
        query = query.filter(column.lt(after));
    }
    let mut rows = query.all(db).await?;
    let has_more = rows.len() as u64 > PAGE;
    rows.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let last = rows.last().map(|row| id_of(row).to_owned());
    Ok((rows, last.filter(|_| has_more)))
}

/// Deletes all leases of a table; for a process that owns the database, at its start.
pub(super) async fn forget_leases<E: EntityTrait>(
    db: &impl ConnectionTrait,
    leased_by: E::Column,
    leased_until: E::Column,
) -> Result<(), StoreError> {
    E::update_many()
        .col_expr(leased_by, Expr::value(None::<String>))
        .col_expr(leased_until, Expr::value(None::<i64>))
        .filter(leased_by.is_not_null())
        .exec(db)
        .await?;
    Ok(())
}
