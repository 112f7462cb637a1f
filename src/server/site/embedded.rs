//! The site embedded in the binary, so that one file is the whole installation.
//!
//! Compiled files have URLs with the build's hash, so they never change. They load each other by the names from the
//! build, which have hashes too.

use std::{borrow::Cow, collections::BTreeMap, net::SocketAddr};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use leptos::config::LeptosOptions;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::{FOR_GOOD, OUTPUT_NAME};
use crate::model::bundle::Bundle;

/// The output of `cargo leptos build --release --precompress`.
#[derive(RustEmbed)]
#[folder = "target/site"]
struct Site;

#[derive(Debug, Default)]
struct File {
    plain: Cow<'static, [u8]>,
    brotli: Option<Cow<'static, [u8]>>,
    gzip: Option<Cow<'static, [u8]>>,
}

pub(in crate::server) fn options(listen: SocketAddr) -> LeptosOptions {
    LeptosOptions::builder()
        .output_name(OUTPUT_NAME)
        // There is no such directory.
        .site_root("embedded")
        .site_pkg_dir(format!("pkg/{}", build()))
        .site_addr(listen)
        .build()
}

/// Returns the compiled file with a name, whatever its hash.
fn named(stem: &str, extension: &str) -> Option<String> {
    Site::iter().find_map(|name| {
        let name = name.strip_prefix("pkg/")?;
        let mut pieces = name.split('.');
        let is_it = pieces.next() == Some(stem)
            && pieces.next_back() == Some(extension)
            && pieces.count() <= 1;
        is_it.then(|| name.to_owned())
    })
}

pub(in crate::server) fn bundle(options: &LeptosOptions) -> impl Fn() -> Bundle + Clone + use<> {
    let address = |extension| {
        let name = named(OUTPUT_NAME, extension).unwrap_or_default();
        format!("/{}/{name}", options.site_pkg_dir)
    };
    let bundle = Bundle {
        script: address("js"),
        wasm: address("wasm"),
    };
    move || bundle.clone()
}

/// Returns a hash of the build's content.
fn build() -> String {
    let mut all = Sha256::new();
    for name in Site::iter() {
        if let Some(file) = Site::get(&name) {
            all.update(name.as_bytes());
            all.update(file.metadata.sha256_hash());
        }
    }
    hex::encode(&all.finalize()[..8])
}

pub(in crate::server) fn routes<S: Clone + Send + Sync + 'static>(
    options: &LeptosOptions,
) -> Router<S> {
    let files = files();
    let mut router = Router::new();
    for (name, file) in files {
        let Some(content_type) = content_type(&name) else {
            continue;
        };
        let (path, cache) = match name.strip_prefix("pkg/") {
            Some(compiled) => (format!("/{}/{compiled}", options.site_pkg_dir), FOR_GOOD),
            None => (
                format!("/{name}"),
                HeaderValue::from_static("public, max-age=86400"),
            ),
        };
        let answer = async move |headers: HeaderMap| file.answer(&headers, content_type, &cache);
        router = router.route(&path, get(answer));
    }
    router
}

/// Groups files with their compressed forms, by name.
fn files() -> BTreeMap<String, &'static File> {
    let mut files: BTreeMap<String, File> = BTreeMap::new();
    for name in Site::iter() {
        let Some(found) = Site::get(&name) else {
            continue;
        };
        let (of, encoding) = match name.rsplit_once('.') {
            Some((of, "br")) => (of, Some("br")),
            Some((of, "gz")) => (of, Some("gz")),
            _ => (&*name, None),
        };
        let file = files.entry(of.to_owned()).or_default();
        match encoding {
            Some("br") => file.brotli = Some(found.data),
            Some(_) => file.gzip = Some(found.data),
            None => file.plain = found.data,
        }
    }
    // Leaked: they live as long as the process.
    let mut files: BTreeMap<String, &'static File> = files
        .into_iter()
        .map(|(name, file)| (name, &*Box::leak(Box::new(file))))
        .collect();
    // Pages request the style sheet by its plain name.
    let style = named(OUTPUT_NAME, "css").and_then(|name| files.get(&format!("pkg/{name}")));
    if let Some(file) = style.copied() {
        files.insert(format!("pkg/{OUTPUT_NAME}.css"), file);
    }
    files
}

fn content_type(name: &str) -> Option<HeaderValue> {
    let content_type = match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "ico" => "image/x-icon",
        "js" => "text/javascript; charset=utf-8",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    };
    Some(HeaderValue::from_static(content_type))
}

impl File {
    fn answer(
        &'static self,
        request: &HeaderMap,
        content_type: HeaderValue,
        cache: &HeaderValue,
    ) -> Response {
        let (encoding, bytes) = match (&self.brotli, &self.gzip) {
            (Some(brotli), _) if accepts(request, "br") => (Some("br"), brotli),
            (_, Some(gzip)) if accepts(request, "gzip") => (Some("gzip"), gzip),
            _ => (None, &self.plain),
        };
        let bytes: &'static [u8] = bytes;
        let mut response = Body::from(bytes).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(header::CACHE_CONTROL, cache.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }
}

/// RFC 9110, section 12.5.3.
fn accepts(request: &HeaderMap, encoding: &str) -> bool {
    let accepted = request.get_all(header::ACCEPT_ENCODING);
    accepted
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            let is_it = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(encoding));
            is_it && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_that_pages_ask_for_are_there_in_each_encoding() {
        let options = options(([127, 0, 0, 1], 3000).into());
        let bundle = bundle(&options)();
        let files = files();
        let style = format!("/{}/{OUTPUT_NAME}.css", options.site_pkg_dir);
        for address in [bundle.script, bundle.wasm, style] {
            let name = address.strip_prefix(&format!("/{}/", options.site_pkg_dir));
            let name = format!("pkg/{}", name.unwrap());
            let file = files.get(&name).unwrap_or_else(|| panic!("{name}"));
            assert!(!file.plain.is_empty() && file.brotli.is_some(), "{name}");
            assert!(content_type(&name).is_some());
        }
    }

    #[test]
    fn an_encoding_is_taken_only_where_it_is_accepted() {
        let request = |value| {
            HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
        };
        assert!(accepts(&request("gzip, deflate, br;q=0.9"), "br"));
        for refused in ["gzip", "br;q=0, gzip", "", "brotli"] {
            assert!(!accepts(&request(refused), "br"), "{refused}");
        }
    }
}
