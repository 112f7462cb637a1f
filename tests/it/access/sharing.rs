//! Share links: what they show, to whom, and what they do not grant.

use reqwest::{Method, Response, header};
use serde_json::{Value, json};

use super::team::{Team, change};
use crate::support::app::App;
use test_support::{events::Events, fake_monitor::FakeMonitor};

const FILE: &str = "sku,name,price\na,A,1\nbad-sku,B,oops\n";
const KEY: (&str, &str) = ("ENCRYPTION_KEY", "a key of this test");

/// Requests a path without cookies.
async fn visit(app: &App, path: &str) -> Response {
    let request = app.http.get(app.url(path));
    let request = request.header(header::ACCEPT, "text/html");
    request.send().await.unwrap()
}

async fn share(app: &App, job: &str) -> (String, String) {
    let form = [("id", job), ("lifetime", "day")];
    let link = app.post_as("/api/share_import", &form).await;
    assert_eq!(link.status(), 200);
    let link: Value = link.json().await.unwrap();
    let url = link["url"].as_str().unwrap();
    let path = url.find("/shared/").map(|start| url[start..].to_owned());
    (link["id"].as_str().unwrap().to_owned(), path.unwrap())
}

async fn with_fake_monitor() -> (FakeMonitor, App) {
    let monitor = FakeMonitor::start().await;
    let settings = monitor.settings();
    let settings = settings.iter().map(|(k, v)| (*k, v.as_str()));
    let settings: Vec<_> = settings.chain([KEY]).collect();
    let app = App::start(&settings).await;
    (monitor, app)
}

#[tokio::test]
async fn a_link_shows_counts_and_failures_and_opens_nothing_else() {
    let app = App::start(&[KEY]).await;
    let team = Team::gather(&app).await;
    let staff = App::sharing(&app, &team.staff);
    let job = staff.import("secret-name.csv", FILE).await;
    staff.until_over(&job).await;
    let (id, path) = share(&staff, &job).await;

    let page = visit(&app, &path).await;
    assert_eq!(page.status(), 200);
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.headers()[name], value);
    }
    assert!(!page.headers().contains_key(header::SET_COOKIE));
    let text = page.text().await.unwrap();
    assert!(
        text.contains("bad-sku") && text.contains("noindex"),
        "{text}"
    );
    for hidden in [
        "secret-name",
        "staff@example.com",
        "Somebody",
        "ada@example.com",
        "failed-rows.csv",
        "name=\"id\"",
        "/imports/",
        job.as_str(),
    ] {
        assert!(!text.contains(hidden), "{hidden} is in {text}");
    }
    let stream = app.http.get(app.url(&format!("{path}/progress")));
    let stream = stream.send().await.unwrap();
    assert_eq!(stream.headers()["referrer-policy"], "no-referrer");
    let last = Events::new(stream).last().await.data.unwrap();
    let counts = json!({
        "processedProducts": 1, "failedProducts": 1, "totalProducts": 2, "status": "PARTIAL_SUCCESS",
    });
    assert_eq!(last, counts);

    // The token is no session and grants no other page of the import.
    let token = path.rsplit('/').next().unwrap();
    for (method, path, expected) in [
        (Method::GET, format!("/api/imports/{job}"), 401),
        (Method::GET, format!("/api/jobs/{job}/progress"), 401),
        (Method::GET, format!("/api/imports/{job}/rows.csv"), 401),
        (Method::GET, format!("/api/imports/{job}/changes"), 401),
        (Method::GET, "/api/products".to_owned(), 401),
        (Method::POST, format!("/api/imports/{job}/cancel"), 401),
        (Method::POST, format!("/api/imports/{job}/undo"), 401),
        (Method::GET, format!("{path}/rows.csv"), 401),
        (Method::GET, format!("/shared/{job}"), 404),
        (Method::GET, format!("/shared/{id}"), 404),
    ] {
        let request = app.http.request(method, app.url(&path));
        let request = request
            .bearer_auth(token)
            .header(header::COOKIE, format!("import-relay.session={token}"));
        let status = request.send().await.unwrap().status().as_u16();
        assert_eq!(status, expected, "{path}");
    }
    let posted = app.http.post(app.url(&path)).send().await.unwrap();
    assert_eq!(posted.status(), 401);

    let audit = app.get("/api/audit_log?page=1").await.text().await.unwrap();
    assert!(
        audit.contains("ImportShared") && !audit.contains(token),
        "{audit}"
    );
}

