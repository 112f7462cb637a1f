//! A link that makes an account, or gives one a new password.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "account_links")]
pub(in crate::server::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// SHA-256 of the secret in the link, in hex.
    #[sea_orm(unique)]
    pub token_hash: String,
    /// The role of the account to be made; none for a new password.
    pub role: Option<String>,
    /// The account to be given a new password; none for an invitation.
    pub user_id: Option<String>,
    /// Whom it is for, in the owner's words.
    pub note: String,
    pub created_at: i64,
    pub expires_at: i64,
    /// Who made it; none of those that a version before made.
    pub made_by: Option<String>,
}

#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub(in crate::server::store) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
