//! Accounts.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, SqlErr};
use uuid::Uuid;

use super::{Store, StoreError, entity::user, now};

/// An account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// Identifies the account for good.
    pub id: UserId,
    /// The address it signs in with, in lower case.
    pub email: String,
    /// What its owner is called.
    pub name: String,
}

/// Identifies an account. Queries that concern somebody's things take one of these.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct UserId(String);

impl UserId {
    pub(super) fn as_str(&self) -> &str {
        &self.0
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
    /// The password's hash, as a PHC string.
    pub password_hash: String,
}

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self {
            id: UserId(row.id),
            email: row.email,
            name: row.name,
        }
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
        let row = user::ActiveModel {
            id: Set(id.to_string()),
            email: Set(user.email.to_owned()),
            name: Set(user.name.to_owned()),
            password_hash: Set(Some(user.password_hash)),
            created_at: Set(now()),
        };
        match user::Entity::insert(row)
            .exec_with_returning(&self.db)
            .await
        {
            Ok(row) => Ok(Some(row.into())),
            Err(error) => match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }

    /// Finds the account with this address, and its password's hash.
    pub(crate) async fn find_user_by_email(
        &self,
        email: &str,
    ) -> Result<Option<(User, Option<String>)>, StoreError> {
        let row = user::Entity::find()
            .filter(user::Column::Email.eq(email))
            .one(&self.db)
            .await?;
        Ok(row.map(|row| {
            let hash = row.password_hash.clone();
            (row.into(), hash)
        }))
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
}
