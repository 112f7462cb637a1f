//! A challenge that a passkey has to sign.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "passkey_challenges")]
pub(in crate::server::store) struct Model {
    /// SHA-256 of the token in the browser's cookie, in hex.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    /// What it was made for.
    pub purpose: String,
    /// For whom, unless it is to sign in.
    pub user_id: Option<String>,
    /// The challenge and what must hold of the answer, as the library writes them.
    pub state: String,
    pub expires_at: i64,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
