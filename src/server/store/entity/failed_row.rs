//! A failed row of an import.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_failed_rows")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: String,
    /// From 1, counting blank rows.
    #[sea_orm(primary_key, auto_increment = false)]
    pub row: i64,
    /// The first line, from 1.
    pub line: i64,
    /// The SKU, if any, or another label.
    pub sku: String,
    pub reason: String,
    /// `NULL` in rows of older versions.
    pub code: Option<String>,
    pub params: Option<String>,
    pub column_name: Option<String>,
    pub value: Option<String>,
    pub cells: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
