//! A passkey.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "passkeys")]
pub(in crate::server::store) struct Model {
    /// Its ID for its user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The ID its authenticator chose, in hex.
    #[sea_orm(unique)]
    pub credential_id: String,
    pub user_id: String,
    pub name: String,
    /// Public key, counter and flags, as the library writes them.
    pub credential: String,
    /// Whether its provider keeps a copy.
    pub is_synced: bool,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
