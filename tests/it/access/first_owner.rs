//! Creation of the first owner, and accepted host names.

use reqwest::{Response, header};

use super::team;
use crate::support::app::{App, session_cookie};

const FORM: [(&str, &str); 3] = [
    ("name", "Eve"),
    ("email", "eve@example.com"),
    ("password", "correct horse"),
];

async fn without_owner(app: &App) {
    team::change(app, "DELETE FROM users").await;
}

/// Requests the owner's account with additional headers.
async fn ask(app: &App, setup: Option<&str>, headers: &[(&str, &str)]) -> Response {
    let mut form = FORM.to_vec();
    form.extend(setup.map(|setup| ("setup", setup)));
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let mut request = app
        .http
        .post(app.url("/api/create_owner"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).send().await.unwrap()
}

fn secret(link: &str) -> String {
    link.split_once("/sign-in?setup=").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_script_on_the_machine_of_an_app_for_it_alone_needs_no_link() {
    for settings in [vec![], vec![("NEXTAUTH_URL", "http://localhost:3000")]] {
        let app = App::start(&settings).await;
        without_owner(&app).await;
        // A proxied request or redirected browser can come from anywhere.
        for mark in [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=192.0.2.1"),
            ("via", "1.1 proxy"),
            ("x-real-ip", "192.0.2.1"),
        ] {
            let refused = ask(&app, None, &[mark]).await;
            assert_eq!(refused.status(), 400, "{mark:?}");
            let page = app.http.get(app.url("/sign-in")).header(mark.0, mark.1);
            let page = page.send().await.unwrap().text().await.unwrap();
            assert!(
                page.contains("needs-link") && !page.contains("create_owner"),
                "{mark:?}"
            );
        }
        let rebound = ask(&app, None, &[("host", "rebound.example")]).await;
        assert_eq!(rebound.status(), 421);
        let foreign = ask(&app, None, &[("origin", "https://evil.example")]).await;
        assert_eq!(foreign.status(), 403);
        assert!(session_cookie(&ask(&app, None, &[]).await).is_some());
        assert_eq!(
            ask(&app, None, &[]).await.status(),
            400,
            "there is an owner"
        );
    }
}

#[tokio::test]
async fn an_app_for_others_is_its_link_s() {
    let mut app = App::start(&[("NEXTAUTH_URL", "https://relay.example")]).await;
    without_owner(&app).await;
    app.halt().await;
    app.launch().await;
    let link = app.owner_link.clone().unwrap();
    assert!(
        link.starts_with("https://relay.example/sign-in?setup="),
        "{link}"
    );
    assert_eq!(ask(&app, None, &[]).await.status(), 400);
    assert_eq!(ask(&app, Some("0000"), &[]).await.status(), 400);
    let secret = secret(&link);
    let page = async |path: &str| app.http.get(app.url(path)).send().await.unwrap();
    let stranger = page("/sign-in").await.text().await.unwrap();
    assert!(stranger.contains("needs-link"), "{stranger}");
    let answer = page(&format!("/sign-in?setup={secret}")).await;
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    assert!(answer.text().await.unwrap().contains("create_owner"));
    // Also behind a proxy, and once.
    let made = ask(&app, Some(&secret), &[("x-forwarded-for", "192.0.2.1")]).await;
    assert!(session_cookie(&made).is_some());
    assert_eq!(ask(&app, Some(&secret), &[]).await.status(), 400);
}

#[tokio::test]
async fn of_many_with_the_link_one_becomes_the_owner() {
    let mut app = App::start(&[("NEXTAUTH_URL", "https://relay.example")]).await;
    without_owner(&app).await;
    app.halt().await;
    app.launch().await;
    let secret = secret(app.owner_link.as_deref().unwrap());
    let asked = (0..6).map(|_| ask(&app, Some(&secret), &[]));
    let made = futures_util::future::join_all(asked).await;
    let made = made
        .iter()
        .filter(|it| session_cookie(it).is_some())
        .count();
    assert_eq!(made, 1);
}

/// Others may have signed in by a provider, where the last owner has lost the role.
#[tokio::test]
async fn it_is_an_owner_that_is_missing_not_an_account() {
    let mut app = App::start(&[("NEXTAUTH_URL", "https://relay.example")]).await;
    team::invite(&app, "staff", "staff@example.com").await;
    team::change(&app, "UPDATE users SET role = 'staff'").await;
    app.halt().await;
    app.launch().await;
    let secret = secret(app.owner_link.as_deref().unwrap());
    assert_eq!(ask(&app, None, &[]).await.status(), 400);
    team::sign_in(&app, "staff@example.com").await;
    assert!(session_cookie(&ask(&app, Some(&secret), &[]).await).is_some());
}

#[tokio::test]
async fn the_app_answers_under_its_own_names_alone() {
    let settings = [
        ("NEXTAUTH_URL", "https://relay.example"),
        ("ALLOWED_HOSTS", "www.relay.example"),
    ];
    let app = App::start(&settings).await;
    let port = app.address.port();
    let status = async |host: &str, path: &str| {
        let request = app.http.get(app.url(path)).header(header::HOST, host);
        request.send().await.unwrap().status().as_u16()
    };
    for host in [
        "relay.example",
        "RELAY.example:443",
        "www.relay.example",
        "localhost",
        "127.0.0.1",
        "[::1]:80",
    ] {
        assert_eq!(status(host, "/sign-in").await, 200, "{host}");
    }
    for host in [
        format!("rebound.example:{port}"),
        "relay.example.evil.example".to_owned(),
        "127.0.0.1.evil.example".to_owned(),
        "192.0.2.1".to_owned(),
    ] {
        for path in [
            "/sign-in",
            "/api/sign_in_state",
            "/pkg/import-relay.css",
            "/nowhere",
        ] {
            assert_eq!(status(&host, path).await, 421, "{host}{path}");
        }
        // Monitoring may use any host name.
        assert_eq!(status(&host, "/health/live").await, 200);
    }
    for host in ["", "a b", "localhost@evil.example"] {
        assert_eq!(status(host, "/sign-in").await, 400, "{host:?}");
    }
    // Metrics are for this machine, by its own name.
    assert_eq!(status("localhost", "/metrics").await, 200);
    assert_eq!(status("rebound.example", "/metrics").await, 401);
}
