//! A note on a row that did not fail.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_row_notes")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// From 1, counting blank rows.
    #[sea_orm(primary_key, auto_increment = false)]
    pub row: i64,
    /// Index within row and kind, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub part: i64,
    /// The line that the note is about, from 1.
    pub line: i64,
    pub label: String,
    /// A skipped row's reason code, or a warning in English.
    pub reason: String,
    /// Of a warning; `NULL` in those of older versions.
    pub code: Option<String>,
    pub params: Option<String>,
    pub column_name: Option<String>,
    pub value: Option<String>,
    /// Line of the row that replaced it.
    pub by_line: Option<i64>,
    /// A JSON array, on the row's first warning.
    pub cells: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
