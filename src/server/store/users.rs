//! Accounts.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, SqlErr,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{Store, StoreError, entity::user, now};
use crate::{job::UnixMillis, role::Role};

const TABLE: &str = "users";

/// An account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// Identifies the account for good.
    pub id: UserId,
    /// The address it signs in with, in lower case.
    pub email: String,
    /// What its owner is called.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// Identifies an account. Queries that concern somebody's things take one of these.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct UserId(String);

impl UserId {
    /// Returns the identifier as pages and the log show it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the user that a record names.
    pub(super) fn recorded(id: String) -> Self {
        Self(id)
    }

    /// Makes an identifier that belongs to no account.
    #[cfg(test)]
    pub(in crate::server) fn for_tests(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// What makes an account.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// The address, in lower case.
    pub email: &'a str,
    /// What its owner is called.
    pub name: &'a str,
    /// What it may do.
    pub role: Role,
    /// The password's hash, as a PHC string.
    pub password_hash: String,
}

/// Somebody as another installation or identity provider knows them.
#[derive(Clone, Copy, Debug)]
pub struct ExternalUser<'a> {
    /// Which one, for example `authjs`. It contains no space.
    pub issuer: &'a str,
    /// What identifies them there for good.
    pub subject: &'a str,
    /// Their address, to be shown.
    pub email: Option<&'a str>,
    /// What they are called.
    pub name: Option<&'a str>,
    /// The role that is given to them there; `None` leaves the one they have here.
    pub role: Option<Role>,
}

/// An account as the owner sees it.
#[derive(Clone, Debug)]
pub struct Member {
    /// The account.
    pub user: User,
    /// Since when.
    pub created_at: UnixMillis,
    /// Whether it may not sign in.
    pub is_disabled: bool,
    /// Whether it has a password here.
    pub has_password: bool,
}

/// An account that may sign in, with what the check of its credentials needs.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) user: User,
    pub(crate) password_hash: Option<String>,
    /// When it was last signed out everywhere.
    pub(crate) signed_out_at: UnixMillis,
}

impl TryFrom<user::Model> for User {
    type Error = StoreError;

    fn try_from(row: user::Model) -> Result<Self, StoreError> {
        Ok(Self {
            role: row.role.parse().map_err(|error| StoreError::Corrupt {
                table: TABLE,
                reason: format!("role: {error}"),
            })?,
            id: UserId(row.id),
            email: row.shown_email.unwrap_or(row.email),
            name: row.name,
        })
    }
}

impl TryFrom<user::Model> for Login {
    type Error = StoreError;

    fn try_from(row: user::Model) -> Result<Self, StoreError> {
        Ok(Self {
            password_hash: row.password_hash.clone(),
            signed_out_at: row.signed_out_at,
            user: row.try_into()?,
        })
    }
}

