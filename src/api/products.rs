//! The current products.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::model::{error::ApiError, product::ProductsList};

/// Returns whether this instance has products: only with the embedded price monitor.
#[server(prefix = "/api", endpoint = "has_products", input = server_fn::codec::GetUrl)]
pub async fn has_products() -> Result<bool, ApiError> {
    Ok(crate::server::http::state::app_state()?.has_products())
}

/// Lists products, 50 per page. `filter` has the parameters of a
/// [`ProductsFilter`](crate::model::products_filter::ProductsFilter), `from` is the `next` of the previous page.
///
/// # Errors
///
/// [`ApiError::SignedOut`] without a session, [`ApiError::Invalid`] for an invalid filter, [`ApiError::Unavailable`]
/// with an external price monitor.
#[server(prefix = "/api", endpoint = "list_products", input = server_fn::codec::GetUrl)]
pub async fn list_products(
    #[server(flatten)] filter: BTreeMap<String, String>,
    #[server(default)] from: String,
) -> Result<ProductsList, ApiError> {
    use crate::{
        model::products_filter::ProductsFilter,
        server::imports::product_list::{find, imports},
    };

    let who = crate::server::auth::require_user().await?;
    let state = crate::server::http::state::app_state()?;
    state.require_products()?;
    let filter = ProductsFilter::read(|name| filter.get(name).cloned())
        .map_err(|_| ApiError::Invalid(crate::i18n::messages::ErrorCode::InvalidFilter.into()))?;
    let asked = filter.import.clone();
    let mut list = find(&state.store, &who, filter, &from).await?;
    list.imports = imports(&state.store, &who, asked.as_ref()).await?;
    Ok(list)
}
