//! What a person sees, in pieces.
//!
//! A component gets values and signals and draws them; it asks the server for nothing but what its forms send.

#![allow(unreachable_pub)] // `#[component]` makes its structs public, whoever may see the function

mod announcement;
pub(crate) mod changes_table;
pub(crate) mod clock;
pub(crate) mod column_mapping;
mod connection_line;
pub(crate) mod early_progress;
pub(crate) mod failed_products;
pub(crate) mod form;
pub(crate) mod format;
pub(crate) mod icons;
pub(crate) mod import_extras;
pub(crate) mod import_rows;
pub(crate) mod imports_filter;
pub(crate) mod jobs_table;
pub(crate) mod language;
pub(crate) mod list_hold;
pub(crate) mod notice;
mod notify;
mod pace;
pub(crate) mod page_life;
pub(crate) mod page_title;
pub(crate) mod pagination;
pub(crate) mod products_table;
pub(crate) mod program;
pub(crate) mod progress_bar;
pub(crate) mod progress_card;
mod progress_notes;
pub(crate) mod refresh;
pub(crate) mod settings_nav;
pub(crate) mod site_header;
pub(crate) mod skeleton;
pub(crate) mod slice;
pub(crate) mod status_badge;
pub(crate) mod tab_icon;
pub(crate) mod theme_switch;
mod throughput;
pub(crate) mod timeline;
pub(crate) mod upload;
pub(crate) mod welcome;
mod wording;
