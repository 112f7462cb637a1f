//! State of Import Relay that threads share, apart from the program, so that [loom] can explore every order of
//! threads (feature `loom`, `tests/models.rs`).
//!
//! [loom]: https://docs.rs/loom

pub mod admission;
pub mod limits;
pub mod ordered;
mod sync;
