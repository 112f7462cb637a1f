//! Icons: inline, of one stroke width, hidden from screen readers.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(not(feature = "ssr"), allow(dead_code))] // some are of the server's pages alone
pub(crate) enum Glyph {
    Alert,
    Bell,
    Box,
    Check,
    ChevronLeft,
    ChevronRight,
    Clock,
    Copy,
    Cross,
    File,
    Key,
    Moon,
    Person,
    Search,
    SignOut,
    SortDown,
    SortUp,
    Spinner,
    Stop,
    Sun,
    Trash,
    Undo,
    Upload,
}

impl Glyph {
    /// Returns the path on a grid of 24 by 24.
    fn path(self) -> &'static str {
        match self {
            Self::Alert => {
                "M12 9v4.5M12 17h.01M10.3 3.9 2.4 17.6A2 2 0 0 0 4.1 20.6h15.8a2 2 0 0 0 1.7-3L13.7 3.9a2 2 0 0 0-3.4 0Z"
            }
            Self::Bell => {
                "M18.5 9.5a6.5 6.5 0 0 0-13 0c0 6-2.5 7.5-2.5 7.5h18s-2.5-1.5-2.5-7.5M10 20.5a2.2 2.2 0 0 0 4 0"
            }
            Self::Box => {
                "m3.5 7.5 8.5-4.7 8.5 4.7v9L12 21.2l-8.5-4.7v-9ZM3.7 7.6 12 12.2l8.3-4.6M12 12.2v9M7.7 5.2l8.4 4.7"
            }
            Self::Check => "m5 12.5 4.6 4.6L19.2 7.4",
            Self::ChevronLeft => "m14.5 6-6 6 6 6",
            Self::ChevronRight => "m9.5 6 6 6-6 6",
            Self::Clock => "M12 7v5.2l3.2 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
            Self::Copy => {
                "M9 9.8A1.8 1.8 0 0 1 10.8 8h7.4A1.8 1.8 0 0 1 20 9.8v8.4a1.8 1.8 0 0 1-1.8 1.8h-7.4A1.8 1.8 0 0 1 9 18.2V9.8ZM15.5 8V5.8A1.8 1.8 0 0 0 13.7 4H5.8A1.8 1.8 0 0 0 4 5.8v7.9a1.8 1.8 0 0 0 1.8 1.8H9"
            }
            Self::Cross => "M6.5 6.5l11 11M17.5 6.5l-11 11",
            Self::File => {
                "M13.5 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.5L13.5 3ZM13.5 3v5.5H19M9 13h6M9 16.8h6"
            }
            Self::Key => {
                "M11.6 12.4a4.6 4.6 0 1 1-6.5 6.5 4.6 4.6 0 0 1 6.5-6.5ZM11.6 12.4 20 4M15.5 8.5l2.8 2.8M18.5 5.5l2 2"
            }
            Self::Moon => "M20.5 14.2A8.5 8.5 0 0 1 9.8 3.5a8.5 8.5 0 1 0 10.7 10.7Z",
            Self::Person => {
                "M15.8 7.8a3.8 3.8 0 1 1-7.6 0 3.8 3.8 0 0 1 7.6 0ZM4.5 20.5a7.5 7.5 0 0 1 15 0"
            }
            Self::Search => "m20 20-4.6-4.6M17.5 10.8a6.8 6.8 0 1 1-13.5 0 6.8 6.8 0 0 1 13.5 0Z",
            Self::SignOut => {
                "M9.5 20.5H6a2 2 0 0 1-2-2v-13a2 2 0 0 1 2-2h3.5M15.5 16.5 20 12l-4.5-4.5M20 12H9.5"
            }
            Self::SortDown => "M12 5v14M6.5 13.5 12 19l5.5-5.5",
            Self::SortUp => "M12 19V5M6.5 10.5 12 5l5.5 5.5",
            Self::Spinner => "M12 3a9 9 0 0 1 9 9",
            Self::Stop => "M5.7 5.7l12.6 12.6M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
            Self::Sun => {
                "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM12 2.5v2M12 19.5v2M4.6 4.6 6 6M18 18l1.4 1.4M2.5 12h2M19.5 12h2M4.6 19.4 6 18M18 6l1.4-1.4"
            }
            Self::Trash => {
                "M4.5 6.5h15M9.5 6.5V4.8a1.3 1.3 0 0 1 1.3-1.3h2.4a1.3 1.3 0 0 1 1.3 1.3v1.7M6.5 6.5l.8 12a2 2 0 0 0 2 1.9h5.4a2 2 0 0 0 2-1.9l.8-12"
            }
            Self::Undo => "M8.5 5 4 9.5 8.5 14M4 9.5h10.5a5.5 5.5 0 0 1 0 11H11",
            Self::Upload => {
                "M12 15.5V4M7.5 8.5 12 4l4.5 4.5M4 15.5v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3"
            }
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Spinner => "icon icon-spinner",
            Self::Sun => "icon icon-sun",
            Self::Moon => "icon icon-moon",
            _ => "icon",
        }
    }
}

/// Draws an icon in the colour of the surrounding text, which names its meaning.
#[component]
pub(crate) fn Icon(#[prop(into)] glyph: Signal<Glyph>) -> impl IntoView {
    view! {
        <svg class=move || glyph.get().class() viewBox="0 0 24 24" aria-hidden="true">
            <path d=move || glyph.get().path() />
        </svg>
    }
}

/// Draws the logo: a baton passed from one lane to the next.
#[component]
pub(crate) fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
            <rect class="mark-ground" width="32" height="32" rx="8" />
            <path class="mark-lane" d="M6.5 11h9M16.5 21h9" />
            <path class="mark-baton" d="m11 21 10-10" />
            <circle class="mark-end" cx="22.5" cy="9.5" r="2.6" />
            <circle class="mark-end" cx="9.5" cy="22.5" r="2.6" />
        </svg>
    }
}
