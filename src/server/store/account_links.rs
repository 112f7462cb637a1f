//! Links that make an account, or give one a new password. Each works once.

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    entity::{account_link as link, user},
    now,
    users::{UserId, may_sign_in},
};
use crate::model::{job::UnixMillis, role::Role};

const TABLE: &str = "account_links";

/// What a link is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum LinkPurpose {
    /// To make an account with this role.
    Invitation(Role),
    /// To give this account, by its identifier, a new password.
    PasswordReset(String),
}

/// A link that has not been used.
#[derive(Clone, Debug)]
pub(crate) struct AccountLink {
    /// What the owner names it by.
    pub(crate) id: String,
    pub(crate) purpose: LinkPurpose,
    /// Whom it is for, in the owner's words.
    pub(crate) note: String,
    pub(crate) expires_at: UnixMillis,
}

impl Store {
    /// Records a link by the hash of its secret, and forgets those that have expired.
    pub(crate) async fn create_link(
        &self,
        token_hash: String,
        purpose: &LinkPurpose,
        note: &str,
        made_by: &UserId,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        let now = now();
        link::Entity::delete_many()
            .filter(link::Column::ExpiresAt.lte(now))
            .exec(&self.db)
            .await?;
        let (role, user_id) = match purpose {
            LinkPurpose::Invitation(role) => (Some(role.as_str().to_owned()), None),
            LinkPurpose::PasswordReset(user) => (None, Some(user.clone())),
        };
        let lifetime = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        link::Entity::insert(link::ActiveModel {
            id: Set(Uuid::now_v7().to_string()),
            token_hash: Set(token_hash),
            role: Set(role),
            user_id: Set(user_id),
            note: Set(note.to_owned()),
            created_at: Set(now),
            expires_at: Set(now.saturating_add(lifetime)),
            made_by: Set(Some(made_by.as_str().to_owned())),
        })
        .exec_without_returning(&self.db)
        .await?;
        Ok(())
    }

    /// Finds a link by the hash of its secret.
    pub(crate) async fn find_link(
        &self,
        token_hash: &str,
    ) -> Result<Option<AccountLink>, StoreError> {
        link::Entity::find()
            .filter(link::Column::TokenHash.eq(token_hash))
            .filter(holds())
            .one(&self.db)
            .await?
            .map(AccountLink::try_from)
            .transpose()
    }

    /// Uses a link up. `false` when somebody else has.
    pub(crate) async fn use_link(&self, link: &AccountLink) -> Result<bool, StoreError> {
        let used = link::Entity::delete_many()
            .filter(link::Column::Id.eq(&link.id))
            .filter(holds())
            .exec(&self.db)
            .await?;
        Ok(used.rows_affected > 0)
    }

    /// Takes back every link that an account has made.
    pub(crate) async fn delete_links_by(&self, user: &UserId) -> Result<(), StoreError> {
        link::Entity::delete_many()
            .filter(link::Column::MadeBy.eq(user.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Takes a link back. `false` when there is none.
    pub(crate) async fn delete_link(&self, id: &str) -> Result<bool, StoreError> {
        let deleted = link::Entity::delete_many()
            .filter(link::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Takes back every link that would give an account a new password.
    pub(crate) async fn delete_resets_of(&self, user: &UserId) -> Result<(), StoreError> {
        link::Entity::delete_many()
            .filter(link::Column::UserId.eq(user.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Lists the links that have not been used, the newest first.
    pub(crate) async fn list_links(&self) -> Result<Vec<AccountLink>, StoreError> {
        link::Entity::find()
            .filter(holds())
            .order_by_desc(link::Column::CreatedAt)
            .order_by_desc(link::Column::Id)
            .all(&self.db)
            .await?
            .into_iter()
            .map(AccountLink::try_from)
            .collect()
    }
}

/// Says which links hold: those that have not expired, and whose maker may still make such.
fn holds() -> Condition {
    let owners = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::Role.eq(Role::Owner.as_str()))
        .filter(may_sign_in())
        .into_query();
    let by_an_owner = Condition::any()
        .add(link::Column::MadeBy.is_null())
        .add(link::Column::MadeBy.in_subquery(owners));
    Condition::all()
        .add(link::Column::ExpiresAt.gt(now()))
        .add(by_an_owner)
}

impl TryFrom<link::Model> for AccountLink {
    type Error = StoreError;

    fn try_from(row: link::Model) -> Result<Self, StoreError> {
        let corrupt = |reason: &str| StoreError::Corrupt {
            table: TABLE,
            reason: reason.to_owned(),
        };
        let purpose = match (row.role, row.user_id) {
            (Some(role), None) => {
                LinkPurpose::Invitation(role.parse().map_err(|_| corrupt("role"))?)
            }
            (None, Some(user)) => LinkPurpose::PasswordReset(user),
            _ => return Err(corrupt("neither an invitation nor a reset")),
        };
        Ok(Self {
            id: row.id,
            purpose,
            note: row.note,
            expires_at: row.expires_at,
        })
    }
}
