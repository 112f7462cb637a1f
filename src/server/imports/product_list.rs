//! Lists products for users.

use std::time::Duration;

use crate::{
    i18n::messages::ErrorCode,
    model::{
        error::ApiError,
        imports_filter::ImportsFilter,
        job::{ImportMode, JobId},
        product::{ImportName, Product, ProductsList},
        products_filter::ProductsFilter,
    },
    server::{
        identity::principal::Principal,
        store::{
            Store, StoreError,
            product_list::{Place, ProductsFound},
        },
    },
};

const PAGE: u64 = 50;

/// How long a request waits for a full page.
const PATIENCE: Duration = Duration::from_millis(250);

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    filter: ProductsFilter,
    from: Option<Place>,
}

impl Asked {
    /// Checks that the user may see the filter's import.
    pub(crate) async fn new(
        store: &Store,
        who: &Principal,
        filter: ProductsFilter,
        from: &str,
    ) -> Result<Self, ApiError> {
        if let Some(import) = &filter.import
            && store.find_job(&who.jobs(), import).await?.is_none()
        {
            return Err(ApiError::invalid(ErrorCode::InvalidParameter {
                name: "import".to_owned(),
            }));
        }
        let from = match from {
            "" => None,
            text => Some(Place::read(text, filter.order()).ok_or_else(|| {
                ApiError::invalid(ErrorCode::NotNext {
                    name: "from".to_owned(),
                })
            })?),
        };
        Ok(Self { filter, from })
    }

    /// Finds up to `limit` more. Returns whether there may be further ones.
    pub(crate) async fn go_on(
        &mut self,
        store: &Store,
        limit: u64,
    ) -> Result<(Vec<Product>, bool), StoreError> {
        let found = store.filter_products(&self.filter, self.from.take(), limit, PATIENCE);
        let ProductsFound { products, next } = found.await?;
        let has_more = next.is_some();
        self.from = next;
        Ok((products, has_more))
    }
}

pub(crate) async fn find(
    store: &Store,
    who: &Principal,
    filter: ProductsFilter,
    from: &str,
) -> Result<ProductsList, ApiError> {
    let mut asked = Asked::new(store, who, filter, from).await?;
    let (mut items, _) = asked.go_on(store, PAGE).await?;
    name_importers(store, who, &mut items).await?;
    let (total, has_more) = store.count_products().await?;
    Ok(ProductsList {
        items,
        next: asked.from.map(|next| next.to_string()),
        total,
        has_more,
        imports: Vec::new(),
    })
}

/// Returns the newest visible imports, and the filter's.
pub(crate) async fn imports(
    store: &Store,
    who: &Principal,
    asked: Option<&JobId>,
) -> Result<Vec<ImportName>, ApiError> {
    let all = ImportsFilter::default();
    let mut jobs = store.find_imports(&who.jobs(), &all, 1).await?.items;
    jobs.retain(|job| job.mode == ImportMode::Import);
    if let Some(asked) = asked
        && !jobs.iter().any(|job| job.id == *asked)
    {
        jobs.extend(
            store
                .find_jobs(&who.jobs(), std::slice::from_ref(asked))
                .await?,
        );
    }
    let names = jobs.into_iter().map(|job| ImportName {
        id: job.id.to_string(),
        filename: job.filename,
    });
    Ok(names.collect())
}

/// Adds the imports that last changed products, if the user may see them.
pub(crate) async fn name_importers(
    store: &Store,
    who: &Principal,
    products: &mut [Product],
) -> Result<(), ApiError> {
    let identities: Vec<_> = products.iter().map(|it| it.identity.as_str()).collect();
    let importers = store.importers(&identities).await?;
    let ids: Vec<JobId> = importers
        .values()
        .filter_map(|import| import.id.parse().ok())
        .collect();
    let visible = store.find_jobs(&who.jobs(), &ids).await?;
    for product in products {
        let import = importers.get(&product.identity);
        product.updated_by = import
            .filter(|import| visible.iter().any(|job| job.id.as_str() == import.id))
            .cloned();
    }
    Ok(())
}
