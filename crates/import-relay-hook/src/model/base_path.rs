//! The path of the app on its host: the root, or a path below it.
//!
//! Paths inside the app begin at the app's root, like `/imports`; those for browsers begin at the host's. [`address`]
//! converts the former into the latter.

/// The path of the app on its host, without a trailing slash; empty at the root. The server provides it to its pages, and
/// each page has it in a `meta` element for the bundle.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BasePath(String);

impl BasePath {
    /// The name of the `meta` element.
    pub const NAME: &'static str = "base-path";

    /// Reads a path of letters, digits, `-`, `.`, `_` and `~`. A trailing slash is ignored.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let is_plain = |segment: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            !matches!(segment, "" | "." | "..") && segment.bytes().all(allowed)
        };
        let is_path = path.is_empty()
            || path
                .strip_prefix('/')
                .is_some_and(|path| path.split('/').all(is_plain));
        is_path.then(|| Self(path.to_owned()))
    }

    /// Returns the path: `/import`, or an empty text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the URL path of a path of the app.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Returns the path inside the app of a URL path.
    #[must_use]
    pub fn strip<'path>(&self, path: &'path str) -> Option<&'path str> {
        match path.strip_prefix(&self.0)? {
            "" => Some("/"),
            inside => inside.starts_with('/').then_some(inside),
        }
    }
}

/// Returns the base path of the current page.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub fn base_path() -> BasePath {
    leptos::prelude::use_context().unwrap_or_default()
}

/// Returns the base path of the current page.
#[cfg(target_family = "wasm")]
#[must_use]
pub fn base_path() -> BasePath {
    thread_local! {
        static TOLD: BasePath = told().unwrap_or_default();
    }
    TOLD.with(BasePath::clone)
}

#[cfg(target_family = "wasm")]
fn told() -> Option<BasePath> {
    let name = format!("meta[name={}]", BasePath::NAME);
    let meta = leptos::prelude::document().query_selector(&name).ok()??;
    BasePath::parse(&meta.get_attribute("content")?)
}

/// Returns the URL path of a path of the app, for browsers.
#[must_use]
pub fn address(path: &str) -> String {
    base_path().address(path)
}

/// Returns the path of the sign-in page that leads back to `here`.
#[must_use]
pub fn sign_in_path(here: &str) -> String {
    format!("/sign-in?next={}", escape(here))
}

/// Escapes a value of a query (RFC 3986, section 2.1).
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_plain_segments_is_taken_with_or_without_a_slash_at_its_end() {
        for (text, path) in [
            ("", ""),
            ("/", ""),
            ("/import", "/import"),
            ("/import/", "/import"),
            ("/a-1/b.c_~", "/a-1/b.c_~"),
        ] {
            assert_eq!(BasePath::parse(text).unwrap().as_str(), path);
        }
        for text in [
            "import", "//", "/a//b", "/a/../b", "/a b", "/a%20b", "/\"", "/a?b", "/.",
        ] {
            assert_eq!(BasePath::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_is_one_value_of_a_query() {
        assert_eq!(
            sign_in_path("/imports?page=2"),
            "/sign-in?next=%2Fimports%3Fpage%3D2"
        );
        assert_eq!(escape("a b&ä"), "a%20b%26%C3%A4");
    }

    #[test]
    fn what_is_beside_the_base_path_is_not_below_it() {
        let base = BasePath::parse("/import").unwrap();
        assert_eq!(base.strip("/import"), Some("/"));
        assert_eq!(base.strip("/import/"), Some("/"));
        assert_eq!(base.strip("/import/imports/1"), Some("/imports/1"));
        for path in ["/", "/imports", "/importer/imports", "/x/import"] {
            assert_eq!(base.strip(path), None, "{path}");
        }
        assert_eq!(base.address("/imports"), "/import/imports");
        let root = BasePath::default();
        assert_eq!(root.strip("/imports"), Some("/imports"));
        assert_eq!(root.address("/imports"), "/imports");
    }
}
