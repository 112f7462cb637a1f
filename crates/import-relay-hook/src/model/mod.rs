//! The values of an import's progress.

pub mod base_path;
pub mod job;
pub mod params;
pub mod progress;
pub mod reason;
pub mod refusal;
