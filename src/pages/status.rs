//! The state of the server, for owners.

use leptos::prelude::*;

use super::import_details::Fact;
use crate::{
    api::status::server_status,
    components::{
        hour_chart::HourChart, notice::ErrorNotice, page_title::PageTitle,
        settings_nav::SettingsNav,
    },
    i18n::locale::Locale,
    islands::{
        FreshSection,
        parts::{format, locale::use_locale},
    },
    model::{
        error::ApiError,
        progress::UpstreamState,
        status::{ImportCounts, Minute, ReportSource, ServerStatus, UpstreamProblem},
    },
};

/// Seconds between updates.
const REFRESH: u64 = 5;
/// ID of the section that is updated.
const STATUS: &str = "server-status";

#[component]
pub(crate) fn StatusPage() -> impl IntoView {
    let t = use_locale();
    let status = Suspend::new(async move {
        match server_status().await {
            Ok(status) => view! {
                <div id=STATUS class="page-part">
                    <Status status />
                </div>
                <FreshSection id=STATUS.to_owned() seconds=REFRESH />
            }
            .into_any(),
            Err(ApiError::NotFound) => {
                super::set_not_found_status();
                view! { <p>
                    {t.say(
                        "Only the owner can view server status.",
                        "Nur der Inhaber kann den Serverstatus sehen.",
                    )}
                </p> }
                .into_any()
            }
            Err(error) => view! { <ErrorNotice error here="/status" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=t.say("Status", "Status") />
        <h1>{t.say("Status", "Status")}</h1>
        <SettingsNav />
        {status}
    }
}

#[component]
fn Status(status: ServerStatus) -> impl IntoView {
    let t = use_locale();
    let ImportCounts {
        pending,
        success,
        partial_success,
        error,
    } = status.imports;
    let monitor = status
        .monitor
        .unwrap_or_else(|| t.say("Embedded", "Eingebaut").to_owned());
    let hour = |value: fn(&Minute) -> u64| status.last_hour.iter().map(value).collect::<Vec<_>>();
    let [viewers, events, ended] = [
        hour(|minute| minute.viewers),
        hour(|minute| minute.events),
        hour(|minute| minute.imports),
    ];
    view! {
        <section class="card" aria-labelledby="hour-title">
            <header class="card-head">
                <h2 id="hour-title">{t.say("Last hour", "Letzte Stunde")}</h2>
            </header>
            <div class="hours">
                <HourChart id="hour-viewers" name=t.say("Viewers", "Personen, die zusehen") values=viewers />
                <HourChart id="hour-events" name=t.say("Events sent", "Gesendete Ereignisse") values=events />
                <HourChart id="hour-imports" name=t.say("Imports finished", "Beendete Importe") values=ended />
            </div>
        </section>
        <section class="card overview" aria-labelledby="monitor-title">
            <header class="card-head">
                <h2 id="monitor-title">{t.say("Price monitor", "Preismonitor")}</h2>
            </header>
            <dl>
                <Fact name=t.say("Address", "Adresse")>{monitor}</Fact>
                <Fact name=t.say("Connection", "Verbindung")>
                    <span data-testid="upstream">{connection(t, status.upstream)}</span>
                </Fact>
                {status.upstream_problems.into_iter().map(|problem| view! {
                    <Fact name=t.say("Problem", "Problem")>
                        <span data-testid="upstream-problem">{problem_text(t, &problem)}</span>
                    </Fact>
                }).collect_view()}
                <Fact name=t.say("Viewers", "Personen, die zusehen")>
                    <span data-testid="viewers">{t.count(status.viewers)}</span>
                </Fact>
                <Fact name=t.say("Tracked imports", "Verfolgte Importe")>{t.count(status.followed_jobs)}</Fact>
            </dl>
        </section>
        <section class="card overview" aria-labelledby="imports-title">
            <header class="card-head">
                <h2 id="imports-title">{t.say("All imports", "Alle Importe")}</h2>
            </header>
            <dl>
                <Fact name=t.say("In progress", "In Arbeit")>{t.count(pending)}</Fact>
                {status.waits_for_room.then(|| view! {
                    <Fact name=t.say("Problem", "Problem")>
                        <span data-testid="waits-for-room">
                            {t.say(
                                "The disk is full. Imports wait until there is free space.",
                                "Die Festplatte ist voll. Importe warten, bis wieder Platz ist.",
                            )}
                        </span>
                    </Fact>
                })}
                <Fact name=t.say("Imported", "Importiert")>
                    <span data-testid="successful">{t.count(success)}</span>
                </Fact>
                <Fact name=t.say("Completed with errors", "Mit Fehlern abgeschlossen")>{t.count(partial_success)}</Fact>
                <Fact name=t.say("Failed", "Fehlgeschlagen")>{t.count(error)}</Fact>
            </dl>
        </section>
        <section class="card overview" aria-labelledby="server-title">
            <header class="card-head">
                <h2 id="server-title">{t.say("This server", "Dieser Server")}</h2>
            </header>
            <dl>
                <Fact name=t.say("Version", "Version")>{status.version}</Fact>
                <Fact name=t.say("Uptime", "Laufzeit")>{format::duration(status.uptime)}</Fact>
                <Fact name=t.say("Memory", "Arbeitsspeicher")>{t.bytes(status.memory)}</Fact>
                {status.disk_free.map(|free| view! {
                    <Fact name=t.say("Free disk space", "Freier Speicherplatz")>{t.bytes(free)}</Fact>
                })}
                <Fact name=t.say("Database", "Datenbank")>{status.database}</Fact>
            </dl>
        </section>
    }
}

fn problem_text(t: Locale, problem: &UpstreamProblem) -> String {
    match problem {
        UpstreamProblem::OldSocketIo => t
            .say(
                "It uses Socket.IO 2 or older; version 3 or later is required. Using REST polling instead.",
                "Er verwendet Socket.IO 2 oder älter; nötig ist Version 3 oder neuer. Stattdessen wird \
                er per REST abgefragt.",
            )
            .to_owned(),
        UpstreamProblem::UnknownNamespace(namespace) => t
            .say(
                "It has no Socket.IO namespace {}. Using the default namespace.",
                "Er hat keinen Socket.IO-Namespace {}. Der Standard-Namespace wird verwendet.",
            )
            .replace("{}", namespace),
        UpstreamProblem::Rejected(words) => t
            .say("It rejected the socket connection: {}", "Er hat die Socket-Verbindung abgelehnt: {}")
            .replace("{}", words),
        UpstreamProblem::UnknownFields { source, fields } => {
            let whose = match source {
                ReportSource::Events => t.say("Its events", "Seine Ereignisse"),
                ReportSource::Answers => t.say(
                    "Its progress responses",
                    "Seine Fortschrittsantworten",
                ),
            };
            let fields = match fields.is_empty() {
                true => t.say("none", "keine").to_owned(),
                false => fields.join(", "),
            };
            t.fill(
                "{whose} contain none of the fields listed in docs/protocol.md, so progress can't \
                     be shown. Fields received: {fields}.",
                "{whose} enthalten keines der Felder aus docs/protocol.md, daher kann kein \
                     Fortschritt angezeigt werden. Empfangene Felder: {fields}.",
                &[("whose", whose), ("fields", &fields)],
            )}
    }
}

fn connection(t: Locale, state: UpstreamState) -> &'static str {
    match state {
        UpstreamState::Connecting => t.say("Idle", "Inaktiv"),
        UpstreamState::Connected => t.say("Connected", "Verbunden"),
        UpstreamState::Polling => t.say("Disconnected, polling", "Getrennt, wird abgefragt"),
        UpstreamState::Refused => t.say(
            "Rejected: invalid API key",
            "Abgelehnt: ungültiger API-Schlüssel",
        ),
    }
}
