//! One source: its settings, runs and actions.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use server_fn::ServerFn;

use super::{
    import_details::Fact,
    not_found::{Missing, NotFound},
    query,
    sources::SourcesCrumb,
};
use crate::{
    api::sources::{DeleteSource, EnableSource, RunSource, source_state},
    components::{
        data_table::DataTable,
        form::{ActionForm, ConfirmedForm, FormError, failure},
        import_options::described,
        moment::{Due, Moment, WrittenTime},
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        pagination::OlderEntries,
        refresh::Refresh,
        source::{RunResult, RunsChart, schedule_words},
    },
    islands::{
        FreshSection,
        parts::{format, icons::Glyph, locale::use_locale},
    },
    model::{
        base_path::{address, escape},
        error::ApiError,
        import_options::OwnLimits,
        job::{ImportMode, UnixMillis},
        refused_form::RefusedForm,
        source::{RunsPage, ShownLogin, Source, SourceKind, SourceRun, SourceState, edit_path},
        upload::{SOURCE_FIELD, UPLOAD_PATH},
    },
};

/// ID of the section that changes during a run.
const RUNS: &str = "runs";
/// Seconds between updates of that section.
const REFRESH: u64 = 3;

#[component]
pub(crate) fn SourcePage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id"));
    let id = id.unwrap_or_default();
    let after = query::value("after");
    Suspend::new(async move {
        match source_state(id.clone(), after).await {
            Ok(state) => view! { <SourceDetails state /> }.into_any(),
            Err(ApiError::NotFound) => view! { <NotFound what=Missing::Page /> }.into_any(),
            Err(error) => {
                let title = use_locale().say("Source", "Quelle");
                view! {
                    <PageTitle text=title />
                    <h1>{title}</h1>
                    <ErrorNotice error here=format!("/sources/{id}") />
                }
                .into_any()
            }
        }
    })
}

#[component]
fn SourceDetails(state: SourceState) -> impl IntoView {
    let t = use_locale();
    let SourceState {
        source,
        runs,
        newest,
        next_runs,
        ..
    } = state;
    let error = failure::<RunSource>().or_else(|| RefusedForm::sent_to(UPLOAD_PATH).error);
    let is_running = newest.iter().any(|run| !run.outcome.is_end());
    let id = source.id.clone();
    let upload = (source.kind == SourceKind::Upload).then(|| view! { <UploadTo id=id.clone() /> });
    view! {
        <PageTitle text=source.name.clone() />
        <Refresh is_running />
        <header class="page-head">
            <SourcesCrumb />
            <div class="page-title">
                <h1 class="filename" translate="no">
                    {source.name.clone()}
                </h1>
            </div>
        </header>
        <FormError error />
        <Overview source next_runs />
        {upload}
        <section class="card card-flush" aria-labelledby="runs-title">
            <header class="card-head">
                <h2 id="runs-title">{t.say("Runs", "Läufe")}</h2>
            </header>
            <div id=RUNS>
                <RunsChart runs=newest />
                <Runs id runs />
            </div>
        </section>
        <FreshSection id=RUNS.to_owned() seconds=REFRESH />
    }
}

#[component]
fn Overview(source: Source, next_runs: Vec<UnixMillis>) -> impl IntoView {
    let t = use_locale();
    let id = StoredValue::new(source.id.clone());
    let hidden = move || view! { <input type="hidden" name="id" value=id.get_value() /> };
    let is_fetched = source.kind == SourceKind::Address;
    let (schedule, import) = (
        schedule_words(t, source.schedule.as_ref()),
        how_imported(&source),
    );
    let url = source.address.clone();
    let place = is_fetched.then(|| {
        view! {
            <Fact name="URL">
                <span class="code" translate="no">
                    {url}
                </span>
            </Fact>
        }
    });
    let login = source.login.as_ref().map(|login| {
        let words = match login {
            ShownLogin::Basic(user) => user.clone(),
            ShownLogin::Header(name) => format!("Header {name}"),
        };
        view! { <Fact name=t.say("Access", "Zugang")>{words}</Fact> }
    });
    let status = if source.due_at.is_some() {
        t.say("Active", "Aktiv")
    } else if source.schedule.is_some() {
        t.say("Paused", "Angehalten")
    } else {
        t.say("No schedule", "Kein Zeitplan")
    };
    let next = source.due_at.map(|at| {
        let times = next_runs.into_iter().map(|at| {
            view! {
                <span class="settings-email">
                    <WrittenTime at />
                </span>
            }
        });
        view! {
            <Fact name=t.say("Next runs", "Nächste Läufe")>
                <Due at />
                {times.collect_view()}
            </Fact>
        }
    });
    let failures = (source.failures > 0).then(|| {
        view! {
            <Fact name=t.say("Consecutive failures", "Fehlschläge in Folge")>
                <span class="run-outcome" data-outcome="failed" data-testid="source-failures">
                    {t.count(source.failures)}
                </span>
            </Fact>
        }
    });
    let run = is_fetched.then(|| {
        view! {
            <ActionForm action=RunSource::url()>
                {hidden()}
                <button class="button button-primary" data-testid="run-source">
                    {t.say("Run now", "Jetzt ausführen")}
                </button>
            </ActionForm>
        }
    });
    let turn = source.schedule.is_some().then(|| {
        let words = if source.enabled {
            t.say("Pause", "Anhalten")
        } else {
            t.say("Resume", "Fortsetzen")
        };
        view! {
            <ActionForm action=EnableSource::url()>
                {hidden()}
                <input type="hidden" name="enabled" value=(!source.enabled).to_string() />
                <button class="button" data-testid="turn-source">
                    {words}
                </button>
            </ActionForm>
        }
    });
    view! {
        <section class="card overview" aria-labelledby="source-title">
            <header class="card-head">
                <h2 id="source-title">{t.say("Overview", "Überblick")}</h2>
            </header>
            <dl>
                {place} {login}
                <Fact name=t.say("Schedule", "Zeitplan")>
                    {schedule}
                </Fact>
                <Fact name=t.say("Status", "Status")>
                    <span data-testid="source-status">{status}</span>
                </Fact>
                {next} {failures}
                <Fact name=t.say("Import", "Import")>{import}</Fact>
                <Fact name=t.say("Created", "Erstellt")>
                    <WrittenTime at=source.created_at />
                </Fact>
            </dl>
            <div class="webhook-actions">
                {run} {turn}
                <a class="button" href=address(&edit_path(&source.id)) data-testid="edit-source">
                    {t.say("Edit", "Bearbeiten")}
                </a>
                <ConfirmedForm
                    action=DeleteSource::url()
                    label=t.say("Delete…", "Löschen…")
                    question=t.say(
                        "Its history is deleted. Imports and products stay.",
                        "Ihr Verlauf wird gelöscht. Importe und Produkte bleiben.",
                    )
                    confirm=t.say("Delete source", "Quelle löschen")
                >
                    {hidden()}
                </ConfirmedForm>
            </div>
        </section>
    }
}

