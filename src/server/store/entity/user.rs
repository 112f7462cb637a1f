//! An account.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "users")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// What it is found by: its address in lower case, or for an account of another installation
    /// that installation and its subject, with spaces between, which no address has.
    #[sea_orm(unique)]
    pub email: String,
    pub name: String,
    /// A PHC string; none for an account that signs in elsewhere.
    pub password_hash: Option<String>,
    pub created_at: i64,
    pub role: String,
    /// The address to show, where `email` is not one.
    pub shown_email: Option<String>,
    /// Since when it may not sign in.
    pub disabled_at: Option<i64>,
    /// When it was last signed out everywhere: what another installation sealed before is void.
    pub signed_out_at: i64,
    /// Who gave it its role.
    pub role_from: String,
    /// When it was last here, to the hour, where it signs in elsewhere.
    pub seen_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
