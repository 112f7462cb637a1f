//! A note on a row that did not fail.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_row_notes")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: String,
    /// `passed-over`, `warning` or `replaced`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// Number of the row that has the note, from 1, counting blank ones.
    #[sea_orm(primary_key, auto_increment = false)]
    pub row: i64,
    /// Index of the note within row and kind, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub part: i64,
    /// Line of the row that the note is about, from 1.
    pub line: i64,
    /// The row's label.
    pub label: String,
    /// Code of the reason of a skipped row; a sentence in English for a warning.
    pub reason: String,
    /// Code of a warning; `NULL` for those of older versions.
    pub code: Option<String>,
    /// The parameters of the code, as JSON.
    pub params: Option<String>,
    /// Name of the column of a warning.
    pub column_name: Option<String>,
    pub value: Option<String>,
    /// Line of the row that replaced this one.
    pub by_line: Option<i64>,
    /// The row's cells as a JSON array, with its first warning.
    pub cells: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
