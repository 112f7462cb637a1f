//! Access rules of all routes, in one table. An unlisted route requires the permission to import, and fails a test.

use std::sync::LazyLock;

use axum::http::Method;

use crate::{model::role::Permission, server::http::routes};

/// The access that a route requires.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// None.
    Anybody,
    /// A signed-in person with this permission.
    Person(Permission),
    /// Like [`Person`](Self::Person), before a required passkey was used: to use or add one.
    BeforePasskey(Permission),
    /// A person or API token with this permission.
    Known(Permission),
}

/// How a refusal is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A page: redirects to sign-in, or shows the reason.
    Page,
    /// A server function: an error for its client.
    Function,
    /// JSON: `{"error": …}`.
    Rest,
}

/// The rule of a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rule {
    /// The method; `GET` includes `HEAD`.
    pub method: &'static str,
    /// The route's path in the router.
    pub path: &'static str,
    /// How a refusal is answered.
    pub kind: Kind,
    /// The required access.
    pub access: Access,
}

const fn page(path: &'static str, access: Access) -> Rule {
    Rule {
        method: "GET",
        path,
        kind: Kind::Page,
        access,
    }
}

const fn read(path: &'static str, access: Access) -> Rule {
    Rule {
        method: "GET",
        path,
        kind: Kind::Function,
        access,
    }
}

const fn act(path: &'static str, access: Access) -> Rule {
    Rule {
        method: "POST",
        path,
        kind: Kind::Function,
        access,
    }
}

const fn rest(method: &'static str, path: &'static str, access: Access) -> Rule {
    Rule {
        method,
        path,
        kind: Kind::Rest,
        access,
    }
}

use Access::{Anybody, BeforePasskey, Known, Person};
use Permission::{Import, Manage, SeeImports, Webhooks};

