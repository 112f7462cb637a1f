//! Own and others' imports: others' look like missing ones.

use axum::{Json, Router, routing};
use reqwest::{Response, header};
use serde_json::{Value, json};

use super::team::Team;
use crate::support::app::App;
use test_support::fake_monitor::FakeMonitor;

const FILE: &str = "sku,name,price\na,A,1\n";

/// Returns what distinguishes responses.
async fn told(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.unwrap())
}

fn form<'a>(id: &'a str, rest: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("id", id)][..], rest].concat()
}

async fn with_fake_monitor() -> (FakeMonitor, App) {
    let monitor = FakeMonitor::start().await;
    let settings = monitor.settings();
    let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let app = App::start(&settings).await;
    (monitor, app)
}

#[tokio::test]
async fn nobody_else_does_anything_with_an_import() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    let staff = App::sharing(&app, &team.staff);
    let job = staff.import("shop.csv", FILE).await;
    staff.until_over(&job).await;
    let controls: [(&str, &[(&str, &str)]); 6] = [
        ("/api/cancel_import", &[]),
        ("/api/delete_import", &[]),
        ("/api/import_again", &[]),
        ("/api/retry_failed_rows", &[]),
        ("/api/map_columns", &[("columns[0]", "sku")]),
        ("/api/preview_columns", &[("columns[0]", "sku")]),
    ];
    for (path, rest) in controls {
        for other in [&team.other, &team.owner] {
            let other = App::sharing(&app, other);
            let mine = told(other.post_as(path, &form(&job, rest)).await).await;
            let none = told(other.post_as(path, &form("none", rest)).await).await;
            assert_eq!(mine, none, "{path}");
            assert_eq!(mine.0, 404, "{path}: {}", mine.1);
        }
        let viewer = App::sharing(&app, &team.viewer);
        let refused = told(viewer.post_as(path, &form(&job, rest)).await).await;
        assert_eq!(refused.0, 403, "{path}");
    }
    // It is unchanged, and there are no others.
    let list: Value = staff.get("/api/imports").await.json().await.unwrap();
    assert_eq!(list["total"], 1);
    assert_eq!(list["items"][0]["id"], job.as_str());
    assert_eq!(list["items"][0]["status"], "SUCCESS");
}

#[tokio::test]
async fn nobody_else_goes_on_with_an_upload() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    let ask = |method: reqwest::Method, path: &str, cookie: &str| {
        app.http
            .request(method, app.url(path))
            .header(header::COOKIE, cookie)
            .header("tus-resumable", "1.0.0")
    };
    let made = ask(reqwest::Method::POST, "/uploads", &team.staff)
        .header("upload-length", FILE.len())
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
    let place = made.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned();
    let none = "/uploads/0199c2a4-7d55-7f06-8d5e-0a6d0f3f7a10";
    for other in [&team.other, &team.owner] {
        for method in ["GET", "PATCH", "DELETE"] {
            let of = |path: &str| {
                ask(method.parse().unwrap(), path, other)
                    .header("upload-offset", 0)
                    .header(header::CONTENT_TYPE, "application/offset+octet-stream")
                    .body(if method == "PATCH" { FILE } else { "" })
                    .send()
            };
            let theirs = told(of(&place).await.unwrap()).await;
            assert_eq!(theirs, told(of(none).await.unwrap()).await, "{method}");
            assert_eq!(theirs.0, 404, "{method}");
        }
    }
    let head = ask(reqwest::Method::HEAD, &place, &team.staff)
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["upload-offset"], "0");
}

