//! The changes that an import made to products.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use server_fn::ServerFn as _;

use super::{
    not_found::{Missing, NotFound},
    query,
};
use crate::{
    api::{
        changes::import_changes,
        import_controls::{ApproveImport, ImportAgain, import_extras},
        imports::get_import,
    },
    components::{
        changes_table::{ChangesTable, field_word, kind_word},
        crumbs::Crumbs,
        form::NumberInput,
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        pagination::CursorPages,
    },
    i18n::locale::Locale,
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::{address, escape},
        changes::{ChangeKind, ChangesFilter, ChangesPage, Field, changes_file_path, changes_path},
        error::ApiError,
        import_extras::ImportExtras,
        job::{JobId, ProductImportJob, Question},
        query::with_query,
    },
};

/// The query as it was given.
#[derive(Clone, Debug, Default, PartialEq)]
struct Asked {
    id: String,
    filter: BTreeMap<String, String>,
    after: u64,
}

impl Asked {
    fn filter(&self) -> ChangesFilter {
        ChangesFilter::read(|name| self.filter.get(name).cloned()).unwrap_or_default()
    }

    fn text(&self, name: &str) -> String {
        self.filter.get(name).cloned().unwrap_or_default()
    }
}

type Found = (ProductImportJob, Option<ImportExtras>, ChangesPage);

async fn find(asked: Asked) -> Result<Found, ApiError> {
    let id: JobId = asked.id.parse().map_err(|_| ApiError::NotFound)?;
    let job = get_import(id.clone()).await?;
    let extras = import_extras(id.clone()).await.ok().flatten();
    let changes = import_changes(id, asked.filter, asked.after).await?;
    Ok((job, extras, changes))
}

#[component]
pub(crate) fn ImportChangesPage() -> impl IntoView {
    let t = use_locale();
    let id = use_params_map().with_untracked(|params| params.get("id"));
    let after = query::value("after").and_then(|after| after.parse().ok());
    let asked = Asked {
        id: id.unwrap_or_default(),
        filter: query::values(&ChangesFilter::NAMES),
        after: after.unwrap_or_default(),
    };
    Suspend::new(async move {
        match find(asked.clone()).await {
            Ok((job, extras, page)) => view! { <Changes job extras page asked /> }.into_any(),
            Err(ApiError::NotFound) => view! { <NotFound what=Missing::Import /> }.into_any(),
            Err(error) => {
                let here = format!("/imports/{}/changes", escape(&asked.id));
                view! {
                    <PageTitle text=t.say("Import", "Import") />
                    <h1>{t.say("Import", "Import")}</h1>
                    <ErrorNotice error here />
                }
                .into_any()
            }
        }
    })
}

#[component]
fn Changes(
    job: ProductImportJob,
    extras: Option<ImportExtras>,
    page: ChangesPage,
    asked: Asked,
) -> impl IntoView {
    let t = use_locale();
    let title = t.say("Changes", "Änderungen");
    let back = format!("/imports/{}", job.id);
    let is_check = extras.as_ref().is_some_and(ImportExtras::is_check);
    let waits = extras
        .as_ref()
        .is_some_and(|extras| extras.needs == Some(Question::Approval));
    let title = match is_check || waits {
        true => t.say("What would change", "Was sich ändern würde"),
        false => title,
    };
    let approval = extras
        .as_ref()
        .filter(|extras| waits && extras.offers("approve"))
        .map(|extras| view! { <Approval id=job.id.clone() since=extras.changed_since /> });
    let import_now = extras
        .as_ref()
        .filter(|extras| extras.is_check() && extras.offers("again"))
        .map(|extras| {
            let since = (extras.changed_since > 0).then(|| changed_since(t, extras.changed_since));
            view! {
                {since.map(|text| view! { <p role="status" data-testid="changed-since">{text}</p> })}
                <form method="post" action=address(ImportAgain::url())>
                    <input type="hidden" name="id" value=job.id.to_string() />
                    <button class="button button-primary" data-testid="import-now">
                        {t.say("Import now", "Jetzt importieren")}
                    </button>
                </form>
            }
        });
    let counts = extras.filter(|_| !waits).map(|extras| summary(t, &extras));
    let filter = asked.filter();
    let query = || filter.pairs().into_iter();
    let file = address(&with_query(&changes_file_path(&job.id), query()));
    let here = changes_path(&job.id);
    let first = (asked.after > 0).then(|| address(&with_query(&here, query())));
    let next = page.next.map(|next| {
        let after = ("after", next.to_string());
        address(&with_query(&here, query().chain([after])))
    });
    let list = if page.items.is_empty() {
        let title = if page.next.is_some() {
            t.say("No matches on this page", "Keine Treffer auf dieser Seite")
        } else {
            t.say("No changes", "Keine Änderungen")
        };
        view! {
            <EmptyState glyph=Glyph::Search title>
                <p>
                    {t.say(
                        "No more products of this import match, or its changes are no longer stored.",
                        "Keine weiteren Produkte dieses Imports passen, oder seine Änderungen sind nicht mehr gespeichert.",
                    )}
                </p>
            </EmptyState>
        }
        .into_any()
    } else {
        view! { <ChangesTable changes=page.items /> }.into_any()
    };
    view! {
        <PageTitle text=format!("{title} · {}", job.filename) />
        <header class="page-head">
            <Crumbs path=back name=job.filename.clone() />
            <div class="page-title">
                <h1>{title}</h1>
                <a
                    class="button button-quiet"
                    download="changes.csv"
                    href=file
                    data-testid="download-changes"
                >
                    <Icon glyph=Glyph::File />
                    {t.say("Download", "Herunterladen")}
                </a>
            </div>
            {counts.map(|text| view! { <p data-testid="changes-summary">{text}</p> })}
            {import_now} {approval}
        </header>
        <section class="card card-flush" aria-label=title>
            <Filter here=here.clone() asked />
            {list}
            <CursorPages first next testid="changes-next" />
        </section>
    }
}

