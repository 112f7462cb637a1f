//! Access control: every route for every kind of principal.

mod accounts;
mod authenticator;
mod confirm;
mod cross_origin;
mod first_owner;
mod guards;
mod invitations;
mod makers;
mod markup;
mod odd_values;
mod ownership;
mod passkeys;
mod provider;
mod refused_forms;
mod sharing;
mod team;
mod withdrawn;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use import_relay::{
    model::token::TokenScope,
    server::http::middleware::access::{Access, RULES},
};
use reqwest::{RequestBuilder, Response, header};
use serde_json::{Value, json};

use self::team::Team;
use crate::support::app::{App, session_cookie};
use test_support::fake_monitor::FakeMonitor;

/// The expected statuses of a route, in the order of [`PRINCIPALS`].
struct Row {
    method: &'static str,
    path: &'static str,
    /// Path with parameters; `JOB` is the import.
    query: &'static str,
    body: Body,
    statuses: [u16; 10],
}

#[derive(Clone, Copy)]
enum Body {
    None,
    Form(&'static [(&'static str, &'static str)]),
    File,
}

const PRINCIPALS: [&str; 10] = [
    "nobody",
    "an expired cookie",
    "a tampered cookie",
    "an observer",
    "a viewer",
    "another of the staff",
    "the one of the staff whose import it is",
    "the owner",
    "a token to look",
    "a token to import",
];

const fn get(path: &'static str, query: &'static str, statuses: [u16; 10]) -> Row {
    Row {
        method: "GET",
        path,
        query,
        body: Body::None,
        statuses,
    }
}

const fn post(
    path: &'static str,
    form: &'static [(&'static str, &'static str)],
    statuses: [u16; 10],
) -> Row {
    Row {
        method: "POST",
        path,
        query: path,
        body: Body::Form(form),
        statuses,
    }
}

const fn upload(path: &'static str, statuses: [u16; 10]) -> Row {
    Row {
        method: "POST",
        path,
        query: path,
        body: Body::File,
        statuses,
    }
}

const fn on(
    method: &'static str,
    path: &'static str,
    query: &'static str,
    statuses: [u16; 10],
) -> Row {
    Row {
        method,
        path,
        query,
        body: Body::None,
        statuses,
    }
}

/// A step of a resumable upload, without `Tus-Resumable`.
const fn resumable(method: &'static str, path: &'static str, statuses: [u16; 10]) -> Row {
    Row {
        method,
        path,
        query: if path.len() == "/uploads".len() {
            path
        } else {
            "/uploads/none"
        },
        body: Body::None,
        statuses,
    }
}

const fn all(status: u16) -> [u16; 10] {
    [status; 10]
}

const PAGE: [u16; 10] = [303, 303, 303, 200, 200, 200, 200, 200, 403, 403];
/// A page of development builds.
const STYLEGUIDE: [u16; 10] = if cfg!(feature = "styleguide") {
    PAGE
} else {
    [303, 303, 303, 404, 404, 404, 404, 404, 403, 403]
};
const OWNERS_PAGE: [u16; 10] = [303, 303, 303, 403, 403, 403, 403, 200, 403, 403];
const IMPORTERS_PAGE: [u16; 10] = [303, 303, 303, 403, 403, 200, 200, 200, 403, 403];
const PERSON: [u16; 10] = [401, 401, 401, 200, 200, 200, 200, 200, 403, 403];
/// Any signed-in user, for something that does not exist.
const PERSON_IN_VAIN: [u16; 10] = [401, 401, 401, 400, 400, 400, 400, 400, 403, 403];
const OWNER: [u16; 10] = [401, 401, 401, 403, 403, 403, 403, 200, 403, 403];
/// The owner, for something that does not exist.
const OWNER_IN_VAIN: [u16; 10] = [401, 401, 401, 403, 403, 403, 403, 400, 403, 403];
/// The owner, for something that is not found.
const OWNER_NOT_FOUND: [u16; 10] = [401, 401, 401, 403, 403, 403, 403, 404, 403, 403];
const IMPORTER_IN_VAIN: [u16; 10] = [401, 401, 401, 403, 403, 404, 404, 404, 403, 403];
const IMPORTER_OF_ANOTHER_VERSION: [u16; 10] = [401, 401, 401, 403, 403, 412, 412, 412, 403, 403];
const IMPORTER_WHO_ASKS: [u16; 10] = [401, 401, 401, 403, 403, 204, 204, 204, 403, 403];
const ONE_IMPORT: [u16; 10] = [401, 401, 401, 200, 404, 404, 200, 404, 403, 403];
const ONE_IMPORT_FOR_PROGRAMS: [u16; 10] = [401, 401, 401, 200, 404, 404, 200, 404, 200, 200];

/// Principals who may change imports, for one that does not exist.
const PROGRAM_IN_VAIN: [u16; 10] = [401, 401, 401, 403, 403, 404, 404, 404, 403, 404];

const ROWS: &[Row] = &[
    get("/", "/", [303, 303, 303, 302, 302, 302, 302, 302, 403, 403]),
    get("/account", "/account", PAGE),
    get("/audit", "/audit", OWNERS_PAGE),
    get("/confirm", "/confirm", PAGE),
    get("/imports", "/imports", PAGE),
    get(
        "/imports/{id}",
        "/imports/JOB",
        [303, 303, 303, 200, 404, 404, 200, 404, 403, 403],
    ),
    get(
        "/imports/{id}/changes",
        "/imports/JOB/changes",
        [303, 303, 303, 200, 404, 404, 200, 404, 403, 403],
    ),
    get(
        "/imports/{id}/correct",
        "/imports/JOB/correct",
        [303, 303, 303, 403, 403, 404, 200, 404, 403, 403],
    ),
    get(
        "/delete-imports",
        "/delete-imports?id=JOB",
        [303, 303, 303, 403, 403, 200, 200, 200, 403, 403],
    ),
    get("/join/{token}", "/join/none", all(404)),
    get("/passkey", "/passkey", PAGE),
    get("/products", "/products", PAGE),
    get(
        "/products/{identity}",
        "/products/none",
        [303, 303, 303, 404, 404, 404, 404, 404, 403, 403],
    ),
    get("/shared/{token}", "/shared/none", all(404)),
    get(
        "/shared/{token}/progress",
        "/shared/none/progress",
        all(404),
    ),
    get("/sign-in", "/sign-in", all(200)),
    // No provider is configured.
    get("/sign-in/oidc", "/sign-in/oidc", all(303)),
    get(
        "/sign-in/oidc/callback",
        "/sign-in/oidc/callback?state=none&code=none",
        all(303),
    ),
    get("/sources", "/sources", IMPORTERS_PAGE),
    get("/sources/new", "/sources/new", IMPORTERS_PAGE),
    get(
        "/sources/{id}",
        "/sources/none",
        [303, 303, 303, 403, 403, 404, 404, 404, 403, 403],
    ),
    get(
        "/sources/{id}/edit",
        "/sources/none/edit",
        [303, 303, 303, 403, 403, 404, 404, 404, 403, 403],
    ),
    // Without a name it redirects with the reason.
    post(
        "/sources",
        &[],
        [401, 401, 401, 403, 403, 303, 303, 303, 403, 403],
    ),
    Row {
        path: "/sources/{id}",
        ..post("/sources/none", &[], IMPORTER_IN_VAIN)
    },
    get(
        "/status",
        "/status",
        [303, 303, 303, 404, 404, 404, 404, 200, 403, 403],
    ),
    get("/styleguide", "/styleguide", STYLEGUIDE),
    get("/team", "/team", OWNERS_PAGE),
    get("/tokens", "/tokens", PAGE),
    get("/webhooks", "/webhooks", OWNERS_PAGE),
    get(
        "/webhooks/{id}",
        "/webhooks/none",
        [303, 303, 303, 403, 403, 403, 403, 404, 403, 403],
    ),
    get("/api/account", "/api/account", PERSON),
    get("/api/audit_log", "/api/audit_log?page=1", OWNER),
    get("/api/confirm_state", "/api/confirm_state", PERSON),
    get("/api/current_user", "/api/current_user", PERSON),
    get(
        "/api/import_rows",
        "/api/import_rows?id=JOB&kind=failed&page=1&search=",
        ONE_IMPORT,
    ),
    get("/api/file_columns", "/api/file_columns?id=JOB", ONE_IMPORT),
    get("/api/get_import", "/api/get_import?id=JOB", ONE_IMPORT),
    get(
        "/api/import_activity",
        "/api/import_activity?id=JOB",
        ONE_IMPORT,
    ),
    get(
        "/api/import_extras",
        "/api/import_extras?id=JOB",
        ONE_IMPORT,
    ),
    get(
        "/api/import_changes",
        "/api/import_changes?id=JOB",
        ONE_IMPORT,
    ),
    get("/api/imports_overview", "/api/imports_overview", PERSON),
    get(
        "/api/imports_to_delete",
        "/api/imports_to_delete?ids[0]=JOB",
        [401, 401, 401, 403, 403, 200, 200, 200, 403, 403],
    ),
    get("/api/has_products", "/api/has_products", PERSON),
    get("/api/job_progress", "/api/job_progress?id=JOB", ONE_IMPORT),
    get("/api/job_states", "/api/job_states?ids[0]=JOB", PERSON),
    get("/api/link_state", "/api/link_state?token=none", all(200)),
    get("/api/list_imports", "/api/list_imports?page=1", PERSON),
    get(
        "/api/list_products",
        "/api/list_products?sort=price",
        PERSON,
    ),
    get("/api/passkey_duty", "/api/passkey_duty", PERSON),
    get(
        "/api/product_history",
        "/api/product_history?identity=none",
        [401, 401, 401, 404, 404, 404, 404, 404, 403, 403],
    ),
    get(
        "/api/rows_to_correct",
        "/api/rows_to_correct?id=JOB&kind=failed&page=1",
        [401, 401, 401, 403, 403, 404, 200, 404, 403, 403],
    ),
    get(
        "/api/server_status",
        "/api/server_status",
        [401, 401, 401, 404, 404, 404, 404, 200, 403, 403],
    ),
    get(
        "/api/share_links",
        "/api/share_links?id=JOB",
        [401, 401, 401, 403, 403, 404, 200, 404, 403, 403],
    ),
    get(
        "/api/shared_import",
        "/api/shared_import?token=none",
        all(404),
    ),
    get("/api/sign_in_state", "/api/sign_in_state", all(200)),
    get("/api/has_sources", "/api/has_sources", PERSON),
    get(
        "/api/source_state",
        "/api/source_state?id=none",
        IMPORTER_IN_VAIN,
    ),
    get(
        "/api/sources_state",
        "/api/sources_state",
        [401, 401, 401, 403, 403, 200, 200, 200, 403, 403],
    ),
    post(
        "/api/enable_source",
        &[("id", "none"), ("enabled", "true")],
        IMPORTER_IN_VAIN,
    ),
    post("/api/run_source", &[("id", "none")], IMPORTER_IN_VAIN),
    post("/api/delete_source", &[("id", "none")], IMPORTER_IN_VAIN),
    get(
        "/api/sources",
        "/api/sources",
        [401, 401, 401, 200, 200, 200, 200, 200, 200, 200],
    ),
    on(
        "POST",
        "/api/sources",
        "/api/sources",
        [401, 401, 401, 403, 403, 400, 400, 400, 403, 400],
    ),
    get(
        "/api/sources/{id}",
        "/api/sources/none",
        [401, 401, 401, 404, 404, 404, 404, 404, 404, 404],
    ),
    on(
        "PATCH",
        "/api/sources/{id}",
        "/api/sources/none",
        [401, 401, 401, 403, 403, 400, 400, 400, 403, 400],
    ),
    on(
        "DELETE",
        "/api/sources/{id}",
        "/api/sources/none",
        PROGRAM_IN_VAIN,
    ),
    on(
        "POST",
        "/api/sources/{id}/run",
        "/api/sources/none/run",
        PROGRAM_IN_VAIN,
    ),
    get(
        "/api/sources/{id}/runs",
        "/api/sources/none/runs",
        [401, 401, 401, 404, 404, 404, 404, 404, 404, 404],
    ),
    get("/api/team", "/api/team", OWNER),
    get("/api/tokens", "/api/tokens", PERSON),
    get(
        "/api/upload_form",
        "/api/upload_form",
        [401, 401, 401, 403, 403, 200, 200, 200, 403, 403],
    ),
    get(
        "/api/webhook_state",
        "/api/webhook_state?id=none",
        OWNER_NOT_FOUND,
    ),
    get("/api/webhooks_state", "/api/webhooks_state", OWNER),
    // Without events it is rejected.
    post(
        "/api/create_webhook",
        &[("url", "https://hooks.example/x"), ("description", "")],
        OWNER_IN_VAIN,
    ),
    post(
        "/api/enable_webhook",
        &[("id", "none"), ("enabled", "true")],
        OWNER_NOT_FOUND,
    ),
    post("/api/delete_webhook", &[("id", "none")], OWNER_NOT_FOUND),
    post("/api/test_webhook", &[("id", "none")], OWNER_NOT_FOUND),
    post(
        "/api/redeliver",
        &[("id", "none"), ("delivery", "none")],
        OWNER_NOT_FOUND,
    ),
    get("/api/webhooks", "/api/webhooks", OWNER),
    on("POST", "/api/webhooks", "/api/webhooks", OWNER_IN_VAIN),
    get("/api/webhooks/{id}", "/api/webhooks/none", OWNER_NOT_FOUND),
    on(
        "PATCH",
        "/api/webhooks/{id}",
        "/api/webhooks/none",
        OWNER_IN_VAIN,
    ),
    on(
        "DELETE",
        "/api/webhooks/{id}",
        "/api/webhooks/none",
        OWNER_NOT_FOUND,
    ),
    on(
        "POST",
        "/api/webhooks/{id}/test",
        "/api/webhooks/none/test",
        OWNER_NOT_FOUND,
    ),
    get(
        "/api/webhooks/{id}/deliveries",
        "/api/webhooks/none/deliveries",
        OWNER_NOT_FOUND,
    ),
    on(
        "POST",
        "/api/webhooks/{id}/deliveries/{delivery}/redeliver",
        "/api/webhooks/none/deliveries/none/redeliver",
        OWNER_NOT_FOUND,
    ),
    post(
        "/api/accept_invitation",
        &[
            ("token", "none"),
            ("name", "Eve"),
            ("email", "eve@example.com"),
            ("password", "correct horse"),
        ],
        all(400),
    ),
    // Principals who may import, for imports that do not exist.
    post("/api/cancel_import", &[("id", "none")], IMPORTER_IN_VAIN),
    post("/api/delete_import", &[("id", "none")], IMPORTER_IN_VAIN),
    post("/api/import_again", &[("id", "none")], IMPORTER_IN_VAIN),
    post(
        "/api/map_columns",
        &[("id", "none"), ("columns[0]", "sku")],
        IMPORTER_IN_VAIN,
    ),
    post(
        "/api/preview_columns",
        &[("id", "none"), ("columns[0]", "sku")],
        IMPORTER_IN_VAIN,
    ),
    post(
        "/api/retry_failed_rows",
        &[("id", "none")],
        IMPORTER_IN_VAIN,
    ),
    post(
        "/api/delete_imports",
        &[("ids[0]", "none")],
        IMPORTER_IN_VAIN,
    ),
    post("/api/approve_import", &[("id", "none")], IMPORTER_IN_VAIN),
    post(
        "/api/correct_rows",
        &[
            ("id", "none"),
            ("kind", "failed"),
            ("cells[r1][c1]", "9.90"),
        ],
        IMPORTER_IN_VAIN,
    ),
    post(
        "/api/share_import",
        &[("id", "none"), ("lifetime", "day")],
        IMPORTER_IN_VAIN,
    ),
    post(
        "/api/revoke_share",
        &[("id", "none"), ("link", "none")],
        IMPORTER_IN_VAIN,
    ),
    post("/api/undo_import", &[("id", "none")], IMPORTER_IN_VAIN),
    post(
        "/api/change_password",
        &[("current", "wrong horse"), ("password", "another horse")],
        [401, 401, 401, 400, 400, 400, 400, 400, 403, 403],
    ),
    post(
        "/api/confirm",
        &[("password", "wrong horse")],
        [401, 401, 401, 400, 400, 400, 400, 400, 403, 403],
    ),
    post(
        "/api/create_owner",
        &[
            ("name", "Eve"),
            ("email", "eve@example.com"),
            ("password", "correct horse"),
        ],
        all(400),
    ),
    post(
        "/api/create_token",
        &[
            ("name", "x"),
            ("scope", "imports:write"),
            ("lifetime", "month"),
        ],
        [401, 401, 401, 403, 403, 200, 200, 200, 403, 403],
    ),
    // Browsers have no passkeys for an IP address.
    post("/api/begin_passkey_sign_in", &[], all(400)),
    post(
        "/api/sign_in_with_passkey",
        &[("credential", "none")],
        all(400),
    ),
    post("/api/begin_new_passkey", &[], PERSON_IN_VAIN),
    post(
        "/api/add_passkey",
        &[("credential", "none"), ("name", "x")],
        PERSON_IN_VAIN,
    ),
    post("/api/begin_passkey_confirmation", &[], PERSON_IN_VAIN),
    post(
        "/api/confirm_with_passkey",
        &[("credential", "none")],
        PERSON_IN_VAIN,
    ),
    post(
        "/api/rename_passkey",
        &[("id", "none"), ("name", "x")],
        PERSON_IN_VAIN,
    ),
    post("/api/remove_passkey", &[("id", "none")], PERSON_IN_VAIN),
    post("/api/remove_passkeys", &[("member", "none")], OWNER_IN_VAIN),
    post("/api/end_session", &[("id", "none")], PERSON),
    post("/api/invite", &[("role", "viewer"), ("note", "")], OWNER),
    post("/api/make_reset_link", &[("member", "none")], OWNER_IN_VAIN),
    post(
        "/api/reset_password",
        &[("token", "none"), ("password", "correct horse")],
        all(400),
    ),
    post("/api/revoke_link", &[("id", "none")], OWNER),
    post("/api/revoke_token", &[("id", "none")], PERSON),
    post(
        "/api/set_access",
        &[("member", "none"), ("allowed", "false")],
        OWNER_IN_VAIN,
    ),
    post(
        "/api/set_mail",
        &[("wish", "trouble"), ("language", "de")],
        PERSON,
    ),
    post("/api/set_language", &[("language", "de")], all(200)),
    post(
        "/api/set_role",
        &[("member", "none"), ("role", "owner")],
        OWNER_IN_VAIN,
    ),
    post(
        "/api/sign_in",
        &[("email", "ada@example.com"), ("password", "correct horse")],
        all(200),
    ),
    post("/api/sign_out", &[], PERSON),
    post("/api/sign_out_everywhere", &[], PERSON),
    get(
        "/api/imports",
        "/api/imports",
        [401, 401, 401, 200, 200, 200, 200, 200, 200, 200],
    ),
    upload(
        "/api/imports",
        [401, 401, 401, 403, 403, 201, 201, 201, 403, 201],
    ),
    get(
        "/api/imports/{id}",
        "/api/imports/JOB",
        ONE_IMPORT_FOR_PROGRAMS,
    ),
    get(
        "/api/imports/{id}/changes",
        "/api/imports/JOB/changes?priceDown=30",
        ONE_IMPORT_FOR_PROGRAMS,
    ),
    get(
        "/api/imports/{id}/changes.csv",
        "/api/imports/JOB/changes.csv",
        ONE_IMPORT_FOR_PROGRAMS,
    ),
    get(
        "/api/imports/{id}/columns",
        "/api/imports/JOB/columns",
        ONE_IMPORT_FOR_PROGRAMS,
    ),
    get(
        "/api/imports/{id}/rows",
        "/api/imports/JOB/rows?kind=replaced",
        ONE_IMPORT_FOR_PROGRAMS,
    ),
    get(
        "/api/imports/{id}/rows.csv",
        "/api/imports/JOB/rows.csv",
        ONE_IMPORT_FOR_PROGRAMS,
    ),
    on(
        "DELETE",
        "/api/imports/{id}",
        "/api/imports/none",
        PROGRAM_IN_VAIN,
    ),
    on(
        "POST",
        "/api/imports/{id}/again",
        "/api/imports/none/again",
        PROGRAM_IN_VAIN,
    ),
    on(
        "POST",
        "/api/imports/{id}/approve",
        "/api/imports/none/approve",
        PROGRAM_IN_VAIN,
    ),
    on(
        "POST",
        "/api/imports/{id}/cancel",
        "/api/imports/none/cancel",
        PROGRAM_IN_VAIN,
    ),
    on(
        "POST",
        "/api/imports/{id}/retry",
        "/api/imports/none/retry",
        PROGRAM_IN_VAIN,
    ),
    on(
        "POST",
        "/api/imports/{id}/undo",
        "/api/imports/none/undo",
        PROGRAM_IN_VAIN,
    ),
    // Without columns it is rejected before the import is looked up.
    on(
        "POST",
        "/api/imports/{id}/columns",
        "/api/imports/none/columns",
        [401, 401, 401, 403, 403, 400, 400, 400, 403, 400],
    ),
    get(
        "/api/imports/{id}/links",
        "/api/imports/JOB/links",
        [401, 401, 401, 403, 403, 404, 200, 404, 403, 200],
    ),
    on(
        "POST",
        "/api/imports/{id}/links",
        "/api/imports/JOB/links",
        [401, 401, 401, 403, 403, 400, 400, 400, 403, 400],
    ),
    on(
        "DELETE",
        "/api/imports/{id}/links/{link}",
        "/api/imports/JOB/links/none",
        [401, 401, 401, 403, 403, 404, 404, 404, 403, 404],
    ),
    get(
        "/api/changes",
        "/api/changes?kind=updated",
        [401, 401, 401, 200, 200, 200, 200, 200, 403, 403],
    ),
    get(
        "/api/products",
        "/api/products",
        [401, 401, 401, 200, 200, 200, 200, 200, 403, 403],
    ),
    get(
        "/api/products.csv",
        "/api/products.csv",
        [401, 401, 401, 200, 200, 200, 200, 200, 403, 403],
    ),
    get(
        "/api/products.jsonl",
        "/api/products.jsonl",
        [401, 401, 401, 200, 200, 200, 200, 200, 403, 403],
    ),
    get(
        "/api/products.xlsx",
        "/api/products.xlsx",
        [401, 401, 401, 200, 200, 200, 200, 200, 403, 403],
    ),
    get(
        "/products.csv",
        "/products.csv",
        [303, 303, 303, 200, 200, 200, 200, 200, 403, 403],
    ),
    get(
        "/products.jsonl",
        "/products.jsonl",
        [303, 303, 303, 200, 200, 200, 200, 200, 403, 403],
    ),
    get(
        "/products.xlsx",
        "/products.xlsx",
        [303, 303, 303, 200, 200, 200, 200, 200, 403, 403],
    ),
    get(
        "/api/products/{id}/history",
        "/api/products/none/history",
        [401, 401, 401, 404, 404, 404, 404, 404, 403, 403],
    ),
    get(
        "/api/jobs/progress",
        "/api/jobs/progress?ids=JOB",
        ONE_IMPORT_FOR_PROGRAMS,
    ),
    get(
        "/api/jobs/{job}/progress",
        "/api/jobs/JOB/progress",
        ONE_IMPORT_FOR_PROGRAMS,
    ),
    get("/api/openapi.json", "/api/openapi.json", all(200)),
    get("/health", "/health", all(200)),
    get("/health/live", "/health/live", all(200)),
    get("/health/ready", "/health/ready", all(200)),
    // From this machine, without a metrics token.
    get("/metrics", "/metrics", all(200)),
    get(
        "/imports/{job}/changes.csv",
        "/imports/JOB/changes.csv",
        [303, 303, 303, 200, 404, 404, 200, 404, 403, 403],
    ),
    get(
        "/imports/{job}/failed-rows.csv",
        "/imports/JOB/failed-rows.csv",
        [303, 303, 303, 200, 404, 404, 200, 404, 403, 403],
    ),
    get(
        "/imports/{job}/rows.csv",
        "/imports/JOB/rows.csv?kind=warning",
        [303, 303, 303, 200, 404, 404, 200, 404, 403, 403],
    ),
    upload(
        "/imports",
        [401, 401, 401, 403, 403, 201, 201, 201, 403, 403],
    ),
    // No host is allowed.
    post(
        "/imports/from-address",
        &[("url", "https://shop.example/feed.csv")],
        [401, 401, 401, 403, 403, 422, 422, 422, 403, 403],
    ),
    resumable("POST", "/uploads", IMPORTER_OF_ANOTHER_VERSION),
    resumable("OPTIONS", "/uploads", IMPORTER_WHO_ASKS),
    get(
        "/uploads/{id}",
        "/uploads/none",
        [303, 303, 303, 403, 403, 412, 412, 412, 403, 403],
    ),
    resumable("PATCH", "/uploads/{id}", IMPORTER_OF_ANOTHER_VERSION),
    resumable("DELETE", "/uploads/{id}", IMPORTER_OF_ANOTHER_VERSION),
    resumable("OPTIONS", "/uploads/{id}", IMPORTER_WHO_ASKS),
];

/// Routes that end the caller's session.
const SPOILS_SESSIONS: [&str; 3] = ["/api/sign_in", "/api/sign_out", "/api/sign_out_everywhere"];

#[test]
fn every_route_is_in_the_table() {
    let rows: BTreeSet<_> = ROWS.iter().map(|row| (row.method, row.path)).collect();
    let rules: BTreeSet<_> = RULES.iter().map(|rule| (rule.method, rule.path)).collect();
    assert_eq!(rows, rules);
    assert_eq!(rows.len(), ROWS.len(), "a route is there twice");
}

#[tokio::test]
async fn everybody_gets_what_is_for_them_and_nothing_else() {
    let app = App::start(&[]).await;
    let mut team = Team::gather(&app).await;
    let staff = App::sharing(&app, &team.staff);
    let job = staff
        .import("nobody-elses.csv", "sku,name,price\na,A,1\n")
        .await;
    let mut wrong = Vec::new();
    for row in ROWS {
        if SPOILS_SESSIONS.contains(&row.path) {
            team.sign_in(&app).await;
        }
        // Tokens first: they end with their user's sessions.
        for (number, who) in PRINCIPALS.into_iter().enumerate().rev() {
            let response = ask(&app, row, &job, team.credential(number)).await;
            let (got, wanted) = (response.status().as_u16(), row.statuses[number]);
            if got != wanted {
                let Row { method, path, .. } = row;
                wrong.push(format!("{method} {path} for {who}: {got}, not {wanted}"));
            }
            // A refusal must not reveal what exists.
            if matches!(got, 303 | 401 | 403 | 404) {
                let text = response.text().await.unwrap();
                assert!(!text.contains("nobody-elses"), "{} for {who}", row.path);
            }
        }
        if SPOILS_SESSIONS.contains(&row.path) {
            team.sign_in(&app).await;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_token_does_on_every_route_what_its_scope_allows() {
    let app = App::start(&[]).await;
    let job = app.import("shop.csv", "sku,name,price\na,A,1\n").await;
    let mut wrong = Vec::new();
    for scope in TokenScope::ALL {
        let token = team::token(&app, scope.as_str()).await;
        for row in ROWS {
            let rule = RULES
                .iter()
                .find(|rule| (rule.method, rule.path) == (row.method, row.path))
                .unwrap();
            let is_allowed = match rule.access {
                Access::Anybody => true,
                Access::Person(_) | Access::BeforePasskey(_) => false,
                Access::Known(permission) => scope.allows(permission),
            };
            let response = ask(&app, row, &job, Some(team::bearer(&token))).await;
            let got = response.status().as_u16();
            if (got == 403) == is_allowed {
                let Row { method, path, .. } = row;
                wrong.push(format!("{method} {path} for {scope:?}: {got}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn ask(
    app: &App,
    row: &Row,
    job: &str,
    credential: Option<(header::HeaderName, String)>,
) -> Response {
    let url = app.url(&row.query.replace("JOB", job));
    let mut request = app.http.request(row.method.parse().unwrap(), url);
    if row.method == "GET" && !row.path.starts_with("/api/") {
        request = request.header(header::ACCEPT, "text/html");
    }
    if let Some((name, value)) = credential {
        request = request.header(name, value);
    }
    with_body(request, row.body).send().await.unwrap()
}

fn with_body(request: RequestBuilder, body: Body) -> RequestBuilder {
    match body {
        Body::None => request,
        Body::Form(form) => {
            let body = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form)
                .finish();
            request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body)
        }
        Body::File => {
            let part =
                reqwest::multipart::Part::text("sku,name,price\na,A,1\n").file_name("shop.csv");
            request.multipart(reqwest::multipart::Form::new().part("file", part))
        }
    }
}

#[tokio::test]
async fn what_is_nowhere_is_told_to_those_who_are_known() {
    let app = App::start(&[]).await;
    let nobody = |path: &str| app.http.get(app.url(path)).send();
    assert_eq!(nobody("/api/nowhere").await.unwrap().status(), 401);
    assert_eq!(nobody("/nowhere").await.unwrap().status(), 401);
    assert_eq!(nobody("/pkg/../data").await.unwrap().status(), 401);
    assert_eq!(app.get("/nowhere").await.status(), 404);
}

#[tokio::test]
async fn what_is_not_yours_looks_like_what_is_not_there() {
    let monitor = FakeMonitor::start().await;
    let settings = monitor.settings();
    let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let app = App::start(&settings).await;
    let team = Team::gather(&app).await;
    let staff = App::sharing(&app, &team.staff);
    let other = App::sharing(&app, &team.other);
    let job = staff.import("shop.csv", "sku,name,price\na,A,1\n").await;
    monitor.set_rest(&job, json!({"totalProducts": 9}));
    let mut times = [Vec::new(), Vec::new()];
    for path in [
        "/api/imports/ID",
        "/api/jobs/ID/progress",
        "/api/get_import?id=ID",
    ] {
        for round in 0..60 {
            let mut answers = Vec::new();
            let mut asked: Vec<_> = times.iter_mut().zip([&*job, "not-there"]).collect();
            // Alternates the order, because the first request can be faster or slower.
            if round % 2 == 1 {
                asked.reverse();
            }
            for (times, id) in asked {
                let began = Instant::now();
                let answer = other.get(&path.replace("ID", id)).await;
                let status = answer.status();
                let mut headers: Vec<_> = answer.headers().keys().cloned().collect();
                headers.sort_by(|a, b| a.as_str().cmp(b.as_str()));
                answers.push((status, headers, answer.text().await.unwrap()));
                times.push(began.elapsed());
            }
            assert_eq!(answers[0], answers[1]);
            assert_eq!(answers[0].0, 404);
        }
    }
    let [yours, there] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    // An extra failing write would take several times as long.
    let most = yours.max(there);
    assert!(
        yours.abs_diff(there) < (most / 2).max(Duration::from_millis(2)),
        "{yours:?} {there:?}"
    );
}

#[tokio::test]
async fn an_import_that_was_started_elsewhere_is_taken_up_by_who_may_import() {
    let monitor = FakeMonitor::start().await;
    let settings = monitor.settings();
    let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let app = App::start(&settings).await;
    let team = Team::gather(&app).await;
    monitor.set_rest(
        "elsewhere",
        json!({"processedProducts": 3, "totalProducts": 9}),
    );
    let get = |cookie: &str| {
        let app = App::sharing(&app, cookie);
        async move { app.get("/api/imports/elsewhere").await }
    };
    assert_eq!(get(&team.observer).await.status(), 404);
    let taken = get(&team.staff).await;
    assert_eq!(taken.status(), 200);
    let taken: Value = taken.json().await.unwrap();
    assert_eq!(taken["processedProducts"], 3);
    // Without a known owner, the first visitor must not lock others out.
    assert_eq!(get(&team.other).await.status(), 200);
    assert_eq!(get(&team.observer).await.status(), 200);
    let list: Value = App::sharing(&app, &team.staff)
        .get("/api/imports")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(list["items"][0]["id"], "elsewhere");
}

#[tokio::test]
async fn an_import_from_elsewhere_is_its_owner_s_whoever_asks_first() {
    let monitor = FakeMonitor::start().await;
    let settings = monitor.settings();
    let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let app = App::start(&settings).await;
    let team = Team::gather(&app).await;
    monitor.set_rest(
        "hers",
        json!({"processedProducts": 3, "totalProducts": 9, "owner": "staff@example.com"}),
    );
    let get = |cookie: &str| {
        let app = App::sharing(&app, cookie);
        async move { app.get("/api/imports/hers").await.status() }
    };
    for _ in 0..2 {
        assert_eq!(get(&team.other).await, 404);
    }
    assert_eq!(get(&team.staff).await, 200);
    assert_eq!(get(&team.observer).await, 200);
}

#[tokio::test]
async fn a_session_of_authjs_that_cannot_be_read_is_said_in_words_of_its_own() {
    let cookies = [
        // A database session has such a token; one sealed with another secret has five parts.
        "authjs.session-token=2f1c1a9e-3f0e-4f0a-9c0b-2b1a7a7a5f11",
        "next-auth.session-token=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
    ];
    let words = "can't read that session";
    for (settings, is_told) in [(&[("AUTH_SECRET", "a secret")][..], true), (&[][..], false)] {
        let app = App::start(settings).await;
        for cookie in cookies {
            let visitor = App::sharing(&app, cookie);
            let page = visitor
                .http
                .get(app.url("/sign-in"))
                .header(header::COOKIE, cookie);
            let page = page
                .header(header::ACCEPT, "text/html")
                .send()
                .await
                .unwrap();
            assert_eq!(page.status(), 200);
            let page = page.text().await.unwrap();
            assert_eq!(page.contains(words), is_told, "{cookie}: {page}");
            let refused = visitor.get("/api/imports").await;
            assert_eq!(refused.status(), 401);
            let refused = refused.text().await.unwrap();
            assert_eq!(refused.contains(words), is_told, "{refused}");
            assert_eq!(refused.contains("signed out"), !is_told, "{refused}");
        }
        // A local session replaces it.
        let both = format!("{}; {}", app.cookie, cookies[0]);
        assert_eq!(
            App::sharing(&app, &both).get("/api/imports").await.status(),
            200
        );
    }
}

#[tokio::test]
async fn a_token_starts_an_import_and_follows_it() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    let bearer = |request: RequestBuilder| request.bearer_auth(&team.write_token);
    let started = bearer(with_body(
        app.http.post(app.url("/api/imports")),
        Body::File,
    ));
    let started = started.send().await.unwrap();
    assert_eq!(started.status(), 201);
    let place = started.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned();
    let id = started.json::<Value>().await.unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(place, format!("/api/imports/{id}"));
    let stream = bearer(app.http.get(app.url(&format!("/api/jobs/{id}/progress"))));
    let events = stream.send().await.unwrap().text().await.unwrap();
    assert!(events.contains(r#""status":"SUCCESS""#), "{events}");
    let import: Value = bearer(app.http.get(app.url(&place)))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&import["status"], &import["filename"]),
        (&json!("SUCCESS"), &json!("shop.csv"))
    );

    let staff = App::sharing(&app, &team.staff);
    let tokens: Value = staff.get("/api/tokens").await.json().await.unwrap();
    let text = tokens.to_string();
    assert!(!text.contains(&team.write_token), "a token is told once");
    for token in tokens["tokens"].as_array().unwrap() {
        let id = token["id"].as_str().unwrap();
        staff.post_as("/api/revoke_token", &[("id", id)]).await;
    }
    let refused = bearer(app.http.get(app.url(&place))).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.headers().contains_key(header::WWW_AUTHENTICATE));
    for odd in ["irt_", "irt_0", "x", ""] {
        let refused = app.http.get(app.url(&place)).bearer_auth(odd);
        assert_eq!(refused.send().await.unwrap().status(), 401, "{odd}");
    }
}

#[tokio::test]
async fn guessing_is_slowed_for_the_client_that_guesses_alone() {
    let app = App::start(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let sign_in = |from: &'static str, password: &'static str| {
        let form = [("email", "ada@example.com"), ("password", password)];
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        app.http
            .post(app.url("/api/sign_in"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("x-forwarded-for", from)
            .body(body)
            .send()
    };
    let mut refused = None;
    for _ in 0..6 {
        let response = sign_in("192.0.2.66", "wrong horse").await.unwrap();
        if response.status() == 429 {
            refused = Some(response);
        }
    }
    let refused = refused.expect("a sixth try is too many");
    let text = refused.text().await.unwrap();
    assert!(text.contains("Throttled"), "{text}");
    // Even with the right password; other accounts are not affected.
    assert_eq!(
        sign_in("192.0.2.66", "correct horse")
            .await
            .unwrap()
            .status(),
        429
    );
    let other = sign_in("192.0.2.67", "correct horse").await.unwrap();
    assert!(session_cookie(&other).is_some());
}

#[tokio::test]
async fn links_work_once_and_passwords_end_sessions() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    let members: Value = app.get("/api/team").await.json().await.unwrap();
    let staff = members["members"]
        .as_array()
        .unwrap()
        .iter()
        .find(|member| member["email"] == "staff@example.com")
        .unwrap();
    let form = [("member", staff["id"].as_str().unwrap())];
    let link: Value = app
        .post_as("/api/make_reset_link", &form)
        .await
        .json()
        .await
        .unwrap();
    let token = link["url"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let reset = |password: &'static str| {
        let form = [("token", token.clone()), ("password", password.to_owned())];
        let app = App::sharing(&app, "");
        async move {
            let form: Vec<_> = form.iter().map(|(k, v)| (*k, v.as_str())).collect();
            app.post_as("/api/reset_password", &form).await
        }
    };
    let weak = reset("password123").await;
    assert_eq!(weak.status(), 400);
    let cookie = session_cookie(&reset("a brand new horse").await).expect("a session");
    assert_eq!(
        App::sharing(&app, &cookie)
            .get("/api/account")
            .await
            .status(),
        200
    );
    let before = App::sharing(&app, &team.staff);
    assert_eq!(before.get("/api/account").await.status(), 401);
    assert_eq!(
        reset("yet another horse").await.status(),
        400,
        "a link works once"
    );

    // The last owner cannot be removed, and removed users lose access at once.
    let owner = members["members"][0]["id"].as_str().unwrap();
    let form = [("member", owner), ("role", "staff")];
    assert_eq!(app.post_as("/api/set_role", &form).await.status(), 400);
    let form = [
        ("member", staff["id"].as_str().unwrap()),
        ("allowed", "false"),
    ];
    assert_eq!(app.post_as("/api/set_access", &form).await.status(), 200);
    assert_eq!(
        App::sharing(&app, &cookie)
            .get("/api/account")
            .await
            .status(),
        401
    );
    let token = app
        .http
        .get(app.url("/api/imports"))
        .bearer_auth(&team.read_token);
    assert_eq!(token.send().await.unwrap().status(), 401);

    // Everything is in the audit log, without secrets.
    let log = app.get("/api/audit_log?page=1").await.text().await.unwrap();
    for action in [
        "Invited",
        "Joined",
        "SignedIn",
        "ResetLinkMade",
        "PasswordReset",
        "AccessTaken",
    ] {
        assert!(log.contains(action), "{action} in {log}");
    }
    assert!(!log.contains(&team.read_token));
}

#[tokio::test]
async fn a_session_ends_unused_or_old_and_is_new_at_every_sign_in() {
    let app = App::start(&[]).await;
    let again = app
        .post_as(
            "/api/sign_in",
            &[("email", "ada@example.com"), ("password", "correct horse")],
        )
        .await;
    let fresh = session_cookie(&again).unwrap();
    assert_eq!(
        app.get("/api/account").await.status(),
        401,
        "the old one is void"
    );
    let fresh = App::sharing(&app, &fresh);
    assert_eq!(fresh.get("/api/account").await.status(), 200);
    for column in ["expires_at", "last_seen_at"] {
        let signed_in = app
            .post_form(
                "/api/sign_in",
                &[("email", "ada@example.com"), ("password", "correct horse")],
            )
            .await;
        let session = App::sharing(&app, &session_cookie(&signed_in).unwrap());
        assert_eq!(session.get("/api/account").await.status(), 200);
        team::expire(&app, &session.cookie, column).await;
        assert_eq!(session.get("/api/account").await.status(), 401, "{column}");
    }
}

#[tokio::test]
async fn a_page_runs_only_what_carries_its_nonce() {
    let app = App::start(&[("NEXTAUTH_URL", "https://relay.example")]).await;
    let page = |accept: &'static str| {
        app.http
            .get(app.url("/sign-in"))
            .header(header::ACCEPT, accept)
            .send()
    };
    let mut nonces = BTreeSet::new();
    for _ in 0..2 {
        let response = page("text/html").await.unwrap();
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        assert!(policy.contains("default-src 'none'") && policy.contains("'wasm-unsafe-eval'"));
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap();
        assert!(nonce.len() >= 16);
        let headers = response.headers();
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(
            headers[header::STRICT_TRANSPORT_SECURITY],
            "max-age=63072000"
        );
        let html = response.text().await.unwrap();
        let scripts = html.matches("<script").count();
        assert!(scripts > 0);
        let carrying = html.matches(&format!("nonce=\"{nonce}\"")).count();
        assert!(carrying >= scripts, "{carrying} of {scripts}");
        assert!(!html.contains(" style=\"") && !html.contains("<style"));
        nonces.insert(nonce.to_owned());
    }
    assert_eq!(nonces.len(), 2, "a nonce is used once");
    let data = app.get("/api/sign_in_state").await;
    let policy = &data.headers()[header::CONTENT_SECURITY_POLICY];
    assert!(policy.to_str().unwrap().starts_with("default-src 'none'"));
    assert!(app.cookie.starts_with("__Host-"), "{}", app.cookie);
}

#[tokio::test]
async fn a_program_does_with_its_import_what_its_page_offers() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    let call = async |method: reqwest::Method, path: &str, body: Option<Value>| {
        let mut request = app.http.request(method, app.url(path));
        request = request.bearer_auth(&team.write_token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (
            status,
            serde_json::from_str::<Value>(&text).unwrap_or(Value::String(text)),
        )
    };
    let (get, post) = (reqwest::Method::GET, reqwest::Method::POST);
    let start = async |query: &str, file: &'static str| {
        let part = reqwest::multipart::Part::text(file).file_name("list.csv");
        let form = reqwest::multipart::Form::new().part("file", part);
        let request = app.http.post(app.url(&format!("/api/imports{query}")));
        let answer = request.bearer_auth(&team.write_token).multipart(form);
        let answer = answer.send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let over = async |id: &Value| {
        let path = format!("/api/imports/{}", id.as_str().unwrap());
        let deadline = Instant::now() + test_support::DEADLINE;
        loop {
            let (_, import) = call(get.clone(), &path, None).await;
            if import["status"] != "PENDING" || !import["details"]["needs"].is_null() {
                return import;
            }
            assert!(Instant::now() < deadline, "{import}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };

    let file = "sku,name,price\nA,One,1\nA,One,2\nB,Two,\n";
    let (status, refused) = start("?dry_run=1", file).await;
    assert_eq!(status, 422);
    assert!(
        refused["error"].as_str().unwrap().contains("dry_run"),
        "{refused}"
    );
    for (query, takes) in [
        ("?products=some", "It takes all, new, existing."),
        ("?fields=price,colour", "salePrice"),
        (
            "?missing=delete",
            "It takes keep, list, unavailable, remove.",
        ),
    ] {
        let (status, refused) = start(query, file).await;
        let error = refused["error"].as_str().unwrap();
        assert!(status == 422 && error.contains(takes), "{refused}");
    }
    let (status, none) = start("?products=existing&fields=price,stock&missing=list", file).await;
    assert_eq!(status, 201);
    let none = over(&none["id"]).await;
    assert_eq!(none["details"]["passedOver"], json!({ "not-there": 2 }));
    assert_eq!(
        none["details"]["options"],
        json!({ "products": "existing", "fields": ["price", "stock"], "missing": "list" })
    );
    let (status, checked) = start("?mode=check", file).await;
    assert_eq!((status, &checked["mode"]), (201, &json!("check")));
    let check = over(&checked["id"]).await;
    assert_eq!(
        (&check["mode"], &check["status"]),
        (&json!("check"), &json!("PARTIAL_SUCCESS"))
    );
    let details = &check["details"];
    assert_eq!(
        [
            &details["rowsRead"],
            &details["addedProducts"],
            &details["replacedRows"]
        ],
        [&json!(3), &json!(1), &json!(1)]
    );
    let id = checked["id"].as_str().unwrap();
    let stream = app.http.get(app.url(&format!("/api/jobs/{id}/progress")));
    let stream = stream.bearer_auth(&team.write_token).send().await.unwrap();
    let events = stream.text().await.unwrap();
    assert!(events.contains(r#""mode":"check""#), "{events}");

    let (_, failed) = call(get.clone(), &format!("/api/imports/{id}/rows"), None).await;
    assert_eq!(failed["items"][0]["sku"], "B");
    let replaced = format!("/api/imports/{id}/rows?kind=replaced");
    let (_, replaced) = call(get.clone(), &replaced, None).await;
    assert_eq!(replaced["items"][0]["byLine"], 3);
    let (_, list) = call(get.clone(), &format!("/api/imports/{id}/rows.csv"), None).await;
    assert!(
        list.as_str().unwrap().contains("The price is missing."),
        "{list}"
    );
    let (status, _) = call(get.clone(), &format!("/api/imports/{id}/rows?kind=x"), None).await;
    assert_eq!(status, 400);

    let (status, again) = call(post.clone(), &format!("/api/imports/{id}/again"), None).await;
    assert_eq!((status, &again["mode"]), (201, &json!("import")));
    assert_eq!(over(&again["id"]).await["details"]["addedProducts"], 1);
    let again = again["id"].as_str().unwrap();
    let (status, retried) = call(post.clone(), &format!("/api/imports/{again}/retry"), None).await;
    assert_eq!(status, 201);
    assert_eq!(over(&retried["id"]).await["failedProducts"], 1);
    let path = format!("/api/imports/{again}");
    assert_eq!(call(reqwest::Method::DELETE, &path, None).await.0, 204);
    assert_eq!(call(get.clone(), &path, None).await.0, 404);

    let (_, asking) = start("", "ref,what,how much\n1,Shirt,19.90\n").await;
    let asking_id = asking["id"].as_str().unwrap();
    assert_eq!(over(&asking["id"]).await["details"]["needs"], "columns");
    let columns = format!("/api/imports/{asking_id}/columns");
    let (_, file) = call(get.clone(), &columns, None).await;
    assert_eq!(file["header"], json!(["ref", "what", "how much"]));
    let said = json!({ "columns": ["sku", "name", "price"] });
    let (status, answered) = call(post.clone(), &columns, Some(said)).await;
    assert_eq!((status, &answered["id"]), (201, &asking["id"]));
    let path = format!("/api/imports/{asking_id}");
    let deadline = Instant::now() + test_support::DEADLINE;
    while call(get.clone(), &path, None).await.1["status"] != "SUCCESS" {
        assert!(Instant::now() < deadline, "it goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (status, _) = call(post, &format!("{path}/cancel"), None).await;
    assert_eq!(status, 400);
    assert_eq!(call(get, "/api/products", None).await.0, 403);
    app.stop().await;
}

#[tokio::test]
async fn a_token_for_products_lists_and_exports_them_and_does_nothing_else() {
    let app = App::start(&[]).await;
    let file =
        "sku,name,price,sale price,image link\nA,=One,2,1,https://shop.example/a.jpg\nB,Two,3,,\n";
    let id = app.import("list.csv", file).await;
    app.until_over(&id).await;
    let form = "name=shop&scope=products%3Aread&lifetime=month";
    let made = app
        .http
        .post(app.url("/api/create_token"))
        .header(header::COOKIE, &app.cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form)
        .send();
    let made: Value = made.await.unwrap().json().await.unwrap();
    let token = made["token"].as_str().unwrap();
    let get = async |path: &str| {
        let request = app.http.get(app.url(path)).bearer_auth(token);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, products) = get("/api/products?search=one").await;
    assert_eq!(status, 200);
    let products: Value = serde_json::from_str(&products).unwrap();
    let first = &products["items"][0];
    assert_eq!(first["identity"], "sku:A");
    assert_eq!(first["image"], "https://shop.example/a.jpg");
    assert_eq!(first["options"], json!([]));
    let (_, list) = get("/api/products.csv").await;
    let mut lines = list.lines();
    assert_eq!(
        lines.next(),
        Some("SKU,Name,Price,Sale price,Currency,GTIN,Stock,Availability,URL,Image link,Options")
    );
    let first = "A,'=One,2,1,,,,,,https://shop.example/a.jpg,";
    assert_eq!(lines.next(), Some(first), "{list}");
    assert_eq!(get("/api/imports").await.0, 403);
    assert_eq!(get("/api/products?sort=x").await.0, 400);
    app.stop().await;
}

#[tokio::test]
async fn products_are_filtered_paged_and_exported_as_they_are_listed() {
    use std::fmt::Write as _;

    let app = App::start(&[]).await;
    let mut file = "sku,name,price,stock\n".to_owned();
    for number in 0..120 {
        writeln!(file, "S-{number:03},Cup,{}.50,{}", number, number % 2).unwrap();
    }
    let first = app.import("cups.csv", &file).await;
    app.until_over(&first).await;
    let second = app
        .import(
            "plates.csv",
            "sku,name,price\nP-1,Plate,\nP-2,Plate,7\nS-007,Cup,1\n",
        )
        .await;
    app.until_over(&second).await;
    let list = async |query: &str| -> (u16, Value) {
        let answer = app.get(&format!("/api/products?{query}")).await;
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let skus = async |query: &str| {
        let (mut all, mut from) = (Vec::new(), String::new());
        loop {
            let (status, page) = list(&format!("{query}&from={from}")).await;
            assert_eq!(status, 200, "{page}");
            let items = page["items"].as_array().unwrap().clone();
            all.extend(
                items
                    .iter()
                    .map(|it| it["sku"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                None => return all,
                Some(next) => {
                    let mut text = url::form_urlencoded::byte_serialize(next.as_bytes());
                    from = text.by_ref().collect();
                }
            }
        }
    };
    assert_eq!(skus("sort=-price").await.len(), 121);
    assert_eq!(skus("priceFrom=100&priceTo=102").await, ["S-100", "S-101"]);
    assert_eq!(skus("outOfStock=true").await.len(), 60);
    assert_eq!(
        skus(&format!("import={second}&sort=name")).await,
        ["S-007", "P-2"]
    );
    let (_, page) = list(&format!("import={second}")).await;
    assert_eq!(page["items"][0]["updatedBy"]["filename"], "plates.csv");
    for query in [
        "priceFrom=x",
        "changedSince=soon",
        "import=none",
        "from=x",
        "color=red",
        "after=sku:P-2&sort=price",
    ] {
        let (status, error) = list(query).await;
        assert_eq!(status, 400, "{query}: {error}");
    }

    let file = async |path: &str| {
        let answer = app.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.unwrap()
    };
    let lines = file("/products.jsonl?priceFrom=100&sort=-price").await;
    let lines = std::str::from_utf8(&lines).unwrap().lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 20);
    assert_eq!(
        (&lines[0]["sku"], &lines[0]["price"], &lines[0]["stock"]),
        (&json!("S-119"), &json!("119.50"), &json!(1))
    );
    let csv = file("/products.csv?search=plate").await;
    assert_eq!(std::str::from_utf8(&csv).unwrap().lines().count(), 2);
    // An exported workbook imports without changes.
    let workbook = file("/products.xlsx?priceFrom=100").await;
    let again = app.import("products.xlsx", workbook).await;
    app.until_over(&again).await;
    let answer: Value = app
        .get(&format!("/api/imports/{again}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(answer["details"]["unchangedProducts"], 20, "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn what_is_said_behind_a_file_is_refused_and_nothing_is_imported() {
    let app = App::start(&[]).await;
    for (field, status) in [("mode", 422), ("products", 422), ("dry_run", 422)] {
        let file = reqwest::multipart::Part::text("sku,price\nA,1\n").file_name("list.csv");
        let form = reqwest::multipart::Form::new()
            .part("file", file)
            .text(field, "check");
        let answer = app
            .http
            .post(app.url("/api/imports"))
            .header(header::COOKIE, &app.cookie)
            .multipart(form)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
        let answer: Value = answer.json().await.unwrap();
        assert!(
            answer["error"].as_str().unwrap().contains(field),
            "{answer}"
        );
    }
    let list: Value = app.get("/api/imports").await.json().await.unwrap();
    assert_eq!(list["total"], 0);
    app.stop().await;
}
