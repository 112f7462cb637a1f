//! Accounts.

mod external;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DbBackend, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, SqlErr, TransactionTrait, UpdateMany, sea_query::Expr,
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

pub use self::external::ExternalUser;
pub(crate) use self::external::Seen;
use self::external::{RoleFrom, issuer_name};
use super::{Store, StoreError, entity::user};
use crate::{
    model::{clock::now, job::UnixMillis, role::Role},
    server::identity::{
        job_scope::JobOwner,
        user::{User, UserId},
    },
};

const TABLE: &str = "users";

/// A password hash, as a PHC string. Not to be logged.
#[derive(Clone, Debug)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Returns the hash for verification.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for PasswordHash {
    fn from(phc: String) -> Self {
        Self(phc.into())
    }
}

/// An account to create.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// The address, in lower case.
    pub email: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its role.
    pub role: Role,
    /// The password hash.
    pub password_hash: PasswordHash,
}

/// An account as shown to the owner.
#[derive(Clone, Debug)]
pub struct Member {
    /// The account.
    pub user: User,
    /// Creation time.
    pub created_at: UnixMillis,
    /// Whether it is blocked.
    pub is_disabled: bool,
    /// Whether it has a local password.
    pub has_password: bool,
    /// Whether its role comes from a claim and cannot be changed here.
    pub role_is_claimed: bool,
    /// Whether its role was withdrawn.
    pub is_withdrawn: bool,
}

/// An active account with data for verifying credentials.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) user: User,
    pub(crate) password_hash: Option<PasswordHash>,
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
            id: UserId::new(row.id),
            issuer: row
                .shown_email
                .is_some()
                .then(|| issuer_name(row.email.split(' ').next().unwrap_or_default())),
            email: row.shown_email.unwrap_or(row.email),
            name: row.name,
        })
    }
}

impl TryFrom<user::Model> for Login {
    type Error = StoreError;

    fn try_from(row: user::Model) -> Result<Self, StoreError> {
        Ok(Self {
            password_hash: row.password_hash.clone().map(PasswordHash::from),
            signed_out_at: row.signed_out_at,
            user: row.try_into()?,
        })
    }
}

impl Store {
    /// Finds the owner named by a price monitor: by the ID sent with the upload, the ID in Auth.js, or the address of a
    /// local account. External addresses prove nothing. Without a match the job belongs to all staff.
    pub(crate) async fn owner_named(&self, owner: &str) -> Result<JobOwner, StoreError> {
        let owner = owner.trim();
        if owner.is_empty() {
            return Ok(JobOwner::Staff);
        }
        let address = owner.to_lowercase();
        let rows = user::Entity::find()
            .filter(
                Condition::any()
                    .add(user::Column::Id.eq(owner))
                    .add(user::Column::Email.eq(address))
                    .add(user::Column::Email.eq(format!("authjs sub {owner}"))),
            )
            .limit(3)
            .all(&self.db)
            .await?;
        let by_id = rows.iter().find(|row| row.id == owner);
        // Two matches are ambiguous.
        let only = match rows.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        Ok(by_id.or(only).map_or(JobOwner::Staff, |row| {
            JobOwner::User(UserId::new(row.id.clone()))
        }))
    }

