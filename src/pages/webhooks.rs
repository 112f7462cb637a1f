//! The list of webhooks.

use leptos::prelude::*;
use server_fn::ServerFn;

use crate::{
    api::webhooks::{CreateWebhook, webhooks_state},
    components::{
        data_table::DataTable,
        form::{ActionForm, Field, FormError, ShownOnce, Submit, refused},
        moment::Moment,
        notice::{EmptyState, ErrorNotice},
        page_title::PageTitle,
        settings_nav::SettingsNav,
        webhook::{DeliveryResult, event_names, host_of},
    },
    islands::parts::{icons::Glyph, locale::use_locale},
    model::{
        base_path::address,
        secret::Secret,
        webhook::{Delivery, ImportEvent, Webhook, WebhooksState},
    },
};

#[component]
pub(crate) fn WebhooksPage() -> impl IntoView {
    let state = Suspend::new(async {
        match webhooks_state().await {
            Ok(state) => view! { <Webhooks state /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/webhooks" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text="Webhooks" />
        <h1>"Webhooks"</h1>
        <SettingsNav />
        {state}
    }
}

#[component]
fn Webhooks(state: WebhooksState) -> impl IntoView {
    let t = use_locale();
    let WebhooksState {
        webhooks,
        fresh,
        available,
    } = state;
    let secret = fresh.map(Secret::into_exposed);
    view! {
        <ShownOnce
            what=t.say(
                "Copy the signing secret now. It won't be shown again.",
                "Kopiere das Signaturgeheimnis jetzt. Es wird nicht noch einmal angezeigt.",
            )
            secret
        />
        {if available {
            view! { <CreateForm /> }.into_any()
        } else {
            view! {
                <p class="settings-note" data-testid="no-encryption-key">
                    {t.say(
                        "To create webhooks, set ENCRYPTION_KEY on the server.",
                        "Um Webhooks zu erstellen, setze ENCRYPTION_KEY auf dem Server.",
                    )}
                </p>
            }
                .into_any()
        }}
        <section class="card card-flush" aria-labelledby="webhooks-title">
            <header class="card-head">
                <h2 id="webhooks-title">{t.say("Your webhooks", "Deine Webhooks")}</h2>
            </header>
            <WebhooksTable webhooks />
        </section>
    }
}

#[component]
fn CreateForm() -> impl IntoView {
    let t = use_locale();
    let form = refused::<CreateWebhook>();
    let events = ImportEvent::ALL.into_iter().enumerate();
    let events = events
        .map(|(index, event)| {
            let name = format!("events[{index}]");
            let checked = form.has(&name, event.as_str(), event != ImportEvent::Started);
            view! {
                <label class="upload-check">
                    <input
                        type="checkbox"
                        name=name
                        value=event.as_str()
                        checked=checked
                    />
                    {event.title(t)}
                    <span class="code">{event.as_str()}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <section class="card settings-card" aria-labelledby="new-webhook-title">
            <header class="card-head">
                <h2 id="new-webhook-title">{t.say("New webhook", "Neuer Webhook")}</h2>
            </header>
            <p class="settings-note">
                {t.say(
                    "Events of imports are sent to your URL as JSON, signed in the ",
                    "Ereignisse von Importen gehen an deine URL: als JSON, signiert nach ",
                )} <a href="https://www.standardwebhooks.com" rel="noreferrer">
                    "Standard Webhooks"
                </a> {t.say(" form.", ".")}
            </p>
            <ActionForm action=CreateWebhook::url()>
                <FormError error=form.error.clone() />
                <div class="settings-row">
                    <Field
                        name="url"
                        label="URL"
                        kind="url"
                        autocomplete="off"
                        value=form.value("url")
                    />
                    <Field
                        name="description"
                        label=t.say("Note", "Notiz")
                        kind="text"
                        autocomplete="off"
                        optional=true
                        value=form.value("description")
                    />
                </div>
                <fieldset class="webhook-events">
                    <legend>{t.say("Events", "Ereignisse")}</legend>
                    {events}
                </fieldset>
                <Submit>{t.say("Create webhook", "Webhook erstellen")}</Submit>
            </ActionForm>
        </section>
    }
}

#[component]
fn WebhooksTable(webhooks: Vec<(Webhook, Option<Delivery>)>) -> impl IntoView {
    let t = use_locale();
    if webhooks.is_empty() {
        return view! {
            <EmptyState glyph=Glyph::Box title=t.say("No webhooks yet", "Noch keine Webhooks")>
                <p>
                    {t.say(
                        "Create a webhook to tell another system when an import ends or needs you.",
                        "Erstelle einen Webhook, um ein anderes System zu benachrichtigen, wenn ein Import endet oder dich braucht.",
                    )}
                </p>
            </EmptyState>
        }
        .into_any();
    }
    let rows = webhooks
        .into_iter()
        .map(|(webhook, newest)| view! { <WebhookRow webhook newest /> })
        .collect_view();
    view! {
        <DataTable
            class="table settings-table"
            testid="webhooks"
            caption=t.say("Webhooks, newest first", "Webhooks, neueste zuerst")
            heads=vec!["Webhook", t.say("Events", "Ereignisse"), t.say("Last delivery", "Letzte Zustellung")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

#[component]
fn WebhookRow(webhook: Webhook, newest: Option<Delivery>) -> impl IntoView {
    let t = use_locale();
    let last = match newest {
        Some(delivery) => view! {
            <DeliveryResult delivery=delivery.clone() />
            " "
            <Moment at=delivery.created_at />
        }
        .into_any(),
        None => t.say("None yet", "Noch keine").into_any(),
    };
    let off = (!webhook.enabled).then(|| view! { <span class="chip">{t.say("Off", "Aus")}</span> });
    let note = (!webhook.description.is_empty())
        .then(|| view! { <span class="settings-email">{webhook.description.clone()}</span> });
    view! {
        <tr role="row" data-testid="webhook-row">
            <th role="rowheader" scope="row">
                <a href=address(&format!("/webhooks/{}", webhook.id))>{host_of(&webhook.url)}</a>
                " "
                {off}
                {note}
            </th>
            <td role="cell" data-label=t.say("Events", "Ereignisse")>
                {event_names(t, &webhook.events)}
            </td>
            <td role="cell" data-label=t.say("Last delivery", "Letzte Zustellung")>{last}</td>
        </tr>
    }
}