/// Shows how many rows were compared, and approves the import.
#[component]
fn Approval(id: JobId, since: u64) -> impl IntoView {
    let t = use_locale();
    let since = (since > 0).then(|| {
        let products = t.count(since);
        t.fill(
            "{products} products have changed since they were compared. The import updates their current values.",
            "{products} Produkte haben sich seit dem Vergleich geändert. Der Import ändert ihre jetzigen Werte.",
            &[("products", &products)],
        )
    });
    view! {
        <p data-testid="changes-to-approve">
            {t.say(
                "Nothing has been imported yet. Of a long file, only the first rows were compared with the products.",
                "Bisher wurde nichts importiert. Von einer langen Datei wurden nur die ersten Zeilen mit den Produkten verglichen.",
            )}
        </p>
        {since.map(|text| view! { <p role="status" data-testid="changed-since">{text}</p> })}
        <form method="post" action=address(ApproveImport::url())>
            <input type="hidden" name="id" value=id.to_string() />
            <button class="button button-primary" data-testid="approve-import">
                {t.say("Approve and import", "Freigeben und importieren")}
            </button>
        </form>
    }
}

/// Counts the added, updated and unchanged products.
fn summary(t: Locale, extras: &ImportExtras) -> String {
    let [added, updated, unchanged] = [
        extras.added_products,
        extras.updated_products,
        extras.unchanged_products,
    ]
    .map(|products| t.count(products));
    t.fill(
        "{added} added, {updated} updated, {unchanged} unchanged.",
        "{added} neu, {updated} aktualisiert, {unchanged} unverändert.",
        &[
            ("added", &added),
            ("updated", &updated),
            ("unchanged", &unchanged),
        ],
    )
}

/// Warns that products have changed since the dry run.
fn changed_since(t: Locale, products: u64) -> String {
    let products = t.count(products);
    t.fill("{products} products have changed since this dry run. Importing now updates their current values.", "{products} Produkte haben sich seit diesem Testlauf geändert. Ein Import ändert ihre jetzigen Werte.", &[("products", &products)])
}

/// The form for the query.
#[component]
fn Filter(here: String, asked: Asked) -> impl IntoView {
    let t = use_locale();
    let is_filtered = asked.filter() != ChangesFilter::default();
    let clear = is_filtered.then(|| {
        view! { <a href=address(&here)>{t.say("Clear", "Zurücksetzen")}</a> }
    });
    let option = |value: &'static str, text: &'static str, chosen: &str| {
        let selected = value == chosen;
        view! { <option value=value selected=selected>{text}</option> }
    };
    let (kind, field) = (asked.text("kind"), asked.text("field"));
    let kinds = ChangeKind::ALL
        .map(|it| option(it.as_str(), kind_word(t, it), &kind))
        .collect_view();
    let fields = Field::ALL
        .map(|it| option(it.as_str(), field_word(t, it), &field))
        .collect_view();
    view! {
        <search class="changes-filter">
            <form method="get" action=address(&here) data-testid="changes-filter">
                <label>
                    <span>{t.say("Change", "Änderung")}</span>
                    <select class="input" name="kind">
                        {option("", t.say("All", "Alle"), &kind)}
                        {kinds}
                    </select>
                </label>
                <label>
                    <span>{t.say("Field", "Feld")}</span>
                    <select class="input" name="field">
                        {option("", t.say("All", "Alle"), &field)}
                        {fields}
                    </select>
                </label>
                <label>
                    <span>{t.say("Price drop over %", "Preissenkung über %")}</span>
                    <NumberInput name="priceDown" value=Some(asked.text("priceDown")) />
                </label>
                <label>
                    <span>{t.say("Price increase over %", "Preiserhöhung über %")}</span>
                    <NumberInput name="priceUp" value=Some(asked.text("priceUp")) />
                </label>
                <label>
                    <span>{t.say("Product", "Produkt")}</span>
                    <input
                        class="input"
                        type="search"
                        name="search"
                        placeholder=t.say("Name or SKU", "Name oder SKU")
                        autocomplete="off"
                        value=asked.text("search")
                    />
                </label>
                <button class="button">{t.say("Filter", "Filtern")}</button>
                {clear}
            </form>
        </search>
    }
}
