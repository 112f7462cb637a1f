//! Sends secrets in every part of a request: none is in log, traces, metrics, audit log or error answers.

mod observed;

use base64::{Engine as _, engine::general_purpose};
use reqwest::{Method, RequestBuilder, Response, header, multipart};
use serde_json::{Value, json};

use self::observed::{Collector, Observed, Provider};
use crate::support::process::{self, Directory};

const PASSWORD: &str = "seven plates of violet soup";
const API_KEY: &str = "key-of-the-price-monitor-70c1f2";
const METRICS_TOKEN: &str = "token-of-the-metrics-5d81aa";
const AUTH_SECRET: &str = "secret-of-the-other-installation-4410";
const CLIENT_SECRET: &str = "secret-at-the-provider-91be04";
const CODE: &str = "code-of-the-provider-2f77c9";
const STATE: &str = "state-of-a-visit-b3d60e";
const AUTHJS: &str =
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..x2Jq9s0vXl8QZk1n.T0pQ7rW3.u5Yb1c6d";
const ENCRYPTION_KEY: &str = "key-of-what-is-stored-encrypted-e14c09";
const COLLECTOR_PASSWORD: &str = "password-of-the-collector-0a9e";
const DATABASE_PASSWORD: &str = "password-of-the-database-c55d";
/// Everything from the program, and debug messages of others.
const TALKATIVE: &str = "debug,import_relay=trace";

struct Secret {
    kind: &'static str,
    value: String,
}

impl Secret {
    /// Returns the encodings of the secret to search for.
    fn forms(&self) -> Vec<String> {
        let value = &self.value;
        let quoted: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let mut forms = vec![
            value.clone(),
            quoted,
            value.replace(' ', "%20"),
            hex::encode(value),
        ];
        for shift in 0..3 {
            // In Base64 at any offset.
            let text = format!("{}{value}", &"***"[..shift]);
            let encoded = general_purpose::STANDARD_NO_PAD.encode(text);
            let whole = encoded.len() - 2;
            forms.push(encoded[4.min(whole)..whole].to_owned());
        }
        forms
    }

    fn is_in(&self, text: &str) -> bool {
        self.forms().iter().any(|form| text.contains(form.as_str()))
    }
}

fn found(secrets: &[Secret], place: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for secret in secrets {
        if secret.is_in(text) {
            let line = text.lines().find(|line| secret.is_in(line));
            let line: String = line.unwrap_or_default().chars().take(400).collect();
            found.push(format!("{} in {place}: {line}", secret.kind));
        }
    }
    found
}

/// Bodies of error answers.
#[derive(Default)]
struct Refusals(String);

impl Refusals {
    async fn send(&mut self, request: RequestBuilder) -> Option<Response> {
        let answer = request.send().await.ok()?;
        if answer.status().as_u16() < 400 {
            return Some(answer);
        }
        let text = answer.text().await.unwrap_or_default();
        self.0.push_str(&text);
        self.0.push('\n');
        None
    }
}

