//! Tests of the running program, a module for each subject.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a test may panic

mod abuse;
mod access;
mod architecture;
mod authjs;
mod check;
mod faults;
#[cfg(target_os = "linux")]
mod import_bombs;
mod import_controls;
#[cfg(unix)]
mod import_crash;
mod import_faults;
mod import_modes;
mod instances;
mod languages;
mod notifications;
mod one_file;
mod ops;
mod price_monitor;
mod product_files;
mod relay;
mod remote_files;
mod secrets;
mod soak;
mod sources;
mod support;
