//! Notes who did what, for the owner to read.

use super::{principal::Principal, request::Caller};
use crate::{
    model::audit::AuditAction,
    server::{
        http::state::AppState,
        identity::client_address::ClientAddress,
        store::{Store, audit::NewEvent, users::User},
        telemetry::masked,
    },
};

/// Who did what is done at the command line of the server itself.
const COMMAND_LINE: &str = "the command line";

/// Notes that the user did something, to `subject`. That it cannot be noted does not undo it.
pub(crate) async fn record(
    state: &AppState,
    caller: &Caller,
    user: &User,
    action: AuditAction,
    subject: &str,
) {
    record_of(&state.store, user, caller.address, action, subject).await;
}

/// Notes what was done by whoever makes a request.
pub(crate) async fn record_by(store: &Store, who: &Principal, action: AuditAction, subject: &str) {
    record_of(store, &who.user, who.address, action, subject).await;
}

/// Notes what a user did, or what was tried in their name.
pub(crate) async fn record_of(
    store: &Store,
    user: &User,
    address: Option<ClientAddress>,
    action: AuditAction,
    subject: &str,
) {
    write(
        store,
        NewEvent {
            actor_id: Some(user.id.as_str()),
            actor: &user.called(),
            action,
            subject,
            address: address.map(|address| address.to_string()),
        },
    )
    .await;
}

/// Notes what was done at the command line.
pub(super) async fn record_command(store: &Store, action: AuditAction, subject: &str) {
    write(
        store,
        NewEvent {
            actor_id: None,
            actor: COMMAND_LINE,
            action,
            subject,
            address: None,
        },
    )
    .await;
}

async fn write(store: &Store, event: NewEvent<'_>) {
    let action = event.action.as_str();
    let event = NewEvent {
        subject: &masked(event.subject),
        ..event
    };
    if let Err(error) = store.record_event(event).await {
        tracing::error!(%error, action, "the audit log could not be written");
    }
}
