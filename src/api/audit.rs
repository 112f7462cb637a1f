//! What was done here, for the owner to read.

use leptos::prelude::*;

use crate::model::{audit::AuditEvent, error::ApiError, page::Page};

/// Lists what was done, newest first, 50 a page.
///
/// # Errors
///
/// [`ApiError::Forbidden`] to all but the owner.
#[server(prefix = "/api", endpoint = "audit_log", input = server_fn::codec::GetUrl)]
pub async fn audit_log(page: u64) -> Result<Page<AuditEvent>, ApiError> {
    crate::server::auth::team::audit_log(page).await
}