/// Describes how the files of a source are imported.
fn how_imported(source: &Source) -> String {
    let t = use_locale();
    let what = &source.what;
    let mut said = Vec::new();
    if what.mode == ImportMode::Check {
        said.push(t.say("Dry run.", "Testlauf.").to_owned());
    }
    said.extend(described(t, &what.options));
    match what.mapping.decimal_mark.as_str() {
        "comma" => said.push(t.say("Decimal comma.", "Dezimalkomma.").to_owned()),
        "point" => said.push(t.say("Decimal point.", "Dezimalpunkt.").to_owned()),
        _ => {}
    }
    if !what.mapping.currency.is_empty() {
        said.push(format!("{}.", what.mapping.currency));
    }
    if !what.mapping.sheets.is_empty() {
        let sheets = what.mapping.sheets.join(", ");
        said.push(format!(
            "{} {sheets}.",
            t.say("Sheets:", "Tabellenblätter:")
        ));
    }
    if what.limits != OwnLimits::default() {
        said.push(t.say("Own limits.", "Eigene Grenzen.").to_owned());
    }
    if said.is_empty() {
        said.push(t.say("Standard", "Standard").to_owned());
    }
    said.join(" ")
}

/// The upload form of the source.
#[component]
fn UploadTo(id: String) -> impl IntoView {
    let t = use_locale();
    let action = address(&format!("{UPLOAD_PATH}?{SOURCE_FIELD}={}", escape(&id)));
    view! {
        <section class="card settings-card" aria-labelledby="upload-title">
            <header class="card-head">
                <h2 id="upload-title">{t.say("Upload a file", "Datei hochladen")}</h2>
            </header>
            <form
                method="post"
                action=action
                enctype="multipart/form-data"
                data-testid="source-upload"
            >
                <div class="field">
                    <label for="file">{t.say("Product file", "Produktdatei")}</label>
                    <input
                        id="file"
                        class="input"
                        type="file"
                        name="file"
                        required
                        aria-describedby="form-error"
                    />
                </div>
                <button class="button button-primary">
                    {t.say("Start import", "Import starten")}
                </button>
            </form>
        </section>
    }
}

#[component]
fn Runs(id: String, runs: RunsPage) -> impl IntoView {
    let t = use_locale();
    let RunsPage { items, next } = runs;
    if items.is_empty() {
        return view! {
            <EmptyState glyph=Glyph::Box title=t.say("No runs yet", "Noch keine Läufe")>
                <p>
                    {t.say(
                        "Each run is listed here with its result.",
                        "Hier steht jeder Lauf mit seinem Ergebnis.",
                    )}
                </p>
            </EmptyState>
        }
        .into_any();
    }
    let rows = items
        .into_iter()
        .map(|run| view! { <RunRow run /> })
        .collect_view();
    view! {
        <DataTable
            class="table settings-table"
            testid="runs"
            caption=t.say("Runs, newest first", "Läufe, neueste zuerst")
            heads=vec![
                t.say("Time", "Zeit"),
                t.say("Cause", "Anlass"),
                t.say("Result", "Ergebnis"),
                t.say("Products", "Produkte"),
                t.say("Duration", "Dauer"),
            ]
        >
            {rows}
        </DataTable>
        <OlderEntries path=format!("/sources/{id}") after=next text=t.say("Older runs", "Ältere Läufe") />
    }
    .into_any()
}

#[component]
fn RunRow(run: SourceRun) -> impl IntoView {
    let t = use_locale();
    let products = run.processed_products.map(|done| {
        let failed = run.failed_products.filter(|failed| *failed > 0);
        let failed = failed.map(|failed| {
            let words = t.say_of("failed", "fehlgeschlagen", failed);
            view! { <span class="settings-email">{t.count(failed)} " " {words}</span> }
        });
        view! { {t.count(done)} {failed} }
    });
    view! {
        <tr role="row" data-testid="run-row">
            <th role="rowheader" scope="row">
                <Moment at=run.started_at />
            </th>
            <td role="cell" data-label=t.say("Cause", "Anlass")>{run.cause.title(t)}</td>
            <td role="cell">
                <RunResult run=run.clone() />
            </td>
            <td role="cell" data-label=t.say("Products", "Produkte")>{products}</td>
            <td role="cell" data-label=t.say("Duration", "Dauer")>
                {run.took().map(format::duration)}
            </td>
        </tr>
    }
}
