//! Webhooks of owners, for the page and the API.

use leptos::prelude::use_context;
use url::Url;

use super::{
    Notifications, body,
    webhook::{generate_secret, parse_url},
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        audit::AuditAction,
        error::ApiError,
        role::Permission,
        webhook::{DeliveriesPage, ImportEvent, NewWebhook, Webhook, WebhookState, WebhooksState},
    },
    server::{
        auth::{Auth, audit, confirm, flash, request::Caller, require},
        identity::principal::Principal,
        store::{
            deliveries::{Addressee, NewDelivery},
            webhooks::NewRow,
        },
    },
};

const MOST: u64 = 20;
const MAX_DESCRIPTION: usize = 200;
const PAGE: &str = "/webhooks";

#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) events: Vec<ImportEvent>,
}

impl Notifications {
    /// Newest first.
    pub(crate) async fn webhooks(&self) -> Result<Vec<Webhook>, ApiError> {
        Ok(self.store.list_webhooks().await?)
    }

    pub(crate) async fn webhook(&self, id: &str) -> Result<Webhook, ApiError> {
        self.store.webhook(id).await?.ok_or(ApiError::NotFound)
    }

    /// Creates a webhook. Its secret is returned only here. Returns [`ApiError::Invalid`] if the URL is not allowed, no
    /// event is chosen, or there are too many; [`ApiError::Unavailable`] without an encryption key.
    pub(crate) async fn create_webhook(
        &self,
        who: &Principal,
        wanted: Wanted,
    ) -> Result<NewWebhook, ApiError> {
        let refused = |why| Err(ApiError::invalid(why));
        let url = parse_url(&self.hosts, &wanted.url);
        let url = url.map_err(|error| ApiError::invalid(error.code()))?;
        let description = wanted.description.trim();
        let is_long = description.chars().count() > MAX_DESCRIPTION;
        if is_long || description.contains(char::is_control) {
            return refused(ErrorCode::NoteLength {
                limit: MAX_DESCRIPTION as u64,
            });
        }
        if wanted.events.is_empty() {
            return refused(ErrorCode::NoEvent);
        }
        if self.store.count_webhooks().await? >= MOST {
            return refused(ErrorCode::MostWebhooks { limit: MOST });
        }
        let Some(keys) = &self.keys else {
            return Err(ApiError::Unavailable(ErrorCode::NoKeyForWebhooks.into()));
        };
        let (secret, sealed) = generate_secret(keys).map_err(|error| {
            tracing::error!(%error, "no randomness");
            ApiError::Internal
        })?;
        // Deduplicated, in order of occurrence.
        let events = ImportEvent::ALL.into_iter();
        let events: Vec<_> = events
            .filter(|event| wanted.events.contains(event))
            .collect();
        let new = NewRow {
            url: url.as_str(),
            description,
            events: &events,
            secret: sealed,
        };
        let webhook = self.store.create_webhook(new).await?;
        self.note(who, AuditAction::WebhookCreated, &webhook.url)
            .await;
        Ok(NewWebhook {
            webhook,
            secret: secret.into(),
        })
    }

    pub(crate) async fn enable_webhook(
        &self,
        who: &Principal,
        id: &str,
        enabled: bool,
    ) -> Result<Webhook, ApiError> {
        if !self.store.set_webhook_enabled(id, enabled).await? {
            return Err(ApiError::NotFound);
        }
        let webhook = self.webhook(id).await?;
        let action = if enabled {
            AuditAction::WebhookEnabled
        } else {
            AuditAction::WebhookDisabled
        };
        self.note(who, action, &webhook.url).await;
        Ok(webhook)
    }

    pub(crate) async fn delete_webhook(&self, who: &Principal, id: &str) -> Result<(), ApiError> {
        let url = self.store.delete_webhook(id).await?;
        let url = url.ok_or(ApiError::NotFound)?;
        self.note(who, AuditAction::WebhookDeleted, &url).await;
        Ok(())
    }

