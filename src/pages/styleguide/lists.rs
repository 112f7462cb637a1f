//! Lists, charts and forms of the style guide.

use leptos::prelude::*;

use super::{CREATED_AT, State, id};
use crate::{
    components::{
        changes_table::ChangesTable,
        form::{ConfirmedForm, Field, FormError, NewPassword, ShownOnce, Submit},
        hour_chart::HourChart,
        price_chart::PriceChart,
        products_table::ProductsTable,
        share_links::ShareLinksCard,
        source::RunsChart,
    },
    model::{
        changes::{ChangeKind, Field as ProductField, FieldChange, ProductChange},
        error::ApiError,
        job::{ImportStatus, UnixMillis},
        product::{ImportName, PricePoint, Product},
        products_filter::ProductsFilter,
        secret::Secret,
        share_link::{ShareLink, ShareLinks},
        source::{RunCause, RunOutcome, SourceRun},
    },
};

const DAY: UnixMillis = 24 * 60 * 60 * 1000;

pub(super) const STATES: &[State] = &[
    ("products", products),
    ("changes", changes),
    ("price-chart", price_chart),
    ("hour-chart", hour_chart),
    ("runs-chart", runs_chart),
    ("share-links", share_links),
    ("form", || form(None)),
    ("form-refused", || form(Some(ApiError::Internal))),
    ("confirmed-form", confirmed_form),
];

fn products() -> AnyView {
    let product = |sku: &str, name: &str, price: Option<&str>| Product {
        identity: format!("sku:{sku}"),
        sku: Some(sku.to_owned()),
        name: name.to_owned(),
        price: price.map(str::to_owned),
        sale_price: None,
        currency: Some("EUR".to_owned()),
        gtin: None,
        stock: Some(1_204),
        availability: None,
        url: None,
        image: None,
        options: None,
        created_at: CREATED_AT,
        updated_at: CREATED_AT,
        updated_by: Some(ImportName {
            id: id().to_string(),
            filename: "summer-catalogue-2026.csv".to_owned(),
        }),
    };
    let variant = |sku: &str, options: &str| Product {
        options: Some(options.to_owned()),
        sale_price: Some("999.00".to_owned()),
        ..product(sku, "Linen shirt", Some("1299.00"))
    };
    let products = vec![
        Product {
            availability: Some("out_of_stock".to_owned()),
            stock: Some(0),
            ..product("CUP-01", "Cup", Some("4.50"))
        },
        variant("LINEN-S", "Sand/S"),
        variant("LINEN-M", "Sand/M"),
        Product {
            updated_by: None,
            ..product("TRAY-01", "Tray without a price", None)
        },
    ];
    view! {
        <section class="card card-flush">
            <ProductsTable products filter=ProductsFilter::default() />
        </section>
    }
    .into_any()
}

fn changes() -> AnyView {
    let field = |field, old: &str, new: &str| FieldChange {
        field,
        old: (!old.is_empty()).then(|| old.to_owned()),
        new: (!new.is_empty()).then(|| new.to_owned()),
    };
    let change = |row, kind, price_change, fields| ProductChange {
        row,
        identity: format!("sku:CUP-{row}"),
        sku: Some(format!("CUP-{row}")),
        name: Some("Cup".to_owned()),
        currency: Some("EUR".to_owned()),
        kind,
        price_change,
        fields,
    };
    let changes = vec![
        change(
            1,
            ChangeKind::Added,
            None,
            vec![field(ProductField::Price, "", "4.50")],
        ),
        change(
            2,
            ChangeKind::Updated,
            Some(-1_250),
            vec![
                field(ProductField::Price, "8.00", "7.00"),
                field(ProductField::Options, "Blue/L", "Navy/L"),
                field(ProductField::Availability, "", "in_stock"),
            ],
        ),
        change(
            3,
            ChangeKind::Removed,
            None,
            vec![field(ProductField::Name, "Cup", "")],
        ),
    ];
    view! {
        <section class="card card-flush">
            <ChangesTable changes />
        </section>
    }
    .into_any()
}

fn price_chart() -> AnyView {
    let point = |day: UnixMillis, price: Option<&str>| PricePoint {
        at: CREATED_AT + day * DAY,
        price: price.map(str::to_owned),
    };
    let prices = vec![
        point(0, Some("10.00")),
        point(40, Some("12.50")),
        point(90, None),
        point(120, Some("11.00")),
    ];
    view! {
        <section class="card">
            <PriceChart prices currency=Some("EUR".to_owned()) />
        </section>
    }
    .into_any()
}

fn hour_chart() -> AnyView {
    let values = (0..61).map(|minute| (minute * 7) % 23).collect();
    view! {
        <section class="card">
            <HourChart id="events" name="Events sent" values />
        </section>
    }
    .into_any()
}

fn runs_chart() -> AnyView {
    let run = |number: u64, outcome, processed: Option<u64>, failed: Option<u64>| {
        let started_at = CREATED_AT + DAY * UnixMillis::try_from(number).unwrap_or_default();
        SourceRun {
            id: number.to_string(),
            cause: RunCause::Schedule,
            outcome,
            problem: None,
            job: None,
            status: processed.map(|_| ImportStatus::Success),
            started_at,
            ended_at: Some(started_at + 4_000),
            processed_products: processed,
            failed_products: failed,
        }
    };
    let runs = vec![
        run(4, RunOutcome::Failed, None, None),
        run(3, RunOutcome::Imported, Some(900), Some(120)),
        run(2, RunOutcome::Unchanged, None, None),
        run(1, RunOutcome::Imported, Some(1_500), Some(0)),
    ];
    view! {
        <section class="card card-flush">
            <RunsChart runs />
        </section>
    }
    .into_any()
}

fn share_links() -> AnyView {
    let links = ShareLinks {
        links: vec![ShareLink {
            id: "styleguide".to_owned(),
            url: Secret::from("https://shop.example/shared/an-example".to_owned()),
            created_at: CREATED_AT,
            expires_at: CREATED_AT + 7 * DAY,
        }],
        available: true,
    };
    view! { <ShareLinksCard id=id() links /> }.into_any()
}

fn form(error: Option<ApiError>) -> AnyView {
    let invalid = error.is_some();
    view! {
        <section class="card settings-card">
            <form>
                <FormError error />
                <Field name="name" label="Name" kind="text" autocomplete="off" hint="As on invoices." />
                <div class="settings-row">
                    <div class="field">
                        <label for="choice">"Choice"</label>
                        <select id="choice" class="input">
                            <option>"One"</option>
                            <option>"Another"</option>
                        </select>
                    </div>
                    <Field name="date" label="Date" kind="date" autocomplete="off" />
                </div>
                <NewPassword invalid />
                <label class="upload-check">
                    <input type="checkbox" />
                    "A choice"
                </label>
                <Submit>"Save"</Submit>
            </form>
        </section>
        <ShownOnce what="Copy the token now." secret=Some("irt_an-example".to_owned()) />
    }
    .into_any()
}

fn confirmed_form() -> AnyView {
    view! {
        <section class="card">
            <ConfirmedForm
                action="/styleguide"
                label="Delete…"
                question="Its history is deleted."
                confirm="Delete source"
            />
        </section>
    }
    .into_any()
}
