//! A source of product files.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "sources")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// In whose name files are imported.
    pub owner_id: String,
    pub name: String,
    pub kind: String,
    /// Empty for uploads.
    pub address: String,
    /// By which the server at the address knows us, encrypted.
    pub login: Option<String>,
    /// The same without the secret, as JSON.
    pub login_shown: Option<String>,
    /// How files are imported, as JSON.
    pub what: String,
    pub cron: Option<String>,
    pub time_zone: Option<String>,
    pub enabled: bool,
    pub created_at: i64,
    /// When it runs next.
    pub due_at: Option<i64>,
    /// Whether that is because somebody said so.
    pub due_by_request: bool,
    /// The worker that fetches, until its lease ends.
    pub leased_by: Option<String>,
    pub leased_until: Option<i64>,
    /// Failed runs in a row.
    pub failures: i64,
    /// What the last file is known by, for a request that asks for another one.
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    /// SHA-256 of the last file, in hex.
    pub checksum: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
