//! The views of pages, apart from islands.
//!
//! Components get values and render them; they request nothing from the server.

#![allow(unreachable_pub)] // `#[component]` makes its structs public, whoever may see the function

pub(crate) mod bundle;
pub(crate) mod changes_table;
pub(crate) mod chips;
pub(crate) mod column_mapping;
pub(crate) mod copy_button;
pub(crate) mod crumbs;
pub(crate) mod data_table;
pub(crate) mod early_stream;
pub(crate) mod failed_products;
pub(crate) mod form;
pub(crate) mod hour_chart;
pub(crate) mod import_actions;
pub(crate) mod import_activity;
pub(crate) mod import_options;
pub(crate) mod import_outcome;
pub(crate) mod import_rows;
pub(crate) mod imports_filter;
pub(crate) mod language;
pub(crate) mod local_times;
pub(crate) mod moment;
pub(crate) mod money;
pub(crate) mod no_index;
pub(crate) mod notice;
pub(crate) mod page_return;
pub(crate) mod page_title;
pub(crate) mod pagination;
pub(crate) mod passkey;
pub(crate) mod price_chart;
pub(crate) mod products_filter;
pub(crate) mod products_table;
pub(crate) mod refresh;
pub(crate) mod row_editor;
pub(crate) mod settings_nav;
pub(crate) mod share_links;
pub(crate) mod shortcuts;
pub(crate) mod site_header;
pub(crate) mod source;
pub(crate) mod theme_switch;
pub(crate) mod thumbnail;
pub(crate) mod webhook;
pub(crate) mod welcome;
