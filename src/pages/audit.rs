//! The audit log.

use leptos::prelude::*;

use super::query;
use crate::{
    api::audit::audit_log,
    components::{
        data_table::DataTable,
        moment::WrittenTime,
        notice::ErrorNotice,
        page_title::PageTitle,
        pagination::{Pagination, Position},
        settings_nav::SettingsNav,
    },
    islands::parts::{format::Noun, locale::use_locale},
    model::{audit::AuditEvent, page::Page},
};

#[component]
pub(crate) fn AuditPage() -> impl IntoView {
    let t = use_locale();
    let page = query::page();
    let events = Suspend::new(async move {
        match audit_log(page).await {
            Ok(page) => view! { <Events page /> }.into_any(),
            Err(error) => view! { <ErrorNotice error here="/audit" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=t.say("Audit log", "Protokoll") />
        <h1>{t.say("Audit log", "Protokoll")}</h1>
        <SettingsNav />
        <section class="card card-flush" aria-label=t.say("Events", "Ereignisse")>
            {events}
        </section>
    }
}

#[component]
fn Events(page: Page<AuditEvent>) -> impl IntoView {
    let t = use_locale();
    let Page {
        items,
        page,
        pages,
        total,
        has_more,
    } = page;
    let rows = items
        .into_iter()
        .map(|event| {
            let subject = event.subject_words(t);
            view! {
                <tr role="row" data-testid="audit-row">
                    <td role="cell" class="audit-at">
                        <WrittenTime at=event.at />
                    </td>
                    <th role="rowheader" scope="row">{event.actor}</th>
                    <td role="cell" class="audit-what">
                        {event.action.words(t)} " " {subject}
                    </td>
                    <td role="cell" class="code audit-address">{event.address}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <DataTable
            class="table settings-table"
            testid="audit"
            caption=t.say("Events, newest first", "Ereignisse, neueste zuerst")
            heads=vec![
                t.say("Time", "Zeit"),
                t.say("User", "Benutzer"),
                t.say("Action", "Aktion"),
                t.say("IP address", "IP-Adresse"),
            ]
        >
            {rows}
        </DataTable>
        <Pagination
            position=Position { page, pages, total, has_more }
            noun=Noun::Event
            href=|page| format!("/audit?page={page}")
        />
    }
}
