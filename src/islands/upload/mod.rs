//! Handing a product file in.
//!
//! - [`check`]: what can be said about a file before it is sent.
//! - [`transfer`]: sends it and says how far it is, by [`request`]s whose [`answer`]s it understands.
//! - [`queue`]: several, one after the other.
//! - [`unfinished`]: where an upload was left, for it to go on after a reload.
//! - [`drop_zone`]: where it is dropped or chosen.
//! - [`from_address`]: the same for a file that is fetched.
//! - [`form`]: all of it together, and a plain form without script.

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
