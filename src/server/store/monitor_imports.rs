//! The embedded price monitor's imports and their failed rows.