/// Sends a secret in every part of a request, with or without a session.
async fn send_everywhere(
    observed: &Observed,
    cookie: Option<&str>,
    secret: &str,
    refusals: &mut Refusals,
) {
    let http = &observed.http;
    let quoted: String = url::form_urlencoded::byte_serialize(secret.as_bytes())
        .map(|part| part.replace('+', "%20"))
        .collect();
    let request = |method: Method, path: &str| {
        let request = http.request(method, observed.url(path));
        match cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    };
    let mut requests = Vec::new();
    // Paths and queries
    for path in [
        "/S",
        "/x/S/y",
        "/join/S",
        "/shared/S",
        "/shared/S/progress",
        "//shared/S",
        "/shared%2FS",
        "/imports/S",
        "/api/imports/S",
        "/api/imports/S/rows.csv",
        "/api/jobs/S/progress",
        "/imports/S/failed-rows.csv",
        "/uploads/S",
        "/pkg/S",
        "/S?S=S",
        "/sign-in?setup=S",
        "/sign-in?next=S&problem=S",
        "/sign-in/oidc?next=S",
        "/sign-in/oidc/callback?code=S&state=S",
        "/sign-in/oidc/callback?error=S&error_description=S",
        "/imports?search=S&page=S",
        "/products?search=S",
        "/api/sign_in_state?setup=S",
        "/api/link_state?token=S",
        "/api/shared_import?token=S",
        "/api/get_import?id=S",
        "/api/list_imports?page=S",
        "/api/jobs/progress?ids=S",
        "/api/jobs/progress?lastEventId=S",
        "/health?token=S",
        "/metrics?token=S",
    ] {
        let path = path.replace('S', &quoted);
        requests.push(request(Method::GET, &path));
        requests.push(request(Method::POST, &path).body(""));
    }
    // Headers
    for (name, value) in [
        ("authorization", format!("Bearer {secret}")),
        ("authorization", format!("bearer irt_{secret}")),
        (
            "authorization",
            format!("Basic {}", general_purpose::STANDARD.encode(secret)),
        ),
        ("authorization", secret.to_owned()),
        ("proxy-authorization", secret.to_owned()),
        ("x-api-key", secret.to_owned()),
        ("x-request-id", secret.to_owned()),
        ("user-agent", secret.to_owned()),
        ("accept-language", secret.to_owned()),
        ("last-event-id", secret.to_owned()),
        ("idempotency-key", secret.to_owned()),
        ("origin", format!("https://{secret}.example")),
        ("origin", secret.to_owned()),
        ("host", secret.to_owned()),
        ("x-forwarded-for", secret.to_owned()),
        ("x-forwarded-host", secret.to_owned()),
        ("forwarded", format!("for={secret}")),
        ("range", secret.to_owned()),
        ("if-none-match", secret.to_owned()),
        ("content-type", secret.to_owned()),
        ("sec-fetch-site", secret.to_owned()),
        ("referer", format!("http://localhost/join/{quoted}")),
        ("referer", secret.to_owned()),
        ("traceparent", format!("00-{secret}-00f067aa0ba902b7-01")),
        ("tracestate", secret.to_owned()),
        ("baggage", format!("key={secret}")),
        ("x-amzn-trace-id", secret.to_owned()),
    ] {
        for (method, path) in [
            (Method::GET, "/account"),
            (Method::GET, "/api/imports"),
            (Method::GET, "/api/jobs/progress?unfinished=true"),
            (Method::GET, "/metrics"),
            (Method::GET, "/nowhere"),
            (Method::POST, "/api/end_session"),
            (Method::POST, "/api/imports"),
            (Method::POST, "/imports"),
            (Method::POST, "/uploads"),
        ] {
            requests.push(request(method, path).header(name, &value));
        }
    }
    // Each known cookie
    for name in [
        "import-relay.session",
        "import-relay.known",
        "import-relay.once",
        "import-relay.visit",
        "import-relay.passkey",
        "import-relay.failed",
        "authjs.session-token",
        "next-auth.session-token",
        "__Secure-authjs.session-token.0",
        "language",
        "another",
    ] {
        for path in [
            "/imports",
            "/api/account",
            "/sign-in",
            "/sign-in/oidc/callback?code=x&state=y",
            "/passkey",
        ] {
            let cookie = format!("{name}={quoted}");
            requests.push(http.get(observed.url(path)).header(header::COOKIE, cookie));
        }
    }
    // Form fields of every function
    for (path, fields) in [
        ("/api/sign_in", &["email", "password", "next"][..]),
        ("/api/sign_in_with_passkey", &["credential", "next"]),
        ("/api/confirm_with_passkey", &["credential", "next"]),
        ("/api/add_passkey", &["credential", "name", "next"]),
        (
            "/api/create_owner",
            &["name", "email", "password", "setup", "next"],
        ),
        (
            "/api/accept_invitation",
            &["token", "name", "email", "password"],
        ),
        ("/api/reset_password", &["token", "password"]),
        ("/api/change_password", &["current", "password"]),
        ("/api/create_token", &["scope", "lifetime"]),
        ("/api/revoke_token", &["id"]),
        ("/api/end_session", &["id"]),
        ("/api/invite", &["role"]),
        ("/api/make_reset_link", &["member"]),
        ("/api/set_role", &["member", "role"]),
        ("/api/set_access", &["member", "allowed"]),
        ("/api/revoke_link", &["id"]),
        ("/api/set_language", &["language"]),
        ("/api/cancel_import", &["id"]),
        ("/api/map_columns", &["id", "columns[0]"]),
        ("/imports/from-address", &["url", "mode"]),
    ] {
        let body = |fields: &[&str]| {
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields.iter().map(|field| (*field, secret)))
                .finish()
        };
        for accept in ["application/json", "text/html"] {
            let form = request(Method::POST, path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ACCEPT, accept)
                .header(header::REFERER, observed.url("/sign-in"))
                .body(body(fields));
            requests.push(form);
        }
        requests.push(request(Method::POST, path).body(secret.to_owned()));
    }
    // URLs of product files
    for address in [
        format!("https://user:{quoted}@127.0.0.1:9/list.csv"),
        format!("https://127.0.0.1:9/{quoted}.csv?token={quoted}#{quoted}"),
        format!("https://{quoted}.example/list.csv"),
        format!("http://{quoted}"),
        format!("{secret}://x"),
    ] {
        let body = json!({"url": address, "mode": "import"}).to_string();
        let by_program = request(Method::POST, "/api/imports")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        requests.push(by_program);
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("url", &address)
            .finish();
        let by_form = request(Method::POST, "/imports/from-address")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        requests.push(by_form);
    }
    // JSON
    for body in [
        json!({"url": secret}),
        json!({"mode": secret}),
        json!({secret: secret}),
        json!([secret]),
        json!(secret),
    ] {
        for path in ["/api/imports", "/api/imports/none/columns", "/api/sign_in"] {
            let request = request(Method::POST, path)
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.to_string());
            requests.push(request);
        }
    }
    // Resumable uploads
    let metadata = format!("filename {}", general_purpose::STANDARD.encode(secret));
    for metadata in [metadata, format!("{secret} {secret}"), secret.to_owned()] {
        let create = request(Method::POST, "/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", "40")
            .header("upload-metadata", metadata);
        requests.push(create);
    }
    // Form parts: names of files and fields, content types, content
    let part =
        |name: &str| multipart::Part::text("sku,name,price\na,A,1\n").file_name(name.to_owned());
    for path in ["/imports", "/api/imports"] {
        for form in [
            multipart::Form::new().part("file", part(secret)),
            multipart::Form::new().part("file", part(&format!("{secret}.csv"))),
            multipart::Form::new().part(secret.to_owned(), part("list.csv")),
            multipart::Form::new().text("mode", secret.to_owned()),
            multipart::Form::new().part(
                "file",
                multipart::Part::text(secret.to_owned()).file_name("list.csv"),
            ),
        ] {
            requests.push(request(Method::POST, path).multipart(form));
        }
    }
    for request in requests {
        let _ = refusals.send(request).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_the_log_the_traces_the_metrics_the_audit_log_or_a_refusal() {
    let provider = Provider::start().await;
    let collector = Collector::start().await;
    let endpoint = collector
        .address
        .replace("//", &format!("//someone:{COLLECTOR_PASSWORD}@"));
    let observed = Observed::start(&[
        ("RUST_LOG", TALKATIVE),
        ("PRICE_MONITOR_API_KEY", API_KEY),
        ("METRICS_TOKEN", METRICS_TOKEN),
        ("AUTH_SECRET", AUTH_SECRET),
        ("OIDC_ISSUER", &provider.issuer),
        ("OIDC_CLIENT_ID", "relay"),
        ("OIDC_CLIENT_SECRET", CLIENT_SECRET),
        ("IMPORT_URL_HOSTS", "127.0.0.1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("MIN_FREE_SPACE", "1MiB"),
        ("ENCRYPTION_KEY", ENCRYPTION_KEY),
    ])
    .await;
    let post = |path: &str, cookie: &str, body: String| {
        observed
            .http
            .post(observed.url(path))
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
    };
    let setup = observed.setup_secret().await;
    let made = post(
        "/api/create_owner",
        "",
        format!(
            "name=Ada&email=ada%40example.com&password={}&setup={setup}",
            PASSWORD.replace(' ', "+")
        ),
    );
    let made = made.send().await.unwrap();
    let cookies = made.headers()[header::SET_COOKIE].to_str().unwrap();
    let cookie = cookies.split(';').next().unwrap().to_owned();
    let invited = post("/api/invite", &cookie, "role=viewer&note=".to_owned());
    let invited: Value = invited.send().await.unwrap().json().await.unwrap();
    let invitation = invited["url"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let token = post(
        "/api/create_token",
        &cookie,
        "name=x&scope=imports:write&lifetime=month".to_owned(),
    );
    let token: Value = token.send().await.unwrap().json().await.unwrap();
    let part = multipart::Part::text("sku,name,price\na,A,1\n").file_name("list.csv");
    let started = observed
        .http
        .post(observed.url("/imports"))
        .header(header::COOKIE, &cookie)
        .header(header::ACCEPT, "application/json")
        .multipart(multipart::Form::new().part("file", part));
    let started: Value = started.send().await.unwrap().json().await.unwrap();
    let form = format!("id={}&lifetime=day", started["id"].as_str().unwrap());
    let shared = post("/api/share_import", &cookie, form);
    let shared: Value = shared.send().await.unwrap().json().await.unwrap();
    let shared = shared["url"].as_str().unwrap();
    let shared = shared.rsplit('/').next().unwrap().to_owned();

    let secret = |kind, value: &str| Secret {
        kind,
        value: value.to_owned(),
    };
    let sent = [
        secret("a session", cookie.split_once('=').unwrap().1),
        secret("an API token", token["token"].as_str().unwrap()),
        secret("the setup link's secret", &setup),
        secret("an invitation's secret", &invitation),
        secret("a share link's token", &shared),
    ];
    // Secrets without a recognizable form are sent where they belong only.
    let kept = [
        secret("the password", PASSWORD),
        secret("the key of the price monitor", API_KEY),
        secret("the token of the metrics", METRICS_TOKEN),
        secret("the secret of Auth.js", AUTH_SECRET),
        secret("the client's secret", CLIENT_SECRET),
        secret("the key of what is stored", ENCRYPTION_KEY),
        secret("a code", CODE),
        secret("a state", STATE),
        secret("a cookie of Auth.js", AUTHJS),
        secret("the collector's password", COLLECTOR_PASSWORD),
    ];

    let mut refusals = Refusals::default();
    for secret in &sent {
        for cookie in [None, Some(cookie.as_str())] {
            send_everywhere(&observed, cookie, &secret.value, &mut refusals).await;
        }
    }
    send_in_their_places(&observed, &cookie, &mut refusals).await;

    let metrics = observed
        .http
        .get(observed.url("/metrics"))
        .bearer_auth(METRICS_TOKEN);
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("import_relay_"), "{metrics}");
    let audit = observed.audit(&cookie).await;
    assert!(
        audit.contains("signed-in") || audit.contains("SignedIn"),
        "{audit}"
    );
    let written = observed.stop().await;
    let traces = collector.received();
    assert!(written.errors.contains("TRACE") || written.errors.contains("DEBUG"));
    assert!(traces.contains("/api/sign_in"), "there are traces");

    let secrets: Vec<_> = sent.into_iter().chain(kept).collect();
    let mut leaks = Vec::new();
    for (place, text) in [
        ("standard output", &written.output),
        ("the log", &written.errors),
        ("the traces", &traces),
        ("the metrics", &metrics),
        ("the audit log", &audit),
        ("a refusal", &refusals.0),
    ] {
        leaks.extend(found(&secrets, place, text));
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// Sends secrets without a recognizable form.
async fn send_in_their_places(observed: &Observed, cookie: &str, refusals: &mut Refusals) {
    let http = &observed.http;
    let form = |path: &str, body: String| {
        http.post(observed.url(path))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
    };
    let password = PASSWORD.replace(' ', "+");
    for body in [
        format!("email=ada%40example.com&password={password}"),
        format!("email=eve%40example.com&password={password}"),
        // Typed into the wrong field.
        format!("email={password}&password=x"),
        format!("email=ada%40example.com&password={password}&password={password}"),
        format!("password={password}"),
    ] {
        let _ = refusals.send(form("/api/sign_in", body)).await;
    }
    let change = form(
        "/api/change_password",
        format!("current=wrong+horse&password={password}"),
    );
    let change = change.header(header::COOKIE, cookie);
    let _ = refusals.send(change).await;
    let bearer = |token: &str| http.get(observed.url("/api/imports")).bearer_auth(token);
    for token in [API_KEY, METRICS_TOKEN, AUTH_SECRET, CLIENT_SECRET] {
        let _ = refusals.send(bearer(token)).await;
        let _ = refusals
            .send(http.get(observed.url("/metrics")).bearer_auth(token))
            .await;
    }
    for name in [
        "authjs.session-token",
        "next-auth.session-token",
        "__Secure-authjs.session-token",
    ] {
        for path in ["/imports", "/api/account"] {
            let request = http
                .get(observed.url(path))
                .header(header::COOKIE, format!("{name}={AUTHJS}"));
            let _ = refusals.send(request).await;
        }
    }
    // Through the provider and back, so that the app sends it the code.
    let away = http
        .get(observed.url("/sign-in/oidc"))
        .send()
        .await
        .unwrap();
    let visit = away.headers()[header::SET_COOKIE].to_str().unwrap();
    let visit = visit.split(';').next().unwrap().to_owned();
    let address = away.headers()[header::LOCATION].to_str().unwrap();
    let address = url::Url::parse(address).unwrap();
    let state = address
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    for query in [
        format!("code={CODE}&state={STATE}"),
        format!("code={CODE}&state={state}"),
        format!("error={CODE}&error_description={CODE}&state={state}"),
        format!("code={CODE}"),
        format!("code={CODE}&code={CODE}&state={STATE}"),
    ] {
        let path = observed.url(&format!("/sign-in/oidc/callback?{query}"));
        let arrival = http.get(path).header(header::COOKIE, &visit);
        let _ = refusals.send(arrival).await;
    }
}

#[tokio::test]
async fn no_secret_is_told_by_a_start_that_fails() {
    let directory = Directory::new();
    let database = format!("postgres://relay:{DATABASE_PASSWORD}@127.0.0.1:1/relay");
    let secrets = [
        Secret {
            kind: "the database's password",
            value: DATABASE_PASSWORD.to_owned(),
        },
        Secret {
            kind: "the key of the price monitor",
            value: API_KEY.to_owned(),
        },
        Secret {
            kind: "the secret of Auth.js",
            value: AUTH_SECRET.to_owned(),
        },
        Secret {
            kind: "the client's secret",
            value: CLIENT_SECRET.to_owned(),
        },
    ];
    let settings = [
        ("RUST_LOG", TALKATIVE),
        ("LISTEN_ADDR", "127.0.0.1:0"),
        ("DATABASE_URL", &database),
        ("PRICE_MONITOR_API_KEY", API_KEY),
        ("AUTH_SECRET", AUTH_SECRET),
        ("OIDC_ISSUER", "http://127.0.0.1:1"),
        ("OIDC_CLIENT_ID", "relay"),
        ("OIDC_CLIENT_SECRET", CLIENT_SECRET),
    ];
    // Connecting to a silent database takes long, so the commands run concurrently.
    let commands: [(&[&str], bool); 5] = [
        (&[], true),
        (&["check"], true),
        (&["migrate"], true),
        (&["owner-link"], true),
        (&["--check-config"], false),
    ];
    let runs = commands.map(|(arguments, fails)| {
        let mut command = directory.command(arguments, &settings);
        async move { (arguments, fails, command.output().await.unwrap()) }
    });
    let runs = tokio::time::timeout(4 * test_support::DEADLINE, futures::future::join_all(runs));
    for (arguments, fails, ended) in runs.await.unwrap() {
        assert_eq!(ended.status.success(), !fails, "{arguments:?}");
        let said = [ended.stdout, ended.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        let leaks = found(&secrets, &format!("{arguments:?}"), &said);
        assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    }
}

#[tokio::test]
async fn what_a_client_sends_is_one_line_of_the_log_at_most() {
    let observed = Observed::start(&[("RUST_LOG", TALKATIVE), ("MIN_FREE_SPACE", "1MiB")]).await;
    let cookie = process::create_owner(&observed.http, &observed.url(""), None).await;
    let name = "a\u{1b}[2Jb\r\n2026-01-01T00:00:00Z ERROR forged: by a name\u{85}\u{2028}.csv";
    // `reqwest` would escape it.
    let body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"file\"; filename*=UTF-8''{}\r\n\r\nsku,name,price\na,A,1\n\r\n--x--\r\n",
        percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC)
    );
    let quoted = body
        .replace("filename*=UTF-8''", "filename=\"")
        .replace("\r\n\r\nsku", "\"\r\n\r\nsku");
    for body in [body, quoted] {
        let post = observed
            .http
            .post(observed.url("/imports"))
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
        post.body(body).send().await.unwrap();
    }
    let tus = observed
        .http
        .post(observed.url("/uploads"))
        .header(header::COOKIE, &cookie)
        .header("tus-resumable", "1.0.0")
        .header("upload-length", "22")
        .header(
            "upload-metadata",
            format!("filename {}", general_purpose::STANDARD.encode(name)),
        );
    tus.send().await.unwrap();
    let path: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    observed
        .http
        .get(observed.url(&format!("/{path}")))
        .send()
        .await
        .unwrap();
    let written = observed.stop().await;
    assert!(!written.errors.contains('\u{1b}'));
    for line in written.errors.lines() {
        let begins_with_a_time = line.as_bytes().first().is_some_and(u8::is_ascii_digit);
        let is_forged = line.starts_with("2026-01-01T00:00:00Z");
        assert!(
            begins_with_a_time && !is_forged,
            "{line:?} is in\n{}",
            written.errors
        );
    }
}
