//! Brings a page alive without keeping it from answering.
//!
//! On a phone all of it at once takes most of a second. So it is done in slices, in tasks of their own but
//! for the smallest (HTML, section 8.1.7): the frame of the page, then each
//! [`Slice`](crate::components::slice::Slice), then what the components want done once they are there, a few
//! milliseconds of it at a time. Until the last slice is done nothing reacts, so that each finds the page as
//! the server has sent it.

mod gate;
#[cfg(feature = "hydrate")]
mod slices;

#[cfg(feature = "hydrate")]
pub(crate) use slices::{catch_up, is_under_way, next_slice, next_task, put_off, start};
