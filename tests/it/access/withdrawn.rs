//! Accounts of a provider: who is let in, for how long, and what ends with their role there.

use reqwest::{Response, header};
use serde_json::{Value, json};

use super::{provider::Provider, team};
use crate::support::app::{App, session_cookie};

fn claims(role: Value) -> Value {
    json!({"sub": "7", "email": "grace@acme.example", "email_verified": true, "role": role})
}

async fn json(answer: Response) -> Value {
    answer.json().await.unwrap()
}

async fn token_of(app: &App) -> String {
    let form = [
        ("name", "x"),
        ("scope", "imports:read"),
        ("lifetime", "year"),
    ];
    let token = json(app.post_as("/api/create_token", &form).await).await;
    token["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_role_gave_ends_when_the_provider_takes_it_back() {
    for gone in [
        json!("guest"),
        json!("none"),
        json!("customer"),
        Value::Null,
    ] {
        let provider = Provider::start().await;
        let app = App::start(&provider.settings()).await;
        let owner = json!("owner");
        let mut with = claims(owner.clone());
        with["auth_time"] = json!(super::provider::seconds());
        let cookie = provider.sign_in(&app, with).await.unwrap();
        let grace = App::sharing(&app, &cookie);
        let token = token_of(&grace).await;
        let form = [("role", "owner"), ("note", "")];
        let invited = json(grace.post_as("/api/invite", &form).await).await;
        let invitation = invited["url"].as_str().unwrap().rsplit('/').next().unwrap();
        let stream = grace.get("/api/jobs/progress").await;
        assert_eq!(stream.status(), 200);
        let by_token = async || {
            let request = app.http.get(app.url("/api/imports")).bearer_auth(&token);
            request.send().await.unwrap().status()
        };
        assert_eq!(
            (grace.get("/team").await.status(), by_token().await),
            (200.try_into().unwrap(), 200.try_into().unwrap())
        );

        assert_eq!(
            provider.sign_in(&app, claims(gone.clone())).await,
            None,
            "{gone}"
        );
        assert_eq!(grace.get("/api/account").await.status(), 401, "{gone}");
        assert_eq!(by_token().await, 401, "{gone}");
        let ends = tokio::time::timeout(test_support::DEADLINE, stream.bytes());
        ends.await.expect("the stream ends").unwrap();
        let path = format!("/api/link_state?token={invitation}");
        assert_eq!(json(app.get(&path).await).await, "Gone", "{gone}");

        // Given back, it opens nothing that was closed.
        assert!(provider.sign_in(&app, claims(owner)).await.is_some());
        assert_eq!(grace.get("/api/account").await.status(), 401);
        assert_eq!(by_token().await, 401);
        assert_eq!(json(app.get(&path).await).await, "Gone");
    }
}

#[tokio::test]
async fn a_lesser_role_there_is_a_lesser_role_here_at_once() {
    let provider = Provider::start().await;
    let app = App::start(&provider.settings()).await;
    let cookie = provider
        .sign_in(&app, claims(json!("owner")))
        .await
        .unwrap();
    let grace = App::sharing(&app, &cookie);
    assert_eq!(grace.get("/team").await.status(), 200);
    provider
        .sign_in(&app, claims(json!("viewer")))
        .await
        .unwrap();
    assert_eq!(grace.get("/team").await.status(), 403);
}

#[tokio::test]
async fn forged_callbacks_keep_nobody_out() {
    let provider = Provider::start().await;
    let app = App::start(&provider.settings()).await;
    let away = App::sharing(&app, "").get("/sign-in/oidc").await;
    let visit = away.headers()[header::SET_COOKIE].to_str().unwrap();
    let visit = visit.split(';').next().unwrap();
    for forged in 0..100 {
        let path = format!("/sign-in/oidc/callback?code=x&state={forged}");
        let request = app.http.get(app.url(&path));
        // Another site sends a browser here, which may have begun to sign in.
        let request = match forged % 2 {
            0 => request,
            _ => request.header(header::COOKIE, visit),
        };
        let refused = request.send().await.unwrap();
        assert_eq!(
            refused.headers()[header::LOCATION],
            "/sign-in?problem=refused"
        );
    }
    assert!(
        provider
            .sign_in(&app, claims(json!("staff")))
            .await
            .is_some()
    );
}

#[tokio::test]
async fn only_verified_addresses_of_the_named_domains_are_let_in() {
    let provider = Provider::start().await;
    let mut settings = provider.settings();
    settings.push(("OIDC_ALLOWED_DOMAINS", "acme.example"));
    let app = App::start(&settings).await;
    for (email, is_verified, is_in) in [
        (json!("grace@acme.example"), json!(true), true),
        (json!("grace@ACME.example"), json!(true), true),
        (json!("grace@acme.example"), json!(false), false),
        (json!("grace@acme.example"), Value::Null, false),
        (json!("grace@other.example"), json!(true), false),
        (json!("grace@mail.acme.example"), json!(true), false),
        (json!("grace@acme.example.evil.example"), json!(true), false),
        (json!("acme.example"), json!(true), false),
        (Value::Null, json!(true), false),
    ] {
        let mut claims = json!({"sub": email.to_string(), "role": "staff"});
        let fields = claims.as_object_mut().unwrap();
        for (name, value) in [("email", &email), ("email_verified", &is_verified)] {
            if !value.is_null() {
                fields.insert(name.to_owned(), value.clone());
            }
        }
        let entered = provider.sign_in(&app, claims).await;
        assert_eq!(entered.is_some(), is_in, "{email} {is_verified}");
    }
}

#[tokio::test]
async fn without_a_role_nobody_is_let_in_and_the_page_says_whom_to_ask() {
    let provider = Provider::start().await;
    let mut settings = provider.settings();
    settings.push(("ACCESS_CONTACT", "Ada in room 7"));
    let app = App::start(&settings).await;
    let nobody = App::sharing(&app, "");
    let (answer, _) = provider
        .visit(&nobody, "/sign-in/oidc", claims(Value::Null))
        .await;
    assert_eq!(
        answer.headers()[header::LOCATION],
        "/sign-in?problem=stranger"
    );
    let page = nobody.get("/sign-in?problem=stranger").await;
    let page = page.text().await.unwrap();
    assert!(page.contains("Ask Ada in room 7."), "{page}");
}

#[tokio::test]
async fn a_session_by_the_provider_is_short() {
    let provider = Provider::start().await;
    let mut settings = provider.settings();
    settings.push(("OIDC_SESSION_MAX_AGE", "1h"));
    let app = App::start(&settings).await;
    provider
        .sign_in(&app, claims(json!("staff")))
        .await
        .unwrap();
    let of = |condition: &str| {
        format!(
            "UPDATE sessions SET agent = 'counted' WHERE {condition} AND user_id IN \
             (SELECT id FROM users WHERE password_hash IS NULL)"
        )
    };
    team::change(&app, &of("expires_at - created_at <= 3600000")).await;
    // Those of passwords last longer.
    let others = "UPDATE sessions SET agent = 'counted' WHERE expires_at - created_at > 3600000";
    team::change(&app, others).await;
}

/// The first to sign in there is no owner, and the link still makes one.
#[tokio::test]
async fn with_a_provider_the_setup_link_makes_the_owner() {
    let provider = Provider::start().await;
    let mut app = App::start(&provider.settings()).await;
    team::change(&app, "DELETE FROM users").await;
    provider
        .sign_in(&app, claims(json!("staff")))
        .await
        .unwrap();
    app.halt().await;
    app.launch().await;
    let link = app.owner_link.clone().unwrap();
    let setup = link.split_once("setup=").unwrap().1;
    let form = [
        ("name", "Eve"),
        ("email", "eve@example.com"),
        ("password", "correct horse"),
    ];
    let without = app.post_form("/api/create_owner", &form).await;
    assert_eq!(without.status(), 400);
    let with = [&form[..], &[("setup", setup)]].concat();
    let made = app.post_form("/api/create_owner", &with).await;
    assert!(session_cookie(&made).is_some());
}