    /// Sends a test to a webhook and returns the delivery's ID.
    pub(crate) async fn test_webhook(&self, id: &str) -> Result<String, ApiError> {
        let webhook = self.webhook(id).await?;
        let now = self.store.shared_clock().await?;
        let test = NewDelivery {
            to: Addressee::Webhook(webhook.id),
            event: body::TEST.to_owned(),
            job: None,
            body: body::of_test(now),
        };
        let delivery = self.store.add_delivery(test, now).await?;
        self.wake();
        Ok(delivery)
    }

    /// Lists deliveries to a webhook after one, newest first.
    pub(crate) async fn deliveries(
        &self,
        webhook: &str,
        after: Option<&str>,
    ) -> Result<DeliveriesPage, ApiError> {
        self.webhook(webhook).await?;
        Ok(self.store.list_deliveries(webhook, after).await?)
    }

    pub(crate) async fn redeliver(&self, webhook: &str, id: &str) -> Result<(), ApiError> {
        let now = self.store.shared_clock().await?;
        if !self.store.redeliver(webhook, id, now).await? {
            return Err(ApiError::NotFound);
        }
        self.wake();
        Ok(())
    }

    /// Writes the audit log. A URL may have a secret in its path.
    async fn note(&self, who: &Principal, action: AuditAction, url: &str) {
        let url = Url::parse(url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        audit::record_by(&self.store, who, action, host).await;
    }
}

fn of_server_fn() -> Result<Notifications, ApiError> {
    use_context().ok_or(ApiError::Internal)
}

fn path_of(id: &str) -> String {
    format!("{PAGE}/{id}")
}

pub(crate) async fn state() -> Result<WebhooksState, ApiError> {
    require(Permission::Webhooks)?;
    let notifications = of_server_fn()?;
    let mut webhooks = Vec::new();
    for webhook in notifications.webhooks().await? {
        let newest = notifications.store.newest_delivery(&webhook.id).await?;
        webhooks.push((webhook, newest));
    }
    Ok(WebhooksState {
        webhooks,
        fresh: flash::take(&Auth::of_server_fn()?, &Caller::of_server_fn()?)?,
        available: notifications.keys.is_some(),
    })
}

pub(crate) async fn state_of(id: &str, after: Option<&str>) -> Result<WebhookState, ApiError> {
    require(Permission::Webhooks)?;
    let notifications = of_server_fn()?;
    Ok(WebhookState {
        webhook: notifications.webhook(id).await?,
        deliveries: notifications.deliveries(id, after).await?,
    })
}

pub(crate) async fn create(wanted: Wanted) -> Result<NewWebhook, ApiError> {
    let who = require(Permission::Webhooks)?;
    let (auth, caller) = (Auth::of_server_fn()?, Caller::of_server_fn()?);
    confirm::require(&auth, &caller, PAGE).await?;
    let new = of_server_fn()?.create_webhook(&who, wanted).await?;
    flash::keep(&auth, &caller, new.secret.expose())?;
    Ok(new)
}

pub(crate) async fn enable(id: &str, enabled: bool) -> Result<(), ApiError> {
    let who = require(Permission::Webhooks)?;
    of_server_fn()?.enable_webhook(&who, id, enabled).await?;
    Ok(())
}

pub(crate) async fn delete(id: &str) -> Result<(), ApiError> {
    let who = require(Permission::Webhooks)?;
    of_server_fn()?.delete_webhook(&who, id).await?;
    leptos_axum::redirect(PAGE);
    Ok(())
}

pub(crate) async fn test(id: &str) -> Result<(), ApiError> {
    require(Permission::Webhooks)?;
    of_server_fn()?.test_webhook(id).await?;
    leptos_axum::redirect(&path_of(id));
    Ok(())
}

pub(crate) async fn redeliver(id: &str, delivery: &str) -> Result<(), ApiError> {
    require(Permission::Webhooks)?;
    of_server_fn()?.redeliver(id, delivery).await?;
    leptos_axum::redirect(&path_of(id));
    Ok(())
}
