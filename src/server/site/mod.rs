//! Static files of pages: embedded in the binary (feature `embed-site`), or in the build's output directory.

#[cfg(feature = "embed-site")]
mod embedded;
#[cfg(not(feature = "embed-site"))]
mod on_disk;

use axum::http::HeaderValue;

#[cfg(feature = "embed-site")]
pub(super) use self::embedded::{bundle, options, routes};
#[cfg(not(feature = "embed-site"))]
pub(super) use self::on_disk::{bundle, options, routes};

/// For URLs that change with their content.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub(super) fn is_watched() -> bool {
    std::env::var_os("LEPTOS_WATCH").is_some()
}

/// Name of the bundle's files before the build's suffixes.
const OUTPUT_NAME: &str = "import-relay";
