//! One import for people with a link: counts and failures, read-only.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::set_not_found_status;
use crate::{
    api::share_links::shared_import,
    components::{
        data_table::DataTable, no_index::NoIndex, notice::EmptyState, page_title::PageTitle,
        refresh::Refresh,
    },
    islands::{
        LiveShared, SharedState,
        live_import::DETAILS,
        parts::{icons::Glyph, locale::use_locale},
    },
    model::{
        base_path::address,
        error::ApiError,
        secret::Secret,
        share_link::{SharedFailure, SharedPage as Page},
    },
};

#[component]
pub(crate) fn SharedPage() -> impl IntoView {
    let t = use_locale();
    let token = use_params_map().with_untracked(|params| params.get("token"));
    let token = token.unwrap_or_default();
    let page = Suspend::new(async move {
        match shared_import(Secret::from(token.clone())).await {
            Ok(page) => view! { <Shared page token /> }.into_any(),
            Err(error) => view! { <NoLink error /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=t.say("Product import", "Produktimport") />
        <NoIndex />
        {page}
    }
}

#[component]
fn Shared(page: Page, token: String) -> impl IntoView {
    let Page { import, failures } = page;
    let (status, failed) = (import.status, import.progress.failed_products);
    let path = format!("/shared/{token}");
    let state = SharedState {
        import,
        stream: address(&format!("{path}/progress")),
        path,
    };
    view! {
        <LiveShared state>
            <div id=DETAILS class="page-part">
                <Failures failures all=failed />
            </div>
        </LiveShared>
        <Refresh is_running=!status.is_final() />
    }
}

/// The first failed rows.
#[component]
fn Failures(failures: Vec<SharedFailure>, all: u64) -> impl IntoView {
    let t = use_locale();
    if failures.is_empty() {
        return ().into_any();
    }
    let shown = failures.len() as u64;
    let more = (all > shown).then(|| {
        view! {
            <p class="rows-listed">
                {t.say("The first ", "Die ersten ")} {t.count(shown)} {t.say(" of ", " von ")}
                {t.count(all)}
            </p>
        }
    });
    let rows = failures
        .into_iter()
        .map(|failure| {
            view! {
                <tr role="row" data-testid="shared-failure">
                    <th role="rowheader" scope="row" class="failed-sku" translate="no">
                        {failure.sku}
                    </th>
                    <td role="cell">{failure.reason.map(|reason| t.reason(&reason))}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card card-flush" aria-labelledby="failures-title">
            <header class="card-head">
                <h2 id="failures-title">{t.say("Failed rows", "Fehlgeschlagene Zeilen")}</h2>
            </header>
            {more}
            <DataTable
                class="table failed-rows"
                caption=t.say("Failed rows", "Fehlgeschlagene Zeilen")
                heads=vec![t.say("SKU or name", "SKU oder Name"), t.say("Reason", "Grund")]
            >
                {rows}
            </DataTable>
        </section>
    }
    .into_any()
}

/// Shows that a link is not valid, without links to pages that need an account.
#[component]
fn NoLink(error: ApiError) -> impl IntoView {
    let t = use_locale();
    let (title, text) = if error == ApiError::NotFound {
        set_not_found_status();
        (
            t.say("This link is not valid", "Dieser Link gilt nicht"),
            t.say(
                "It has expired or was revoked. Ask whoever sent it for a new one.",
                "Er ist abgelaufen oder wurde widerrufen. Bitte um einen neuen.",
            )
            .to_owned(),
        )
    } else {
        (t.say("Not available", "Nicht verfügbar"), t.error(&error))
    };
    view! {
        <section class="card not-found" data-testid="no-link">
            <h1 class="visually-hidden">{title}</h1>
            <EmptyState glyph=Glyph::Search title>
                <p>{text}</p>
            </EmptyState>
        </section>
    }
}
