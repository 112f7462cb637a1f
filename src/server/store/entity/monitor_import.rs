//! An import of the embedded price monitor.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_imports")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub filename: String,
    /// File name in its directory.
    pub stored_as: String,
    pub status: String,
    pub error: Option<String>,
    /// The code, and its parameters as JSON; `NULL` in imports of older versions.
    pub error_code: Option<String>,
    pub error_params: Option<String>,
    pub cancelled: bool,
    pub total_products: i64,
    pub processed_products: i64,
    pub failed_products: i64,
    /// Committed rows; an interrupted import continues after them.
    pub position: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub completed_at: Option<i64>,
    pub owner: Option<String>,
    pub mode: String,
    /// The unanswered question of a failed import.
    pub problem: Option<String>,
    pub header: Option<String>,
    pub mapping: Option<String>,
    pub added: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub attempts: i64,
    pub cancel_wanted: bool,
    pub stored_in: Option<String>,
    /// `NULL` in imports of older versions.
    pub size: Option<i64>,
    pub checksum: Option<String>,
    pub rows_read: i64,
    /// Skipped rows by reason, as a JSON object.
    pub passed_over: Option<String>,
    /// The mapping used, as JSON.
    pub understood: Option<String>,
    pub warnings: i64,
    pub replaced: i64,
    pub needs: Option<String>,
    pub asked_at: Option<i64>,
    pub undoes: Option<String>,
    /// Also undoes products that other imports have changed since.
    pub undo_everything: bool,
    pub removed: i64,
    pub over_limit: Option<String>,
    /// The user approved exceeding it.
    pub approved: bool,
    /// [`ImportOptions`](crate::model::import_options::ImportOptions) as JSON.
    pub options: Option<String>,
    /// Rows of products that the options exclude.
    pub left_alone: i64,
    pub missing: i64,
    /// Missing products marked as out of stock.
    pub marked: i64,
    /// The last missing product looked up.
    pub missing_after: Option<String>,
    /// Limits that replace the settings', as JSON.
    pub limits: Option<String>,
    pub source: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
