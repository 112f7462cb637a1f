//! Uploads of product files.
//!
//! - [`check`]: checks files before they are uploaded.
//! - [`transfer`]: uploads a file and reports progress, by [`request`]s whose [`answer`]s it interprets.
//! - [`queue`]: uploads several, one after the other.
//! - [`unfinished`]: remembers an upload to resume it after a reload.
//! - [`drop_zone`]: where files are dropped or chosen.
//! - [`from_address`]: imports a file from a URL instead.
//! - [`form`]: all of it, and a plain form without a script.

mod answer;
mod check;
mod drop_zone;
mod form;
mod from_address;
mod queue;
mod request;
mod transfer;
mod unfinished;

#[cfg(feature = "ssr")]
pub(crate) use self::{form::UploadForm, from_address::FromAddress};
