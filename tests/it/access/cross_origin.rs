//! CORS: other origins get nothing unless `CORS_ORIGINS` names them.

use import_relay::server::http::middleware::access::RULES;
use reqwest::{Method, RequestBuilder, Response, header, multipart};

use crate::support::app::App;

const FRONT_END: &str = "https://app.example.com";
const OTHER: &str = "https://evil.example";
const FILE: &str = "sku,name,price\na,A,1.00\n";

async fn sharing_app() -> App {
    let both = format!("http://localhost:5173, {FRONT_END}");
    App::start(&[("CORS_ORIGINS", both.as_str())]).await
}

fn ask(app: &App, method: Method, path: &str, origin: &str) -> RequestBuilder {
    let request = app.http.request(method, app.url(path));
    request
        .header(header::ORIGIN, origin)
        .header("sec-fetch-site", "cross-site")
}

async fn preflight(app: &App, path: &str, origin: &str, method: &str, headers: &str) -> Response {
    ask(app, Method::OPTIONS, path, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, method)
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, headers)
        .send()
        .await
        .unwrap()
}

fn of<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    let value = answer.headers().get(name)?;
    Some(value.to_str().unwrap())
}

fn is_for(answer: &Response, origin: &str) -> bool {
    of(answer, "access-control-allow-origin") == Some(origin)
        && of(answer, "access-control-allow-credentials") == Some("true")
}

fn varies(answer: &Response) -> bool {
    let all = answer.headers().get_all(header::VARY).iter();
    all.filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("origin"))
}

#[tokio::test]
async fn a_named_origin_reads_streams_and_rest_with_the_cookies_of_its_viewer() {
    let app = sharing_app().await;
    let job = app.import("shop.csv", FILE).await;
    app.until_over(&job).await;
    for path in [
        format!("/api/jobs/{job}/progress"),
        format!("/api/jobs/progress?ids={job}"),
        format!("/api/job_progress?id={job}"),
        format!("/api/job_states?ids[0]={job}"),
        format!("/api/imports/{job}"),
        "/api/imports".to_owned(),
        "/api/openapi.json".to_owned(),
    ] {
        let request = ask(&app, Method::GET, &path, FRONT_END);
        let request = request.header(header::COOKIE, &app.cookie);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert!(is_for(&answer, FRONT_END) && varies(&answer), "{path}");
        // Errors are readable too.
        let refused = ask(&app, Method::GET, &path, FRONT_END).send().await;
        assert!(is_for(&refused.unwrap(), FRONT_END), "{path}");
        // Others get no headers but `Vary`.
        for origin in [Some(OTHER), Some("null"), None] {
            let mut request = app.http.get(app.url(&path));
            if let Some(origin) = origin {
                request = request.header(header::ORIGIN, origin);
            }
            let request = request.header(header::COOKIE, &app.cookie);
            let answer = request.send().await.unwrap();
            assert_eq!(of(&answer, "access-control-allow-origin"), None, "{path}");
            assert!(varies(&answer), "{path}");
        }
    }
}

#[tokio::test]
async fn a_browser_that_asks_first_is_told_who_may_do_what() {
    let app = sharing_app().await;
    let headers = "authorization,cache-control,last-event-id,traceparent";
    let answer = preflight(&app, "/api/jobs/7/progress", FRONT_END, "GET", headers).await;
    assert!(answer.status().is_success(), "{}", answer.status());
    assert!(is_for(&answer, FRONT_END) && varies(&answer));
    assert_eq!(of(&answer, "access-control-allow-headers"), Some(headers));
    let methods = of(&answer, "access-control-allow-methods").unwrap();
    assert!(
        methods.contains("GET") && methods.contains("POST"),
        "{methods}"
    );
    let answer = preflight(&app, "/api/imports", OTHER, "POST", "content-type").await;
    assert_eq!(of(&answer, "access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_named_origin_starts_imports_and_does_nothing_else() {
    let app = sharing_app().await;
    for (origin, expected) in [(FRONT_END, 201), (OTHER, 403), ("null", 403)] {
        let part = multipart::Part::bytes(FILE.as_bytes().to_vec()).file_name("shop.csv");
        let answer = ask(&app, Method::POST, "/api/imports", origin)
            .header(header::COOKIE, &app.cookie)
            .multipart(multipart::Form::new().part("file", part))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), expected, "{origin}");
        assert_eq!(is_for(&answer, origin), origin == FRONT_END, "{origin}");
    }
    let changing = RULES
        .iter()
        .filter(|rule| !matches!(rule.method, "GET" | "OPTIONS") && rule.path != "/api/imports");
    let mut tried = 0;
    for rule in changing {
        let path = rule.path.replace(['{', '}'], "");
        let method = rule.method.parse().unwrap();
        let request = ask(&app, method, &path, FRONT_END);
        let answer = request.header(header::COOKIE, &app.cookie).send().await;
        assert_eq!(answer.unwrap().status(), 403, "{} {path}", rule.method);
        let asked = preflight(&app, &path, FRONT_END, rule.method, "content-type").await;
        // A route shared for reading allows no other method.
        let methods = of(&asked, "access-control-allow-methods").unwrap_or_default();
        let is_open = of(&asked, "access-control-allow-origin").is_some();
        assert!(
            !is_open || !methods.contains(rule.method),
            "{path}: {methods}"
        );
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}

#[tokio::test]
async fn pages_of_other_origins_get_nothing_where_none_is_named() {
    let app = App::start(&[]).await;
    for path in ["/api/imports", "/api/jobs/progress"] {
        let request = ask(&app, Method::GET, path, FRONT_END);
        let answer = request.header(header::COOKIE, &app.cookie).send().await;
        assert_eq!(of(&answer.unwrap(), "access-control-allow-origin"), None);
        let asked = preflight(&app, path, FRONT_END, "GET", "last-event-id").await;
        assert_eq!(of(&asked, "access-control-allow-origin"), None);
        assert!(!asked.status().is_success(), "{}", asked.status());
    }
}
