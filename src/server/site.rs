//! The files that pages are made of: inside the program (feature `embed-site`), or in the directory
//! in which the build leaves them.

#[cfg(feature = "embed-site")]
mod embedded;
#[cfg(not(feature = "embed-site"))]
mod on_disk;

use axum::http::HeaderValue;

#[cfg(feature = "embed-site")]
pub(super) use self::embedded::{options, routes, split_manifest};
#[cfg(not(feature = "embed-site"))]
pub(super) use self::on_disk::{options, routes, split_manifest};

/// For a file whose address changes whenever its content does.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