#[tokio::test]
async fn a_link_ends_when_it_expires_is_revoked_or_its_creator_may_no_longer_change_the_import() {
    let app = App::start(&[KEY]).await;
    let team = Team::gather(&app).await;
    let staff = App::sharing(&app, &team.staff);
    let job = staff.import("shop.csv", FILE).await;
    staff.until_over(&job).await;
    let status = async |path: &str| visit(&app, path).await.status().as_u16();

    let (id, path) = share(&staff, &job).await;
    let listed = async || -> Value {
        let listed = staff.get(&format!("/api/share_links?id={job}")).await;
        listed.json().await.unwrap()
    };
    assert!(
        listed().await["links"][0]["url"]
            .as_str()
            .unwrap()
            .ends_with(&path)
    );
    // A link can be revoked only by users who may change its import, and only there.
    let other = App::sharing(&app, &team.other);
    let form = [("id", &*job), ("link", &*id)];
    assert_eq!(
        other.post_as("/api/revoke_share", &form).await.status(),
        404
    );
    let second = staff.import("other.csv", FILE).await;
    let mixed = [("id", &*second), ("link", &*id)];
    assert_eq!(
        staff.post_as("/api/revoke_share", &mixed).await.status(),
        404
    );
    assert_eq!(status(&path).await, 200);
    assert_eq!(
        staff.post_as("/api/revoke_share", &form).await.status(),
        200
    );
    assert_eq!(status(&path).await, 404);
    assert_eq!(listed().await["links"], json!([]));

    let (_, path) = share(&staff, &job).await;
    change(&app, "UPDATE share_links SET expires_at = 1").await;
    assert_eq!(status(&path).await, 404);

    let (_, path) = share(&staff, &job).await;
    for (sql, expected) in [
        (
            "UPDATE users SET role = 'viewer' WHERE email = 'staff@example.com'",
            404,
        ),
        (
            "UPDATE users SET role = 'staff' WHERE email = 'staff@example.com'",
            200,
        ),
        (
            "UPDATE users SET disabled_at = 1 WHERE email = 'staff@example.com'",
            404,
        ),
    ] {
        change(&app, sql).await;
        assert_eq!(status(&path).await, expected, "{sql}");
    }
    change(
        &app,
        "UPDATE users SET disabled_at = NULL WHERE email = 'staff@example.com'",
    )
    .await;
    let deleted = staff.post_as("/api/delete_import", &[("id", &job)]).await;
    assert_eq!(deleted.status(), 200);
    assert_eq!(status(&path).await, 404);
}

