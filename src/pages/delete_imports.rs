//! Confirms the deletion of several imports.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use server_fn::ServerFn;

use crate::{
    api::imports::{DeleteImports, imports_to_delete},
    components::{
        crumbs::Crumbs,
        form::{ActionForm, FormError, failure},
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
    },
    islands::parts::{format::Noun, icons::Glyph, locale::use_locale},
    model::{
        base_path::address,
        job::{JobId, ProductImportJob},
    },
};

pub(super) const DELETE_PATH: &str = "/delete-imports";

/// The page for the imports named in the query.
#[component]
pub(crate) fn DeleteImportsPage() -> impl IntoView {
    let t = use_locale();
    let ids = use_query_map().with_untracked(|query| query.get_all("id"));
    let ids: Vec<JobId> = ids
        .unwrap_or_default()
        .iter()
        .filter_map(|id| id.parse().ok())
        .collect();
    let list = Suspend::new(async move {
        match imports_to_delete(ids).await {
            Ok(jobs) => view! { <Confirm jobs /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/imports" /> }.into_any(),
        }
    });
    let title = t.say("Delete imports", "Importe löschen");
    view! {
        <PageTitle text=title />
        <header class="page-head">
            <Crumbs path="/imports" name=t.say("Imports", "Importe") />
            <div class="page-title">
                <h1>{title}</h1>
            </div>
        </header>
        <FormError error={failure::<DeleteImports>()} />
        {list}
    }
}

#[component]
fn Confirm(jobs: Vec<ProductImportJob>) -> impl IntoView {
    let t = use_locale();
    let (over, running): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.status.is_final());
    let names = |jobs: &[ProductImportJob]| {
        jobs.iter()
            .map(|job| view! { <li data-testid="import-to-delete">{job.filename.clone()}</li> })
            .collect_view()
    };
    let running = (!running.is_empty()).then(|| {
        view! {
            <p>
                {t.say(
                    "Still running, cancel these first:",
                    "Noch nicht beendet, brich diese zuerst ab:",
                )}
            </p>
            <ul class="chosen">{names(&running)}</ul>
        }
    });
    if over.is_empty() {
        let title = t.say("No imports selected", "Keine Importe ausgewählt");
        return view! {
            <section class="card" aria-label=title>
                <EmptyState glyph=Glyph::Trash title>
                    <p>
                        {t.say(
                            "Select finished imports in the list.",
                            "Wähle beendete Importe in der Liste aus.",
                        )}
                    </p>
                    {running}
                    <p>
                        <a class="button" href=address("/imports")>
                            {t.say("Back to the imports", "Zurück zu den Importen")}
                        </a>
                    </p>
                </EmptyState>
            </section>
        }
        .into_any();
    }
    let count = t.counted(over.len() as u64, Noun::Import);
    let fields = over
        .iter()
        .enumerate()
        .map(|(index, job)| {
            view! { <input type="hidden" name=format!("ids[{index}]") value=job.id.to_string() /> }
        })
        .collect_view();
    view! {
        <section class="card" aria-label=t.say("Selected imports", "Ausgewählte Importe")>
            <p>
                {t.say(
                    "These imports are removed from the list for good. Their products stay in your catalogue.",
                    "Diese Importe werden endgültig aus der Liste entfernt. Ihre Produkte bleiben in deinem Katalog.",
                )}
            </p>
            <ul class="chosen">{names(&over)}</ul>
            {running}
            <ActionForm action=DeleteImports::url()>
                {fields}
                <div class="editor-actions">
                    <button class="button button-danger" data-testid="delete-confirm">
                        {t.say("Delete", "Löschen:")} " " {count}
                    </button>
                    <a class="button" href=address("/imports")>{t.say("Cancel", "Abbrechen")}</a>
                </div>
            </ActionForm>
        </section>
    }
    .into_any()
}
