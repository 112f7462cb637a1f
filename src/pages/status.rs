//! How the server is, for whom it belongs to.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Title;

use super::import_details::Fact;
use crate::{
    api::{
        ApiError,
        progress::UpstreamState,
        status::{ImportCounts, ServerStatus, server_status},
    },
    components::{format, notice::ErrorNotice, settings_nav::SettingsNav, skeleton::CardSkeleton},
};

/// How often it is asked for again.
const REFRESH: Duration = Duration::from_secs(5);

/// The page that says how the server is.
#[component]
pub(crate) fn StatusPage() -> impl IntoView {
    let status = Resource::new_blocking(|| (), |()| server_status());
    Effect::new(move |_| {
        if status.with(|status| matches!(status, Some(Ok(_))))
            && let Ok(timeout) = set_timeout_with_handle(move || status.refetch(), REFRESH)
        {
            on_cleanup(move || timeout.clear());
        }
    });
    view! {
        <Title text="Status" />
        <h1>"Status"</h1>
        <SettingsNav />
        <Transition fallback=CardSkeleton>
            {move || Suspend::new(async move {
                match status.await {
                    Ok(status) => view! { <Status status /> }.into_any(),
                    Err(ApiError::NotFound) => {
                        super::set_not_found_status();
                        view! { <p>"Only the owner of this installation sees how it is."</p> }
                            .into_any()
                    }
                    Err(error) => view! { <ErrorNotice error here="/status" /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Status(status: ServerStatus) -> impl IntoView {
    let ImportCounts {
        pending,
        success,
        partial_success,
        error,
    } = status.imports;
    view! {
        <section class="card overview" aria-labelledby="monitor-title">
            <header class="card-head">
                <h2 id="monitor-title">"Price monitor"</h2>
            </header>
            <dl>
                <Fact name="Where">{status.monitor}</Fact>
                <Fact name="Connection">
                    <span data-testid="upstream">{connection(status.upstream)}</span>
                </Fact>
                <Fact name="Viewers">
                    <span data-testid="viewers">{format::count(status.viewers)}</span>
                </Fact>
                <Fact name="Imports followed">{format::count(status.followed_jobs)}</Fact>
            </dl>
        </section>
        <section class="card overview" aria-labelledby="imports-title">
            <header class="card-head">
                <h2 id="imports-title">"Imports of everybody"</h2>
            </header>
            <dl>
                <Fact name="Running">{format::count(pending)}</Fact>
                <Fact name="Successful">
                    <span data-testid="successful">{format::count(success)}</span>
                </Fact>
                <Fact name="Partly successful">{format::count(partial_success)}</Fact>
                <Fact name="Failed">{format::count(error)}</Fact>
            </dl>
        </section>
        <section class="card overview" aria-labelledby="server-title">
            <header class="card-head">
                <h2 id="server-title">"This server"</h2>
            </header>
            <dl>
                <Fact name="Version">{status.version}</Fact>
                <Fact name="Running for">{format::duration(status.uptime)}</Fact>
                <Fact name="Memory">{format::bytes(status.memory)}</Fact>
                <Fact name="Database">{status.database}</Fact>
            </dl>
        </section>
    }
}

fn connection(state: UpstreamState) -> &'static str {
    match state {
        UpstreamState::Connecting => "Made when somebody watches",
        UpstreamState::Connected => "Connected",
        UpstreamState::Polling => "Down: asked every few seconds instead",
        UpstreamState::Refused => "Refused: the key is not accepted",
    }
}
