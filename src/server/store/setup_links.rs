//! Links that create the first owner, valid until there is one.

use std::time::Duration;

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{Store, StoreError, entity::setup_link};
use crate::model::clock::now;

impl Store {
    pub(crate) async fn create_setup_link(
        &self,
        token_hash: String,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        let now = now();
        setup_link::Entity::delete_many()
            .filter(setup_link::Column::ExpiresAt.lte(now))
            .exec(&self.db)
            .await?;
        let lifetime = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        setup_link::Entity::insert(setup_link::ActiveModel {
            token_hash: Set(token_hash),
            expires_at: Set(now.saturating_add(lifetime)),
        })
        .exec_without_returning(&self.db)
        .await?;
        Ok(())
    }

    pub(crate) async fn has_setup_link(&self, token_hash: &str) -> Result<bool, StoreError> {
        let found = setup_link::Entity::find_by_id(token_hash)
            .filter(setup_link::Column::ExpiresAt.gt(now()));
        Ok(found.count(&self.db).await? > 0)
    }

    pub(crate) async fn delete_setup_links(&self) -> Result<(), StoreError> {
        setup_link::Entity::delete_many().exec(&self.db).await?;
        Ok(())
    }
}
