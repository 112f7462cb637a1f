//! REST routes for webhooks.

use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Problem,
    answers::{ChangesWebhook, OfProgram, OfWebhook, Subject},
    unreadable,
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        error::ApiError,
        webhook::{DeliveryProblem, DeliveryState, ImportEvent, UnknownEvent},
    },
    server::{
        http::state::AppState, identity::principal::Principal, notifications::webhooks::Wanted,
    },
};

#[derive(Debug)]
pub(crate) enum OfWebhooks {}

impl Subject for OfWebhooks {
    const MISSING: ErrorCode = ErrorCode::NoWebhook;
}

type Refusal = super::answers::Refusal<OfWebhooks>;

type Id = Result<Path<String>, PathRejection>;
type WebhookAndDelivery = Result<Path<(String, String)>, PathRejection>;

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Webhook {
    /// ID of the webhook.
    id: String,
    /// URL that events are sent to.
    url: String,
    /// Note for your own use.
    description: String,
    /// Events that are sent.
    events: Vec<ImportEvent>,
    /// Whether events are sent.
    enabled: bool,
    /// Creation, in milliseconds since 1970.
    created_at: i64,
}

/// A new webhook and its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedWebhook {
    #[serde(flatten)]
    webhook: Webhook,
    /// Secret that messages are signed with. It is shown only once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

/// All webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhooks {
    /// Webhooks, newest first, at most 20.
    items: Vec<Webhook>,
}

/// A webhook to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedWebhook {
    /// URL to send events to: `https://`, at a host that `WEBHOOK_HOSTS` allows.
    #[schema(format = "uri", example = "https://hooks.example/imports")]
    url: String,
    /// Note for your own use.
    #[serde(default)]
    description: String,
    /// Events to send. Defaults to all.
    #[schema(value_type = Option<Vec<ImportEvent>>)]
    events: Option<Vec<String>>,
}

/// Changes to a webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedWebhook {
    /// Whether to send events.
    enabled: bool,
}

/// A delivery: one event for one webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    /// ID of the delivery, sent as the header `webhook-id`.
    id: String,
    /// Type of the event.
    event: String,
    /// ID of the import.
    import_id: Option<String>,
    /// State of the delivery.
    #[schema(value_type = DeliveryState)]
    state: &'static str,
    /// Number of attempts.
    attempts: u64,
    /// Time of the event, in milliseconds since 1970.
    created_at: i64,
    /// Last attempt, in milliseconds since 1970.
    last_at: Option<i64>,
    /// Next attempt, in milliseconds since 1970.
    next_at: Option<i64>,
    /// HTTP status of the receiver, if the last attempt failed with one.
    status: Option<u16>,
    /// Why the last attempt failed.
    error: Option<String>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deliveries {
    /// Deliveries, newest first, at most 50.
    items: Vec<Delivery>,
    /// `after` for the next page; null on the last page.
    next: Option<String>,
}

/// A delivery that was created.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sent {
    /// ID of the delivery.
    id: String,
}

/// Which deliveries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveriesQuery {
    /// Delivery to continue after: `next` of the previous page.
    after: Option<String>,
}

impl From<crate::model::webhook::Webhook> for Webhook {
    fn from(webhook: crate::model::webhook::Webhook) -> Self {
        let crate::model::webhook::Webhook {
            id,
            url,
            description,
            events,
            enabled,
            created_at,
        } = webhook;
        Self {
            id,
            url,
            description,
            events,
            enabled,
            created_at,
        }
    }
}

impl From<crate::model::webhook::Delivery> for Delivery {
    fn from(delivery: crate::model::webhook::Delivery) -> Self {
        let english = crate::i18n::locale::Locale::English;
        Self {
            status: match delivery.problem {
                Some(DeliveryProblem::Status(status)) => Some(status),
                _ => None,
            },
            error: delivery.problem.map(|problem| problem.words(english)),
            id: delivery.id,
            event: delivery.event,
            import_id: delivery.job,
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            created_at: delivery.created_at,
            last_at: delivery.last_at,
            next_at: delivery.next_at,
        }
    }
}

fn id_of(id: Id) -> Result<String, ApiError> {
    let Path(id) = id.map_err(|_| ApiError::NotFound)?;
    Ok(id)
}

/// Lists webhooks.
#[utoipa::path(
    get,
    operation_id = "listWebhooks",
    path = "/api/webhooks",
    responses((status = 200, description = "The webhooks", body = Webhooks), OfProgram)
)]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Json<Webhooks>, Refusal> {
    let webhooks = state.notifications.webhooks().await?;
    Ok(Json(Webhooks {
        items: webhooks.into_iter().map(Webhook::from).collect(),
    }))
}

