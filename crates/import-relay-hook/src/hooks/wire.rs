//! Reads the server's JSON.
//!
//! A browser reads JSON itself (`JSON.parse`); elsewhere, as in tests, `serde_json` does. The fields are the same
//! either way.

#[cfg(target_family = "wasm")]
#[path = "wire/browser.rs"]
mod json;
#[cfg(not(target_family = "wasm"))]
#[path = "wire/native.rs"]
mod json;

pub(super) use self::json::{job_of, refusal, state, states, upstream};
