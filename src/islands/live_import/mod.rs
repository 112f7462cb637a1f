//! The live part of an import's page.

mod announcement;
mod card;
mod connection_line;
mod headline;
mod notify;
mod pace;
mod place;
mod progress_notes;
mod state;
mod tab_icon;
mod throughput;

use leptos::prelude::*;

pub(crate) use self::card::ProgressCard;
pub(crate) use self::state::{ImportState, title};
use self::{notify::NotifyButton, place::Place, state::use_state};
#[cfg(feature = "ssr")]
pub(crate) use self::{place::Places, tab_icon::ORIGINAL as TAB_ICON};
use super::parts::{crumbs::Crumbs, locale::use_locale, status_badge::StatusBadge};

/// ID of the details below the progress.
pub(crate) const DETAILS: &str = "import-details";
/// ID of the actions in the head of the page.
pub(crate) const ACTIONS: &str = "import-actions";
/// ID of the result and next steps in the card.
pub(crate) const OUTCOME: &str = "import-outcome";
/// Sections that are always rendered by the server.
const PARTS: [&str; 3] = [ACTIONS, OUTCOME, DETAILS];

/// Shows an import from its newest snapshot on, around the server's sections (`children`).
#[island]
pub(crate) fn LiveImport(
    state: ImportState,
    /// The server's sections.
    children: Children,
) -> impl IntoView {
    let t = use_locale();
    let id = state.job.id.clone();
    let filename = state.job.filename.clone();
    let state::LiveState {
        job,
        live,
        stage,
        subject,
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
    view! {
        <header class="page-head">
            <Crumbs path="/imports" name=t.say("Imports", "Importe") />
            <div class="page-title">
                <h1 class="filename" translate="no">
                    {filename.clone()}
                </h1>
                <StatusBadge status=live.status stage />
                <div class="head-actions">
                    <NotifyButton
                        progress=live.progress
                        status=live.status
                        cancelled
                        filename=Signal::stored(filename.clone())
                        id=Some(id.clone())
                    />
                    <Place id=ACTIONS />
                </div>
            </div>
        </header>
        <ProgressCard
            live
            filename=Signal::stored(filename)
            created_at
            updated_at=Signal::derive(move || Some(job.with(|job| job.updated_at)))
            id
            stage
            subject
            cancelled
        />
        {children()}
    }
}
