//! The live import behind a link.

use leptos::{prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize};

use super::{
    live_import::{CardFoot, DETAILS, ProgressCard, use_pace},
    page::{FreshPage, content_of},
    parts::{
        locale::use_locale,
        status_badge::{Stage, StatusBadge},
    },
};
use crate::{
    hooks::use_progress_stream,
    model::{
        job::{ImportProgress, ProgressEvent},
        share_link::SharedImport,
    },
};

/// The initial state of an import behind a link.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct SharedState {
    pub(crate) import: SharedImport,
    /// Path of the page.
    pub(crate) path: String,
    /// URL of the stream.
    pub(crate) stream: String,
}

/// Shows an import, and below it the server's part (`children`), which is updated after the end.
#[island]
pub(crate) fn LiveShared(state: SharedState, children: Children) -> impl IntoView {
    let t = use_locale();
    let SharedState {
        import,
        path,
        stream,
    } = state;
    let (created_at, mode) = (import.created_at, import.mode);
    let known = ProgressEvent {
        processed_products: import.progress.processed_products,
        failed_products: import.progress.failed_products,
        total_products: import.progress.total_products,
        status: import.status,
        error: import.error,
        mode,
        completed_at: import.completed_at,
        ..ProgressEvent::default()
    };
    let live = use_progress_stream(known, stream);
    let pace = use_pace(live.progress);
    let cancelled = Signal::derive(move || live.is_cancelled());
    let stage = Signal::derive(move || {
        let begun = live.progress.with(ImportProgress::has_begun);
        Stage::of(live.status.get(), begun, None, cancelled.get()).in_mode(mode)
    });
    let is_over = Memo::new(move |_| live.status.get().is_final());
    Effect::new(move |before: Option<bool>| {
        let is_over = is_over.get();
        if before == Some(false) && is_over {
            spawn_local(async {
                if let Some(page) = FreshPage::fetch().await {
                    page.show(DETAILS, &mut content_of(DETAILS));
                }
            });
        }
        is_over
    });
    view! {
        <header class="page-head">
            <div class="page-title">
                <h1>{t.say("Product import", "Produktimport")}</h1>
                <StatusBadge status=live.status stage />
            </div>
        </header>
        <ProgressCard
            live
            filename=Signal::stored(t.say("products", "Produkten").to_owned())
            created_at=Signal::stored(created_at)
            stage
            mode
            pace
            here=path.clone()
        >
            <CardFoot live mode cancelled pace here=path />
        </ProgressCard>
        {children()}
    }
}
