//! A source of product files.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "sources")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub owner_id: String,
    pub name: String,
    pub kind: String,
    /// Empty for uploads.
    pub address: String,
    pub login: Option<String>,
    /// The credentials without the secret, as JSON.
    pub login_shown: Option<String>,
    pub what: String,
    pub cron: Option<String>,
    pub time_zone: Option<String>,
    pub enabled: bool,
    pub created_at: i64,
    pub due_at: Option<i64>,
    /// Whether a user requested the next run.
    pub due_by_request: bool,
    pub leased_by: Option<String>,
    pub leased_until: Option<i64>,
    pub failures: i64,
    /// Header of the last file, for conditional requests.
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub checksum: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