/// Creates a webhook. The response has its secret, which is shown only once.
#[utoipa::path(
    post,
    operation_id = "createWebhook",
    path = "/api/webhooks",
    request_body = WantedWebhook,
    responses(
        (status = 201, description = "The webhook and its secret", body = CreatedWebhook,
            headers(("location" = String, description = "URL of the webhook"))),
        (status = 400, description = "The URL is not allowed, an event is unknown, or there are too many", body = Problem),
        (status = 413, description = "The request body is too large", body = Problem),
        (status = 503, description = "No encryption key is set", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    wanted: Result<Json<WantedWebhook>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    let events = match wanted.events {
        None => ImportEvent::ALL.to_vec(),
        Some(events) => events
            .iter()
            .map(|event| event.parse())
            .collect::<Result<_, UnknownEvent>>()
            .map_err(|_| unknown_event())?,
    };
    let wanted = Wanted {
        url: wanted.url,
        description: wanted.description,
        events,
    };
    let new = state.notifications.create_webhook(&who, wanted).await?;
    let location = format!("/api/webhooks/{}", new.webhook.id);
    let body = Json(CreatedWebhook {
        webhook: new.webhook.into(),
        secret: new.secret.into_exposed(),
    });
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

/// Returns a webhook.
#[utoipa::path(
    get,
    operation_id = "showWebhook",
    path = "/api/webhooks/{id}",
    params(("id" = String, Path, description = "ID of the webhook")),
    responses(
        (status = 200, description = "The webhook", body = Webhook),
        OfWebhook,
    )
)]
pub(crate) async fn show(State(state): State<AppState>, id: Id) -> Result<Json<Webhook>, Refusal> {
    Ok(Json(state.notifications.webhook(&id_of(id)?).await?.into()))
}

/// Enables or disables a webhook.
#[utoipa::path(
    patch,
    operation_id = "changeWebhook",
    path = "/api/webhooks/{id}",
    params(("id" = String, Path, description = "ID of the webhook")),
    request_body = ChangedWebhook,
    responses(
        (status = 200, description = "The webhook", body = Webhook),
        (status = 400, description = "The body cannot be read", body = Problem),
        ChangesWebhook,
    )
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    change: Result<Json<ChangedWebhook>, JsonRejection>,
) -> Result<Json<Webhook>, Refusal> {
    let Json(change) = change.map_err(|error| unreadable(error.body_text()))?;
    let id = id_of(id)?;
    let changing = state
        .notifications
        .enable_webhook(&who, &id, change.enabled);
    Ok(Json(changing.await?.into()))
}

/// Deletes a webhook and its deliveries.
#[utoipa::path(
    delete,
    operation_id = "deleteWebhook",
    path = "/api/webhooks/{id}",
    params(("id" = String, Path, description = "ID of the webhook")),
    responses(
        (status = 204, description = "The webhook was deleted"),
        ChangesWebhook,
    )
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<StatusCode, Refusal> {
    state
        .notifications
        .delete_webhook(&who, &id_of(id)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test message of type `webhook.test`.
#[utoipa::path(
    post,
    operation_id = "testWebhook",
    path = "/api/webhooks/{id}/test",
    params(("id" = String, Path, description = "ID of the webhook")),
    responses(
        (status = 202, description = "The message is being sent", body = Sent),
        ChangesWebhook,
    )
)]
pub(crate) async fn test(State(state): State<AppState>, id: Id) -> Result<Response, Refusal> {
    let id = state.notifications.test_webhook(&id_of(id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(Sent { id })).into_response())
}

/// Lists the deliveries to a webhook, 50 per page. The last 1,000 are kept for 30 days.
#[utoipa::path(
    get,
    operation_id = "listDeliveries",
    path = "/api/webhooks/{id}/deliveries",
    params(("id" = String, Path, description = "ID of the webhook"), DeliveriesQuery),
    responses(
        (status = 200, description = "The deliveries", body = Deliveries),
        (status = 400, description = "A parameter is not valid", body = Problem),
        OfWebhook,
    )
)]
pub(crate) async fn deliveries(
    State(state): State<AppState>,
    id: Id,
    wanted: Result<Query<DeliveriesQuery>, QueryRejection>,
) -> Result<Json<Deliveries>, Refusal> {
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    let after = wanted.after.as_deref();
    let page = state.notifications.deliveries(&id_of(id)?, after).await?;
    Ok(Json(Deliveries {
        items: page.items.into_iter().map(Delivery::from).collect(),
        next: page.next,
    }))
}

/// Repeats a delivery with the same `webhook-id`.
#[utoipa::path(
    post,
    operation_id = "repeatDelivery",
    path = "/api/webhooks/{id}/deliveries/{delivery}/redeliver",
    params(
        ("id" = String, Path, description = "ID of the webhook"),
        ("delivery" = String, Path, description = "ID of the delivery"),
    ),
    responses(
        (status = 202, description = "The message is being sent"),
        (status = 404, description = "Delivery not found", body = Problem),
        (status = 413, description = "The request body is too large", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn redeliver(
    State(state): State<AppState>,
    path: WebhookAndDelivery,
) -> Result<StatusCode, Refusal> {
    let Path((webhook, delivery)) = path.map_err(|_| ApiError::NotFound)?;
    state.notifications.redeliver(&webhook, &delivery).await?;
    Ok(StatusCode::ACCEPTED)
}

fn unknown_event() -> ApiError {
    let events = ImportEvent::ALL.map(ImportEvent::as_str).join(", ");
    ApiError::invalid(ErrorCode::UnknownEvent { events })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_an_unknown_event_is_told_all_events() {
        let sentence = unknown_event().reason().to_string();
        for event in ImportEvent::ALL {
            assert!(sentence.contains(event.as_str()), "{sentence}");
        }
    }
}
