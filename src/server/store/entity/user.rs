//! An account.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "users")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Key for sign-in: the address in lower case, or issuer and subject of an external account, separated by a space.
    #[sea_orm(unique)]
    pub email: String,
    pub name: String,
    /// A PHC string; `NULL` for external accounts.
    pub password_hash: Option<String>,
    pub created_at: i64,
    pub role: String,
    /// The address to show, if `email` is not one.
    pub shown_email: Option<String>,
    pub disabled_at: Option<i64>,
    /// Last sign-out everywhere; revokes older Auth.js sessions.
    pub signed_out_at: i64,
    pub role_from: String,
    /// Last visit of an external account, to the hour.
    pub seen_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
