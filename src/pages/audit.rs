//! What was done here, for the owner to read.

use leptos::prelude::*;
use leptos_meta::Title;

use super::query::use_page;
use crate::{
    api::{
        Page,
        audit::{AuditEvent, audit_log},
    },
    components::{
        clock::LocalTime,
        notice::ErrorNotice,
        pagination::{Pagination, Position},
        settings_nav::SettingsNav,
        skeleton::RowsSkeleton,
    },
};

/// The page that lists what was done.
#[component]
pub(crate) fn AuditPage() -> impl IntoView {
    let page = use_page();
    let events = Resource::new_blocking(move || page.get(), audit_log);
    view! {
        <Title text="Audit log" />
        <h1>"Audit log"</h1>
        <SettingsNav />
        <section class="card card-flush" aria-label="What was done">
            <Transition fallback=|| view! { <RowsSkeleton rows=8 /> }>
                {move || Suspend::new(async move {
                    match events.await {
                        Ok(page) => view! { <Events page /> }.into_any(),
                        Err(error) => view! { <ErrorNotice error here="/audit" /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
}

#[component]
fn Events(page: Page<AuditEvent>) -> impl IntoView {
    let Page {
        items,
        page,
        pages,
        total,
    } = page;
    let rows = items
        .into_iter()
        .map(|event| {
            view! {
                <tr role="row" data-testid="audit-row">
                    <td role="cell" class="audit-at">
                        <LocalTime at=event.at />
                    </td>
                    <th role="rowheader" scope="row">{event.actor}</th>
                    <td role="cell" class="audit-what">
                        {event.action.words()} " " {event.subject}
                    </td>
                    <td role="cell" class="code">{event.address}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="table settings-table" role="table" data-testid="audit">
            <caption class="visually-hidden">"What was done, newest first"</caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"When"</th>
                    <th role="columnheader" scope="col">"Who"</th>
                    <th role="columnheader" scope="col">"What"</th>
                    <th role="columnheader" scope="col">"From"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
        <Pagination
            position=Position { page, pages, total }
            noun="event"
            href=|page| format!("/audit?page={page}")
        />
    }
}
