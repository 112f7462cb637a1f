//! Accounts of other services: Auth.js and OpenID Connect providers.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait as _, Func},
};
use uuid::Uuid;

use super::{Login, TABLE};
use crate::{
    model::{
        clock::now,
        role::{Role, RoleClaim},
    },
    server::{
        identity::user::{User, UserId},
        store::{Store, StoreError, entity::user},
    },
};

pub(super) const SEEN_MILLIS: i64 = 3_600_000;

/// A user as identified by another service.
#[derive(Clone, Copy, Debug)]
pub struct ExternalUser<'a> {
    /// The issuer, such as `authjs`, without spaces.
    pub issuer: &'a str,
    /// The permanent ID there.
    pub subject: &'a str,
    /// The address, for display.
    pub email: Option<&'a str>,
    /// The name.
    pub name: Option<&'a str>,
    /// The claimed role.
    pub role: RoleClaim,
    /// The role of users without a claim; `None` refuses them.
    pub default_role: Option<Role>,
}

#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Known {
        login: Login,
        role_changed: bool,
        /// Whether it is the first visit, or the first after a long time.
        is_back: bool,
    },
    /// An existing account that may not sign in.
    Refused {
        user: UserId,
        /// Whether the role was withdrawn just now.
        is_withdrawn: bool,
    },
    /// Refused, without an account.
    Stranger,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RoleFrom {
    /// Set here by the owner.
    Owner,
    Claim,
    Default,
    /// Withdrawn at the issuer.
    Withdrawn,
}

impl RoleFrom {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Claim => "claim",
            Self::Default => "default",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub(super) fn of(row: &user::Model) -> Self {
        match row.role_from.as_str() {
            "claim" => Self::Claim,
            "default" => Self::Default,
            "withdrawn" => Self::Withdrawn,
            _ => Self::Owner,
        }
    }
}

/// Decides the role of an external user: the claim's, else the owner's, else the default. An unknown claim grants no
/// more than the owner did; a claim of no access is final.
pub(super) fn decide(
    seen: &ExternalUser<'_>,
    here: Option<(Role, RoleFrom)>,
) -> Option<(Role, RoleFrom)> {
    match (seen.role, here) {
        (RoleClaim::NoAccess, _) => None,
        (RoleClaim::Known(role), _) => Some((role, RoleFrom::Claim)),
        (_, Some((role, RoleFrom::Owner))) => Some((role, RoleFrom::Owner)),
        (RoleClaim::Missing, _) => seen.default_role.map(|role| (role, RoleFrom::Default)),
        (RoleClaim::Unknown, _) => None,
    }
}

impl Store {
    /// Finds or creates the account of an external user, and updates its name and claimed role. After `away_millis` the
    /// user counts as back.
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
        // A concurrent request created it.
        match self.find_row(&key).await? {
            Some(row) => self.follow(row, seen, away_millis).await,
            None => Ok(Seen::Stranger),
        }
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

    /// Withdraws an account's role; ends sessions and revokes tokens and links.
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

    /// Finds the accounts of other services with this address.
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
}

fn shown_name(seen: ExternalUser<'_>) -> &str {
    seen.name.or(seen.email).unwrap_or("Unnamed user")
}

pub(super) fn issuer_name(issuer: &str) -> String {
    match issuer {
        "authjs" => "Auth.js".to_owned(),
        other => other
            .trim_start_matches("https://")
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned(),
    }
}
