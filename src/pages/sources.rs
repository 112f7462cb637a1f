//! The list of sources.

use leptos::prelude::*;

use crate::{
    api::sources::sources_state,
    components::{
        crumbs::Crumbs,
        data_table::DataTable,
        moment::{Due, Moment},
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        source::{RunResult, schedule_words},
        webhook::host_of,
    },
    islands::parts::{icons::Glyph, locale::use_locale},
    model::{
        base_path::address,
        source::{Source, SourceKind, SourceRun},
    },
};

#[component]
pub(crate) fn SourcesPage() -> impl IntoView {
    let t = use_locale();
    let title = t.say("Sources", "Quellen");
    let list = Suspend::new(async {
        match sources_state().await {
            Ok(state) => view! { <SourcesTable sources=state.sources /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/sources" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=title />
        <header class="page-head sources-head">
            <h1>{title}</h1>
            <a class="button button-primary" href=address("/sources/new") data-testid="new-source">
                {t.say("New source", "Neue Quelle")}
            </a>
        </header>
        <section class="card card-flush" aria-label=title>
            {list}
        </section>
    }
}

#[component]
fn SourcesTable(sources: Vec<(Source, Option<SourceRun>)>) -> impl IntoView {
    let t = use_locale();
    if sources.is_empty() {
        return view! {
            <EmptyState glyph=Glyph::Box title=t.say("No sources yet", "Noch keine Quellen")>
                <p>
                    {t.say(
                        "A source fetches product files from a URL on a schedule and imports them when they change.",
                        "Eine Quelle ruft Produktdateien nach einem Zeitplan von einer URL ab und importiert sie, wenn sie sich geändert haben.",
                    )}
                </p>
            </EmptyState>
        }
        .into_any();
    }
    let rows = sources
        .into_iter()
        .map(|(source, newest)| view! { <SourceRow source newest /> })
        .collect_view();
    view! {
        <DataTable
            class="table settings-table"
            testid="sources"
            caption=t.say("Sources by name", "Quellen nach Namen")
            heads=vec![t.say("Source", "Quelle"), t.say("Schedule", "Zeitplan"), t.say("Last run", "Letzter Lauf")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

#[component]
fn SourceRow(source: Source, newest: Option<SourceRun>) -> impl IntoView {
    let t = use_locale();
    let last = match newest {
        Some(run) => {
            let at = run.started_at;
            view! {
                <RunResult run />
                <span class="settings-email">
                    <Moment at />
                </span>
            }
            .into_any()
        }
        None => t.say("None yet", "Noch keiner").into_any(),
    };
    let place = match source.kind {
        SourceKind::Address => host_of(&source.address),
        SourceKind::Upload => t.say("Upload", "Upload").to_owned(),
    };
    let paused = (!source.enabled && source.schedule.is_some())
        .then(|| view! { <span class="chip">{t.say("Paused", "Angehalten")}</span> });
    let next = source.due_at.map(|at| {
        view! {
            <span class="settings-email">
                <Due at before=t.say("Next ", "Nächster ") />
            </span>
        }
    });
    view! {
        <tr role="row" data-testid="source-row">
            <th role="rowheader" scope="row">
                <a href=address(&format!("/sources/{}", source.id)) translate="no">
                    {source.name.clone()}
                </a>
                " "
                {paused}
                <span class="settings-email" translate="no">
                    {place}
                </span>
            </th>
            <td role="cell" data-label=t.say("Schedule", "Zeitplan")>
                {schedule_words(t, source.schedule.as_ref())}
                {next}
            </td>
            <td role="cell" data-label=t.say("Last run", "Letzter Lauf")>{last}</td>
        </tr>
    }
}

/// The link back to the sources.
#[component]
pub(super) fn SourcesCrumb() -> impl IntoView {
    let t = use_locale();
    view! {
        <Crumbs path="/sources" name=t.say("Sources", "Quellen") />
    }
}
