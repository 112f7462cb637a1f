//! An account.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "users")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Key for sign-in: the address in lower case, or issuer and subject of an external account, separated by
    /// spaces.
    #[sea_orm(unique)]
    pub email: String,
    pub name: String,
    /// A PHC string; `NULL` for external accounts.
    pub password_hash: Option<String>,
    pub created_at: i64,
    pub role: String,
    /// The address to show, if `email` is not one.
    pub shown_email: Option<String>,
    /// Since when it is blocked.
    pub disabled_at: Option<i64>,
    /// When it last signed out everywhere, which revokes older Auth.js sessions.
    pub signed_out_at: i64,
    /// Source of its role.
    pub role_from: String,
    /// Last visit of an external account, to the hour.
    pub seen_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
