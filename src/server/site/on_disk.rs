//! The site in the build's output directory.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use axum::{
    Router,
    http::{HeaderValue, header},
};
use leptos::config::{LeptosOptions, get_configuration};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

use super::{FOR_GOOD, OUTPUT_NAME, is_watched};
use crate::model::bundle::Bundle;

/// Locates the site: from the environment set by `cargo leptos`, or else where the build puts it.
pub(in crate::server) fn options(listen: SocketAddr) -> LeptosOptions {
    if std::env::var_os("LEPTOS_OUTPUT_NAME").is_some()
        && let Ok(found) = get_configuration(None)
    {
        return found.leptos_options;
    }
    if std::env::var_os("VERCEL").is_some() {
        // Vercel serves the files itself, under their plain names (scripts/vercel-site.sh).
        return LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_addr(listen)
            .build();
    }
    let site_root = std::env::var("LEPTOS_SITE_ROOT").unwrap_or_else(|_| "target/site".to_owned());
    let mut options = LeptosOptions::builder()
        .output_name(OUTPUT_NAME)
        .site_root(site_root)
        .site_addr(listen)
        .build();
    // Without the list of hashes, pages would panic on hashed names.
    options.hash_files = hash_file(&options).is_some_and(|file| file.exists());
    options
}

/// Reads the list again in `cargo leptos watch`, which rebuilds while the server runs.
pub(in crate::server) fn bundle(options: &LeptosOptions) -> impl Fn() -> Bundle + Clone + use<> {
    let options = options.clone();
    let found = find_bundle(&options);
    let is_watched = is_watched();
    move || {
        if is_watched {
            find_bundle(&options)
        } else {
            found.clone()
        }
    }
}

fn find_bundle(options: &LeptosOptions) -> Bundle {
    let hashes = hash_file(options)
        .filter(|_| options.hash_files)
        .and_then(|file| std::fs::read_to_string(file).ok());
    let address = |kind: &str| {
        let lines = hashes.as_deref().unwrap_or_default().lines();
        let hash = lines
            .filter_map(|line| line.split_once(": "))
            .find_map(|(of, hash)| (of == kind).then(|| format!(".{hash}")));
        let hash = hash.unwrap_or_default();
        format!("/{}/{OUTPUT_NAME}{hash}.{kind}", options.site_pkg_dir)
    };
    Bundle {
        script: address("js"),
        wasm: address("wasm"),
    }
}

fn hash_file(options: &LeptosOptions) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.with_file_name(&*options.hash_file))
}

/// Serves compiled files. Their names have a content hash, so they never change.
pub(in crate::server) fn routes<S: Clone + Send + Sync + 'static>(
    options: &LeptosOptions,
) -> Router<S> {
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
        // The encoding depends on it.
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
