//! Passkeys. The library serializes credentials.

use std::collections::HashSet;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, SqlErr, TransactionTrait,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    entity::{passkey, session, user},
    users::may_sign_in,
};
use crate::{
    model::{clock::now, job::UnixMillis},
    server::identity::{
        credential::SessionId,
        user::{User, UserId},
    },
};

#[derive(Clone, Debug)]
pub(crate) struct NewPasskey<'a> {
    pub(crate) credential_id: &'a [u8],
    pub(crate) user: &'a UserId,
    pub(crate) name: &'a str,
    pub(crate) credential: String,
    pub(crate) is_synced: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct StoredPasskey {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) credential: String,
    pub(crate) is_synced: bool,
    pub(crate) created_at: UnixMillis,
    pub(crate) last_used_at: Option<UnixMillis>,
}

impl From<passkey::Model> for StoredPasskey {
    fn from(row: passkey::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            credential: row.credential,
            is_synced: row.is_synced,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

impl Store {
    /// Returns its ID; `None` if the credential exists.
    pub(crate) async fn create_passkey(
        &self,
        new: NewPasskey<'_>,
    ) -> Result<Option<String>, StoreError> {
        let id = Uuid::now_v7().to_string();
        let row = passkey::ActiveModel {
            id: Set(id.clone()),
            credential_id: Set(hex::encode(new.credential_id)),
            user_id: Set(new.user.as_str().to_owned()),
            name: Set(new.name.to_owned()),
            credential: Set(new.credential),
            is_synced: Set(new.is_synced),
            created_at: Set(now()),
            last_used_at: Set(None),
        };
        let inserted = passkey::Entity::insert(row)
            .exec_without_returning(&self.db)
            .await;
        match inserted {
            Ok(_) => Ok(Some(id)),
            Err(error) => match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }

    pub(crate) async fn list_passkeys(
        &self,
        user: &UserId,
    ) -> Result<Vec<StoredPasskey>, StoreError> {
        let rows = passkey::Entity::find()
            .filter(passkey::Column::UserId.eq(user.as_str()))
            .order_by_asc(passkey::Column::CreatedAt)
            .order_by_asc(passkey::Column::Id)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(StoredPasskey::from).collect())
    }

    pub(crate) async fn has_passkeys(&self, user: &UserId) -> Result<bool, StoreError> {
        let of_user = passkey::Entity::find().filter(passkey::Column::UserId.eq(user.as_str()));
        Ok(of_user.count(&self.db).await? > 0)
    }

    pub(crate) async fn has_any_passkey(&self) -> Result<bool, StoreError> {
        let one = passkey::Entity::find().limit(1).one(&self.db).await?;
        Ok(one.is_some())
    }

    pub(crate) async fn users_with_passkeys(&self) -> Result<HashSet<String>, StoreError> {
        let users: Vec<String> = passkey::Entity::find()
            .select_only()
            .column(passkey::Column::UserId)
            .distinct()
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(users.into_iter().collect())
    }

    /// Finds a passkey of an active account by credential ID.
    pub(crate) async fn find_passkey(
        &self,
        credential_id: &[u8],
    ) -> Result<Option<(StoredPasskey, User)>, StoreError> {
        let found = passkey::Entity::find()
            .filter(passkey::Column::CredentialId.eq(hex::encode(credential_id)))
            .one(&self.db)
            .await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let user = user::Entity::find_by_id(&found.user_id)
            .filter(may_sign_in())
            .one(&self.db)
            .await?;
        let Some(user) = user else {
            return Ok(None);
        };
        Ok(Some((found.into(), user.try_into()?)))
    }

    /// Records a use with the credential's new counter and flags. `false` if another use was recorded since it was
    /// read: its counter would decrease.
    pub(crate) async fn record_passkey_use(
        &self,
        passkey: &StoredPasskey,
        credential: String,
        is_synced: bool,
    ) -> Result<bool, StoreError> {
        let updated = passkey::Entity::update_many()
            .col_expr(passkey::Column::Credential, Expr::value(credential))
            .col_expr(passkey::Column::IsSynced, Expr::value(is_synced))
            .col_expr(passkey::Column::LastUsedAt, Expr::value(Some(now())))
            .filter(passkey::Column::Id.eq(&*passkey.id))
            .filter(passkey::Column::Credential.eq(&*passkey.credential))
            .exec(&self.db)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    pub(crate) async fn rename_passkey(
        &self,
        user: &UserId,
        id: &str,
        name: &str,
    ) -> Result<bool, StoreError> {
        let updated = passkey::Entity::update_many()
            .col_expr(passkey::Column::Name, Expr::value(name))
            .filter(passkey::Column::UserId.eq(user.as_str()))
            .filter(passkey::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Deletes a passkey and the sessions it opened except one. `false` if there is none, or it is the last one and one
    /// must stay. On PostgreSQL removals are serialized, because two of them would each still see the other's passkey.
    pub(crate) async fn remove_passkey(
        &self,
        user: &UserId,
        id: &str,
        one_stays: bool,
        but: Option<&SessionId>,
    ) -> Result<bool, StoreError> {
        let of_user = || passkey::Entity::find().filter(passkey::Column::UserId.eq(user.as_str()));
        let mut delete = passkey::Entity::delete_many()
            .filter(passkey::Column::UserId.eq(user.as_str()))
            .filter(passkey::Column::Id.eq(id));
        if one_stays {
            let others = of_user()
                .filter(passkey::Column::Id.ne(id))
                .select_only()
                .column(passkey::Column::UserId)
                .into_query();
            delete = delete.filter(Expr::col(passkey::Column::UserId).in_subquery(others));
        }
        let transaction = self.db.begin().await?;
        if self.db.get_database_backend() == DbBackend::Postgres {
            of_user()
                .order_by_asc(passkey::Column::Id)
                .lock_exclusive()
                .all(&transaction)
                .await?;
        }
        let removed = delete.exec(&transaction).await?.rows_affected == 1;
        if removed {
            let mut end = session::Entity::delete_many()
                .filter(session::Column::UserId.eq(user.as_str()))
                .filter(session::Column::PasskeyId.eq(id));
            if let Some(but) = but {
                end = end.filter(session::Column::Id.ne(but.as_str()));
            }
            end.exec(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(removed)
    }

    /// Deletes an account's passkeys and the sessions they opened. Returns their number.
    pub(crate) async fn remove_passkeys_of(&self, user: &UserId) -> Result<u64, StoreError> {
        let removed = passkey::Entity::delete_many()
            .filter(passkey::Column::UserId.eq(user.as_str()))
            .exec(&self.db)
            .await?;
        session::Entity::delete_many()
            .filter(session::Column::UserId.eq(user.as_str()))
            .filter(session::Column::PasskeyId.is_not_null())
            .exec(&self.db)
            .await?;
        Ok(removed.rows_affected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::role::Role,
        server::store::{test_database::TestDatabase, users::NewUser},
    };

    async fn store_with_user() -> (TestDatabase, Store, UserId) {
        let (database, store) = TestDatabase::opened().await;
        let user = store.create_user(NewUser {
            email: "ada",
            name: "Ada",
            role: Role::Owner,
            password_hash: String::new().into(),
        });
        let user = user.await.unwrap().unwrap().id;
        (database, store, user)
    }

    async fn add(store: &Store, user: &UserId, id: u8) -> Option<String> {
        let new = NewPasskey {
            credential_id: &[id],
            user,
            name: "Phone",
            credential: format!("{id} before"),
            is_synced: false,
        };
        store.create_passkey(new).await.unwrap()
    }

    #[tokio::test]
    async fn of_two_uses_at_once_one_is_recorded() {
        let (_database, store, user) = store_with_user().await;
        add(&store, &user, 1).await.unwrap();
        assert_eq!(add(&store, &user, 1).await, None, "it is known");
        let (passkey, owner) = store.find_passkey(&[1]).await.unwrap().unwrap();
        assert_eq!(owner.id, user);
        let used = || store.record_passkey_use(&passkey, "1 after".to_owned(), true);
        assert!(used().await.unwrap());
        assert!(!used().await.unwrap());
        let (passkey, _) = store.find_passkey(&[1]).await.unwrap().unwrap();
        assert!(passkey.is_synced && passkey.last_used_at.is_some());
        assert_eq!(passkey.credential, "1 after");
        assert!(store.find_passkey(&[2]).await.unwrap().is_none());
        store.delete_user(&user).await.unwrap();
        assert!(!store.has_any_passkey().await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_two_that_are_removed_at_once_one_stays() {
        let (_database, store, user) = store_with_user().await;
        for round in 0..20 {
            let one = add(&store, &user, 2 * round).await.unwrap();
            let other = match store.list_passkeys(&user).await.unwrap().as_slice() {
                [before, _] => before.id.clone(),
                _ => add(&store, &user, 2 * round + 1).await.unwrap(),
            };
            let (first, second) = tokio::join!(
                store.remove_passkey(&user, &one, true, None),
                store.remove_passkey(&user, &other, true, None),
            );
            assert!(first.unwrap() ^ second.unwrap());
            assert_eq!(store.list_passkeys(&user).await.unwrap().len(), 1);
        }
    }
}
