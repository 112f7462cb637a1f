//! The site in the directory in which the build leaves it.

use std::{net::SocketAddr, path::Path};

use axum::{
    Router,
    http::{HeaderValue, header},
};
use leptos::{
    WasmSplitManifest,
    config::{LeptosOptions, get_configuration},
};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

use super::FOR_GOOD;
use crate::server::state::AppState;

/// Says where the site is. `cargo leptos` says so in the environment; a binary that is run by
/// itself finds it as the build leaves it.
pub(in crate::server) fn options(listen: SocketAddr) -> LeptosOptions {
    if std::env::var_os("LEPTOS_OUTPUT_NAME").is_some()
        && let Ok(found) = get_configuration(None)
    {
        return found.leptos_options;
    }
    if std::env::var_os("VERCEL").is_some() {
        // Vercel serves the files itself, under their plain names (scripts/vercel-site.sh).
        return LeptosOptions::builder()
            .output_name("import-relay")
            .site_addr(listen)
            .build();
    }
    let site_root = std::env::var("LEPTOS_SITE_ROOT").unwrap_or_else(|_| "target/site".to_owned());
    let options = LeptosOptions::builder()
        .output_name("import-relay")
        .site_root(site_root)
        .site_addr(listen);
    // Where there is no list of the hashes there are no hashed names; a page would look for it in
    // vain, and panic.
    let is_hashed = std::env::current_exe().is_ok_and(|program| {
        let hashes = LeptosOptions::builder().output_name("").build().hash_file;
        program.with_file_name(&*hashes).exists()
    });
    options.hash_files(is_hashed).build()
}

/// Pages find the list of their parts beside the files.
pub(in crate::server) fn split_manifest(_: &LeptosOptions) -> Option<WasmSplitManifest> {
    None
}

/// The compiled files. Their names carry a hash of what is in them, so they never change.
pub(in crate::server) fn routes(options: &LeptosOptions) -> Router<AppState> {
    let directory = Path::new(&*options.site_root).join("pkg");
    let cache = if options.hash_files {
        FOR_GOOD
    } else {
        HeaderValue::from_static("no-cache")
    };
    let files = ServeDir::new(directory)
        .precompressed_br()
        .precompressed_gzip();
    let files = Router::new()
        .fallback_service(files)
        // Which of its forms a file comes in depends on that.
        .layer(SetResponseHeaderLayer::overriding(
            header::VARY,
            HeaderValue::from_static("accept-encoding"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            cache,
        ));
    Router::new().nest("/pkg", files)
}
