//! The live parts of an import's page: an island that follows the import, and islands within it that show it. Each is
//! hydrated in a task of its own.

mod announcement;
mod card;
mod connection_line;
mod headline;
mod notify;
mod pace;
mod progress_notes;
mod state;
mod tab_icon;
mod throughput;

use leptos::prelude::*;

#[cfg(all(feature = "ssr", feature = "styleguide"))]
pub(crate) use self::pace::Pace;
#[cfg(feature = "ssr")]
pub(crate) use self::tab_icon::ORIGINAL as TAB_ICON;
pub(crate) use self::{
    card::{CardFoot, ProgressCard},
    pace::use_pace,
    state::{ImportState, title},
};
use self::{
    notify::NotifyButton,
    state::{LiveState, use_state},
};
use super::parts::{locale::use_locale, status_badge::StatusBadge};

/// ID of the details below the progress.
pub(crate) const DETAILS: &str = "import-details";
/// ID of the actions in the head of the page.
pub(crate) const ACTIONS: &str = "import-actions";
/// ID of the result and next steps in the card.
pub(crate) const OUTCOME: &str = "import-outcome";
/// Sections that are always rendered by the server.
const PARTS: [&str; 3] = [ACTIONS, OUTCOME, DETAILS];

/// Follows an import from its newest snapshot on, for the islands in `children`. [`LiveFoot`] is the last of them.
#[island]
pub(crate) fn LiveImport(state: ImportState, children: Children) -> impl IntoView {
    let t = use_locale();
    let state = use_state(state);
    provide_context(state);
    Effect::new(move |_| {
        let filename = state.filename.get();
        let title = title(t, &state.live.progress.get(), state.stage.get(), &filename);
        document().set_title(&format!("{title} · Import Relay"));
    });
    children()
}

/// Shows the status.
#[island]
pub(crate) fn LiveStatus() -> impl IntoView {
    let LiveState { live, stage, .. } = expect_context();
    view! { <StatusBadge status=live.status stage /> }
}

/// Offers a notification of the end.
#[island]
pub(crate) fn LiveNotify() -> impl IntoView {
    let state: LiveState = expect_context();
    let id = state.job.with_untracked(|job| job.id.clone());
    view! {
        <NotifyButton
            progress=state.live.progress
            status=state.live.status
            mode=state.mode
            cancelled=state.cancelled
            filename=state.filename
            id=Some(id)
        />
    }
}

/// Shows the progress around the [foot](LiveFoot).
#[island]
pub(crate) fn LiveCard(children: Children) -> impl IntoView {
    let state: LiveState = expect_context();
    view! {
        <ProgressCard
            live=state.live
            filename=state.filename
            created_at=state.created_at
            stage=state.stage
            mode=state.mode
            subject=state.subject
            pace=state.pace
            here=state.here()
        >
            {children()}
        </ProgressCard>
    }
}

/// Shows the speed and notes beside the result (`children`), and starts following the import: islands that are hydrated
/// later would keep the server's values.
#[island]
pub(crate) fn LiveFoot(children: Children) -> impl IntoView {
    let state: LiveState = expect_context();
    Effect::new(move |_| state.live.open());
    view! {
        <CardFoot
            live=state.live
            updated_at=state.updated_at
            mode=state.mode
            cancelled=state.cancelled
            pace=state.pace
            here=state.here()
        >
            {children()}
        </CardFoot>
    }
}
