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

use super::{
    Problem,
    answers::OfProgram,
    changes::{Change, FieldName, Kind},
    unreadable,
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        changes::{ChangesFilter, HistoryEntry},
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
    /// What their name, SKU or identity holds; of one or two letters the beginnings of words. A search finds 1,000 at most.
    search: Option<String>,
    /// The day in UTC on which, or after which, an import changed them.
    #[param(rename = "changedSince", format = Date, example = "2026-11-23")]
    changed_since: Option<String>,
    /// The lowest price, as a decimal number.
    #[param(rename = "priceFrom", example = "9.90")]
    price_from: Option<String>,
    /// The highest price, likewise.
    #[param(rename = "priceTo", example = "20")]
    price_to: Option<String>,
    /// Those without a price only.
    #[param(rename = "noPrice")]
    no_price: Option<bool>,
    /// Those that are out of stock only.
    #[param(rename = "outOfStock")]
    out_of_stock: Option<bool>,
    /// Those that the import with this ID changed last.
    import: Option<String>,
    /// The order. Without it that of their names; the newest changes first with `changedSince` or `import`, and by
    /// price with a price.
    #[param(inline)]
    sort: Option<SortedBy>,
}

/// An order of products; with `-` before it the largest or newest come first. Those without a price are below all
/// others.
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

/// Which page of them to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // only its description is used
struct PageParameters {
    /// The page, from 1, of all products or those of a search, by name. One past the last is the last.
    #[param(default = 1, minimum = 1)]
    page: Option<u64>,
    /// The identity of a product: the ones behind it are listed, by name, in place of a page. So all products
    /// can be gone through; pages hold the first 10,000.
    after: Option<String>,
    /// `next` of the page before. It goes with the same filter and order.
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

/// A product in the shop.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Product {
    /// What identifies it, for example `sku:AB-1`.
    identity: String,
    /// Its stock-keeping unit, where the file gave one.
    sku: Option<String>,
    /// What it is called.
    name: String,
    /// Its price as a decimal number, for example `12.99`.
    price: Option<String>,
    /// A lower price at which it is sold for a time, likewise.
    sale_price: Option<String>,
    /// What the prices are in: an ISO 4217 code.
    currency: Option<String>,
    /// Its Global Trade Item Number.
    gtin: Option<String>,
    /// How many there are.
    stock: Option<i64>,
    /// Whether it can be had: `in_stock`, `out_of_stock`, `preorder` or `backorder`.
    availability: Option<String>,
    /// The address of its page.
    url: Option<String>,
    /// The address of its image.
    image: Option<String>,
    /// What tells it from the other variants of its product, for example `["Blue", "L"]`; none of others.
    options: Vec<String>,
    /// When it came in, in milliseconds since 1970.
    created_at: i64,
    /// When an import last changed it, in milliseconds since 1970.
    updated_at: i64,
    /// The import that did; null where it is not known, or somebody else's.
    updated_by: Option<Updater>,
}

/// The import that last changed a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Updater {
    /// What it is named by.
    id: String,
    /// What its file is called.
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

/// One page of the products.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Products {
    /// The products of this page. With a filter there may be fewer than 50 though there are more.
    items: Vec<Product>,
    /// Which page this is, from 1; none with a filter, an order or a place to begin at.
    page: Option<u64>,
    /// How many pages there are, at least 1; told where `page` is.
    pages: Option<u64>,
    /// How many products all pages have together; told where `page` is.
    total: Option<u64>,
    /// Whether there are others: more than `total`, which are not counted, or more behind these.
    #[serde(rename = "hasMore")]
    has_more: bool,
    /// What `from` is for the next page; told where `page` is not, and null on the last one.
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
async fn behind(state: &AppState, who: &Principal, identity: &str) -> Result<Products, ApiError> {
    let behind = state
        .store
        .products_behind_by_name(identity, PAGE + 1)
        .await?;
    let Some(mut products) = behind else {
        return Err(ApiError::invalid(ErrorCode::NotAProductId));
    };
    let has_more = products.len() as u64 > PAGE;
    products.truncate(PAGE as usize);
    product_list::name_importers(&state.store, who, &mut products).await?;
    Ok(Products::part(products, has_more, None))
}

/// Lists products, 50 at once.
#[utoipa::path(
    get,
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
        return Ok(Json(behind(&state, &who, &identity).await?));
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

/// Where a product's history goes on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WantedHistory {
    /// `next` of the page before.
    from: String,
}

/// Some of the changes of a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    /// The changes, the newest first.
    items: Vec<Entry>,
    /// What `from` is for the next page; null on the last one.
    next: Option<String>,
}

/// A change of a product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// The import that made it; null where it was deleted, or is somebody else's.
    import_id: Option<String>,
    /// What its file is called, likewise.
    filename: Option<String>,
    /// When the import began, in milliseconds since 1970.
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

/// Lists what imports changed of a product, the newest change first, 50 at once.
#[utoipa::path(
    get,
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
    /// What was done to the product.
    #[param(inline, value_type = Option<Kind>)]
    kind: Option<String>,
    /// The value that is another one.
    #[param(inline, value_type = Option<FieldName>)]
    field: Option<String>,
    /// By more than how many percent the price falls, with at most two decimals.
    #[param(example = "30")]
    price_down: Option<String>,
    /// By more than how many percent the price rises; with `priceDown`, either.
    #[param(example = "30")]
    price_up: Option<String>,
    /// `next` of the page before.
    after: String,
}

/// Some of the changes of all products.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AllChanges {
    /// The changes, those of the newest import first: 50 at most. There may be fewer though there are more, where
    /// finding them takes long.
    items: Vec<Entry>,
    /// What `after` is for the next page; null on the last one.
    next: Option<String>,
}

/// Lists what all imports changed, those of the newest import first, 50 at once. Checks and deleted imports are not
/// among them.
#[utoipa::path(
    get,
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
