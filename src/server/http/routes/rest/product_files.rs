//! Product exports, generated while sent.

use std::io;

use axum::{
    Extension,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;

use super::{
    Problem,
    answers::OfProgram,
    products::{FilterParameters, Product, Wanted},
};
use crate::{
    model::{error::ApiError, product},
    server::{
        http::{csv_injection::CsvEscaping, spreadsheet::Spreadsheet, state::AppState},
        identity::principal::Principal,
        imports::product_list::{Asked, name_importers},
        store::Store,
    },
};

const AT_ONCE: u64 = 1000;

/// Exports products as CSV. Cells that a spreadsheet would take for a formula are escaped.
#[utoipa::path(
    get,
    operation_id = "exportProductsCsv",
    path = "/api/products.csv",
    params(FilterParameters),
    responses(
        (status = 200, description = "The products", body = String, content_type = "text/csv"),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 503, description = "Products are managed in the external price monitor", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn csv(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let file = File::Csv(CsvEscaping::default());
    export(&state, &who, query, file).await
}

/// Exports products as an Excel workbook.
#[utoipa::path(
    get,
    operation_id = "exportProductsXlsx",
    path = "/api/products.xlsx",
    params(FilterParameters),
    responses(
        (status = 200, description = "The products", body = Vec<u8>,
            content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 503, description = "Products are managed in the external price monitor", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn xlsx(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let sheet = Spreadsheet::new("Products").map_err(|_| ApiError::Internal)?;
    export(&state, &who, query, File::Xlsx(Box::new(sheet))).await
}

/// Exports products as JSON Lines: one product per line, in the form of `GET /api/products`.
#[utoipa::path(
    get,
    operation_id = "exportProductsJsonLines",
    path = "/api/products.jsonl",
    params(FilterParameters),
    responses(
        (status = 200, description = "The products", body = String, content_type = "application/jsonl"),
        (status = 400, description = "A parameter is not valid", body = Problem),
        (status = 503, description = "Products are managed in the external price monitor", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn json_lines(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    export(&state, &who, query, File::JsonLines).await
}

async fn export(
    state: &AppState,
    who: &Principal,
    query: Option<String>,
    file: File,
) -> Result<Response, ApiError> {
    let wanted = Wanted::new(query.as_deref(), &[])?;
    state.require_products()?;
    let asked = Asked::new(&state.store, who, wanted.filter()?, "").await?;
    let (kind, disposition) = match &file {
        File::Csv(_) => (
            "text/csv; charset=utf-8",
            "attachment; filename=\"products.csv\"",
        ),
        File::Xlsx(_) => (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "attachment; filename=\"products.xlsx\"",
        ),
        File::JsonLines => (
            "application/jsonl",
            "attachment; filename=\"products.jsonl\"",
        ),
    };
    let export = Export {
        store: state.store.clone(),
        who: who.clone(),
        asked,
        file,
        is_begun: false,
        is_done: false,
    };
    let body = stream::try_unfold(export, |mut export| async {
        let bytes = export.next().await?;
        Ok::<_, io::Error>(bytes.map(|bytes| (bytes, export)))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static(disposition),
        ),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

enum File {
    Csv(CsvEscaping),
    Xlsx(Box<Spreadsheet>),
    JsonLines,
}

struct Export {
    store: Store,
    who: Principal,
    asked: Asked,
    file: File,
    is_begun: bool,
    is_done: bool,
}

impl Export {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.is_done {
            return Ok(None);
        }
        let found = self.asked.go_on(&self.store, AT_ONCE).await;
        let (mut products, has_more) = found.map_err(io::Error::other)?;
        if matches!(self.file, File::JsonLines) {
            let naming = name_importers(&self.store, &self.who, &mut products);
            naming.await.map_err(io::Error::other)?;
        }
        self.is_done = !has_more;
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        self.written(products, is_first).map(Some)
    }

    fn written(&mut self, products: Vec<product::Product>, is_first: bool) -> io::Result<Bytes> {
        match &mut self.file {
            File::Csv(escaping) => {
                let mut file = csv::Writer::from_writer(Vec::new());
                if is_first {
                    file.write_record(names())?;
                }
                for product in &products {
                    file.write_record(record(product))?;
                }
                let bytes = file
                    .into_inner()
                    .map_err(|error| io::Error::other(error.to_string()))?;
                Ok(escaping.next(&bytes))
            }
            File::Xlsx(sheet) => {
                if is_first {
                    sheet.head(&names())?;
                }
                for product in &products {
                    let cells = record(product);
                    let cells = cells.iter().map(String::as_str);
                    let is_number = COLUMNS.map(|(_, is_number, _)| is_number);
                    sheet.row(cells.zip(is_number))?;
                }
                if self.is_done {
                    sheet.finish()?;
                }
                Ok(sheet.take())
            }
            File::JsonLines => {
                let mut lines = Vec::new();
                for product in products {
                    serde_json::to_writer(&mut lines, &Product::from(product))?;
                    lines.push(b'\n');
                }
                Ok(lines.into())
            }
        }
    }
}

/// A column: its name, which an import understands; whether a workbook has numbers in it; its value.
type Column = (&'static str, bool, fn(&product::Product) -> String);

const COLUMNS: [Column; 11] = [
    ("SKU", false, |it| {
        it.sku.clone().unwrap_or_else(|| it.identity.clone())
    }),
    ("Name", false, |it| it.name.clone()),
    ("Price", true, |it| text(&it.price)),
    ("Sale price", true, |it| text(&it.sale_price)),
    ("Currency", false, |it| text(&it.currency)),
    ("GTIN", false, |it| text(&it.gtin)),
    ("Stock", true, |it| text(&it.stock)),
    ("Availability", false, |it| text(&it.availability)),
    ("URL", false, |it| text(&it.url)),
    ("Image link", false, |it| text(&it.image)),
    ("Options", false, |it| {
        text(&it.variant().map(|options| options.join(" / ")))
    }),
];

fn text(value: &Option<impl ToString>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn names() -> [&'static str; COLUMNS.len()] {
    COLUMNS.map(|(name, ..)| name)
}

fn record(product: &product::Product) -> [String; COLUMNS.len()] {
    COLUMNS.map(|(.., value)| value(product))
}
