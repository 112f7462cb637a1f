//! The audit log, for the owner.

use leptos::prelude::*;

use crate::model::{audit::AuditEvent, error::ApiError, page::Page};

/// Lists events, newest first, 50 per page.
///
/// # Errors
///
/// [`ApiError::Forbidden`] for everyone but the owner.
#[server(prefix = "/api", endpoint = "audit_log", input = server_fn::codec::GetUrl)]
pub async fn audit_log(page: u64) -> Result<Page<AuditEvent>, ApiError> {
    crate::server::auth::team::audit_log(page).await
}
