//! Webhooks, for owners.

use leptos::prelude::*;

use crate::model::{
    error::ApiError,
    webhook::{ImportEvent, NewWebhook, WebhookState, WebhooksState},
};

/// Returns the state of the page of all webhooks.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but owners.
#[server(name = GetWebhooks, prefix = "/api", endpoint = "webhooks_state", input = server_fn::codec::GetUrl)]
pub async fn webhooks_state() -> Result<WebhooksState, ApiError> {
    crate::server::notifications::webhooks::state().await
}

/// Returns the state of the page of one webhook, with the deliveries after `after`.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but owners, [`ApiError::NotFound`] if there is no such webhook.
#[server(name = GetWebhook, prefix = "/api", endpoint = "webhook_state", input = server_fn::codec::GetUrl)]
pub async fn webhook_state(id: String, after: Option<String>) -> Result<WebhookState, ApiError> {
    crate::server::notifications::webhooks::state_of(&id, after.as_deref()).await
}

/// Creates a webhook, whose secret is returned once.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but owners, [`ApiError::Invalid`] if the address is not allowed or no event is
/// chosen.
#[server(prefix = "/api", endpoint = "create_webhook")]
pub async fn create_webhook(
    url: String,
    description: String,
    #[server(default)] events: Vec<ImportEvent>,
) -> Result<NewWebhook, ApiError> {
    let wanted = crate::server::notifications::webhooks::Wanted {
        url,
        description,
        events,
    };
    crate::server::notifications::webhooks::create(wanted).await
}

/// Turns a webhook on or off.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but owners, [`ApiError::NotFound`] if there is no such webhook.
#[server(prefix = "/api", endpoint = "enable_webhook")]
pub async fn enable_webhook(id: String, enabled: bool) -> Result<(), ApiError> {
    crate::server::notifications::webhooks::enable(&id, enabled).await
}

/// Deletes a webhook with the log of its deliveries.
///
/// # Errors
///
/// As [`enable_webhook`].
#[server(prefix = "/api", endpoint = "delete_webhook")]
pub async fn delete_webhook(id: String) -> Result<(), ApiError> {
    crate::server::notifications::webhooks::delete(&id).await
}

/// Sends a test to a webhook.
///
/// # Errors
///
/// As [`enable_webhook`].
#[server(prefix = "/api", endpoint = "test_webhook")]
pub async fn test_webhook(id: String) -> Result<(), ApiError> {
    crate::server::notifications::webhooks::test(&id).await
}

/// Sends a delivery once more.
///
/// # Errors
///
/// As [`enable_webhook`].
#[server(prefix = "/api", endpoint = "redeliver")]
pub async fn redeliver(id: String, delivery: String) -> Result<(), ApiError> {
    crate::server::notifications::webhooks::redeliver(&id, &delivery).await
}
