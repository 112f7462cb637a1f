//! Failed rows.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};

use crate::{
    i18n::messages::codes_with,
    model::reason::Reason,
    server::store::{
        Store, StoreError, bulk::BulkTransaction, entity::failed_row, from_db, products, reasons,
        to_db,
    },
};

const FAILED_PAGE: u64 = 50;

/// A page of failed rows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FailedRowsPage {
    /// The rows.
    pub rows: Vec<FailedRow>,
    /// Number of the page, from 1.
    pub page: u64,
    /// Number of pages, at least 1.
    pub pages: u64,
    /// Number of rows on all pages.
    pub total: u64,
}

/// A failed row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FailedRow {
    /// Row number from 1, counting blank rows.
    pub row: u64,
    /// The first line, from 1.
    pub line: u64,
    /// The SKU, if any, or another label.
    pub sku: String,
    /// The error.
    pub reason: Reason,
    /// The column of the error.
    pub column: Option<String>,
    /// Content of that column.
    pub value: Option<String>,
    /// The row's cells.
    pub cells: Vec<String>,
}

impl Store {
    /// Lists the first `limit` failed rows, in file order.
    pub async fn monitor_failed_rows(
        &self,
        id: &str,
        limit: u64,
    ) -> Result<Vec<FailedRow>, StoreError> {
        let rows = failed_row::Entity::find()
            .filter(failed_row::Column::ImportId.eq(id))
            .order_by_asc(failed_row::Column::Row)
            .limit(limit)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(FailedRow::from).collect())
    }

    /// Lists up to `limit` failed rows after a row, in file order.
    pub async fn monitor_failed_rows_after(
        &self,
        id: &str,
        row: u64,
        limit: u64,
    ) -> Result<Vec<FailedRow>, StoreError> {
        let rows = failed_row::Entity::find()
            .filter(failed_row::Column::ImportId.eq(id))
            .filter(failed_row::Column::Row.gt(to_db(row)))
            .order_by_asc(failed_row::Column::Row)
            .limit(limit)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(FailedRow::from).collect())
    }

    /// Lists failed rows whose SKU, column, value or reason contains `search`, ignoring ASCII case, in file order. A
    /// page out of range is the nearest one.
    pub async fn list_monitor_failed_rows(
        &self,
        id: &str,
        search: &str,
        page: u64,
    ) -> Result<FailedRowsPage, StoreError> {
        let mut query = failed_row::Entity::find()
            .filter(failed_row::Column::ImportId.eq(id))
            .order_by_asc(failed_row::Column::Row);
        if !search.is_empty() {
            let pattern = products::contains(search);
            let within =
                |column: failed_row::Column| Func::lower(Expr::col(column)).like(pattern.clone());
            query = query.filter(
                Condition::any()
                    .add(within(failed_row::Column::Sku))
                    .add(failed_row::Column::Code.is_in(codes_with(search)))
                    .add(
                        Condition::all()
                            .add(failed_row::Column::Code.is_null())
                            .add(within(failed_row::Column::Reason)),
                    )
                    .add(within(failed_row::Column::ColumnName))
                    .add(within(failed_row::Column::Value)),
            );
        }
        let paginator = query.paginate(&self.db, FAILED_PAGE);
        let counted = paginator.num_items_and_pages().await?;
        let pages = Ord::max(counted.number_of_pages, 1);
        let page = Ord::clamp(page, 1, pages);
        let rows = paginator.fetch_page(page - 1).await?;
        Ok(FailedRowsPage {
            rows: rows.into_iter().map(FailedRow::from).collect(),
            page,
            pages,
            total: counted.number_of_items,
        })
    }
}

pub(in crate::server::store) async fn add_failed_rows(
    db: &mut BulkTransaction,
    id: &str,
    failed: &[FailedRow],
) -> Result<(), StoreError> {
    // Below the parameter limit.
    for some in failed.chunks(500) {
        let rows = some.iter().map(|failed| failed_row::ActiveModel {
            import_id: Set(id.to_owned()),
            row: Set(to_db(failed.row)),
            line: Set(to_db(failed.line)),
            sku: Set(failed.sku.clone()),
            reason: Set(failed.reason.message().to_owned()),
            code: Set(failed.reason.code().map(str::to_owned)),
            params: Set(reasons::params(&failed.reason)),
            column_name: Set(failed.column.clone()),
            value: Set(failed.value.clone()),
            cells: Set(Some(
                serde_json::Value::from(failed.cells.clone()).to_string(),
            )),
        });
        db.execute(&failed_row::Entity::insert_many(rows)).await?;
    }
    Ok(())
}

impl From<failed_row::Model> for FailedRow {
    fn from(row: failed_row::Model) -> Self {
        Self {
            row: from_db(row.row),
            line: from_db(row.line),
            sku: row.sku,
            reason: reasons::of_row(row.reason, row.code, row.params),
            column: row.column_name,
            value: row.value,
            cells: row
                .cells
                .and_then(|cells| serde_json::from_str(&cells).ok())
                .unwrap_or_default(),
        }
    }
}
