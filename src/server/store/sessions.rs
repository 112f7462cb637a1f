//! Signed-in browsers.

use std::time::Duration;

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::{
    Store, StoreError,
    entity::{session, user},
    now,
    users::{User, UserId},
};

impl Store {
    /// Records a session by the hash of its token, and forgets those that have expired.
    pub(crate) async fn create_session(
        &self,
        token_hash: String,
        user: &UserId,
        max_age: Duration,
    ) -> Result<(), StoreError> {
        let now = now();
        let max_age = i64::try_from(max_age.as_millis()).unwrap_or(i64::MAX);
        session::Entity::delete_many()
            .filter(session::Column::ExpiresAt.lte(now))
            .exec(&self.db)
            .await?;
        session::Entity::insert(session::ActiveModel {
            token_hash: Set(token_hash),
            user_id: Set(user.as_str().to_owned()),
            created_at: Set(now),
            expires_at: Set(now.saturating_add(max_age)),
        })
        .exec_without_returning(&self.db)
        .await?;
        Ok(())
    }

    /// Finds who is signed in by this token's hash.
    pub(crate) async fn find_session_user(
        &self,
        token_hash: &str,
    ) -> Result<Option<User>, StoreError> {
        let session = session::Entity::find_by_id(token_hash)
            .filter(session::Column::ExpiresAt.gt(now()))
            .one(&self.db)
            .await?;
        let Some(session) = session else {
            return Ok(None);
        };
        let row = user::Entity::find_by_id(session.user_id)
            .one(&self.db)
            .await?;
        Ok(row.map(User::from))
    }

    /// Ends a session.
    pub(crate) async fn delete_session(&self, token_hash: &str) -> Result<(), StoreError> {
        session::Entity::delete_by_id(token_hash)
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Ends every session of an account.
    pub(crate) async fn delete_sessions_of(&self, user: &UserId) -> Result<(), StoreError> {
        session::Entity::delete_many()
            .filter(session::Column::UserId.eq(user.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}
