//! Sessions.

use std::{collections::HashSet, time::Duration};

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    entity::{api_token, session, user},
    users::may_sign_in,
};
use crate::{
    model::{clock::now, job::UnixMillis},
    server::{
        config::SessionLifetime,
        identity::{
            credential::SessionId,
            user::{User, UserId},
        },
    },
};

const TOUCH_MILLIS: i64 = 60_000;

/// Contains a hash; not to be logged.
#[derive(Clone)]
pub(crate) struct NewSession<'a> {
    pub(crate) token_hash: String,
    pub(crate) user: &'a UserId,
    pub(crate) address: Option<String>,
    pub(crate) agent: Option<String>,
    /// When the user last proved their identity; 0 if unknown.
    pub(crate) confirmed_at: UnixMillis,
    pub(crate) passkey: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct FoundSession {
    pub(crate) id: SessionId,
    pub(crate) user: User,
    /// The passkey of sign-in or confirmation; may be deleted.
    pub(crate) passkey: Option<String>,
}

/// A session as shown to its user.
#[derive(Clone, Debug)]
pub struct Session {
    /// The ID.
    pub id: SessionId,
    /// Time of sign-in.
    pub created_at: UnixMillis,
    /// Last use, to the minute.
    pub last_seen_at: UnixMillis,
    /// The client's address at sign-in.
    pub address: Option<String>,
    /// The browser's `User-Agent`.
    pub agent: Option<String>,
}

impl Store {
    pub(crate) async fn create_session(
        &self,
        new: NewSession<'_>,
        lifetime: SessionLifetime,
    ) -> Result<(), StoreError> {
        let now = now();
        session::Entity::delete_many()
            .filter(
                Condition::any()
                    .add(session::Column::ExpiresAt.lte(now))
                    .add(session::Column::LastSeenAt.lte(idle_since(now, lifetime))),
            )
            .exec(&self.db)
            .await?;
        session::Entity::insert(session::ActiveModel {
            token_hash: Set(new.token_hash),
            id: Set(Uuid::new_v4().to_string()),
            user_id: Set(new.user.as_str().to_owned()),
            created_at: Set(now),
            last_seen_at: Set(now),
            expires_at: Set(now.saturating_add(millis(lifetime.absolute))),
            address: Set(new.address),
            agent: Set(new.agent),
            confirmed_at: Set(new.confirmed_at),
            passkey_id: Set(new.passkey),
        })
        .exec_without_returning(&self.db)
        .await?;
        Ok(())
    }

    /// Finds the user of a token's hash. Records the use.
    pub(crate) async fn find_session(
        &self,
        token_hash: &str,
        lifetime: SessionLifetime,
    ) -> Result<Option<FoundSession>, StoreError> {
        let now = now();
        let session = session::Entity::find_by_id(token_hash)
            .filter(session::Column::ExpiresAt.gt(now))
            .filter(session::Column::LastSeenAt.gt(idle_since(now, lifetime)))
            .one(&self.db)
            .await?;
        let Some(session) = session else {
            return Ok(None);
        };
        let user = user::Entity::find_by_id(&session.user_id)
            .filter(may_sign_in())
            .one(&self.db)
            .await?;
        let Some(user) = user else {
            return Ok(None);
        };
        if now.saturating_sub(session.last_seen_at) > TOUCH_MILLIS {
            session::Entity::update_many()
                .col_expr(session::Column::LastSeenAt, Expr::value(now))
                .filter(session::Column::TokenHash.eq(token_hash))
                .exec(&self.db)
                .await?;
        }
        Ok(Some(FoundSession {
            id: SessionId::new(session.id),
            user: user.try_into()?,
            passkey: session.passkey_id,
        }))
    }

    /// Returns when a session's user last proved their identity; 0 if unknown.
    pub(crate) async fn session_confirmed_at(
        &self,
        session: &SessionId,
    ) -> Result<UnixMillis, StoreError> {
        let confirmed: Option<i64> = session::Entity::find()
            .select_only()
            .column(session::Column::ConfirmedAt)
            .filter(session::Column::Id.eq(session.as_str()))
            .into_tuple()
            .one(&self.db)
            .await?;
        Ok(confirmed.unwrap_or_default())
    }

    pub(crate) async fn list_sessions(
        &self,
        user: &UserId,
        lifetime: SessionLifetime,
    ) -> Result<Vec<Session>, StoreError> {
        let now = now();
        let rows = session::Entity::find()
            .filter(session::Column::UserId.eq(user.as_str()))
            .filter(session::Column::ExpiresAt.gt(now))
            .filter(session::Column::LastSeenAt.gt(idle_since(now, lifetime)))
            .order_by_desc(session::Column::LastSeenAt)
            .order_by_desc(session::Column::CreatedAt)
            .all(&self.db)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| Session {
                id: SessionId::new(row.id),
                created_at: row.created_at,
                last_seen_at: row.last_seen_at,
                address: row.address,
                agent: row.agent,
            })
            .collect())
    }

    pub(crate) async fn delete_session(&self, token_hash: &str) -> Result<(), StoreError> {
        session::Entity::delete_by_id(token_hash)
            .exec(&self.db)
            .await?;
        Ok(())
    }

    pub(crate) async fn delete_session_of(
        &self,
        user: &UserId,
        id: &str,
    ) -> Result<bool, StoreError> {
        let deleted = session::Entity::delete_many()
            .filter(session::Column::UserId.eq(user.as_str()))
            .filter(session::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Ends an account's sessions except one, including Auth.js sessions, and revokes its API tokens, which an intruder
    /// could have created.
    pub(crate) async fn revoke_all_of(
        &self,
        user: &UserId,
        but: Option<&SessionId>,
    ) -> Result<(), StoreError> {
        user::Entity::update_many()
            .col_expr(user::Column::SignedOutAt, Expr::value(now()))
            .filter(user::Column::Id.eq(user.as_str()))
            .exec(&self.db)
            .await?;
        self.end_access_of(user, but).await
    }

    /// Ends an account's local sessions except one, and revokes its API tokens.
    pub(super) async fn end_access_of(
        &self,
        user: &UserId,
        but: Option<&SessionId>,
    ) -> Result<(), StoreError> {
        let mut delete =
            session::Entity::delete_many().filter(session::Column::UserId.eq(user.as_str()));
        if let Some(but) = but {
            delete = delete.filter(session::Column::Id.ne(but.as_str()));
        }
        delete.exec(&self.db).await?;
        api_token::Entity::delete_many()
            .filter(api_token::Column::UserId.eq(user.as_str()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    pub(crate) async fn open_sessions(
        &self,
        ids: &[&str],
        lifetime: SessionLifetime,
    ) -> Result<HashSet<String>, StoreError> {
        let now = now();
        let open: Vec<String> = session::Entity::find()
            .select_only()
            .column(session::Column::Id)
            .filter(session::Column::Id.is_in(ids.iter().copied()))
            .filter(session::Column::ExpiresAt.gt(now))
            .filter(session::Column::LastSeenAt.gt(idle_since(now, lifetime)))
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(open.into_iter().collect())
    }
}

fn idle_since(now: UnixMillis, lifetime: SessionLifetime) -> UnixMillis {
    now.saturating_sub(millis(lifetime.idle))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
