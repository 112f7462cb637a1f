//! Short-lived challenges for passkeys, each answered once.

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{Store, StoreError, entity::passkey_challenge as challenge};
use crate::{model::clock::now, server::identity::user::UserId};

const MAX: u64 = 10_000;
const SLICE: u64 = 100;

/// Not to be logged.
#[derive(Clone)]
pub(crate) struct NewChallenge<'a> {
    pub(crate) token_hash: String,
    pub(crate) purpose: &'static str,
    pub(crate) user: Option<&'a UserId>,
    pub(crate) state: String,
}

impl Store {
    /// Deletes expired challenges, and the oldest if there are too many.
    pub(crate) async fn create_passkey_challenge(
        &self,
        new: NewChallenge<'_>,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        let now = now();
        challenge::Entity::delete_many()
            .filter(challenge::Column::ExpiresAt.lte(now))
            .exec(&self.db)
            .await?;
        self.keep_newest_challenges(MAX).await?;
        let lifetime = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        challenge::Entity::insert(challenge::ActiveModel {
            token_hash: Set(new.token_hash),
            purpose: Set(new.purpose.to_owned()),
            user_id: Set(new.user.map(|user| user.as_str().to_owned())),
            state: Set(new.state),
            expires_at: Set(now.saturating_add(lifetime)),
        })
        .exec_without_returning(&self.db)
        .await?;
        Ok(())
    }

    async fn keep_newest_challenges(&self, most: u64) -> Result<(), StoreError> {
        if challenge::Entity::find().count(&self.db).await? < most {
            return Ok(());
        }
        let oldest: Vec<String> = challenge::Entity::find()
            .select_only()
            .column(challenge::Column::TokenHash)
            .order_by_asc(challenge::Column::ExpiresAt)
            .limit(SLICE)
            .into_tuple()
            .all(&self.db)
            .await?;
        challenge::Entity::delete_many()
            .filter(challenge::Column::TokenHash.is_in(oldest))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Deletes a challenge and returns its state. `None` if there is none for this purpose and user, it has expired, or
    /// it was already taken.
    pub(crate) async fn take_passkey_challenge(
        &self,
        token_hash: &str,
        purpose: &str,
        user: Option<&UserId>,
    ) -> Result<Option<String>, StoreError> {
        let Some(found) = challenge::Entity::find_by_id(token_hash)
            .one(&self.db)
            .await?
        else {
            return Ok(None);
        };
        let taken = challenge::Entity::delete_by_id(token_hash)
            .exec(&self.db)
            .await?;
        let holds = taken.rows_affected == 1
            && found.expires_at > now()
            && found.purpose == purpose
            && found.user_id.as_deref() == user.map(UserId::as_str);
        Ok(holds.then_some(found.state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::test_database::TestDatabase;

    const MINUTE: Duration = Duration::from_secs(60);

    fn new(token: &str) -> NewChallenge<'static> {
        NewChallenge {
            token_hash: token.to_owned(),
            purpose: "sign-in",
            user: None,
            state: format!("state of {token}"),
        }
    }

    #[tokio::test]
    async fn a_challenge_is_taken_once_in_time_and_for_its_purpose() {
        let (_database, store) = TestDatabase::opened().await;
        let take = async |token, purpose, user| {
            let taken = store.take_passkey_challenge(token, purpose, user).await;
            taken.unwrap()
        };
        for token in ["once", "elsewhere", "somebody's"] {
            let made = store.create_passkey_challenge(new(token), MINUTE).await;
            made.unwrap();
        }
        let state = take("once", "sign-in", None).await;
        assert_eq!(state.as_deref(), Some("state of once"));
        assert_eq!(take("once", "sign-in", None).await, None);
        assert_eq!(take("unknown", "sign-in", None).await, None);
        assert_eq!(take("elsewhere", "add", None).await, None);
        let user = UserId::new("ada");
        assert_eq!(take("somebody's", "sign-in", Some(&user)).await, None);
        // A request for the wrong purpose deletes it too.
        assert_eq!(take("elsewhere", "sign-in", None).await, None);
        let late = store.create_passkey_challenge(new("late"), Duration::ZERO);
        late.await.unwrap();
        assert_eq!(take("late", "sign-in", None).await, None);
    }

    #[tokio::test]
    async fn of_too_many_challenges_the_newest_stay() {
        let (_database, store) = TestDatabase::opened().await;
        let many = SLICE + 1;
        for number in 0..many {
            let new = new(&format!("{number:05}"));
            let lifetime = MINUTE + Duration::from_millis(number);
            store.create_passkey_challenge(new, lifetime).await.unwrap();
        }
        store.keep_newest_challenges(many + 1).await.unwrap();
        let count = async || challenge::Entity::find().count(&store.db).await.unwrap();
        assert_eq!(count().await, many);
        store.keep_newest_challenges(many).await.unwrap();
        assert_eq!(count().await, 1);
        let newest = format!("{:05}", many - 1);
        let left = store.take_passkey_challenge(&newest, "sign-in", None).await;
        assert!(left.unwrap().is_some());
    }
}
