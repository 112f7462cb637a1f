//! A row that could not be imported, and why.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_failed_rows")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: String,
    /// Which row of the file it is, from 1; blank rows count.
    #[sea_orm(primary_key, auto_increment = false)]
    pub row: i64,
    /// The line of the file on which the row starts, from 1.
    pub line: i64,
    /// What the row is called in the file: its SKU where it has one.
    pub sku: String,
    pub reason: String,
    /// The column the reason is about, by its name in the file.
    pub column_name: Option<String>,
    pub value: Option<String>,
    /// The row's cells: a JSON array.
    pub cells: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
