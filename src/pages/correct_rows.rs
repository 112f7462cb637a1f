//! Corrects failed rows, or rows with a warning, in place.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    not_found::{Missing, NotFound},
    query,
};
use crate::{
    api::{
        import_controls::{CorrectRows, rows_to_correct},
        imports::get_import,
    },
    components::{
        crumbs::Crumbs,
        form::{FormError, failure},
        import_rows::title,
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        pagination::{Pagination, Position},
        row_editor::RowEditor,
    },
    islands::parts::{
        format::Noun,
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{
        base_path::address,
        error::ApiError,
        import_extras::{RowKind, RowsToCorrect, correct_path, rows_path},
        job::{JobId, ProductImportJob},
    },
};

#[component]
pub(crate) fn CorrectRowsPage() -> impl IntoView {
    let t = use_locale();
    let id = use_params_map().with_untracked(|params| params.get("id"));
    let id = id.unwrap_or_default();
    let page = query::page();
    let kind = query::value("rows").and_then(|kind| kind.parse().ok());
    let kind = match kind {
        Some(RowKind::Warning) => RowKind::Warning,
        _ => RowKind::Failed,
    };
    Suspend::new(async move {
        match find(&id, kind, page).await {
            Ok((job, rows)) => view! { <Editor job kind rows /> }.into_any(),
            Err(ApiError::NotFound) => view! { <NotFound what=Missing::Import /> }.into_any(),
            Err(error) => view! {
                <PageTitle text=t.say("Import", "Import") />
                <h1>{t.say("Import", "Import")}</h1>
                <ErrorNotice error here=format!("/imports/{id}/correct") />
            }
            .into_any(),
        }
    })
}

async fn find(
    id: &str,
    kind: RowKind,
    page: u64,
) -> Result<(ProductImportJob, RowsToCorrect), ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::NotFound)?;
    // First, because it rejects users who may not change the import.
    let rows = rows_to_correct(id.clone(), kind, page).await?;
    Ok((get_import(id).await?, rows))
}

#[component]
fn Editor(job: ProductImportJob, kind: RowKind, rows: RowsToCorrect) -> impl IntoView {
    let t = use_locale();
    let heading = match kind {
        RowKind::Warning => t.say(
            "Correct rows with warnings",
            "Zeilen mit Warnungen korrigieren",
        ),
        _ => t.say("Correct failed rows", "Fehlgeschlagene Zeilen korrigieren"),
    };
    let id = job.id.clone();
    let back = format!("/imports/{id}");
    let position = Position {
        page: rows.page,
        pages: rows.pages,
        total: rows.total,
        has_more: false,
    };
    let here = correct_path(&id, kind);
    let href = move |page: u64| format!("{here}&page={page}");
    let editor = if rows.items.is_empty() {
        view! {
            <EmptyState glyph=Glyph::Check title=t.say("No rows to correct", "Keine Zeilen zu korrigieren")>
                <p>
                    {t.say(
                        "These rows are no longer stored.",
                        "Diese Zeilen sind nicht mehr gespeichert.",
                    )}
                </p>
            </EmptyState>
        }
        .into_any()
    } else {
        view! {
            <RowEditor id=id.clone() kind rows />
            <Pagination position noun=Noun::Row href />
        }
        .into_any()
    };
    view! {
        <PageTitle text=format!("{heading} · {}", job.filename) />
        <header class="page-head">
            <Crumbs path=back name=job.filename.clone() />
            <div class="page-title">
                <h1>{heading}</h1>
            </div>
            <p>
                {t.say(
                    "Change cells and import the corrected rows. The rest of the file stays as it is.",
                    "Ändere Zellen und importiere die korrigierten Zeilen. Der Rest der Datei bleibt, wie er ist.",
                )}
            </p>
        </header>
        <FormError error={failure::<CorrectRows>()} />
        <section class="card card-flush" aria-labelledby="editor-title">
            <header class="card-head">
                <h2 id="editor-title">
                    {title(t, kind)} " " <span class="chip">{t.count(position.total)}</span>
                </h2>
                <a
                    class="button button-quiet"
                    download=format!("{}-rows.csv", kind.as_str())
                    href=address(&rows_path(&id, kind))
                >
                    <Icon glyph=Glyph::File />
                    {t.say("Download", "Herunterladen")}
                </a>
            </header>
            {editor}
        </section>
    }
}
