//! A failed row of an import.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_failed_rows")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: String,
    /// Number of the row, from 1, counting blank ones.
    #[sea_orm(primary_key, auto_increment = false)]
    pub row: i64,
    /// Its first line, from 1.
    pub line: i64,
    /// Its label: the SKU if it has one.
    pub sku: String,
    /// Why it failed, in English.
    pub reason: String,
    /// The same as a code; `NULL` for rows of older versions.
    pub code: Option<String>,
    /// The parameters of the code, as JSON.
    pub params: Option<String>,
    /// Name of the column that the reason is about.
    pub column_name: Option<String>,
    pub value: Option<String>,
    /// The cells as a JSON array.
    pub cells: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