    pub(crate) async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(user::Entity::find().count(&self.db).await? > 0)
    }

    pub(crate) async fn has_owner(&self) -> Result<bool, StoreError> {
        let owners = user::Entity::find()
            .filter(user::Column::Role.eq(Role::Owner.as_str()))
            .filter(may_sign_in());
        Ok(owners.count(&self.db).await? > 0)
    }

    /// Returns `None` if the address is taken.
    pub(crate) async fn create_user(&self, user: NewUser<'_>) -> Result<Option<User>, StoreError> {
        self.insert_user(Uuid::now_v7(), user).await
    }

    /// Returns `None` if there is an owner or the address is taken; of two concurrent calls one succeeds.
    pub(crate) async fn create_first_owner(
        &self,
        user: NewUser<'_>,
    ) -> Result<Option<User>, StoreError> {
        let accounts = user::Entity::find().count(&self.db).await?;
        if self.has_owner().await? {
            return Ok(None);
        }
        // The fixed ID makes the primary key admit one.
        self.insert_user(Uuid::from_u128(accounts.into()), user)
            .await
    }

    async fn insert_user(&self, id: Uuid, user: NewUser<'_>) -> Result<Option<User>, StoreError> {
        self.insert(user::ActiveModel {
            id: Set(id.to_string()),
            email: Set(user.email.to_owned()),
            name: Set(user.name.to_owned()),
            password_hash: Set(Some(user.password_hash.expose().to_owned())),
            role: Set(user.role.as_str().to_owned()),
            created_at: Set(now()),
            shown_email: Set(None),
            disabled_at: Set(None),
            signed_out_at: Set(0),
            role_from: Set(RoleFrom::Owner.as_str().to_owned()),
            seen_at: Set(None),
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

    async fn find_row(&self, email: &str) -> Result<Option<user::Model>, StoreError> {
        Ok(user::Entity::find()
            .filter(user::Column::Email.eq(email))
            .one(&self.db)
            .await?)
    }

    pub(crate) async fn find_login(&self, email: &str) -> Result<Option<Login>, StoreError> {
        self.find_row(email)
            .await?
            .filter(|row| row.disabled_at.is_none() && RoleFrom::of(row) != RoleFrom::Withdrawn)
            .map(Login::try_from)
            .transpose()
    }

    pub(crate) async fn find_member(&self, id: &str) -> Result<Option<Member>, StoreError> {
        user::Entity::find_by_id(id)
            .one(&self.db)
            .await?
            .map(Member::try_from)
            .transpose()
    }

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

    pub(crate) async fn set_password_hash(
        &self,
        user: &UserId,
        hash: PasswordHash,
    ) -> Result<(), StoreError> {
        user::Entity::update(user::ActiveModel {
            id: Set(user.as_str().to_owned()),
            password_hash: Set(Some(hash.expose().to_owned())),
            ..Default::default()
        })
        .exec(&self.db)
        .await?;
        Ok(())
    }

    /// Deletes an unused account.
    pub(crate) async fn delete_user(&self, user: &UserId) -> Result<(), StoreError> {
        user::Entity::delete_by_id(user.as_str())
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Returns `false` for the last active owner.
    pub(crate) async fn set_role(&self, user: &UserId, role: Role) -> Result<bool, StoreError> {
        let update = user::Entity::update_many()
            .col_expr(user::Column::Role, Expr::value(role.as_str()))
            .col_expr(
                user::Column::RoleFrom,
                Expr::value(RoleFrom::Owner.as_str()),
            )
            .filter(user::Column::Id.eq(user.as_str()));
        match role {
            Role::Owner => Ok(update.exec(&self.db).await?.rows_affected > 0),
            _ => self.but_for_the_last_owner(user, update).await,
        }
    }

    /// Returns `false` for the last active owner.
    pub(crate) async fn set_disabled(
        &self,
        user: &UserId,
        disabled: bool,
    ) -> Result<bool, StoreError> {
        let since = disabled.then(now);
        let update = user::Entity::update_many()
            .col_expr(user::Column::DisabledAt, Expr::value(since))
            .filter(user::Column::Id.eq(user.as_str()));
        if disabled {
            self.but_for_the_last_owner(user, update).await
        } else {
            Ok(update.exec(&self.db).await?.rows_affected > 0)
        }
    }

    /// Changes an account unless it is the last owner's. Serialized on PostgreSQL, because two owners who demote each
    /// other would each still see the other.
    async fn but_for_the_last_owner(
        &self,
        user: &UserId,
        update: UpdateMany<user::Entity>,
    ) -> Result<bool, StoreError> {
        let update = update.filter(another_owner_than(user));
        if self.db.get_database_backend() != DbBackend::Postgres {
            return Ok(update.exec(&self.db).await?.rows_affected > 0);
        }
        let transaction = self.db.begin().await?;
        user::Entity::find()
            .filter(user::Column::Role.eq(Role::Owner.as_str()))
            .order_by_asc(user::Column::Id)
            .lock_exclusive()
            .all(&transaction)
            .await?;
        let changed = update.exec(&transaction).await?.rows_affected > 0;
        transaction.commit().await?;
        Ok(changed)
    }

    /// Returns roles and last sign-outs of active accounts.
    pub(crate) async fn roles_of(
        &self,
        users: &[&str],
    ) -> Result<HashMap<String, (Role, UnixMillis)>, StoreError> {
        let rows = user::Entity::find()
            .filter(user::Column::Id.is_in(users.iter().copied()))
            .filter(may_sign_in())
            .all(&self.db)
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| Some((row.id, (row.role.parse().ok()?, row.signed_out_at))))
            .collect())
    }
}

pub(super) fn may_sign_in() -> Condition {
    Condition::all()
        .add(user::Column::DisabledAt.is_null())
        .add(user::Column::RoleFrom.ne(RoleFrom::Withdrawn.as_str()))
}

/// Excludes the last owner within the statement.
fn another_owner_than(user: &UserId) -> Condition {
    use sea_orm::QueryTrait as _;
    let others = user::Entity::find()
        .select_only()
        .column(user::Column::Role)
        .filter(user::Column::Role.eq(Role::Owner.as_str()))
        .filter(may_sign_in())
        .filter(user::Column::Id.ne(user.as_str()))
        .into_query();
    Condition::any()
        .add(user::Column::Role.ne(Role::Owner.as_str()))
        .add(user::Column::Role.in_subquery(others))
}

impl TryFrom<user::Model> for Member {
    type Error = StoreError;

    fn try_from(row: user::Model) -> Result<Self, StoreError> {
        Ok(Self {
            created_at: row.created_at,
            is_disabled: row.disabled_at.is_some(),
            has_password: row.password_hash.is_some(),
            role_is_claimed: RoleFrom::of(&row) == RoleFrom::Claim,
            is_withdrawn: RoleFrom::of(&row) == RoleFrom::Withdrawn,
            user: row.try_into()?,
        })
    }
}
