//! Where an import stands, in a word.

use leptos::prelude::*;

use super::icons::{Glyph, Icon};
use crate::job::ImportStatus;

/// Says where an import stands: by colour, icon and word.
#[component]
pub(crate) fn StatusBadge(
    /// Where it stands.
    #[prop(into)]
    status: Signal<ImportStatus>,
    /// Whether anything of it has been seen to happen; a pending import without is waiting.
    #[prop(into)]
    begun: Signal<bool>,
) -> impl IntoView {
    view! {
        <span class="badge" data-testid="job-status" data-status=move || status.get().as_str()>
            <Icon glyph=Signal::derive(move || glyph(status.get(), begun.get())) />
            {move || word(status.get(), begun.get())}
        </span>
    }
}

/// Returns the word for where an import stands.
pub(crate) fn word(status: ImportStatus, begun: bool) -> &'static str {
    match status {
        ImportStatus::Pending if begun => "Importing",
        ImportStatus::Pending => "Waiting",
        ImportStatus::Success => "Imported",
        ImportStatus::PartialSuccess => "Partly imported",
        ImportStatus::Error => "Failed",
    }
}

fn glyph(status: ImportStatus, begun: bool) -> Glyph {
    match status {
        ImportStatus::Pending if begun => Glyph::Spinner,
        ImportStatus::Pending => Glyph::Clock,
        ImportStatus::Success => Glyph::Check,
        ImportStatus::PartialSuccess => Glyph::Alert,
        ImportStatus::Error => Glyph::Cross,
    }
}
