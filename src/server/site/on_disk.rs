//! The site in the directory in which the build leaves it.

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

use super::{FOR_GOOD, OUTPUT_NAME, is_watched, parts};
use crate::model::program::Program;

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
    // Where there is no list of the hashes there are no hashed names; a page would look for it in
    // vain, and panic.
    options.hash_files = hash_file(&options).is_some_and(|file| file.exists());
    options
}

/// Returns what says where the program is. `cargo leptos watch` builds it anew while the server runs.
pub(in crate::server) fn program(options: &LeptosOptions) -> impl Fn() -> Program + Clone + use<> {
    let options = options.clone();
    let found = find_program(&options);
    let is_watched = is_watched();
    move || {
        if is_watched {
            find_program(&options)
        } else {
            found.clone()
        }
    }
}

fn find_program(options: &LeptosOptions) -> Program {
    let hashes = hash_file(options)
        .filter(|_| options.hash_files)
        .and_then(|file| std::fs::read_to_string(file).ok());
    let hash_of = |kind: &str| {
        let lines = hashes.as_deref().unwrap_or_default().lines();
        lines
            .filter_map(|line| line.split_once(": "))
            .find_map(|(of, hash)| (of == kind).then_some(hash))
    };
    let name = |stem: &str, kind: &str, extension: &str| match hash_of(kind) {
        Some(hash) => format!("{stem}.{hash}.{extension}"),
        None => format!("{stem}.{extension}"),
    };
    let address = |name: String| format!("/{}/{name}", options.site_pkg_dir);
    let directory = Path::new(&*options.site_root).join(&*options.site_pkg_dir);
    let list = name("__wasm_split_manifest", "manifest", "json");
    let list = std::fs::read(directory.join(list)).ok();
    // Without hashes it has a name that leaves room for one.
    let loader = match hash_of("split") {
        Some(hash) => format!("__wasm_split.{hash}.js"),
        None => "__wasm_split.______________________.js".to_owned(),
    };
    Program {
        script: address(name(OUTPUT_NAME, "js", "js")),
        wasm: address(name(OUTPUT_NAME, "wasm", "wasm")),
        loader: list.is_some().then(|| address(loader)),
        parts: list
            .map(|list| parts(&list).into_iter().map(address).collect())
            .unwrap_or_default(),
    }
}

/// Returns where the list of hashes is, if there is one: beside the program.
fn hash_file(options: &LeptosOptions) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.with_file_name(&*options.hash_file))
}

/// The compiled files. Their names carry a hash of what is in them, so they never change.
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
