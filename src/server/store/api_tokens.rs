//! API tokens.

use std::collections::HashSet;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    entity::{api_token, user},
    users::may_sign_in,
};
use crate::{
    model::{
        clock::now,
        job::UnixMillis,
        token::{ApiToken, TokenScope},
    },
    server::identity::{
        credential::TokenId,
        user::{User, UserId},
    },
};

const TABLE: &str = "api_tokens";
const TOUCH_MILLIS: i64 = 60_000;

/// Contains a hash; not to be logged.
#[derive(Clone)]
pub(crate) struct NewToken<'a> {
    pub(crate) token_hash: String,
    pub(crate) user: &'a UserId,
    pub(crate) name: &'a str,
    pub(crate) scope: TokenScope,
    pub(crate) expires_at: UnixMillis,
}

impl Store {
    pub(crate) async fn create_token(&self, new: NewToken<'_>) -> Result<(), StoreError> {
        api_token::Entity::insert(api_token::ActiveModel {
            id: Set(Uuid::now_v7().to_string()),
            token_hash: Set(new.token_hash),
            user_id: Set(new.user.as_str().to_owned()),
            name: Set(new.name.to_owned()),
            scope: Set(new.scope.as_str().to_owned()),
            created_at: Set(now()),
            last_used_at: Set(None),
            expires_at: Set(Some(new.expires_at)),
        })
        .exec_without_returning(&self.db)
        .await?;
        Ok(())
    }

    /// Finds user and scope of a token by its hash. Records the use.
    pub(crate) async fn find_token(
        &self,
        token_hash: &str,
    ) -> Result<Option<(User, TokenId, TokenScope)>, StoreError> {
        let now = now();
        let token = api_token::Entity::find()
            .filter(api_token::Column::TokenHash.eq(token_hash))
            .filter(is_good_at(now))
            .one(&self.db)
            .await?;
        let Some(token) = token else {
            return Ok(None);
        };
        let user = user::Entity::find_by_id(&token.user_id)
            .filter(may_sign_in())
            .one(&self.db)
            .await?;
        let Some(user) = user else {
            return Ok(None);
        };
        if token
            .last_used_at
            .is_none_or(|at| now.saturating_sub(at) > TOUCH_MILLIS)
        {
            api_token::Entity::update_many()
                .col_expr(api_token::Column::LastUsedAt, Expr::value(now))
                .filter(api_token::Column::Id.eq(&token.id))
                .exec(&self.db)
                .await?;
        }
        let scope = scope(&token)?;
        Ok(Some((user.try_into()?, TokenId::new(token.id), scope)))
    }

    pub(crate) async fn good_tokens(&self, ids: &[&str]) -> Result<HashSet<String>, StoreError> {
        let good: Vec<String> = api_token::Entity::find()
            .select_only()
            .column(api_token::Column::Id)
            .filter(api_token::Column::Id.is_in(ids.iter().copied()))
            .filter(is_good_at(now()))
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(good.into_iter().collect())
    }

    pub(crate) async fn list_tokens(&self, user: &UserId) -> Result<Vec<ApiToken>, StoreError> {
        api_token::Entity::find()
            .filter(api_token::Column::UserId.eq(user.as_str()))
            .order_by_desc(api_token::Column::CreatedAt)
            .order_by_desc(api_token::Column::Id)
            .all(&self.db)
            .await?
            .into_iter()
            .map(|row| {
                Ok(ApiToken {
                    scope: scope(&row)?,
                    id: row.id,
                    name: row.name,
                    created_at: row.created_at,
                    last_used_at: row.last_used_at,
                    expires_at: row.expires_at,
                })
            })
            .collect()
    }

    /// Returns the token's name; `None` if there is no such token.
    pub(crate) async fn delete_token_of(
        &self,
        user: &UserId,
        id: &str,
    ) -> Result<Option<String>, StoreError> {
        let of_user = || {
            Condition::all()
                .add(api_token::Column::UserId.eq(user.as_str()))
                .add(api_token::Column::Id.eq(id))
        };
        let token = api_token::Entity::find()
            .filter(of_user())
            .one(&self.db)
            .await?;
        api_token::Entity::delete_many()
            .filter(of_user())
            .exec(&self.db)
            .await?;
        Ok(token.map(|token| token.name))
    }
}

fn is_good_at(now: UnixMillis) -> Condition {
    Condition::all().add(api_token::Column::ExpiresAt.gt(now))
}

fn scope(row: &api_token::Model) -> Result<TokenScope, StoreError> {
    row.scope.parse().map_err(|error| StoreError::Corrupt {
        table: TABLE,
        reason: format!("scope: {error}"),
    })
}
