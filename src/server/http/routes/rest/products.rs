//! REST routes for products.

use axum::{
    Extension, Json,
    extract::{
        Path, Query, RawQuery, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, answers::OfProgram, changes::Change, unreadable};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        changes::{ChangeKind, ChangesFilter, Field, HistoryEntry},
        error::ApiError,
        product,
        products_filter::ProductsFilter,
    },
    server::{
        http::{routes::uploads::receive::shown, state::AppState},
        identity::principal::Principal,
        imports::{product_history, product_list},
    },
};

const PAGE: u64 = 50;

/// Which products to list, and in which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // only its description is used
pub(crate) struct FilterParameters {
    /// Text in the name, SKU or identity. One or two letters match only the beginning of words. Finds at most 1,000
    /// products.
    search: Option<String>,
    /// Only products changed by an import on or after this day in UTC.
    #[param(rename = "changedSince", format = Date, example = "2026-11-23")]
    changed_since: Option<String>,
    /// Lowest price, as a decimal number.
    #[param(rename = "priceFrom", example = "9.90")]
    price_from: Option<String>,
    /// Highest price, as a decimal number.
    #[param(rename = "priceTo", example = "20")]
    price_to: Option<String>,
    /// Only products without a price.
    #[param(rename = "noPrice")]
    no_price: Option<bool>,
    /// Only products that are out of stock.
    #[param(rename = "outOfStock")]
    out_of_stock: Option<bool>,
    /// Only products that this import was the last to change; an ID.
    import: Option<String>,
    /// Order. Defaults to `-updated` with `changedSince` or `import`, to `price` with a price, and to `name`
    /// otherwise.
    #[param(inline)]
    sort: Option<SortedBy>,
}

/// An order of products. `-` reverses it. Products without a price count as cheaper than all others.
#[derive(ToSchema)]
#[allow(dead_code)] // only its description is used
enum SortedBy {
    #[schema(rename = "name")]
    Name,
    #[schema(rename = "-name")]
    NameBackwards,
    #[schema(rename = "price")]
    Price,
    #[schema(rename = "-price")]
    PriceBackwards,
    #[schema(rename = "updated")]
    Updated,
    #[schema(rename = "-updated")]
    UpdatedBackwards,
}

/// Which page to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // only its description is used
struct PageParameters {
    /// Number of the page, from 1, in order of names. A number past the last page returns the last page. Not with a
    /// filter or order; only `search` is allowed.
    #[param(default = 1, minimum = 1)]
    page: Option<u64>,
    /// Identity of a product. Lists the products after it, in order of names, instead of a page. This way all
    /// products can be listed; pages only cover the first 10,000.
    after: Option<String>,
    /// `next` of the previous page. Use it with the same filter and order.
    from: Option<String>,
}

const OF_PAGE: [&str; 3] = ["page", "after", "from"];

#[derive(Debug)]
pub(super) struct Wanted(Vec<(String, String)>);

impl Wanted {
    /// Takes parameters of a filter or these others; rejects unknown ones.
    pub(super) fn new(query: Option<&str>, others: &[&str]) -> Result<Self, ApiError> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs: Vec<(String, String)> = pairs.into_owned().collect();
        let is_known = |name: &str| ProductsFilter::NAMES.contains(&name) || others.contains(&name);
        match pairs.iter().find(|(name, _)| !is_known(name)) {
            Some((name, _)) => {
                let name = shown(name);
                Err(ApiError::invalid(ErrorCode::UnknownParameter { name }))
            }
            None => Ok(Self(pairs)),
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone())
    }

    pub(super) fn filter(&self) -> Result<ProductsFilter, ApiError> {
        let filter = ProductsFilter::read(|name| self.get(name));
        filter.map_err(|name| {
            ApiError::invalid(ErrorCode::InvalidParameter {
                name: name.to_owned(),
            })
        })
    }
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Product {
    /// What identifies the product, for example `sku:AB-1`.
    identity: String,
    /// Stock-keeping unit, if the file has one.
    sku: Option<String>,
    /// Name.
    name: String,
    /// Price as a decimal number, for example `12.99`.
    price: Option<String>,
    /// Sale price as a decimal number.
    sale_price: Option<String>,
    /// Currency of both prices: an ISO 4217 code.
    currency: Option<String>,
    /// Global Trade Item Number.
    gtin: Option<String>,
    /// Number of items in stock.
    stock: Option<i64>,
    /// Availability: `in_stock`, `out_of_stock`, `preorder` or `backorder`.
    availability: Option<String>,
    /// URL of the product's page.
    url: Option<String>,
    /// URL of the product's image.
    image: Option<String>,
    /// Values that distinguish the variant from others, for example `["Blue", "L"]`; empty if it is not a variant.
    options: Vec<String>,
    /// First import, in milliseconds since 1970.
    created_at: i64,
    /// Last change by an import, in milliseconds since 1970.
    updated_at: i64,
    /// Import that made the last change; null if it is unknown or another user's.
    updated_by: Option<Updater>,
}