#[tokio::test]
async fn a_stream_by_a_link_is_live_and_ends_with_the_link() {
    let (monitor, app) = with_fake_monitor().await;
    let job = app.import("shop.csv", FILE).await;
    monitor.set_rest(&job, json!({"processedProducts": 1, "totalProducts": 9}));
    let (id, path) = share(&app, &job).await;
    let open = async || {
        let stream = app.http.get(app.url(&format!("{path}/progress")));
        Events::new(stream.send().await.unwrap())
    };
    let mut events = open().await;
    events.state().await.unwrap();
    monitor
        .until("somebody follows it", |it| it.joins().contains(&job))
        .await;
    monitor.emit(&job, json!({"processedProducts": 5, "totalProducts": 9}));
    while events.state().await.unwrap()["processedProducts"] != 5 {}
    let revoked = app
        .post_as("/api/revoke_share", &[("id", &job), ("link", &id)])
        .await;
    assert_eq!(revoked.status(), 200);
    while events.next().await.is_some() {}
    let again = app.http.get(app.url(&format!("{path}/progress")));
    assert_eq!(again.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn links_are_few_and_whoever_asks_too_often_waits() {
    let app = App::start(&[KEY]).await;
    let job = app.import("shop.csv", FILE).await;
    for _ in 0..10 {
        share(&app, &job).await;
    }
    let form = [("id", &*job), ("lifetime", "day")];
    let refused = app.post_as("/api/share_import", &form).await;
    assert_eq!(refused.status(), 400);
    let mut statuses = Vec::new();
    for _ in 0..200 {
        let stream = app.http.get(app.url("/shared/none/progress"));
        statuses.push(stream.send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses[..50], [404; 50]);
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}

/// Sends a request with a token. Returns the answer.
async fn ask(app: &App, method: Method, path: &str, token: &str, body: Option<Value>) -> Response {
    let request = app.http.request(method, app.url(path)).bearer_auth(token);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_program_creates_lists_and_revokes_links_to_imports_of_its_user() {
    let app = App::start(&[KEY]).await;
    let team = Team::gather(&app).await;
    let staff = App::sharing(&app, &team.staff);
    let job = staff.import("shop.csv", FILE).await;
    staff.until_over(&job).await;
    let [imports, looks] = [&team.write_token, &team.read_token];
    let links = format!("/api/imports/{job}/links");
    let none = Vec::<Value>::new();
    let listed = async || -> Value {
        let listed = ask(&app, Method::GET, &links, imports, None).await;
        assert_eq!(listed.status(), 200);
        listed.json().await.unwrap()
    };
    assert_eq!(listed().await["items"], json!(none));

    let before = import_relay::model::clock::now();
    let wanted = |lifetime: &str| Some(json!({ "lifetime": lifetime }));
    let created = ask(&app, Method::POST, &links, imports, wanted("week")).await;
    assert_eq!(created.status(), 201);
    let link: Value = created.json().await.unwrap();
    let valid_for = link["expiresAt"].as_i64().unwrap() - before;
    assert!((604_799_000..=604_860_000).contains(&valid_for), "{link}");
    let url = link["url"].as_str().unwrap();
    let path = &url[url.find("/shared/").unwrap()..];
    let page = visit(&app, path).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("bad-sku"));
    assert_eq!(listed().await["items"], json!([link]));

    // A read-only token may not share, and invalid requests are rejected.
    for (method, path, token, body, status) in [
        (Method::GET, links.as_str(), looks, None, 403),
        (Method::POST, &links, looks, wanted("day"), 403),
        (Method::POST, &links, imports, wanted("year"), 400),
        (Method::POST, &links, imports, Some(json!({"days": 3})), 400),
        (Method::GET, "/api/imports/none/links", imports, None, 404),
        (
            Method::POST,
            "/api/imports/none/links",
            imports,
            wanted("day"),
            404,
        ),
    ] {
        let answer = ask(&app, method.clone(), path, token, body).await;
        assert_eq!(answer.status(), status, "{method} {path}");
    }

    let one = format!("{links}/{}", link["id"].as_str().unwrap());
    let other = staff.import("other.csv", FILE).await;
    let of_other = one.replace(&job, &other);
    let refused = ask(&app, Method::DELETE, &of_other, imports, None).await;
    assert_eq!(refused.status(), 404);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["code"], "no-link");
    assert_eq!(visit(&app, path).await.status(), 200);
    let revoked = ask(&app, Method::DELETE, &one, imports, None).await;
    assert_eq!(revoked.status(), 204);
    assert_eq!(visit(&app, path).await.status(), 404);
    let again = ask(&app, Method::DELETE, &one, imports, None).await;
    assert_eq!(again.status(), 404);

    for _ in 0..10 {
        let created = ask(&app, Method::POST, &links, imports, wanted("day")).await;
        assert_eq!(created.status(), 201);
    }
    let refused = ask(&app, Method::POST, &links, imports, wanted("day")).await;
    assert_eq!(refused.status(), 400);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["code"], "too-many-links");
}
