//! What is in the shop now.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, Page};
use crate::job::UnixMillis;

/// A product as the embedded price monitor has it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Product {
    /// What identifies it: its SKU, or the file's own identity of it.
    pub identity: String,
    /// Its stock-keeping unit, where the file gave one.
    pub sku: Option<String>,
    /// What it is called.
    pub name: String,
    /// Its price as a decimal number, for example `12.99`.
    pub price: Option<String>,
    /// A lower price at which it is sold for a time, likewise.
    #[serde(default)]
    pub sale_price: Option<String>,
    /// What the prices are in: an ISO 4217 code, where the file gave one.
    #[serde(default)]
    pub currency: Option<String>,
    /// When an import last changed it.
    pub updated_at: UnixMillis,
}

/// Says whether this instance has a list of products: only the embedded price monitor's is ours to
/// show.
#[server(prefix = "/api", endpoint = "has_products", input = server_fn::codec::GetUrl)]
pub async fn has_products() -> Result<bool, ApiError> {
    Ok(crate::server::state::app_state()?.has_products())
}

/// Lists the products whose name, SKU or identity contains `search`, by name, 50 a page.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::Unavailable`] with an external price
/// monitor.
#[server(prefix = "/api", endpoint = "list_products", input = server_fn::codec::GetUrl)]
pub async fn list_products(search: String, page: u64) -> Result<Page<Product>, ApiError> {
    crate::server::auth::require_user().await?;
    let state = crate::server::state::app_state()?;
    if !state.has_products() {
        return Err(ApiError::Unavailable(
            "The products are kept by the external price monitor.".to_owned(),
        ));
    }
    Ok(state.store.list_products(search.trim(), page).await?)
}
