//! The interactive parts of pages: everything of the interface that is compiled to WebAssembly.
//!
//! An island gets its props from the page that the server rendered, follows live progress with the hooks, posts plain
//! forms, and takes anything else that has changed from the page as the server renders it now ([`page`]). Everything
//! around islands is rendered on the server only.

#![allow(unreachable_pub)] // `#[island]` makes its structs public, whoever may see the function

mod column_preview;
mod fresh_section;
pub(crate) mod imports_list;
pub(crate) mod live_import;
mod offline_banner;
mod page;
pub(crate) mod parts;
mod shared_import;
mod upload;

#[cfg(feature = "ssr")]
pub(crate) use self::{
    column_preview::ColumnPreview,
    fresh_section::FreshSection,
    imports_list::ImportsList,
    live_import::{ImportState, LiveCard, LiveFoot, LiveImport, LiveNotify, LiveStatus},
    offline_banner::OfflineBanner,
    shared_import::{LiveShared, SharedState},
    upload::{FromAddress, UploadForm},
};
