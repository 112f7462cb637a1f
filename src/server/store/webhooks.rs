//! Webhooks.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{Store, StoreError, entity::webhook as row};
use crate::model::{
    clock::now,
    webhook::{ImportEvent, Webhook},
};

#[derive(Clone, Debug)]
pub(crate) struct NewRow<'a> {
    pub(crate) url: &'a str,
    pub(crate) description: &'a str,
    pub(crate) events: &'a [ImportEvent],
    pub(crate) secret: String,
}

impl From<row::Model> for Webhook {
    fn from(row: row::Model) -> Self {
        // Skips events of a newer version.
        let events = row.events.split(' ');
        Self {
            events: events.filter_map(|event| event.parse().ok()).collect(),
            id: row.id,
            url: row.url,
            description: row.description,
            enabled: row.enabled,
            created_at: row.created_at,
        }
    }
}

impl Store {
    /// Creates an enabled webhook.
    pub(crate) async fn create_webhook(&self, new: NewRow<'_>) -> Result<Webhook, StoreError> {
        let events: Vec<_> = new.events.iter().map(|event| event.as_str()).collect();
        let model = row::Model {
            id: Uuid::now_v7().to_string(),
            url: new.url.to_owned(),
            description: new.description.to_owned(),
            events: events.join(" "),
            secret: new.secret,
            enabled: true,
            created_at: now(),
        };
        row::Entity::insert(row::ActiveModel::from(model.clone()))
            .exec_without_returning(&self.db)
            .await?;
        Ok(model.into())
    }

    pub(crate) async fn list_webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let rows = row::Entity::find()
            .order_by_desc(row::Column::CreatedAt)
            .order_by_desc(row::Column::Id)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(Webhook::from).collect())
    }

    pub(crate) async fn count_webhooks(&self) -> Result<u64, StoreError> {
        Ok(row::Entity::find().count(&self.db).await?)
    }

    pub(crate) async fn webhook(&self, id: &str) -> Result<Option<Webhook>, StoreError> {
        let row = row::Entity::find_by_id(id).one(&self.db).await?;
        Ok(row.map(Webhook::from))
    }

    /// Finds the address and the encrypted secret of a webhook.
    pub(crate) async fn webhook_target(
        &self,
        id: &str,
    ) -> Result<Option<(String, String)>, StoreError> {
        let row = row::Entity::find_by_id(id).one(&self.db).await?;
        Ok(row.map(|row| (row.url, row.secret)))
    }

    pub(crate) async fn set_webhook_enabled(
        &self,
        id: &str,
        enabled: bool,
    ) -> Result<bool, StoreError> {
        let set = row::Entity::update_many()
            .col_expr(row::Column::Enabled, Expr::value(enabled))
            .filter(row::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(set.rows_affected > 0)
    }

    /// Deletes a webhook with its deliveries. Returns its address; `None` if there is none.
    pub(crate) async fn delete_webhook(&self, id: &str) -> Result<Option<String>, StoreError> {
        let webhook = self.webhook(id).await?;
        row::Entity::delete_by_id(id).exec(&self.db).await?;
        Ok(webhook.map(|webhook| webhook.url))
    }
}

pub(super) async fn enabled(db: &impl ConnectionTrait) -> Result<Vec<Webhook>, StoreError> {
    let rows = row::Entity::find()
        .filter(row::Column::Enabled.eq(true))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}
