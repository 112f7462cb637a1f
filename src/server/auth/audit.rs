//! Notes who did what, for the owner to read.

use super::request::Caller;
use crate::{
    api::audit::AuditAction,
    server::{
        state::AppState,
        store::{audit::NewEvent, users::User},
    },
};

/// Notes that the user did something, to `subject`. That it cannot be noted does not undo it.
pub(crate) async fn record(
    state: &AppState,
    caller: &Caller,
    user: &User,
    action: AuditAction,
    subject: &str,
) {
    let event = NewEvent {
        actor_id: Some(user.id.as_str()),
        actor: if user.email.is_empty() {
            &user.name
        } else {
            &user.email
        },
        action,
        subject,
        address: caller.address.map(|address| address.to_string()),
    };
    if let Err(error) = state.store.record_event(event).await {
        tracing::error!(%error, action = action.as_str(), "the audit log could not be written");
    }
}
