//! One import, live: what of its page changes while it runs.

mod announcement;
mod card;
mod connection_line;
mod notify;
mod pace;
mod progress_notes;
mod state;
mod tab_icon;
mod throughput;
mod timeline;

use leptos::prelude::*;

use self::state::use_state;
pub(crate) use self::state::{ImportState, title};
#[cfg(feature = "ssr")]
pub(crate) use self::tab_icon::ORIGINAL as TAB_ICON;
pub(crate) use self::{card::ProgressCard, timeline::Timeline};
use super::parts::{
    icons::{Glyph, Icon},
    locale::use_locale,
    status_badge::StatusBadge,
};
use crate::model::base_path::address;

/// The identifier of the part of the page that is the server's to render, however the import goes on.
pub(crate) const DETAILS: &str = "import-details";

/// Shows an import from its newest snapshot on, and around what the server says of it (`children`).
#[island]
pub(crate) fn LiveImport(
    /// The import as the server knows it.
    state: ImportState,
    /// What can be done with it, and what became of it.
    children: Children,
) -> impl IntoView {
    let t = use_locale();
    let id = state.job.id.clone();
    let filename = state.job.filename.clone();
    let state::LiveState {
        job,
        live,
        stage,
        queue_place,
        cancelled,
    } = use_state(state);
    Effect::new({
        let filename = filename.clone();
        move |_| {
            let title = title(t, &live.progress.get(), stage.get(), &filename);
            document().set_title(&format!("{title} · Import Relay"));
        }
    });
    let created_at = Signal::derive(move || job.with(|job| job.created_at));
    let completed_at = Signal::derive(move || job.with(|job| job.completed_at));
    view! {
        <header class="page-head">
            <nav class="crumbs" aria-label=t.say("Breadcrumb", "Navigationspfad")>
                <a href=address("/imports")>
                    <Icon glyph=Glyph::ChevronLeft />
                    {t.say("Imports", "Importe")}
                </a>
            </nav>
            <div class="page-title">
                <h1 class="filename" translate="no">
                    {filename.clone()}
                </h1>
                <StatusBadge status=live.status stage />
            </div>
        </header>
        <ProgressCard
            live
            filename=Signal::stored(filename)
            created_at
            completed_at
            updated_at=Signal::derive(move || Some(job.with(|job| job.updated_at)))
            id
            queue_place
            cancelled
        />
        {children()}
        <Timeline
            live
            created_at=job.with_untracked(|job| job.created_at)
            completed_at
            cancelled
        />
    }
}
