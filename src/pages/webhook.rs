//! One webhook and its deliveries.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use server_fn::ServerFn;

use super::{
    import_details::Fact,
    not_found::{Missing, NotFound},
    query,
};
use crate::{
    api::webhooks::{DeleteWebhook, EnableWebhook, Redeliver, TestWebhook, webhook_state},
    components::{
        crumbs::Crumbs,
        data_table::DataTable,
        form::{ActionForm, ConfirmedForm},
        moment::{Due, Moment, WrittenTime},
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        pagination::OlderEntries,
        settings_nav::SettingsNav,
        webhook::{DeliveryResult, event_names, host_of},
    },
    islands::parts::{icons::Glyph, locale::use_locale},
    model::{
        base_path::{address, escape},
        error::ApiError,
        webhook::{DeliveriesPage, Delivery, DeliveryState, Webhook, WebhookState},
    },
};

#[component]
pub(crate) fn WebhookPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id"));
    let id = id.unwrap_or_default();
    let after = query::value("after");
    Suspend::new(async move {
        match webhook_state(id.clone(), after).await {
            Ok(state) => view! { <WebhookDetails state /> }.into_any(),
            Err(ApiError::NotFound) => view! { <NotFound what=Missing::Page /> }.into_any(),
            Err(error) => view! {
                <PageTitle text="Webhook" />
                <h1>"Webhook"</h1>
                <ErrorNotice error here=format!("/webhooks/{id}") />
            }
            .into_any(),
        }
    })
}

#[component]
fn WebhookDetails(state: WebhookState) -> impl IntoView {
    let t = use_locale();
    let WebhookState {
        webhook,
        deliveries,
    } = state;
    let host = host_of(&webhook.url);
    let id = webhook.id.clone();
    view! {
        <PageTitle text=format!("Webhook {host}") />
        <header class="page-head">
            <Crumbs path="/webhooks" name="Webhooks" />
            <div class="page-title">
                <h1 class="filename" translate="no">
                    {host}
                </h1>
            </div>
        </header>
        <SettingsNav />
        <Overview webhook />
        <section class="card card-flush" aria-labelledby="deliveries-title">
            <header class="card-head">
                <h2 id="deliveries-title">{t.say("Deliveries", "Zustellungen")}</h2>
            </header>
            <Deliveries id deliveries />
        </section>
    }
}

#[component]
fn Overview(webhook: Webhook) -> impl IntoView {
    let t = use_locale();
    let Webhook {
        id,
        url,
        description,
        events,
        enabled,
        created_at,
    } = webhook;
    let id = StoredValue::new(id);
    let hidden = move || view! { <input type="hidden" name="id" value=id.get_value() /> };
    let (state, turn) = if enabled {
        (t.say("On", "An"), t.say("Turn off", "Ausschalten"))
    } else {
        (t.say("Off", "Aus"), t.say("Turn on", "Einschalten"))
    };
    let note = (!description.is_empty())
        .then(|| view! { <Fact name=t.say("Note", "Notiz")>{description}</Fact> });
    view! {
        <section class="card overview" aria-labelledby="webhook-title">
            <header class="card-head">
                <h2 id="webhook-title">{t.say("Overview", "Überblick")}</h2>
            </header>
            <dl>
                <Fact name="URL">
                    <span class="code">{url}</span>
                </Fact>
                <Fact name=t.say("Status", "Status")>
                    <span data-testid="webhook-status">{state}</span>
                </Fact>
                <Fact name=t.say("Events", "Ereignisse")>{event_names(t, &events)}</Fact>
                {note}
                <Fact name=t.say("Created", "Erstellt")>
                    <WrittenTime at=created_at />
                </Fact>
            </dl>
            <div class="webhook-actions">
                <ActionForm action=TestWebhook::url()>
                    {hidden()}
                    <button class="button">{t.say("Send a test", "Test senden")}</button>
                </ActionForm>
                <ActionForm action=EnableWebhook::url()>
                    {hidden()}
                    <input type="hidden" name="enabled" value=(!enabled).to_string() />
                    <button class="button">{turn}</button>
                </ActionForm>
                <ConfirmedForm
                    action=DeleteWebhook::url()
                    label=t.say("Delete…", "Löschen…")
                    question=t.say(
                        "Its log is deleted, and pending deliveries are not sent.",
                        "Das Protokoll wird gelöscht; ausstehende Zustellungen werden nicht gesendet.",
                    )
                    confirm=t.say("Delete webhook", "Webhook löschen")
                >
                    {hidden()}
                </ConfirmedForm>
            </div>
        </section>
    }
}

#[component]
fn Deliveries(id: String, deliveries: DeliveriesPage) -> impl IntoView {
    let t = use_locale();
    let DeliveriesPage { items, next } = deliveries;
    if items.is_empty() {
        return view! {
            <EmptyState
                glyph=Glyph::Box
                title=t.say("No deliveries yet", "Noch keine Zustellungen")
            >
                <p>
                    {t.say(
                        "Send a test to check that your endpoint responds.",
                        "Sende einen Test, um zu prüfen, ob dein Endpunkt antwortet.",
                    )}
                </p>
            </EmptyState>
        }
        .into_any();
    }
    let rows = items
        .into_iter()
        .map(|delivery| view! { <DeliveryRow id=id.clone() delivery /> })
        .collect_view();
    view! {
        <DataTable
            class="table settings-table"
            testid="deliveries"
            caption=t.say("Deliveries, newest first", "Zustellungen, neueste zuerst")
            heads=vec![
                t.say("Event", "Ereignis"),
                t.say("Result", "Ergebnis"),
                t.say("Attempts", "Versuche"),
                t.say("Time", "Zeit"),
            ]
            actions=t.say("Send again", "Noch einmal senden")
        >
            {rows}
        </DataTable>
        <OlderEntries path=format!("/webhooks/{id}") after=next text=t.say("Older deliveries", "Ältere Zustellungen") />
    }
    .into_any()
}

#[component]
fn DeliveryRow(id: String, delivery: Delivery) -> impl IntoView {
    let t = use_locale();
    let import = delivery.job.as_ref().map(|job| {
        let href = address(&format!("/imports/{}", escape(job)));
        view! {
            " "
            <a href=href>{t.say("Import", "Import")}</a>
        }
    });
    let next = delivery
        .next_at
        .filter(|_| delivery.attempts > 0)
        .map(|at| {
            view! {
                <span class="settings-email">
                    <Due at before=t.say("Next attempt ", "Nächster Versuch ") />
                </span>
            }
        });
    let label = if delivery.state == DeliveryState::Waiting {
        t.say("Send now", "Jetzt senden")
    } else {
        t.say("Send again", "Noch einmal senden")
    };
    view! {
        <tr role="row" data-testid="delivery-row">
            <th role="rowheader" scope="row">
                <span class="code">{delivery.event.clone()}</span>
                {import}
            </th>
            <td role="cell">
                <DeliveryResult delivery=delivery.clone() />
                {next}
            </td>
            <td role="cell">
                <span class="delivery-label">{t.say("Attempts: ", "Versuche: ")}</span>
                {t.count(delivery.attempts)}
            </td>
            <td role="cell">
                <Moment at=delivery.created_at />
            </td>
            <td role="cell" class="settings-actions">
                <ActionForm action=Redeliver::url()>
                    <input type="hidden" name="id" value=id />
                    <input type="hidden" name="delivery" value=delivery.id />
                    <button class="button button-quiet">{label}</button>
                </ActionForm>
            </td>
        </tr>
    }
}
