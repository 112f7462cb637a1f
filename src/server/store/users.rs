//! Accounts.

use std::collections::HashMap;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, SqlErr, TransactionTrait, UpdateMany,
    sea_query::{Expr, ExprTrait as _, Func},
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Store, StoreError, entity::user};
use crate::{
    model::{
        clock::now,
        job::UnixMillis,
        role::{Role, RoleClaim},
    },
    server::identity::{
        job_scope::JobOwner,
        user::{User, UserId},
    },
};

const TABLE: &str = "users";
/// Minimum interval between updates of an external account's last visit.
const SEEN_MILLIS: i64 = 3_600_000;

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

/// A user as identified elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct ExternalUser<'a> {
    /// The issuer, for example `authjs`, without spaces.
    pub issuer: &'a str,
    /// The permanent ID there.
    pub subject: &'a str,
    /// The address, for display.
    pub email: Option<&'a str>,
    /// The name.
    pub name: Option<&'a str>,
    /// The role there.
    pub role: RoleClaim,
    /// The role of users without one; `None` refuses them.
    pub default_role: Option<Role>,
}

/// The result of a visit.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// Accepted.
    Known {
        login: Login,
        /// Whether the role has changed.
        role_changed: bool,
        /// Whether it is the first visit, or the first one for long.
        is_back: bool,
    },
    /// An existing account that may not sign in.
    Refused {
        user: UserId,
        /// Whether that is new.
        is_withdrawn: bool,
    },
    /// Refused, without an account.
    Stranger,
}

/// The source of a role.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum RoleFrom {
    /// Set here by the owner.
    Owner,
    /// The claim.
    Claim,
    /// The default role.
    Default,
    /// None: withdrawn at the issuer.
    Withdrawn,
}

impl RoleFrom {
    fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Claim => "claim",
            Self::Default => "default",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn of(row: &user::Model) -> Self {
        match row.role_from.as_str() {
            "claim" => Self::Claim,
            "default" => Self::Default,
            "withdrawn" => Self::Withdrawn,
            _ => Self::Owner,
        }
    }
}

/// Decides the role of an external user: the claim's, else the owner's, else the default. An unknown claim
/// grants no more than the owner did, and one for no access is final.
fn decide(seen: &ExternalUser<'_>, here: Option<(Role, RoleFrom)>) -> Option<(Role, RoleFrom)> {
    match (seen.role, here) {
        (RoleClaim::NoAccess, _) => None,
        (RoleClaim::Known(role), _) => Some((role, RoleFrom::Claim)),
        (_, Some((role, RoleFrom::Owner))) => Some((role, RoleFrom::Owner)),
        (RoleClaim::Missing, _) => seen.default_role.map(|role| (role, RoleFrom::Default)),
        (RoleClaim::Unknown, _) => None,
    }
}

/// An account as the owner sees it.
#[derive(Clone, Debug)]
pub struct Member {
    /// The account.
    pub user: User,
    /// When it was created.
    pub created_at: UnixMillis,
    /// Whether it is blocked.
    pub is_disabled: bool,
    /// Whether it has a local password.
    pub has_password: bool,
    /// Whether its role comes from a claim, and cannot be changed here.
    pub role_is_claimed: bool,
    /// Whether its role was withdrawn.
    pub is_withdrawn: bool,
}

