//! Invitation and password links; each works once.

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    entity::{account_link as link, user},
    users::may_sign_in,
};
use crate::{
    model::{clock::now, job::UnixMillis, role::Role},
    server::identity::user::UserId,
};

const TABLE: &str = "account_links";

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum LinkPurpose {
    /// Creates an account with this role.
    Invitation(Role),
    /// Resets the password of this account.
    PasswordReset(String),
}

#[derive(Clone, Debug)]
pub(crate) struct AccountLink {
    pub(crate) id: String,
    pub(crate) purpose: LinkPurpose,
    pub(crate) note: String,
    pub(crate) email: Option<String>,
    pub(crate) expires_at: UnixMillis,
}

/// A link that is to be created.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewAccountLink<'a> {
    pub(crate) purpose: &'a LinkPurpose,
    pub(crate) note: &'a str,
    pub(crate) email: Option<&'a str>,
    pub(crate) lifetime: Duration,
}

impl Store {
    pub(crate) async fn create_link(
        &self,
        token_hash: String,
        link: NewAccountLink<'_>,
        made_by: &UserId,
    ) -> Result<(), StoreError> {
        let NewAccountLink {
            purpose,
            note,
            email,
            lifetime,
        } = link;
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
            email: Set(email.map(str::to_owned)),
            created_at: Set(now),
            expires_at: Set(now.saturating_add(lifetime)),
            made_by: Set(Some(made_by.as_str().to_owned())),
        })
        .exec_without_returning(&self.db)
        .await?;
        Ok(())
    }

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

    /// Returns `false` if the link was already used.
    pub(crate) async fn use_link(&self, link: &AccountLink) -> Result<bool, StoreError> {
        let used = link::Entity::delete_many()
            .filter(link::Column::Id.eq(&link.id))
            .filter(holds())
            .exec(&self.db)
            .await?;
        Ok(used.rows_affected > 0)
    }

    pub(crate) async fn delete_links_by(&self, user: &UserId) -> Result<(), StoreError> {
        link::Entity::delete_many()
            .filter(link::Column::MadeBy.eq(user.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    pub(crate) async fn delete_link(&self, id: &str) -> Result<bool, StoreError> {
        let deleted = link::Entity::delete_many()
            .filter(link::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(deleted.rows_affected > 0)
    }

    pub(crate) async fn delete_resets_of(&self, user: &UserId) -> Result<(), StoreError> {
        link::Entity::delete_many()
            .filter(link::Column::UserId.eq(user.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

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

/// Matches links that have not expired and whose creator may still create them.
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
            email: row.email,
            expires_at: row.expires_at,
        })
    }
}