impl Store {
    /// Returns whether there is any account.
    pub(crate) async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(user::Entity::find().count(&self.db).await? > 0)
    }

    /// Makes an account. `None` when the address is taken.
    pub(crate) async fn create_user(&self, user: NewUser<'_>) -> Result<Option<User>, StoreError> {
        self.insert_user(Uuid::now_v7(), user).await
    }

    /// Makes the first account. `None` when there is one already: of two first visitors at once,
    /// one wins.
    pub(crate) async fn create_first_user(
        &self,
        user: NewUser<'_>,
    ) -> Result<Option<User>, StoreError> {
        if self.has_users().await? {
            return Ok(None);
        }
        // Both write the same identifier, so the table's own key lets one of them in.
        self.insert_user(Uuid::nil(), user).await
    }

    async fn insert_user(&self, id: Uuid, user: NewUser<'_>) -> Result<Option<User>, StoreError> {
        self.insert(user::ActiveModel {
            id: Set(id.to_string()),
            email: Set(user.email.to_owned()),
            name: Set(user.name.to_owned()),
            password_hash: Set(Some(user.password_hash)),
            role: Set(user.role.as_str().to_owned()),
            created_at: Set(now()),
            shown_email: Set(None),
            disabled_at: Set(None),
            signed_out_at: Set(0),
        })
        .await
    }

    async fn insert(&self, row: user::ActiveModel) -> Result<Option<User>, StoreError> {
        match user::Entity::insert(row)
            .exec_with_returning(&self.db)
            .await
        {
            Ok(row) => Ok(Some(row.try_into()?)),
            Err(error) => match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }

    /// Finds the account of somebody who is known elsewhere, and makes it at first sight. What they
    /// are called, and their role where one is given, follow what is known there. `None` when the
    /// account may not sign in.
    pub(crate) async fn see_external_user(
        &self,
        seen: ExternalUser<'_>,
    ) -> Result<Option<Login>, StoreError> {
        let key = format!("{} {}", seen.issuer, seen.subject);
        if let Some(row) = self.find_row(&key).await? {
            return self.follow(row, seen).await;
        }
        let fresh = user::ActiveModel {
            id: Set(Uuid::now_v7().to_string()),
            email: Set(key.clone()),
            name: Set(shown_name(seen).to_owned()),
            password_hash: Set(None),
            role: Set(seen.role.unwrap_or(Role::Staff).as_str().to_owned()),
            created_at: Set(now()),
            shown_email: Set(Some(seen.email.unwrap_or_default().to_owned())),
            disabled_at: Set(None),
            signed_out_at: Set(0),
        };
        if let Some(user) = self.insert(fresh).await? {
            return Ok(Some(Login {
                user,
                password_hash: None,
                signed_out_at: 0,
            }));
        }
        // Another request of the same person was quicker.
        match self.find_row(&key).await? {
            Some(row) => self.follow(row, seen).await,
            None => Ok(None),
        }
    }

    async fn find_row(&self, email: &str) -> Result<Option<user::Model>, StoreError> {
        Ok(user::Entity::find()
            .filter(user::Column::Email.eq(email))
            .one(&self.db)
            .await?)
    }

    async fn follow(
        &self,
        row: user::Model,
        seen: ExternalUser<'_>,
    ) -> Result<Option<Login>, StoreError> {
        if row.disabled_at.is_some() {
            return Ok(None);
        }
        let role = seen
            .role
            .map_or_else(|| row.role.clone(), |role| role.as_str().to_owned());
        let email = seen.email.unwrap_or_default();
        let same = row.role == role
            && row.name == shown_name(seen)
            && row.shown_email.as_deref() == Some(email);
        if same {
            return Ok(Some(row.try_into()?));
        }
        let row = user::Entity::update(user::ActiveModel {
            id: Set(row.id),
            name: Set(shown_name(seen).to_owned()),
            role: Set(role),
            shown_email: Set(Some(email.to_owned())),
            ..Default::default()
        })
        .exec(&self.db)
        .await?;
        Ok(Some(row.try_into()?))
    }

    /// Finds the account with this address that may sign in.
    pub(crate) async fn find_login(&self, email: &str) -> Result<Option<Login>, StoreError> {
        self.find_row(email)
            .await?
            .filter(|row| row.disabled_at.is_none())
            .map(Login::try_from)
            .transpose()
    }

    /// Finds an account by its identifier, as a page gives it.
    pub(crate) async fn find_member(&self, id: &str) -> Result<Option<Member>, StoreError> {
        user::Entity::find_by_id(id)
            .one(&self.db)
            .await?
            .map(Member::try_from)
            .transpose()
    }

    /// Lists all accounts, the oldest first.
    pub(crate) async fn list_members(&self) -> Result<Vec<Member>, StoreError> {
        user::Entity::find()
            .order_by_asc(user::Column::CreatedAt)
            .order_by_asc(user::Column::Id)
            .all(&self.db)
            .await?
            .into_iter()
            .map(Member::try_from)
            .collect()
    }

    /// Sets the password's hash of an account.
    pub(crate) async fn set_password_hash(
        &self,
        user: &UserId,
        hash: String,
    ) -> Result<(), StoreError> {
        user::Entity::update(user::ActiveModel {
            id: Set(user.0.clone()),
            password_hash: Set(Some(hash)),
            ..Default::default()
        })
        .exec(&self.db)
        .await?;
        Ok(())
    }

    /// Removes an account that has nothing yet.
    pub(crate) async fn delete_user(&self, user: &UserId) -> Result<(), StoreError> {
        user::Entity::delete_by_id(user.as_str())
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Gives an account another role. `false` when it is the last owner who could sign in, who
    /// stays one.
    pub(crate) async fn set_role(&self, user: &UserId, role: Role) -> Result<bool, StoreError> {
        let update = user::Entity::update_many()
            .col_expr(user::Column::Role, Expr::value(role.as_str()))
            .filter(user::Column::Id.eq(user.as_str()));
        let update = match role {
            Role::Owner => update,
            Role::Staff | Role::Viewer => update.filter(another_owner_than(user)),
        };
        Ok(update.exec(&self.db).await?.rows_affected > 0)
    }

    /// Lets an account sign in, or no longer. `false` when it is the last owner who could.
    pub(crate) async fn set_disabled(
        &self,
        user: &UserId,
        disabled: bool,
    ) -> Result<bool, StoreError> {
        let since = disabled.then(now);
        let mut update = user::Entity::update_many()
            .col_expr(user::Column::DisabledAt, Expr::value(since))
            .filter(user::Column::Id.eq(user.as_str()));
        if disabled {
            update = update.filter(another_owner_than(user));
        }
        Ok(update.exec(&self.db).await?.rows_affected > 0)
    }
}

/// Leaves the last owner alone, in the statement itself.
fn another_owner_than(user: &UserId) -> sea_orm::Condition {
    use sea_orm::{Condition, QuerySelect, QueryTrait};
    let others = user::Entity::find()
        .select_only()
        .column(user::Column::Role)
        .filter(user::Column::Role.eq(Role::Owner.as_str()))
        .filter(user::Column::DisabledAt.is_null())
        .filter(user::Column::Id.ne(user.as_str()))
        .into_query();
    Condition::any()
        .add(user::Column::Role.ne(Role::Owner.as_str()))
        .add(user::Column::Role.in_subquery(others))
}

fn shown_name(seen: ExternalUser<'_>) -> &str {
    seen.name
        .or(seen.email)
        .unwrap_or("Somebody without a name")
}

impl TryFrom<user::Model> for Member {
    type Error = StoreError;

    fn try_from(row: user::Model) -> Result<Self, StoreError> {
        Ok(Self {
            created_at: row.created_at,
            is_disabled: row.disabled_at.is_some(),
            has_password: row.password_hash.is_some(),
            user: row.try_into()?,
        })
    }
}