/// An active account with the data for verifying its credentials.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) user: User,
    pub(crate) password_hash: Option<PasswordHash>,
    /// When it last signed out everywhere.
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
    /// Finds the user that a price monitor names as owner: by the ID sent with the upload, the ID in Auth.js,
    /// or the address of a local account. External addresses prove nothing. Without a match the job belongs
    /// to all staff.
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

    /// Returns whether there is any account.
    pub(crate) async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(user::Entity::find().count(&self.db).await? > 0)
    }

    /// Returns whether there is an active owner.
    pub(crate) async fn has_owner(&self) -> Result<bool, StoreError> {
        let owners = user::Entity::find()
            .filter(user::Column::Role.eq(Role::Owner.as_str()))
            .filter(may_sign_in());
        Ok(owners.count(&self.db).await? > 0)
    }

    /// Creates an account. `None` if the address is taken.
    pub(crate) async fn create_user(&self, user: NewUser<'_>) -> Result<Option<User>, StoreError> {
        self.insert_user(Uuid::now_v7(), user).await
    }

    /// Creates the first owner. `None` if there is one, or the address is taken; of two concurrent calls one
    /// succeeds.
    pub(crate) async fn create_first_owner(
        &self,
        user: NewUser<'_>,
    ) -> Result<Option<User>, StoreError> {
        let accounts = user::Entity::find().count(&self.db).await?;
        if self.has_owner().await? {
            return Ok(None);
        }
        // Both use the same ID, so the primary key admits one.
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

    /// Finds or creates the account of an external user, and updates its name and, if claimed, its role.
    /// After `away_millis` the user counts as back.
    pub(crate) async fn see_external_user(
        &self,
        seen: ExternalUser<'_>,
        away_millis: i64,
    ) -> Result<Seen, StoreError> {
        let key = format!("{} {}", seen.issuer, seen.subject);
        if let Some(row) = self.find_row(&key).await? {
            return self.follow(row, seen, away_millis).await;
        }
        let Some((role, from)) = decide(&seen, None) else {
            return Ok(Seen::Stranger);
        };
        let fresh = user::ActiveModel {
            id: Set(Uuid::now_v7().to_string()),
            email: Set(key.clone()),
            name: Set(shown_name(seen).to_owned()),
            password_hash: Set(None),
            role: Set(role.as_str().to_owned()),
            created_at: Set(now()),
            shown_email: Set(Some(seen.email.unwrap_or_default().to_owned())),
            disabled_at: Set(None),
            signed_out_at: Set(0),
            role_from: Set(from.as_str().to_owned()),
            seen_at: Set(Some(now())),
        };
        if let Some(user) = self.insert(fresh).await? {
            return Ok(Seen::Known {
                login: Login {
                    user,
                    password_hash: None,
                    signed_out_at: 0,
                },
                role_changed: false,
                is_back: true,
            });
        }
        // A concurrent request was faster.
        match self.find_row(&key).await? {
            Some(row) => self.follow(row, seen, away_millis).await,
            None => Ok(Seen::Stranger),
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
        away_millis: i64,
    ) -> Result<Seen, StoreError> {
        let here: Role = row.role.parse().map_err(|error| StoreError::Corrupt {
            table: TABLE,
            reason: format!("role: {error}"),
        })?;
        let decided = decide(&seen, Some((here, RoleFrom::of(&row))));
        let Some((role, from)) = decided.filter(|_| row.disabled_at.is_none()) else {
            let user = UserId::new(row.id.clone());
            let is_withdrawn = decided.is_none() && RoleFrom::of(&row) != RoleFrom::Withdrawn;
            if is_withdrawn {
                self.withdraw(&user).await?;
            }
            return Ok(Seen::Refused { user, is_withdrawn });
        };
        let role_changed = role != here;
        let away = now().saturating_sub(row.seen_at.unwrap_or_default());
        let email = seen.email.unwrap_or_default();
        let same = !role_changed
            && row.role_from == from.as_str()
            && row.name == shown_name(seen)
            && row.shown_email.as_deref() == Some(email)
            && away < SEEN_MILLIS;
        let row = if same {
            row
        } else {
            user::Entity::update(user::ActiveModel {
                id: Set(row.id),
                name: Set(shown_name(seen).to_owned()),
                role: Set(role.as_str().to_owned()),
                role_from: Set(from.as_str().to_owned()),
                shown_email: Set(Some(email.to_owned())),
                seen_at: Set(Some(now())),
                ..Default::default()
            })
            .exec(&self.db)
            .await?
        };
        Ok(Seen::Known {
            login: row.try_into()?,
            role_changed,
            is_back: away >= away_millis,
        })
    }

    /// Withdraws an account's role: ends its sessions, and revokes its tokens and links.
    async fn withdraw(&self, user: &UserId) -> Result<(), StoreError> {
        user::Entity::update_many()
            .col_expr(
                user::Column::RoleFrom,
                Expr::value(RoleFrom::Withdrawn.as_str()),
            )
            .filter(user::Column::Id.eq(user.as_str()))
            .exec(&self.db)
            .await?;
        self.end_access_of(user, None).await?;
        self.delete_links_by(user).await
    }

    /// Finds an active account by address.
    pub(crate) async fn find_login(&self, email: &str) -> Result<Option<Login>, StoreError> {
        self.find_row(email)
            .await?
            .filter(|row| row.disabled_at.is_none() && RoleFrom::of(row) != RoleFrom::Withdrawn)
            .map(Login::try_from)
            .transpose()
    }

    /// Finds the accounts of other services with this email address.
    pub(crate) async fn users_elsewhere(&self, email: &str) -> Result<Vec<User>, StoreError> {
        let shown = Expr::expr(Func::lower(Expr::col(user::Column::ShownEmail)));
        user::Entity::find()
            .filter(shown.eq(email))
            .all(&self.db)
            .await?
            .into_iter()
            .map(User::try_from)
            .collect()
    }

    /// Finds an account by the ID from a page.
    pub(crate) async fn find_member(&self, id: &str) -> Result<Option<Member>, StoreError> {
        user::Entity::find_by_id(id)
            .one(&self.db)
            .await?
            .map(Member::try_from)
            .transpose()
    }

    /// Lists all accounts, oldest first.
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

    /// Sets an account's password hash.
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

    /// Changes a role. `false` for the last active owner.
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
            Role::Staff | Role::Observer | Role::Viewer => {
                self.but_for_the_last_owner(user, update).await
            }
        }
    }

    /// Allows or blocks an account. `false` for the last active owner.
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

    /// Changes an account unless it is the last owner's. On PostgreSQL these changes are serialized, because
    /// two owners who demote each other would both still see the other.
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

/// Matches active accounts.
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

