//! A session.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "sessions")]
pub(in crate::server::store) struct Model {
    /// SHA-256 of the cookie's token, in hex, so that the table grants no access.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    /// Its ID for the user.
    #[sea_orm(unique)]
    pub id: String,
    pub user_id: String,
    pub created_at: i64,
    pub last_seen_at: i64,
    pub expires_at: i64,
    /// The client's address when it was opened.
    pub address: Option<String>,
    /// The browser's `User-Agent`.
    pub agent: Option<String>,
    /// When it was last made sure who is behind it; 0 where that is not known.
    pub confirmed_at: i64,
    /// By which passkey it was opened or confirmed, which may be removed since.
    pub passkey_id: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
