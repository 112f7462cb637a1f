//! Names and texts that are markup, wherever somebody may write one.

use reqwest::header;
use serde_json::Value;

use crate::support::app::App;

const NAME: &str = "\"><img src=x onerror=alert(1)>'<b>";
const FILE: &str = "\"><img src=x onerror=alert(1)>.csv";
const TEXT: &str =
    "</title></textarea></script><script>alert(2)</script><img src=x onerror=alert(3)>";

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

async fn made(app: &App, path: &str, form: &[(&str, &str)]) -> Value {
    let answer = app.post_as(path, form).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap_or_default()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What is written by somebody is text, in pages, attributes and data of scripts.
fn is_clean(page: &str, what: &str) {
    let page = page.to_lowercase();
    for markup in [
        "<img src=x",
        "<script>alert",
        "</title></textarea",
        "href=\"javascript:",
        "src=\"javascript:",
        "href=\"data:",
        "'<b>",
    ] {
        let at = page.find(markup);
        let around = at.map(|at| &page[at.saturating_sub(200)..page.len().min(at + 100)]);
        assert_eq!(around, None, "{what}");
    }
}

#[tokio::test]
async fn what_anybody_writes_is_never_markup() {
    let app = App::start(&[
        ("ENCRYPTION_KEY", "a key of this test"),
        ("IMPORT_URL_HOSTS", "*"),
    ])
    .await;
    let mut file = "sku,name,price,link,image link,option1 name,option1 value\n".to_owned();
    for (sku, link, image) in [
        (NAME, "javascript:alert(1)", "javascript:alert(1)"),
        (
            "b",
            "https://x.example/\"><img src=x onerror=alert(1)>",
            "https://x.example/\"><img src=x onerror=alert(1)>.jpg",
        ),
        (
            "c",
            "data:text/html,<script>alert(1)</script>",
            "data:image/svg+xml,<svg onload=alert(1)>",
        ),
        (
            "d",
            " jAvascript:alert(1)",
            "https://x.example/a.jpg?</script><script>alert(2)</script>",
        ),
    ] {
        let cells = [sku, TEXT, "1", link, image, NAME, TEXT].map(quoted);
        file.push_str(&cells.join(","));
        file.push('\n');
    }
    file.push_str(&format!("{},{},many,,,,\n", quoted(NAME), quoted(TEXT)));
    let job = app.import(FILE, &file).await;
    app.until_over(&job).await;
    // Unknown columns are asked for by name.
    let asked = format!("{},{}\n1,2\n", quoted(NAME), quoted(TEXT));
    let asking = app.import(FILE, &asked).await;
    let second = [("role", "owner"), ("note", NAME)];
    made(&app, "/api/invite", &second).await;
    let link = made(&app, "/api/invite", &[("role", "staff"), ("note", TEXT)]).await;
    let token = link["url"].as_str().unwrap().rsplit('/').next().unwrap();
    let form = [
        ("token", token),
        ("name", TEXT),
        ("email", "\"><img@example.com"),
        ("password", "correct horse"),
    ];
    assert_eq!(
        app.post_form("/api/accept_invitation", &form)
            .await
            .status(),
        200
    );
    let form = [
        ("name", NAME),
        ("scope", "imports:read"),
        ("lifetime", "month"),
    ];
    made(&app, "/api/create_token", &form).await;
    let form = [
        (
            "url",
            "https://hooks.example/?\"><img src=x onerror=alert(1)>",
        ),
        ("description", TEXT),
        ("events[0]", "import.finished"),
    ];
    let hook = app.post_as("/api/create_webhook", &form).await;
    let hook: Value = hook.json().await.unwrap_or_default();
    let source = serde_json::json!({"name": NAME, "address": "https://feeds.example/<img src=x>"});
    let source = app
        .http
        .post(app.url("/api/sources"))
        .header(header::COOKIE, &app.cookie)
        .json(&source)
        .send()
        .await
        .unwrap();
    let source: Value = source.json().await.unwrap_or_default();
    let shared = made(
        &app,
        "/api/share_import",
        &[("id", &job), ("lifetime", "day")],
    )
    .await;
    let shared = shared["url"].as_str().unwrap();
    let shared = &shared[shared.find("/shared/").unwrap()..];
    let products: Value = app.get("/api/products").await.json().await.unwrap();
    let products = products["items"].as_array().unwrap();
    assert_eq!(products.len(), 4, "all are there");

    let mut pages: Vec<String> = [
        "/imports",
        "/products",
        "/team",
        "/tokens",
        "/sources",
        "/sources/new",
        "/webhooks",
        "/audit",
        "/account",
        "/status",
        shared,
    ]
    .map(str::to_owned)
    .into();
    for page in ["", "/changes", "/correct"] {
        pages.push(format!("/imports/{job}{page}"));
        pages.push(format!("/imports/{asking}{page}"));
    }
    pages.push(format!("/imports/{job}?rows=failed"));
    pages.push(format!("/delete-imports?id={job}"));
    for product in products {
        let identity = encoded(product["identity"].as_str().unwrap()).replace('+', "%20");
        pages.push(format!("/products/{identity}"));
    }
    for (kind, it) in [("webhooks", &hook), ("sources", &source)] {
        if let Some(id) = it["id"].as_str().or_else(|| it["webhook"]["id"].as_str()) {
            pages.push(format!("/{kind}/{id}"));
        }
    }
    assert!(
        pages.iter().any(|page| page.starts_with("/sources/0")),
        "{source}"
    );
    assert!(
        pages.iter().any(|page| page.starts_with("/webhooks/0")),
        "{hook}"
    );
    for name in [
        "search", "next", "problem", "setup", "sort", "status", "by", "kind", "from", "rows",
    ] {
        for page in [
            "/imports",
            "/products",
            "/sign-in",
            "/confirm",
            "/passkey",
            "/audit",
            "/nowhere",
        ] {
            pages.push(format!("{page}?{name}={}", encoded(TEXT)));
            pages.push(format!("{page}?{name}={}", encoded(NAME)));
        }
    }
    for page in [
        "join", "shared", "products", "imports", "nowhere", "sources",
    ] {
        pages.push(format!("/{page}/{}", encoded(TEXT).replace('+', "%20")));
    }
    let nobody = App::sharing(&app, "");
    for who in [&app, &nobody] {
        for page in &pages {
            for language in ["en", "de"] {
                let request = who.http.get(who.url(page));
                let answer = request
                    .header(header::COOKIE, &who.cookie)
                    .header(header::ACCEPT, "text/html")
                    .header(header::ACCEPT_LANGUAGE, language)
                    .send()
                    .await
                    .unwrap();
                assert!(!answer.status().is_server_error(), "{page}");
                is_clean(&answer.text().await.unwrap(), page);
            }
        }
    }
    // It is shown at all.
    let page = app
        .get(&format!("/imports/{job}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("&lt;img src=x onerror=alert(1)&gt;.csv"),
        "{page}"
    );
    let team = app.get("/team").await.text().await.unwrap();
    assert!(team.contains("&lt;script&gt;alert(2)"), "{team}");
}
