//! The files that pages are made of: inside the program (feature `embed-site`), or in the directory
//! in which the build leaves them.

#[cfg(feature = "embed-site")]
mod embedded;
#[cfg(not(feature = "embed-site"))]
mod on_disk;

use axum::http::HeaderValue;

#[cfg(feature = "embed-site")]
pub(super) use self::embedded::{bundle, options, routes};
#[cfg(not(feature = "embed-site"))]
pub(super) use self::on_disk::{bundle, options, routes};

/// For a file whose address changes whenever its content does.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Returns whether `cargo leptos watch` runs this server.
pub(super) fn is_watched() -> bool {
    std::env::var_os("LEPTOS_WATCH").is_some()
}

/// What the files of the bundle are called before anything that the build adds.
const OUTPUT_NAME: &str = "import-relay";
