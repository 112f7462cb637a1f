//! Changes of products, by import and by product.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::model::{
    changes::{ChangesPage, ProductHistory},
    error::ApiError,
    job::JobId,
};

/// Lists the changes of an import after a row of its file, 50 per page. `filter` has the parameters of a
/// [`ChangesFilter`](crate::model::changes::ChangesFilter).
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] if the import does not exist or is not visible, and
/// the price monitor's error if it cannot do it.
#[server(name = ListImportChanges, prefix = "/api", endpoint = "import_changes", input = server_fn::codec::GetUrl)]
pub async fn import_changes(
    id: JobId,
    #[server(flatten)] filter: BTreeMap<String, String>,
    #[server(default)] after: u64,
) -> Result<ChangesPage, ApiError> {
    let (imports, job) = crate::server::imports::find_visible(&id).await?;
    let filter = crate::model::changes::ChangesFilter::read(|name| filter.get(name).cloned());
    let filter = filter.map_err(|name| {
        ApiError::invalid(crate::i18n::messages::ErrorCode::InvalidParameter {
            name: name.to_string(),
        })
    })?;
    imports.relay().changes(&job, &filter, after).await
}

/// Lists the changes of a product, the newest first, 50 per page.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::NotFound`] if the product is unknown,
/// [`ApiError::Unavailable`] with an external price monitor.
#[server(name = GetProductHistory, prefix = "/api", endpoint = "product_history", input = server_fn::codec::GetUrl)]
pub async fn product_history(
    identity: String,
    #[server(default)] from: String,
) -> Result<ProductHistory, ApiError> {
    let who = crate::server::auth::require_user().await?;
    let state = crate::server::http::state::app_state()?;
    state.require_products()?;
    crate::server::imports::product_history::find(&state.store, &who, &identity, &from).await
}
