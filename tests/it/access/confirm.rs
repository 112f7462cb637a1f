//! The password is required again before links, role changes and long-lived tokens.

use reqwest::{Response, header};
use serde_json::json;

use super::{
    provider::{Provider, seconds},
    team::{self, expire},
};
use crate::support::app::{App, session_cookie};

/// Path, form fields, and page of the form.
type GuardedForm = (&'static str, Vec<(&'static str, String)>, &'static str);

/// Lists the forms that require the password.
fn guarded(member: &str) -> [GuardedForm; 4] {
    let form = |pairs: &[(&'static str, &str)]| {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        pairs.iter().map(owned).collect::<Vec<_>>()
    };
    [
        (
            "/api/invite",
            form(&[("role", "owner"), ("note", "")]),
            "/team",
        ),
        ("/api/make_reset_link", form(&[("member", member)]), "/team"),
        (
            "/api/set_role",
            form(&[("member", member), ("role", "staff")]),
            "/team",
        ),
        (
            "/api/create_token",
            form(&[
                ("name", "x"),
                ("scope", "imports:read"),
                ("lifetime", "year"),
            ]),
            "/tokens",
        ),
    ]
}

async fn post(app: &App, path: &str, form: &[(&str, String)]) -> Response {
    let form: Vec<_> = form
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    app.post_as(path, &form).await
}

async fn member(app: &App) -> String {
    team::invite(app, "viewer", "vera@example.com").await;
    let team: serde_json::Value = app.get("/api/team").await.json().await.unwrap();
    let members = team["members"].as_array().unwrap();
    let vera = members.iter().find(|it| it["email"] == "vera@example.com");
    vera.unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_password_is_asked_for_again_before_links_roles_and_long_tokens() {
    let mut app = App::start(&[]).await;
    let member = member(&app).await;
    for (path, form, _) in guarded(&member) {
        assert_eq!(
            post(&app, path, &form).await.status(),
            200,
            "{path}: a new session"
        );
    }
    expire(&app, &app.cookie, "confirmed_at").await;
    let before = app.cookie.clone();
    for (path, form, page) in guarded(&member) {
        let refused = post(&app, path, &form).await;
        assert_eq!(refused.status(), 403, "{path}");
        let to = format!("/confirm?next={page}");
        assert_eq!(refused.headers()[header::LOCATION], to, "{path}");
        assert!(refused.headers().contains_key("serverfnredirect"));
        assert!(refused.text().await.unwrap().contains("Unconfirmed"));
    }
    // Other forms, and short-lived tokens, need no confirmation.
    let short = [
        ("name", "x"),
        ("scope", "imports:read"),
        ("lifetime", "month"),
    ];
    assert_eq!(app.post_as("/api/create_token", &short).await.status(), 200);
    assert_eq!(app.get("/team").await.status(), 200);

    let wrong = [("password", "wrong horse"), ("next", "/team")];
    assert_eq!(app.post_as("/api/confirm", &wrong).await.status(), 400);
    let (path, form, _) = &guarded(&member)[0];
    assert_eq!(post(&app, path, form).await.status(), 403);
    let right = [("password", "correct horse"), ("next", "/team")];
    let confirmed = app.post_as("/api/confirm", &right).await;
    assert_eq!(confirmed.headers()[header::LOCATION], "/team");
    app.cookie = session_cookie(&confirmed).expect("a new session");
    assert_ne!(app.cookie, before);
    for (path, form, _) in guarded(&member) {
        assert_eq!(post(&app, path, &form).await.status(), 200, "{path}");
    }
    let old = App::sharing(&app, &before);
    assert_eq!(old.get("/api/account").await.status(), 401);
    let log = app.get("/api/audit_log?page=1").await.text().await.unwrap();
    assert!(
        log.contains("Confirmed") && log.contains("ConfirmFailed"),
        "{log}"
    );
}

#[tokio::test]
async fn without_script_a_form_leads_to_the_password_and_back() {
    let app = App::start(&[]).await;
    let member = member(&app).await;
    expire(&app, &app.cookie, "confirmed_at").await;
    let form = |path: &str, body: String| {
        app.http
            .post(app.url(path))
            .header(header::COOKIE, &app.cookie)
            .header(header::ACCEPT, "text/html,*/*")
            .header(header::REFERER, app.url("/team"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
    };
    let body = format!("member={member}&role=staff");
    let led = form("/api/set_role", body).send().await.unwrap();
    assert_eq!(led.status(), 302);
    assert_eq!(led.headers()[header::LOCATION], "/confirm?next=/team");
    let page = app.get("/confirm?next=/team").await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()[header::CACHE_CONTROL], "private, no-cache");
    let page = page.text().await.unwrap();
    for part in [
        "action=\"/api/confirm\"",
        "name=\"password\"",
        "name=\"next\" value=\"/team\"",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    let back = form(
        "/api/confirm",
        "password=correct+horse&next=/team".to_owned(),
    );
    let back = back.send().await.unwrap();
    assert_eq!(back.status(), 302);
    assert_eq!(back.headers()[header::LOCATION], "/team");
}

#[tokio::test]
async fn the_password_cannot_be_guessed_at_an_open_browser() {
    let app = App::start(&[]).await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let wrong = [("password", "wrong horse")];
        statuses.push(app.post_as("/api/confirm", &wrong).await.status().as_u16());
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}

#[tokio::test]
async fn who_signs_in_at_the_provider_is_asked_there_once_more() {
    let provider = Provider::start().await;
    let mut settings = provider.settings();
    settings.push(("OIDC_OWNERS", "grace@example.com"));
    let app = App::start(&settings).await;
    let claims = |more: serde_json::Value| {
        let mut claims = json!({"sub": "7", "email": "grace@example.com", "email_verified": true});
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        claims
    };
    // The provider may have authenticated the user at any time.
    let cookie = provider.sign_in(&app, claims(json!({}))).await.unwrap();
    let grace = App::sharing(&app, &cookie);
    let invite = [("role", "viewer"), ("note", "")];
    let refused = grace.post_as("/api/invite", &invite).await;
    assert_eq!(refused.headers()[header::LOCATION], "/confirm?next=/team");
    let page = grace.get("/confirm?next=/team").await.text().await.unwrap();
    assert!(
        page.contains("/sign-in/oidc?anew=true&amp;next=%2Fteam")
            || page.contains("/sign-in/oidc?anew=true&amp;next=/team"),
        "{page}"
    );
    assert!(!page.contains("name=\"password\""));
    let password = [("password", "correct horse")];
    assert_eq!(grace.post_as("/api/confirm", &password).await.status(), 400);

    let path = "/sign-in/oidc?anew=true&next=/team";
    // A provider that did not authenticate again confirms nothing.
    let long_ago = claims(json!({"auth_time": seconds() - 3600}));
    let (refused, asked) = provider.visit(&grace, path, long_ago).await;
    assert_eq!(
        refused.headers()[header::LOCATION],
        "/confirm?problem=refused"
    );
    let asked = asked.query().unwrap();
    assert!(
        asked.contains("prompt=login") && asked.contains("max_age=0"),
        "{asked}"
    );
    for just_now in [claims(json!({"auth_time": seconds()})), claims(json!({}))] {
        let (back, _) = provider.visit(&grace, path, just_now).await;
        assert_eq!(back.headers()[header::LOCATION], "/team");
        let confirmed = App::sharing(&app, &session_cookie(&back).unwrap());
        assert_eq!(
            confirmed.post_as("/api/invite", &invite).await.status(),
            200
        );
    }
    // A sign-in just authenticated by the provider confirms too.
    let asked = claims(json!({"auth_time": seconds()}));
    let cookie = provider.sign_in(&app, asked).await.unwrap();
    let grace = App::sharing(&app, &cookie);
    assert_eq!(grace.post_as("/api/invite", &invite).await.status(), 200);
}

#[tokio::test]
async fn without_passwords_people_come_from_the_provider_alone() {
    let provider = Provider::start().await;
    let mut app = App::start(&provider.settings()).await;
    let link = app
        .post_as("/api/invite", &[("role", "viewer"), ("note", "")])
        .await;
    let link: serde_json::Value = link.json().await.unwrap();
    let invitation = link["url"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let token = [
        ("name", "x"),
        ("scope", "imports:read"),
        ("lifetime", "month"),
    ];
    let token: serde_json::Value = app
        .post_as("/api/create_token", &token)
        .await
        .json()
        .await
        .unwrap();
    let token = token["token"].as_str().unwrap().to_owned();
    app.halt().await;
    app.set("AUTH_PASSWORDS", "off");
    app.set("OIDC_OWNERS", "grace@example.com, vera@example.com");
    app.launch().await;

    // Neither link, password, session nor token of a local account grants access.
    assert_eq!(app.owner_link, None);
    for (path, form) in [
        (
            "/api/sign_in",
            &[("email", "ada@example.com"), ("password", "correct horse")][..],
        ),
        (
            "/api/create_owner",
            &[
                ("name", "Eve"),
                ("email", "eve@example.com"),
                ("password", "correct horse"),
            ],
        ),
        (
            "/api/accept_invitation",
            &[
                ("token", &invitation),
                ("name", "Eve"),
                ("email", "eve@example.com"),
                ("password", "correct horse"),
            ],
        ),
        (
            "/api/reset_password",
            &[("token", &invitation), ("password", "correct horse")],
        ),
    ] {
        let refused = app.post_form(path, form).await;
        assert_eq!(refused.status(), 400, "{path}");
        assert!(
            refused
                .text()
                .await
                .unwrap()
                .contains("Passwords are turned off")
        );
    }
    assert_eq!(app.get("/api/account").await.status(), 401);
    let by_token = app.http.get(app.url("/api/imports")).bearer_auth(&token);
    assert_eq!(by_token.send().await.unwrap().status(), 401);
    let page = app.get("/sign-in").await.text().await.unwrap();
    assert!(
        page.contains("Sign in with Acme") && !page.contains("name=\"password\""),
        "{page}"
    );
    assert_eq!(app.get(&format!("/join/{invitation}")).await.status(), 404);

    // A verified address named in the settings makes an owner, unless the provider denies access.
    for (claims, is_in) in [
        (
            json!({"sub": "1", "email": "eve@example.com", "email_verified": true}),
            false,
        ),
        (json!({"sub": "2", "email": "grace@example.com"}), false),
        (
            json!({"sub": "3", "email": "vera@example.com", "email_verified": true, "role": "none"}),
            false,
        ),
        (
            json!({"sub": "4", "email": "Grace@Example.com", "email_verified": true}),
            true,
        ),
    ] {
        let session = provider.sign_in(&app, claims.clone()).await;
        assert_eq!(session.is_some(), is_in, "{claims}");
        if let Some(session) = session {
            app.cookie = session;
        }
    }
    let page = app.get("/team").await.text().await.unwrap();
    assert!(
        page.contains("no-invitations") && !page.contains("/api/invite"),
        "{page}"
    );
    assert!(!page.contains("/api/make_reset_link"));
    let invite = [("role", "viewer"), ("note", "")];
    assert_eq!(app.post_as("/api/invite", &invite).await.status(), 400);

    // With passwords enabled again, the accounts still exist.
    app.halt().await;
    app.set("AUTH_PASSWORDS", "on");
    app.launch().await;
    team::sign_in(&app, "ada@example.com").await;
}
