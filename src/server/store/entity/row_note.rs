//! What an import says of a row that did not fail.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_row_notes")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: String,
    /// `passed-over`, `warning` or `replaced`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// Which row of the file says so, from 1; blank rows count.
    #[sea_orm(primary_key, auto_increment = false)]
    pub row: i64,
    /// Which note of that row and kind it is, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub part: i64,
    /// The line of the row that the note is about, from 1.
    pub line: i64,
    /// What the row is called in the file.
    pub label: String,
    /// The code of the reason of a row that was passed over; a sentence for a warning.
    pub reason: String,
    /// The column that a warning is about, by its name in the file.
    pub column_name: Option<String>,
    pub value: Option<String>,
    /// The line of the row that replaced this one.
    pub by_line: Option<i64>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
