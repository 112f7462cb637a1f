//! The products, for programs.

use axum::{
    Extension, Json,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
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
    },
    server::{
        http::{csv_injection::CsvEscaping, state::AppState},
        identity::principal::Principal,
        imports::product_history,
        store::{Store, StoreError, products::NewProduct},
    },
};

/// Products that are read at once.
const AT_ONCE: u64 = 1000;

/// Products that are listed behind one.
const PAGE: u64 = 50;

/// Which products to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// The page, from 1. One past the last is the last.
    #[serde(default = "super::first")]
    #[param(default = 1, minimum = 1)]
    page: u64,
    /// What their name, SKU or identity holds. A search finds 1,000 at most.
    #[serde(default)]
    search: String,
    /// The identity of a product: the ones behind it are listed, by name, in place of a page. So all products
    /// can be gone through; pages hold the first 10,000.
    after: Option<String>,
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
    /// When an import last changed it, in milliseconds since 1970.
    updated_at: i64,
}

impl From<crate::model::product::Product> for Product {
    fn from(product: crate::model::product::Product) -> Self {
        Self {
            identity: product.identity,
            sku: product.sku,
            name: product.name,
            price: product.price,
            sale_price: product.sale_price,
            currency: product.currency,
            updated_at: product.updated_at,
        }
    }
}

/// One page of the products.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Products {
    /// The products of this page, by name.
    items: Vec<Product>,
    /// Which page this is, from 1; none behind a product.
    page: Option<u64>,
    /// How many pages there are, at least 1; not told behind a product.
    pages: Option<u64>,
    /// How many products all pages have together; not told behind a product.
    total: Option<u64>,
    /// Whether there are others: more than `total`, which are not counted, or more behind these.
    #[serde(rename = "hasMore")]
    has_more: bool,
}

/// Lists the products behind one.
async fn behind(state: &AppState, identity: &str) -> Result<Products, ApiError> {
    let behind = state
        .store
        .products_behind_by_name(identity, PAGE + 1)
        .await?;
    let Some(mut products) = behind else {
        return Err(ApiError::invalid(ErrorCode::NotAProductId));
    };
    let has_more = products.len() as u64 > PAGE;
    products.truncate(PAGE as usize);
    Ok(Products {
        items: products.into_iter().map(Product::from).collect(),
        page: None,
        pages: None,
        total: None,
        has_more,
    })
}

/// Lists the products by name, 50 at once.
#[utoipa::path(
    get,
    path = "/api/products",
    params(PageQuery),
    responses(
        (status = 200, description = "The products", body = Products),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 503, description = "Products are managed in the external price monitor", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    wanted: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Products>, ApiError> {
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    state.require_products()?;
    let search = wanted.search.trim();
    if let Some(identity) = wanted.after {
        if !search.is_empty() {
            return Err(ApiError::invalid(ErrorCode::AfterWithSearch));
        }
        return Ok(Json(behind(&state, &identity).await?));
    }
    let products = state.store.list_products(search, wanted.page).await?;
    Ok(Json(Products {
        items: products.items.into_iter().map(Product::from).collect(),
        page: Some(products.page),
        pages: Some(products.pages),
        total: Some(products.total),
        has_more: products.has_more,
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

/// Gives all products as CSV, by their identities. No cell of it is a formula to a spreadsheet program.
#[utoipa::path(
    get,
    path = "/api/products.csv",
    responses(
        (status = 200, description = "The products", body = String, content_type = "text/csv"),
        (status = 503, description = "Products are managed in the external price monitor", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn export(State(state): State<AppState>) -> Result<Response, ApiError> {
    state.require_products()?;
    let export = Export {
        store: state.store.clone(),
        escaping: CsvEscaping::default(),
        behind: Some(String::new()),
        is_begun: false,
    };
    let body = stream::try_unfold(export, |mut export| async {
        let bytes = export.next().await?;
        Ok::<_, std::io::Error>(bytes.map(|bytes| (bytes, export)))
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"products.csv\""),
        ),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// All products as a file, part by part.
struct Export {
    store: Store,
    escaping: CsvEscaping,
    /// The last identity that is written; `None` when all are.
    behind: Option<String>,
    is_begun: bool,
}

impl Export {
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        let Some(behind) = &self.behind else {
            return Ok(None);
        };
        let failed = |error: StoreError| std::io::Error::other(error);
        let products = self
            .store
            .products_behind(behind, AT_ONCE)
            .await
            .map_err(failed)?;
        self.behind = products.last().map(|product| product.identity.clone());
        let mut file = csv::Writer::from_writer(Vec::new());
        if !std::mem::replace(&mut self.is_begun, true) {
            file.write_record(COLUMNS)?;
        }
        for product in products {
            file.write_record(record(product))?;
        }
        let bytes = file
            .into_inner()
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Some(self.escaping.next(&bytes)))
    }
}

/// The columns, by names that an import understands.
const COLUMNS: [&str; 9] = [
    "SKU",
    "Name",
    "Price",
    "Sale price",
    "Currency",
    "GTIN",
    "Stock",
    "Availability",
    "URL",
];

fn record(product: NewProduct) -> [String; 9] {
    let text = |value: Option<String>| value.unwrap_or_default();
    [
        product.sku.unwrap_or(product.identity),
        product.name,
        text(product.price),
        text(product.sale_price),
        text(product.currency),
        text(product.gtin),
        text(product.stock.map(|stock| stock.to_string())),
        text(product.availability),
        text(product.url),
    ]
}
