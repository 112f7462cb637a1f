//! Writes the audit log.

use super::request::Caller;
use crate::{
    model::audit::AuditAction,
    server::{
        auth::Auth,
        identity::{client_address::ClientAddress, principal::Principal, user::User},
        store::{Store, audit::NewEvent},
        telemetry::masked,
    },
};

const COMMAND_LINE: &str = "the command line";

/// Records an action of the user on `subject`. A failure does not undo the action.
pub(crate) async fn record(
    auth: &Auth,
    caller: &Caller,
    user: &User,
    action: AuditAction,
    subject: &str,
) {
    record_of(&auth.store, user, caller.address, action, subject).await;
}

pub(crate) async fn record_by(store: &Store, who: &Principal, action: AuditAction, subject: &str) {
    record_of(store, &who.user, who.address, action, subject).await;
}

/// Records an action of a user, or an attempt in their name.
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
        tracing::error!(%error, action, "cannot write the audit log");
    }
}