/// Rules of pages, server functions and monitoring. Other routes are declared with their handlers.
const PAGES_AND_FUNCTIONS: &[Rule] = &[
    // Pages
    page("/", Person(SeeImports)),
    page("/account", Person(SeeImports)),
    page("/audit", Person(Manage)),
    page("/confirm", BeforePasskey(SeeImports)),
    page("/delete-imports", Person(Import)),
    page("/imports", Person(SeeImports)),
    page("/imports/{id}", Person(SeeImports)),
    page("/imports/{id}/changes", Person(SeeImports)),
    page("/imports/{id}/correct", Person(Import)),
    page("/join/{token}", Anybody),
    page("/passkey", BeforePasskey(SeeImports)),
    page("/products", Person(SeeImports)),
    page("/products/{identity}", Person(SeeImports)),
    page("/shared/{token}", Anybody),
    page("/sign-in", Anybody),
    // Answers 404 except to the owner.
    page("/status", Person(SeeImports)),
    page("/sources", Person(Import)),
    page("/sources/new", Person(Import)),
    page("/sources/{id}", Person(Import)),
    page("/sources/{id}/edit", Person(Import)),
    // Exists in development builds only.
    page("/styleguide", Person(SeeImports)),
    page("/team", Person(Manage)),
    page("/tokens", Person(SeeImports)),
    page("/webhooks", Person(Webhooks)),
    page("/webhooks/{id}", Person(Webhooks)),
    // Server functions that read
    read("/api/account", Person(SeeImports)),
    read("/api/audit_log", Person(Manage)),
    read("/api/confirm_state", BeforePasskey(SeeImports)),
    read("/api/current_user", BeforePasskey(SeeImports)),
    read("/api/file_columns", Person(SeeImports)),
    read("/api/get_import", Person(SeeImports)),
    read("/api/has_products", Person(SeeImports)),
    read("/api/has_sources", Person(SeeImports)),
    read("/api/import_activity", Person(SeeImports)),
    read("/api/import_changes", Person(SeeImports)),
    read("/api/import_extras", Person(SeeImports)),
    read("/api/import_rows", Person(SeeImports)),
    read("/api/imports_overview", Person(SeeImports)),
    read("/api/imports_to_delete", Person(Import)),
    read("/api/job_progress", Person(SeeImports)),
    read("/api/job_states", Person(SeeImports)),
    read("/api/link_state", Anybody),
    read("/api/list_imports", Person(SeeImports)),
    read("/api/list_products", Person(SeeImports)),
    read("/api/passkey_duty", BeforePasskey(SeeImports)),
    read("/api/product_history", Person(SeeImports)),
    read("/api/rows_to_correct", Person(Import)),
    read("/api/server_status", Person(SeeImports)),
    read("/api/share_links", Person(Import)),
    read("/api/shared_import", Anybody),
    read("/api/sign_in_state", Anybody),
    read("/api/team", Person(Manage)),
    read("/api/source_state", Person(Import)),
    read("/api/sources_state", Person(Import)),
    read("/api/tokens", Person(SeeImports)),
    read("/api/upload_form", Person(Import)),
    read("/api/webhook_state", Person(Webhooks)),
    read("/api/webhooks_state", Person(Webhooks)),
    // Server functions that change something
    act("/api/accept_invitation", Anybody),
    act("/api/add_passkey", BeforePasskey(SeeImports)),
    act("/api/approve_import", Person(Import)),
    act("/api/begin_new_passkey", BeforePasskey(SeeImports)),
    act("/api/begin_passkey_confirmation", BeforePasskey(SeeImports)),
    act("/api/begin_passkey_sign_in", Anybody),
    act("/api/cancel_import", Person(Import)),
    act("/api/change_password", Person(SeeImports)),
    act("/api/confirm", BeforePasskey(SeeImports)),
    act("/api/confirm_with_passkey", BeforePasskey(SeeImports)),
    act("/api/correct_rows", Person(Import)),
    act("/api/create_owner", Anybody),
    act("/api/create_token", Person(SeeImports)),
    act("/api/create_webhook", Person(Webhooks)),
    act("/api/delete_import", Person(Import)),
    act("/api/delete_imports", Person(Import)),
    act("/api/delete_source", Person(Import)),
    act("/api/delete_webhook", Person(Webhooks)),
    act("/api/enable_source", Person(Import)),
    act("/api/enable_webhook", Person(Webhooks)),
    act("/api/end_session", Person(SeeImports)),
    act("/api/import_again", Person(Import)),
    act("/api/invite", Person(Manage)),
    act("/api/make_reset_link", Person(Manage)),
    act("/api/map_columns", Person(Import)),
    act("/api/preview_columns", Person(Import)),
    act("/api/redeliver", Person(Webhooks)),
    act("/api/remove_passkey", Person(SeeImports)),
    act("/api/remove_passkeys", Person(Manage)),
    act("/api/rename_passkey", Person(SeeImports)),
    act("/api/reset_password", Anybody),
    act("/api/retry_failed_rows", Person(Import)),
    act("/api/revoke_link", Person(Manage)),
    act("/api/revoke_share", Person(Import)),
    act("/api/revoke_token", Person(SeeImports)),
    act("/api/run_source", Person(Import)),
    act("/api/set_access", Person(Manage)),
    act("/api/set_language", Anybody),
    act("/api/set_mail", Person(SeeImports)),
    act("/api/set_role", Person(Manage)),
    act("/api/share_import", Person(Import)),
    act("/api/sign_in", Anybody),
    act("/api/sign_in_with_passkey", Anybody),
    act("/api/sign_out", BeforePasskey(SeeImports)),
    act("/api/sign_out_everywhere", Person(SeeImports)),
    act("/api/test_webhook", Person(Webhooks)),
    act("/api/undo_import", Person(Import)),
    // These precede authorization, because they must answer without a database.
    rest("GET", "/health", Anybody),
    rest("GET", "/health/live", Anybody),
    rest("GET", "/health/ready", Anybody),
    rest("GET", "/metrics", Anybody),
];

/// The rules of all routes.
pub static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let declared = routes::all().map(|route| route.rule);
    PAGES_AND_FUNCTIONS
        .iter()
        .copied()
        .chain(declared)
        .collect()
});

const UNLISTED: Rule = Rule {
    method: "",
    path: "",
    kind: Kind::Rest,
    access: Person(Import),
};

