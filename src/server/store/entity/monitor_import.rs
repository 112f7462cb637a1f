//! An import as the embedded price monitor runs it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "monitor_imports")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub filename: String,
    /// The stored upload, as a name inside the uploads directory.
    pub stored_as: String,
    pub status: String,
    pub error: Option<String>,
    pub total_products: i64,
    pub processed_products: i64,
    pub failed_products: i64,
    /// Rows of the file that are committed: behind which an interrupted import goes on.
    pub position: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub completed_at: Option<i64>,
    /// Whose it is, in the words of the client that handed it in.
    pub owner: Option<String>,
    /// Whether products are written, or only looked at.
    pub mode: String,
    /// What a person could do something about.
    pub problem: Option<String>,
    /// The names of the file's columns: a JSON array.
    pub header: Option<String>,
    /// What somebody says the columns hold, as JSON.
    pub mapping: Option<String>,
    pub added: i64,
    pub updated: i64,
    pub unchanged: i64,
    /// How often it was begun since it last made headway.
    pub attempts: i64,
    /// Whether somebody wants it no more.
    pub cancel_wanted: bool,
    /// The directory that the stored upload is in.
    pub stored_in: Option<String>,
    /// Bytes of the upload; unknown of imports of earlier versions.
    pub size: Option<i64>,
    /// The upload's SHA-256, in hexadecimal.
    pub checksum: Option<String>,
    /// Rows of the file that are through and not blank.
    pub rows_read: i64,
    /// How many rows were passed over, by reason: a JSON object.
    pub passed_over: Option<String>,
    /// What the file was understood as: answers as JSON.
    pub understood: Option<String>,
    pub warnings: i64,
    /// Rows that came again with the identity of one above.
    pub replaced: i64,
    /// What has to be said before it can go on; it waits for that.
    pub needs: Option<String>,
    /// Since when it waits.
    pub asked_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
