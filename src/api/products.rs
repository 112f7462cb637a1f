//! The current products.

use leptos::prelude::*;

use crate::model::{error::ApiError, page::Page, product::Product};

/// Returns whether this instance has products: only with the embedded price monitor.
#[server(prefix = "/api", endpoint = "has_products", input = server_fn::codec::GetUrl)]
pub async fn has_products() -> Result<bool, ApiError> {
    Ok(crate::server::http::state::app_state()?.has_products())
}

/// Lists products whose name, SKU or identity contains `search`, by name, 50 per page.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::Unavailable`] with an external price
/// monitor.
#[server(prefix = "/api", endpoint = "list_products", input = server_fn::codec::GetUrl)]
pub async fn list_products(search: String, page: u64) -> Result<Page<Product>, ApiError> {
    crate::server::auth::require_user().await?;
    let state = crate::server::http::state::app_state()?;
    if !state.has_products() {
        return Err(ApiError::Unavailable(
            crate::i18n::messages::ErrorCode::ProductsElsewhere.into(),
        ));
    }
    Ok(state.store.list_products(search.trim(), page).await?)
}