#[tokio::test]
async fn an_import_from_elsewhere_is_taken_up_by_who_may_import_alone() {
    let (monitor, app) = with_fake_monitor().await;
    let team = Team::gather(&app).await;
    for id in ["one", "two", "three"] {
        monitor.set_rest(id, json!({"processedProducts": 3, "totalProducts": 9}));
    }
    let by_token = |token: &str, path: &str| app.http.get(app.url(path)).bearer_auth(token).send();
    // Reading does not adopt, with a read-only token or as a viewer.
    for path in ["/api/imports/one", "/api/jobs/one/progress"] {
        assert_eq!(
            by_token(&team.read_token, path).await.unwrap().status(),
            404
        );
        let viewer = App::sharing(&app, &team.viewer);
        assert_eq!(viewer.get(path).await.status(), 404);
    }
    let viewer = App::sharing(&app, &team.viewer);
    let list: Value = viewer.get("/api/imports").await.json().await.unwrap();
    assert_eq!(list["total"], 0);
    // The owner adopts by the stream itself.
    let mut stream = app.get("/api/jobs/one/progress").await;
    assert_eq!(stream.status(), 200);
    let mut told = String::new();
    while !told.contains(r#""status":"PENDING""#) {
        let chunk = tokio::time::timeout(test_support::DEADLINE, stream.chunk()).await;
        let chunk = chunk.expect("the state is told in time").unwrap();
        told.push_str(&String::from_utf8_lossy(&chunk.expect(&told)));
    }
    let written = by_token(&team.write_token, "/api/jobs/two/progress").await;
    assert_eq!(written.unwrap().status(), 200);
    assert_eq!(
        by_token(&team.read_token, "/api/imports/two")
            .await
            .unwrap()
            .status(),
        200
    );
    let log = app.get("/api/audit_log?page=1").await.text().await.unwrap();
    assert_eq!(log.matches("ImportAdopted").count(), 2, "{log}");
}

#[tokio::test]
async fn whoever_guesses_imports_from_elsewhere_has_to_wait() {
    let (monitor, app) = with_fake_monitor().await;
    let team = Team::gather(&app).await;
    monitor.set_rest("known", json!({"processedProducts": 3, "totalProducts": 9}));
    let staff = App::sharing(&app, &team.staff);
    // A slow machine's guesses are allowed again about as fast as it makes them.
    let mut is_refused = false;
    for round in 0..1_000 {
        let guesses = (0..20).map(|number| {
            let path = format!("/api/imports/guess-{round}-{number}");
            let staff = &staff;
            async move { staff.get(&path).await.status().as_u16() }
        });
        let statuses = futures_util::future::join_all(guesses).await;
        assert!(
            statuses.iter().all(|it| matches!(it, 404 | 429)),
            "{statuses:?}"
        );
        let asked = monitor.asked();
        if staff.get("/api/imports/guess").await.status() == 429 {
            assert_eq!(monitor.asked(), asked, "it is not asked");
            is_refused = true;
            break;
        }
    }
    assert!(is_refused);
    let other = App::sharing(&app, &team.other);
    assert_eq!(other.get("/api/imports/known").await.status(), 200);
    let log = app.get("/api/audit_log?page=1").await.text().await.unwrap();
    assert_eq!(log.matches("ImportAdopted").count(), 1, "{log}");
}

#[tokio::test]
async fn what_was_deleted_is_not_taken_up_by_the_next() {
    let (monitor, app) = with_fake_monitor().await;
    let team = Team::gather(&app).await;
    let over = json!({"processedProducts": 9, "totalProducts": 9, "isCompleted": true});
    monitor.set_rest("elsewhere", over);
    assert_eq!(app.get("/api/imports/elsewhere").await.status(), 200);
    let deleted = app
        .post_as("/api/delete_import", &[("id", "elsewhere")])
        .await;
    assert!(deleted.status().is_success(), "{}", deleted.status());
    for cookie in [&team.owner, &team.staff, &team.other] {
        let again = App::sharing(&app, cookie)
            .get("/api/imports/elsewhere")
            .await;
        assert_eq!(again.status(), 404);
    }
}

#[tokio::test]
async fn no_service_s_list_of_failed_rows_holds_a_formula() {
    let created = || async { Json(json!({"id": "1"})) };
    let list = || async { "\u{feff}sku,name\n=HYPERLINK(\"x\"),\"@SUM(1)\"\nplain,-1\n" };
    let service = Router::new()
        .route("/api/products/imports", routing::post(created))
        .route(
            "/api/products/imports/{id}/failures.csv",
            routing::get(list),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, service).await });
    let app = App::start(&[
        ("MONITOR_PRICE_APP_HOST", &*address),
        ("PRICE_MONITOR_API_KEY", "key"),
    ])
    .await;
    let job = app.import("shop.csv", FILE).await;
    let list = app.get(&format!("/imports/{job}/failed-rows.csv")).await;
    assert_eq!(
        list.text().await.unwrap(),
        "\u{feff}sku,name\n'=HYPERLINK(\"x\"),\"'@SUM(1)\"\nplain,'-1\n"
    );
}
