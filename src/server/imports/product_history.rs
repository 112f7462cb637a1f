//! Product changes, for users.

use super::product_list;
use crate::{
    i18n::messages::ErrorCode,
    model::{
        changes::{ChangesFilter, HistoryEntry, ProductHistory},
        error::ApiError,
        job::JobId,
    },
    server::{identity::principal::Principal, store::Store},
};

const PAGE: u64 = 50;

/// Lists a product's changes. Imports that the user may not see are not named.
pub(crate) async fn find(
    store: &Store,
    who: &Principal,
    identity: &str,
    from: &str,
) -> Result<ProductHistory, ApiError> {
    let from = match from {
        "" => None,
        text => {
            let unreadable = |_| {
                ApiError::invalid(ErrorCode::NotNext {
                    name: "from".to_owned(),
                })
            };
            Some(text.parse().map_err(unreadable)?)
        }
    };
    let mut product = store.find_product(identity).await?;
    let (mut entries, next) = store.product_history(identity, from, PAGE).await?;
    if product.is_none() && entries.is_empty() {
        return Err(ApiError::NotFound);
    }
    name_visible(store, who, &mut entries).await?;
    product_list::name_importers(store, who, product.as_mut_slice()).await?;
    let prices = match from {
        None => store.price_points(identity).await?,
        // They belong to the first page.
        Some(_) => Vec::new(),
    };
    let variants = match &product {
        Some(product) => store.variants(&product.name).await?,
        None => Vec::new(),
    };
    Ok(ProductHistory {
        product,
        variants,
        entries,
        next: next.map(|next| next.to_string()),
        prices,
    })
}

/// Lists changes of all products after a position, newest import first, and where to continue. Imports that the user
/// may not see are not named.
pub(crate) async fn find_all(
    store: &Store,
    who: &Principal,
    filter: &ChangesFilter,
    after: &str,
) -> Result<(Vec<HistoryEntry>, Option<String>), ApiError> {
    let after = match after {
        "" => None,
        text => {
            let unreadable = |_| {
                ApiError::invalid(ErrorCode::NotNext {
                    name: "after".to_owned(),
                })
            };
            Some(text.parse().map_err(unreadable)?)
        }
    };
    let (mut entries, next) = store.all_changes(filter, after, PAGE).await?;
    name_visible(store, who, &mut entries).await?;
    Ok((entries, next.map(|next| next.to_string())))
}

async fn name_visible(
    store: &Store,
    who: &Principal,
    entries: &mut [HistoryEntry],
) -> Result<(), ApiError> {
    let named = entries.iter().filter_map(|entry| entry.import.as_deref());
    let ids: Vec<JobId> = named.filter_map(|id| id.parse().ok()).collect();
    let visible = store.find_jobs(&who.jobs(), &ids).await?;
    for entry in entries {
        let id = entry.import.as_deref();
        if !visible.iter().any(|job| Some(job.id.as_str()) == id) {
            (entry.import, entry.filename) = (None, None);
        }
    }
    Ok(())
}