/// Returns an issuer's name for display.
fn issuer_name(issuer: &str) -> String {
    match issuer {
        "authjs" => "Auth.js".to_owned(),
        // A provider's URL.
        other => other
            .trim_start_matches("https://")
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned(),
    }
}

fn shown_name(seen: ExternalUser<'_>) -> &str {
    seen.name.or(seen.email).unwrap_or("Unnamed user")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::test_database::TestDatabase;

    fn seen(role: RoleClaim, default_role: Option<Role>) -> ExternalUser<'static> {
        ExternalUser {
            issuer: "authjs",
            subject: "sub 1",
            email: Some("ada@example.com"),
            name: Some("Ada"),
            role,
            default_role,
        }
    }

    #[test]
    fn a_role_is_the_claim_s_else_the_owner_s_else_the_default() {
        use RoleClaim::{Known, Missing, NoAccess, Unknown};
        let by_owner = Some((Role::Viewer, RoleFrom::Owner));
        let by_claim = Some((Role::Owner, RoleFrom::Claim));
        for (claim, default, here, decided) in [
            (
                Known(Role::Owner),
                None,
                None,
                Some((Role::Owner, RoleFrom::Claim)),
            ),
            (
                Known(Role::Staff),
                None,
                by_owner,
                Some((Role::Staff, RoleFrom::Claim)),
            ),
            (
                Missing,
                Some(Role::Staff),
                None,
                Some((Role::Staff, RoleFrom::Default)),
            ),
            (Missing, Some(Role::Staff), by_owner, by_owner),
            (
                Missing,
                Some(Role::Viewer),
                by_claim,
                Some((Role::Viewer, RoleFrom::Default)),
            ),
            (Missing, None, None, None),
            (Missing, None, by_owner, by_owner),
            (Missing, None, by_claim, None),
            (Unknown, Some(Role::Staff), None, None),
            (Unknown, Some(Role::Staff), by_claim, None),
            (Unknown, None, by_owner, by_owner),
            (NoAccess, Some(Role::Staff), None, None),
            (NoAccess, Some(Role::Staff), by_owner, None),
            (
                Missing,
                None,
                Some((Role::Owner, RoleFrom::Withdrawn)),
                None,
            ),
        ] {
            let decision = decide(&seen(claim, default), here);
            assert_eq!(decision, decided, "{claim:?} {default:?} {here:?}");
        }
    }

    #[tokio::test]
    async fn what_the_owner_says_of_a_role_is_not_overwritten_and_a_claim_is_followed() {
        let (_database, store) = TestDatabase::opened().await;
        let see = |role| store.see_external_user(seen(role, Some(Role::Staff)), SEEN_MILLIS);
        let Seen::Known {
            login,
            is_back: true,
            ..
        } = see(RoleClaim::Missing).await.unwrap()
        else {
            panic!("they are let in, for the first time");
        };
        assert_eq!(login.user.role, Role::Staff);
        assert_eq!(login.user.called(), "ada@example.com (by Auth.js)");
        store.set_role(&login.user.id, Role::Viewer).await.unwrap();
        for claim in [RoleClaim::Missing, RoleClaim::Unknown] {
            let Seen::Known {
                login,
                role_changed: false,
                is_back: false,
            } = see(claim).await.unwrap()
            else {
                panic!("the owner's word holds for {claim:?}");
            };
            assert_eq!(login.user.role, Role::Viewer);
        }
        let claimed = see(RoleClaim::Known(Role::Owner)).await.unwrap();
        assert!(matches!(
            claimed,
            Seen::Known {
                role_changed: true,
                ..
            }
        ));
        let member = store.find_member(login.user.id.as_str()).await.unwrap();
        assert!(member.unwrap().role_is_claimed);
        let refused = see(RoleClaim::Unknown).await.unwrap();
        assert!(matches!(
            refused,
            Seen::Refused { user, is_withdrawn: true } if user == login.user.id
        ));
        assert!(!store.has_owner().await.unwrap());
        let again = see(RoleClaim::NoAccess).await.unwrap();
        assert!(matches!(
            again,
            Seen::Refused {
                is_withdrawn: false,
                ..
            }
        ));
        let back = see(RoleClaim::Known(Role::Staff)).await.unwrap();
        assert!(matches!(back, Seen::Known { .. }));
    }

    /// On PostgreSQL both would see each other.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_two_owners_who_demote_each_other_one_stays() {
        let (_database, store) = TestDatabase::opened().await;
        let mut owners = Vec::new();
        for email in ["ada", "bob"] {
            let new = NewUser {
                email,
                name: email,
                role: Role::Owner,
                password_hash: String::new().into(),
            };
            owners.push(store.create_user(new).await.unwrap().unwrap().id);
        }
        for _ in 0..20 {
            let (one, other) = tokio::join!(
                store.set_role(&owners[0], Role::Staff),
                store.set_disabled(&owners[1], true),
            );
            assert!(one.unwrap() ^ other.unwrap());
            assert!(store.has_owner().await.unwrap());
            store.set_role(&owners[0], Role::Owner).await.unwrap();
            store.set_disabled(&owners[1], false).await.unwrap();
        }
    }
}
