//! A session.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "sessions")]
pub(in crate::server::store) struct Model {
    /// SHA-256 of the cookie's token, in hex.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    /// The ID shown to the user.
    #[sea_orm(unique)]
    pub id: String,
    pub user_id: String,
    pub created_at: i64,
    pub last_seen_at: i64,
    pub expires_at: i64,
    /// The client's address at sign-in.
    pub address: Option<String>,
    pub agent: Option<String>,
    /// When the user last proved their identity; 0 if unknown.
    pub confirmed_at: i64,
    /// The passkey of sign-in or confirmation; may be deleted.
    pub passkey_id: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
