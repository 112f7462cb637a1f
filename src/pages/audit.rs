//! The audit log.

use leptos::prelude::*;

use super::query;
use crate::{
    api::audit::audit_log,
    components::{
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
            view! {
                <tr role="row" data-testid="audit-row">
                    <td role="cell" class="audit-at">
                        <WrittenTime at=event.at />
                    </td>
                    <th role="rowheader" scope="row">{event.actor}</th>
                    <td role="cell" class="audit-what">
                        {event.action.words(t)} " " {event.subject}
                    </td>
                    <td role="cell" class="code">{event.address}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="table settings-table" role="table" data-testid="audit">
            <caption class="visually-hidden">
                {t.say("Events, newest first", "Ereignisse, neueste zuerst")}
            </caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">{t.say("Time", "Zeit")}</th>
                    <th role="columnheader" scope="col">{t.say("User", "Benutzer")}</th>
                    <th role="columnheader" scope="col">{t.say("Event", "Ereignis")}</th>
                    <th role="columnheader" scope="col">{t.say("IP address", "IP-Adresse")}</th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
        <Pagination
            position=Position { page, pages, total, has_more }
            noun=Noun::Event
            href=|page| format!("/audit?page={page}")
        />
    }
}