/// The import that last changed a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Updater {
    /// ID of the import.
    id: String,
    /// Name of its file.
    filename: String,
}

impl From<crate::model::product::Product> for Product {
    fn from(product: crate::model::product::Product) -> Self {
        let options = product.variant().unwrap_or_default();
        Self {
            options,
            identity: product.identity,
            sku: product.sku,
            name: product.name,
            price: product.price,
            sale_price: product.sale_price,
            currency: product.currency,
            gtin: product.gtin,
            stock: product.stock,
            availability: product.availability,
            url: product.url,
            image: product.image,
            created_at: product.created_at,
            updated_at: product.updated_at,
            updated_by: product.updated_by.map(|import| Updater {
                id: import.id,
                filename: import.filename,
            }),
        }
    }
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Products {
    /// Products on this page. With a filter, a page may have fewer than 50 even if more follow.
    items: Vec<Product>,
    /// Number of this page, from 1; null with a filter, an order, `after` or `from`.
    page: Option<u64>,
    /// Number of pages, at least 1; null if `page` is.
    pages: Option<u64>,
    /// Number of products on all pages; null if `page` is.
    total: Option<u64>,
    /// Whether there are more products: more than `total`, which stops counting at a limit, or more after these.
    #[serde(rename = "hasMore")]
    has_more: bool,
    /// `from` for the next page; null on the last page, and if `page` is not null.
    next: Option<String>,
}

impl Products {
    fn part(items: Vec<product::Product>, has_more: bool, next: Option<String>) -> Self {
        Self {
            items: items.into_iter().map(Product::from).collect(),
            page: None,
            pages: None,
            total: None,
            has_more,
            next,
        }
    }
}

/// Lists the products after one.
async fn products_after(
    state: &AppState,
    who: &Principal,
    identity: &str,
) -> Result<Products, ApiError> {
    let page = state
        .store
        .products_after_by_name(identity, PAGE + 1)
        .await?;
    let Some(mut products) = page else {
        return Err(ApiError::invalid(ErrorCode::NotAProductId));
    };
    let has_more = products.len() as u64 > PAGE;
    products.truncate(PAGE as usize);
    product_list::name_importers(&state.store, who, &mut products).await?;
    Ok(Products::part(products, has_more, None))
}

/// Lists products, 50 per page.
#[utoipa::path(
    get,
    operation_id = "listProducts",
    path = "/api/products",
    params(PageParameters, FilterParameters),
    responses(
        (status = 200, description = "The products", body = Products),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 503, description = "Products are managed in the external price monitor", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Result<Json<Products>, ApiError> {
    let wanted = Wanted::new(query.as_deref(), &OF_PAGE)?;
    state.require_products()?;
    let filter = wanted.filter()?;
    if let Some(identity) = wanted.get("after") {
        if filter != ProductsFilter::default() {
            return Err(ApiError::invalid(ErrorCode::AfterWithSearch));
        }
        return Ok(Json(products_after(&state, &who, &identity).await?));
    }
    let by_search = ProductsFilter {
        search: filter.search.clone(),
        ..ProductsFilter::default()
    };
    let from = wanted.get("from");
    if from.is_some() || filter != by_search {
        let from = from.unwrap_or_default();
        let found = product_list::find(&state.store, &who, filter, &from).await?;
        let has_more = found.next.is_some();
        return Ok(Json(Products::part(found.items, has_more, found.next)));
    }
    let page = wanted.get("page").unwrap_or_else(|| "1".to_owned());
    let page = page
        .parse()
        .map_err(|_| ApiError::invalid(ErrorCode::NotAPage))?;
    let mut products = state.store.list_products(&filter.search, page).await?;
    product_list::name_importers(&state.store, &who, &mut products.items).await?;
    Ok(Json(Products {
        items: products.items.into_iter().map(Product::from).collect(),
        page: Some(products.page),
        pages: Some(products.pages),
        total: Some(products.total),
        has_more: products.has_more,
        next: None,
    }))
}

/// Where the history continues.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WantedHistory {
    /// `next` of the previous page.
    from: String,
}

/// A page of the changes to a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    /// Changes, newest first.
    items: Vec<Entry>,
    /// `from` for the next page; null on the last page.
    next: Option<String>,
}

