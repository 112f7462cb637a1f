//! The tab icon of a running import: a circle that fills.

use leptos::prelude::*;

use crate::{
    islands::parts::progress_bar::shown_percent,
    model::job::{ImportProgress, ImportStatus},
};

/// For a circumference of 100, so that a percent is a unit of the stroke.
const RADIUS: &str = "15.915494";

/// Shows the progress in the tab icon.
#[component]
pub(crate) fn TabIcon(
    progress: Signal<ImportProgress>,
    status: Signal<ImportStatus>,
    #[prop(optional)] cancelled: Signal<bool>,
) -> impl IntoView {
    let shown = Memo::new(move |_| {
        let percent = shown_percent(&progress.get(), status.get());
        (percent, status.get(), cancelled.get())
    });
    Effect::new(move |_| {
        let (percent, status, cancelled) = shown.get();
        set_icon(&icon(percent.unwrap_or_default(), status, cancelled));
    });
}

fn set_icon(address: &str) {
    if let Ok(Some(link)) = document().query_selector("link[rel=icon][type]") {
        // Fails only for an invalid name.
        let _ = link.set_attribute("href", address);
    }
}

/// The icon of other pages.
pub(crate) const ORIGINAL: &str = "/favicon.svg";

/// Colours of the dark theme, because an icon cannot read the style sheet.
fn icon(percent: u8, status: ImportStatus, cancelled: bool) -> String {
    let color = match status {
        ImportStatus::Error if cancelled => "%236a7688",
        ImportStatus::Pending => "%237f95ff",
        ImportStatus::Success => "%233fbf82",
        ImportStatus::PartialSuccess => "%23eebb5c",
        ImportStatus::Error => "%23ff6f6b",
    };
    let filled = if status == ImportStatus::Error {
        100
    } else {
        percent
    };
    format!(
        "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40' fill='none' \
         stroke-width='8'><circle cx='20' cy='20' r='{RADIUS}' stroke='%239aa6b8' \
         stroke-opacity='.35'/><circle cx='20' cy='20' r='{RADIUS}' stroke='{color}' \
         stroke-dasharray='{filled} 100' transform='rotate(-90 20 20)'/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_circle_fills_with_the_import_and_a_failure_fills_it_whole() {
        assert!(icon(42, ImportStatus::Pending, false).contains("stroke-dasharray='42 100'"));
        assert!(icon(42, ImportStatus::Error, false).contains("stroke-dasharray='100 100'"));
        assert!(icon(42, ImportStatus::Error, true).contains("%236a7688"));
        assert!(
            !icon(42, ImportStatus::Pending, false).contains('#'),
            "it would end the address"
        );
    }
}
