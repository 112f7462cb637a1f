//! An invitation or password link.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "account_links")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// SHA-256 of the secret, in hex.
    #[sea_orm(unique)]
    pub token_hash: String,
    /// `NULL` for a password link.
    pub role: Option<String>,
    /// `NULL` for an invitation.
    pub user_id: Option<String>,
    pub note: String,
    /// Whom an invitation is for, where the owner said so.
    pub email: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
    /// The creator; `NULL` in links of older versions.
    pub made_by: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
