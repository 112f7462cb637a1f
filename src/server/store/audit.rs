//! The audit log.

use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait, QueryOrder};
use uuid::Uuid;

use super::{Store, StoreError, entity::audit_event as event};
use crate::model::{
    audit::{AuditAction, AuditEvent},
    clock::now,
    page::Page,
};

const PAGE_SIZE: u64 = 50;

#[derive(Clone, Debug)]
pub(crate) struct NewEvent<'a> {
    pub(crate) actor_id: Option<&'a str>,
    /// The actor's name, kept after the account is deleted.
    pub(crate) actor: &'a str,
    pub(crate) action: AuditAction,
    pub(crate) subject: &'a str,
    pub(crate) address: Option<String>,
}

impl Store {
    pub(crate) async fn record_event(&self, new: NewEvent<'_>) -> Result<(), StoreError> {
        event::Entity::insert(event::ActiveModel {
            id: Set(Uuid::now_v7().to_string()),
            at: Set(now()),
            actor_id: Set(new.actor_id.map(str::to_owned)),
            actor: Set(new.actor.to_owned()),
            action: Set(new.action.as_str().to_owned()),
            subject: Set(new.subject.to_owned()),
            address: Set(new.address),
        })
        .exec_without_returning(&self.db)
        .await?;
        Ok(())
    }

    /// Newest first. A page past the end is the last one.
    pub(crate) async fn list_events(&self, page: u64) -> Result<Page<AuditEvent>, StoreError> {
        let query = event::Entity::find()
            .order_by_desc(event::Column::At)
            .order_by_desc(event::Column::Id)
            .paginate(&self.db, PAGE_SIZE);
        let total = query.num_items().await?;
        let pages = total.div_ceil(PAGE_SIZE).max(1);
        let page = page.clamp(1, pages);
        let items = query
            .fetch_page(page - 1)
            .await?
            .into_iter()
            .map(|row| AuditEvent {
                at: row.at,
                actor: row.actor,
                action: row.action.parse().unwrap_or(AuditAction::Unknown),
                subject: row.subject,
                address: row.address,
            })
            .collect();
        Ok(Page {
            has_more: false,
            items,
            page,
            pages,
            total,
        })
    }
}
