//! Guards of all routes: origin, session, body size.

use import_relay::server::http::middleware::access::{Access, RULES};
use reqwest::{Response, header};

use super::team::Team;
use crate::support::app::App;

fn concrete(path: &str) -> String {
    let segments = path
        .split('/')
        .map(|segment| match segment.strip_prefix('{') {
            Some(_) => "none",
            None => segment,
        });
    segments.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn nothing_changes_at_the_word_of_another_site() {
    let app = App::start(&[]).await;
    let marks = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "nonsense"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ];
    let mut tried = 0;
    for rule in RULES.iter() {
        let path = app.url(&concrete(rule.path));
        for (name, value) in marks {
            let request = app.http.request(rule.method.parse().unwrap(), &path);
            let request = request
                .header(header::COOKIE, &app.cookie)
                .header(name, value);
            let answer = request.send().await.unwrap();
            if matches!(rule.method, "GET" | "OPTIONS") {
                // Reads are not rejected for their origin.
                assert_ne!(answer.status(), 403, "{} {}", rule.method, rule.path);
                break;
            }
            tried += 1;
            assert_eq!(
                answer.status(),
                403,
                "{} {} {value}",
                rule.method,
                rule.path
            );
            let text = answer.text().await.unwrap();
            assert!(text.contains("another site"), "{}: {text}", rule.path);
        }
    }
    assert!(tried > 100, "{tried}");
    assert_eq!(app.get("/api/account").await.status(), 200);
}

#[tokio::test]
async fn the_own_site_is_known_by_each_of_its_marks() {
    let app = App::start(&[("NEXTAUTH_URL", "https://relay.example")]).await;
    let own = format!("http://{}", app.address);
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("origin", "https://relay.example"),
        ("origin", &own),
    ] {
        let request = app.http.post(app.url("/api/end_session"));
        let answer = request
            .header(header::COOKIE, &app.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value)
            .body("id=none")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{name}: {value}");
    }
}

/// Pages are not rendered for tokens, which may lack access to their content.
#[tokio::test]
async fn a_token_is_shown_no_page() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    let staff = App::sharing(&app, &team.staff);
    let job = staff
        .import("secret-stock.csv", "sku,name,price\nx,Secret,1\n")
        .await;
    staff.until_over(&job).await;
    let pages = RULES.iter().filter(|rule| {
        rule.method == "GET"
            && !rule.path.starts_with("/api/")
            && matches!(rule.access, Access::Person(_))
    });
    for rule in pages {
        let path = rule.path.replace("{id}", &job).replace("{job}", &job);
        for token in [&team.read_token, &team.write_token] {
            let request = app.http.get(app.url(&path)).bearer_auth(token);
            let answer = request
                .header(header::ACCEPT, "text/html")
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 403, "{path}");
            let text = answer.text().await.unwrap();
            assert!(text.len() < 200, "{path}: {text}");
            assert!(
                !text.contains("secret-stock") && !text.contains("staff@"),
                "{path}"
            );
        }
    }
}

fn of<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn every_answer_makes_a_browser_careful() {
    let app = App::start(&[("NEXTAUTH_URL", "https://relay.example")]).await;
    for path in [
        "/sign-in",
        "/imports",
        "/nowhere",
        "/api/imports",
        "/api/nowhere",
        "/health",
        "/health/live",
        "/metrics",
        "/api/jobs/progress",
    ] {
        let answer = app.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            (
                "permissions-policy",
                "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            ),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", "max-age=63072000"),
        ] {
            assert_eq!(of(&answer, name), value, "{path}: {name}");
        }
        let policy = of(&answer, "content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_ne!(of(&answer, "cache-control"), "", "{path}");
    }
}

#[tokio::test]
async fn nothing_of_a_person_is_kept_on_the_way_and_no_secret_anywhere() {
    let app = App::start(&[]).await;
    for (path, kept) in [
        ("/imports", "private, no-cache"),
        ("/api/imports", "private, no-cache"),
        ("/api/list_products?search=&page=1", "private, no-cache"),
        ("/tokens", "no-store"),
        ("/team", "no-store"),
        ("/account", "no-store"),
        ("/join/0123", "no-store"),
        ("/api/tokens", "no-store"),
        ("/api/team", "no-store"),
        ("/api/link_state?token=x", "no-store"),
    ] {
        assert_eq!(of(&app.get(path).await, "cache-control"), kept, "{path}");
    }
    let made = app
        .post_as(
            "/api/create_token",
            &[
                ("name", "x"),
                ("scope", "imports:read"),
                ("lifetime", "month"),
            ],
        )
        .await;
    assert_eq!(of(&made, "cache-control"), "no-store");
}

#[tokio::test]
async fn no_route_but_uploads_takes_a_large_body() {
    const LARGE: usize = 200 << 10;
    // It has the rows of a page.
    const FORM_OF_ROWS: &str = "/api/correct_rows";
    const LARGER: usize = 2 << 20;
    let app = App::start(&[]).await;
    for rule in RULES.iter().filter(|rule| rule.method == "POST") {
        if !rule.path.starts_with("/api/") || rule.path == "/api/imports" {
            continue;
        }
        let post = || {
            app.http
                .post(app.url(rule.path))
                .header(header::COOKIE, &app.cookie)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        };
        let large = if rule.path == FORM_OF_ROWS {
            LARGER
        } else {
            LARGE
        };
        let whole = post().body(vec![b'x'; large]).send().await.unwrap();
        assert_eq!(whole.status(), 413, "{}", rule.path);
        let pieces = (0..large / 1024).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 1024]));
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        if let Ok(chunked) = post().body(body).send().await {
            assert_eq!(chunked.status(), 413, "{}", rule.path);
        }
    }
    assert_eq!(app.get("/api/account").await.status(), 200);
}
