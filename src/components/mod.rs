//! What a person sees, in pieces.
//!
//! A component gets values and signals and draws them; it asks the server for nothing.

#![allow(unreachable_pub)] // `#[component]` makes its structs public, whoever may see the function

mod announcement;
pub(crate) mod clock;
mod connection_line;
pub(crate) mod failed_products;
pub(crate) mod format;
pub(crate) mod icons;
pub(crate) mod jobs_table;
pub(crate) mod notice;
mod pace;
pub(crate) mod pagination;
pub(crate) mod products_table;
pub(crate) mod progress_bar;
pub(crate) mod progress_card;
pub(crate) mod site_header;
pub(crate) mod skeleton;
pub(crate) mod status_badge;
pub(crate) mod theme_switch;
pub(crate) mod upload;
