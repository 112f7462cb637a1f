//! An import of the embedded price monitor.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_imports")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub filename: String,
    /// File name of the upload in its directory.
    pub stored_as: String,
    pub status: String,
    /// Why it failed, in English.
    pub error: Option<String>,
    /// The same as a code, with its parameters as JSON; `NULL` for imports of older versions.
    pub error_code: Option<String>,
    pub error_params: Option<String>,
    /// Whether it ended because its user wanted it no more.
    pub cancelled: bool,
    pub total_products: i64,
    pub processed_products: i64,
    pub failed_products: i64,
    /// Number of committed rows, from which an interrupted import continues.
    pub position: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub completed_at: Option<i64>,
    /// The owner, as named by the client.
    pub owner: Option<String>,
    /// Import, or check without writing.
    pub mode: String,
    /// A problem that the user can solve.
    pub problem: Option<String>,
    /// Column names as a JSON array.
    pub header: Option<String>,
    /// The user's column mapping as JSON.
    pub mapping: Option<String>,
    pub added: i64,
    pub updated: i64,
    pub unchanged: i64,
    /// Starts since the last progress.
    pub attempts: i64,
    /// Whether it is to be cancelled.
    pub cancel_wanted: bool,
    /// Directory of the upload.
    pub stored_in: Option<String>,
    /// Bytes of the upload; `NULL` for imports of older versions.
    pub size: Option<i64>,
    /// SHA-256 of the upload, in hex.
    pub checksum: Option<String>,
    /// Non-blank rows so far.
    pub rows_read: i64,
    /// Skipped rows by reason, as a JSON object.
    pub passed_over: Option<String>,
    /// How the file was read: answers as JSON.
    pub understood: Option<String>,
    pub warnings: i64,
    /// Rows replaced by a later row with the same identity.
    pub replaced: i64,
    /// The question that the import waits for.
    pub needs: Option<String>,
    /// Since when it waits.
    pub asked_at: Option<i64>,
    /// The import that it takes back.
    pub undoes: Option<String>,
    /// Whether it takes products back, too, that others have changed since.
    pub undo_everything: bool,
    /// Products that are there no more.
    pub removed: i64,
    /// The limit that it goes over, as JSON.
    pub over_limit: Option<String>,
    /// Whether it may go over it.
    pub approved: bool,
    /// Which products and values it writes, as JSON.
    pub options: Option<String>,
    /// Rows of products that these leave alone.
    pub left_alone: i64,
    /// Products that the file lacks.
    pub missing: i64,
    /// Those of them that were marked as out of stock.
    pub marked: i64,
    /// The last product that was looked up in the file.
    pub missing_after: Option<String>,
    /// Limits in place of those of the settings, as JSON.
    pub limits: Option<String>,
    /// The source that its file is of.
    pub source: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