/// Finds the rule of a request by its matched route, or else by its path.
pub(crate) fn rule(method: &Method, matched: Option<&str>, path: &str) -> Rule {
    let Some(matched) = matched else {
        return unmatched(path);
    };
    let method = match *method {
        Method::HEAD => "GET",
        ref method => method.as_str(),
    };
    RULES
        .iter()
        .find(|rule| rule.method == method && rule.path == matched)
        .copied()
        .unwrap_or_else(|| {
            // Embedded files are routes of their own.
            if is_asset(path) {
                unmatched(path)
            } else {
                UNLISTED
            }
        })
}

fn is_asset(path: &str) -> bool {
    path.starts_with("/pkg/")
        || matches!(
            path,
            "/favicon.ico" | "/favicon.svg" | "/sample-products.csv"
        )
}

/// Assets are public; unknown paths require authentication.
fn unmatched(path: &str) -> Rule {
    Rule {
        kind: if path.starts_with("/api/") {
            Kind::Rest
        } else {
            Kind::Page
        },
        access: if is_asset(path) {
            Anybody
        } else {
            Known(SeeImports)
        },
        ..UNLISTED
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::server::http::router;

    // Listing the pages renders them, which needs a runtime.
    #[tokio::test]
    async fn every_route_has_a_rule_and_every_rule_a_route() {
        let routes: BTreeSet<_> = router::routes(crate::server::run::pages::PAGES)
            .into_iter()
            .collect();
        let rules: BTreeSet<_> = RULES
            .iter()
            .map(|rule| (rule.method.to_owned(), rule.path.to_owned()))
            .collect();
        let without_rule: Vec<_> = routes.difference(&rules).collect();
        assert!(without_rule.is_empty(), "no rule for {without_rule:?}");
        let without_route: Vec<_> = rules.difference(&routes).collect();
        assert!(without_route.is_empty(), "no route for {without_route:?}");
        assert_eq!(rules.len(), RULES.len(), "two rules for one route");
    }

    /// The test above sees `routes::all` and the routes for monitoring; this one finds routes added elsewhere. The
    /// price monitor is another server.
    #[test]
    fn no_route_is_added_past_the_list() {
        const WAYS: [&str; 6] = [
            ".route(",
            ".route_service(",
            ".nest(",
            ".nest_service(",
            ".fallback(",
            ".fallback_service(",
        ];
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server");
        let mut directories = vec![root.clone()];
        let mut added = Vec::new();
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                if name == "price_monitor" || name == "http/middleware/access.rs" {
                    continue;
                }
                if path.is_dir() {
                    directories.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let count = WAYS.iter().map(|way| text.matches(way).count()).sum();
                if count > 0 {
                    added.push((name, count));
                }
            }
        }
        added.sort();
        // A test's route; mounting below a path, and its test; the list and the pages; monitoring, here and of a
        // stand-alone price monitor; a test's receiver; assets, which are public.
        let expected = [
            ("http/connection/hijack.rs", 1),
            ("http/mount.rs", 5),
            ("http/router.rs", 2),
            ("http/routes/watch/mod.rs", routes::watch::PATHS.len()),
            ("http/routes/watch/worker.rs", 3),
            ("notifications/tests/mod.rs", 1),
            ("site/embedded.rs", 1),
            ("site/on_disk.rs", 2),
        ];
        let expected = expected.map(|(name, count): (&str, usize)| (name.to_owned(), count));
        assert_eq!(added, expected);
    }

    #[test]
    fn what_watchers_ask_is_in_the_table() {
        for path in routes::watch::PATHS {
            assert_eq!(rule(&Method::GET, Some(path), path).access, Anybody);
        }
    }

    #[test]
    fn the_compiled_files_are_for_anybody_and_nothing_beside_them_is() {
        for path in [
            "/pkg/import-relay.css",
            "/favicon.ico",
            "/sample-products.csv",
        ] {
            for matched in [None, Some(path)] {
                assert_eq!(rule(&Method::GET, matched, path).access, Anybody, "{path}");
            }
        }
        for path in ["/pkg", "/favicon.ico/x", "/data/pkg/x"] {
            assert_ne!(
                rule(&Method::GET, Some(path), path).access,
                Anybody,
                "{path}"
            );
        }
    }

    #[test]
    fn a_route_without_a_rule_is_not_for_anybody() {
        let rule = rule(&Method::DELETE, Some("/api/imports"), "/api/imports");
        assert_eq!(rule.access, Person(Import));
    }
}
