//! A passkey.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "passkeys")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// As chosen by the authenticator, in hex.
    #[sea_orm(unique)]
    pub credential_id: String,
    pub user_id: String,
    pub name: String,
    /// Public key, counter and flags, serialized by the library.
    pub credential: String,
    /// Whether the provider keeps a copy.
    pub is_synced: bool,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