/// A change to a product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// ID of the import that made the change; null if it was deleted or is another user's.
    import_id: Option<String>,
    /// Name of its file; null if it was deleted or is another user's.
    filename: Option<String>,
    /// Start of the import, in milliseconds since 1970.
    at: i64,
    #[serde(flatten)]
    change: Change,
}

impl From<HistoryEntry> for Entry {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            import_id: entry.import,
            filename: entry.filename,
            at: entry.at,
            change: entry.change.into(),
        }
    }
}

/// Lists the changes that imports made to a product, newest first, 50 per page.
#[utoipa::path(
    get,
    operation_id = "listProductHistory",
    path = "/api/products/{id}/history",
    params(("id" = String, Path, description = "Identity of the product"), WantedHistory),
    responses(
        (status = 200, description = "The changes", body = History),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 404, description = "Product not found", body = Problem),
        (status = 503, description = "Products are managed in the external price monitor", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn history(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    identity: Result<Path<String>, PathRejection>,
    wanted: Result<Query<WantedHistory>, QueryRejection>,
) -> Result<Json<History>, ApiError> {
    let Path(identity) = identity.map_err(|_| ApiError::NotFound)?;
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    let history = product_history::find(&state.store, &who, &identity, &wanted.from).await?;
    Ok(Json(History {
        items: history.entries.into_iter().map(Entry::from).collect(),
        next: history.next,
    }))
}

/// Which changes to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WantedChanges {
    /// Only products that were added, updated or removed.
    #[param(inline, value_type = Option<ChangeKind>)]
    kind: Option<String>,
    /// Only changes to this field.
    #[param(inline, value_type = Option<Field>)]
    field: Option<String>,
    /// Only changes that lower the price by more than this percentage, with at most two decimals.
    #[param(example = "30")]
    price_down: Option<String>,
    /// Only changes that raise the price by more than this percentage. With `priceDown`, changes in either
    /// direction.
    #[param(example = "30")]
    price_up: Option<String>,
    /// `next` of the previous page.
    after: String,
}

/// A page of the changes to all products.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AllChanges {
    /// Changes, at most 50, those of the newest import first. A page may have fewer even if more follow, because a
    /// search stops after some time.
    items: Vec<Entry>,
    /// `after` for the next page; null on the last page.
    next: Option<String>,
}

/// Lists the changes made by all imports, those of the newest import first, 50 per page. Dry runs and deleted
/// imports are left out.
#[utoipa::path(
    get,
    operation_id = "listChanges",
    path = "/api/changes",
    params(WantedChanges),
    responses(
        (status = 200, description = "The changes", body = AllChanges),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 503, description = "Products are managed in the external price monitor", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn changes(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    wanted: Result<Query<WantedChanges>, QueryRejection>,
) -> Result<Json<AllChanges>, ApiError> {
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    state.require_products()?;
    let filter = ChangesFilter::read(|name| match name {
        "kind" => wanted.kind.clone(),
        "field" => wanted.field.clone(),
        "priceDown" => wanted.price_down.clone(),
        "priceUp" => wanted.price_up.clone(),
        _ => None,
    });
    let filter = filter.map_err(|name| {
        ApiError::invalid(ErrorCode::InvalidParameter {
            name: name.to_string(),
        })
    })?;
    let (entries, next) =
        product_history::find_all(&state.store, &who, &filter, &wanted.after).await?;
    Ok(Json(AllChanges {
        items: entries.into_iter().map(Entry::from).collect(),
        next,
    }))
}
