//! The progress of imports.
