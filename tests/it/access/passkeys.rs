//! Passkeys: added, used, refused, removed and required.

use reqwest::{Response, header};
use serde_json::{Value, json};

use super::{
    authenticator::Authenticator,
    provider::Provider,
    team::{self, change, expire, invite},
};
use crate::support::app::{App, session_cookie};

const HERE: (&str, &str) = ("NEXTAUTH_URL", "https://relay.example");
const REFUSED: &str = "PasskeyRefused";

async fn text(response: Response) -> String {
    response.text().await.unwrap()
}

/// A challenge, and the cookie for answering it.
struct Asked {
    options: Value,
    cookie: String,
}

async fn begin(app: &App, path: &str) -> Asked {
    let response = app.post_as(path, &[]).await;
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let cookie = session_cookie(&response).expect("a challenge");
    let options: String = response.json().await.unwrap();
    Asked {
        options: serde_json::from_str(&options).unwrap(),
        cookie,
    }
}

/// Sends an answer with the session and the challenge's cookie.
async fn answer(app: &App, asked: &Asked, path: &str, credential: &Value) -> Response {
    let both = [&*app.cookie, &*asked.cookie].join("; ");
    let credential = credential.to_string();
    let form = [("credential", &*credential), ("name", "My phone")];
    App::sharing(app, &both).post_as(path, &form).await
}

/// Adds a passkey. Returns the session that it opens.
async fn add(app: &App, authenticator: &mut Authenticator) -> String {
    let asked = begin(app, "/api/begin_new_passkey").await;
    let new = authenticator.create(&asked.options);
    let added = answer(app, &asked, "/api/add_passkey", &new).await;
    let cookie = session_cookie(&added);
    cookie.unwrap_or_else(|| panic!("it is added: {added:?}"))
}

async fn sign_in(app: &App, authenticator: &mut Authenticator) -> Response {
    let nobody = App::sharing(app, "");
    let asked = begin(&nobody, "/api/begin_passkey_sign_in").await;
    let used = authenticator.get(&asked.options);
    answer(&nobody, &asked, "/api/sign_in_with_passkey", &used).await
}

async fn enter(app: &App, authenticator: &mut Authenticator) -> App {
    let entered = sign_in(app, authenticator).await;
    assert_eq!(entered.headers()[header::LOCATION], "/imports");
    App::sharing(app, &session_cookie(&entered).unwrap())
}

async fn passkeys(app: &App) -> Value {
    let account: Value = app.get("/api/account").await.json().await.unwrap();
    account["passkeys"].clone()
}

async fn only_passkey(app: &App) -> Value {
    let list = passkeys(app).await;
    let list = list["passkeys"].as_array().unwrap();
    assert_eq!(list.len(), 1, "{list:?}");
    list[0].clone()
}

#[tokio::test]
async fn a_passkey_is_added_and_signs_in_without_a_name_or_password() {
    let mut app = App::start(&[HERE]).await;
    assert!(
        !text(app.get("/sign-in").await)
            .await
            .contains("data-passkey")
    );
    let asked = begin(&app, "/api/begin_new_passkey").await;
    let options = &asked.options["publicKey"];
    assert_eq!(options["rp"]["id"], "relay.example");
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["userVerification"], "required");
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(options["attestation"], "none");

    let mut phone = Authenticator::new(1);
    phone.is_synced = true;
    let before = app.cookie.clone();
    app.cookie = add(&app, &mut phone).await;
    assert_eq!(
        App::sharing(&app, &before)
            .get("/api/account")
            .await
            .status(),
        401
    );
    let own = only_passkey(&app).await;
    assert_eq!(own["name"], "My phone");
    assert_eq!(own["is_synced"], true);
    assert_eq!(own["last_used_at"], Value::Null);

    let page = text(App::sharing(&app, "").get("/sign-in").await).await;
    assert!(page.contains("data-passkey=\"get\""), "{page}");
    let ada = enter(&app, &mut phone).await;
    assert!(only_passkey(&ada).await["last_used_at"].is_i64());
    let invitation = [("role", "viewer"), ("note", "")];
    assert_eq!(ada.post_as("/api/invite", &invitation).await.status(), 200);
    // A device that has a passkey is not offered a second.
    let again = begin(&ada, "/api/begin_new_passkey").await;
    let excluded = &again.options["publicKey"]["excludeCredentials"];
    assert_eq!(excluded.as_array().unwrap().len(), 1);
    let new = phone.clone().create(&again.options);
    let twice = answer(&ada, &again, "/api/add_passkey", &new).await;
    assert!(text(twice).await.contains(REFUSED));

    let id = own["id"].as_str().unwrap();
    for (name, status) in [("Work phone", 200), ("", 400), (&"x".repeat(61), 400)] {
        let form = [("id", id), ("name", name)];
        assert_eq!(
            ada.post_as("/api/rename_passkey", &form).await.status(),
            status
        );
    }
    assert_eq!(only_passkey(&ada).await["name"], "Work phone");
    let log = text(ada.get("/api/audit_log?page=1").await).await;
    for action in ["PasskeyAdded", "SignedIn", "PasskeyRenamed"] {
        assert!(log.contains(action), "{action} in {log}");
    }
    assert!(!log.contains(&hex::encode(&phone.id)));
}

#[tokio::test]
async fn what_is_not_signed_here_and_now_by_its_user_is_refused() {
    let mut app = App::start(&[HERE]).await;
    let mut phone = Authenticator::new(1);
    app.cookie = add(&app, &mut phone).await;
    let vera = App::sharing(&app, &invite(&app, "viewer", "vera@example.com").await);
    let mut vera_s = Authenticator::new(2);
    add(&vera, &mut vera_s).await;

    type Wrong = fn(&mut Authenticator, &Authenticator);
    let wrongs: [(&str, Wrong); 6] = [
        ("another origin", |it, _| {
            it.origin = "https://relay.example.evil.test"
        }),
        ("another port", |it, _| {
            it.origin = "https://relay.example:8443"
        }),
        ("another relying party", |it, _| {
            it.relying_party = "evil.test"
        }),
        ("nobody verified", |it, _| it.verifies = false),
        ("another user", |it, other| it.user = other.user.clone()),
        ("another's key", |it, other| it.id = other.id.clone()),
    ];
    for (what, wrong) in wrongs {
        let mut bad = phone.clone();
        wrong(&mut bad, &vera_s);
        let refused = sign_in(&app, &mut bad).await;
        assert_eq!(refused.status(), 400, "{what}");
        assert!(session_cookie(&refused).is_none());
        assert!(text(refused).await.contains(REFUSED), "{what}");
        enter(&app, &mut phone).await;
    }

    let nobody = App::sharing(&app, "");
    let path = "/api/sign_in_with_passkey";
    // An answer is used once, in the same browser and in another one.
    let asked = begin(&nobody, "/api/begin_passkey_sign_in").await;
    let used = phone.get(&asked.options);
    assert_eq!(answer(&nobody, &asked, path, &used).await.status(), 200);
    assert!(
        text(answer(&nobody, &asked, path, &used).await)
            .await
            .contains(REFUSED)
    );
    let other = begin(&nobody, "/api/begin_passkey_sign_in").await;
    assert!(
        text(answer(&nobody, &other, path, &used).await)
            .await
            .contains(REFUSED)
    );
    enter(&app, &mut phone).await;
    // An expired one.
    let asked = begin(&nobody, "/api/begin_passkey_sign_in").await;
    change(&app, "UPDATE passkey_challenges SET expires_at = 1").await;
    let late = phone.get(&asked.options);
    assert!(
        text(answer(&nobody, &asked, path, &late).await)
            .await
            .contains(REFUSED)
    );
    // For a challenge with another purpose.
    let asked = begin(&app, "/api/begin_passkey_confirmation").await;
    let confirms = phone.get(&asked.options);
    assert!(
        text(answer(&app, &asked, path, &confirms).await)
            .await
            .contains(REFUSED)
    );
    enter(&app, &mut phone).await;
    // A copy with an older counter.
    let mut copy = phone.clone();
    enter(&app, &mut phone).await;
    assert!(text(sign_in(&app, &mut copy).await).await.contains(REFUSED));
    enter(&app, &mut phone).await;
    for nonsense in [Value::Null, Value::from("x"), Value::from(7)] {
        let asked = begin(&nobody, "/api/begin_passkey_sign_in").await;
        assert_eq!(answer(&nobody, &asked, path, &nonsense).await.status(), 400);
    }
    let log = text(app.get("/api/audit_log?page=1").await).await;
    assert!(log.contains(REFUSED), "{log}");
}

#[tokio::test]
async fn refused_passkeys_are_throttled_and_passwords_are_not_by_them() {
    let app = App::start(&[HERE]).await;
    let mut phone = Authenticator::new(1);
    add(&app, &mut phone).await;
    let mut copy = phone.clone();
    copy.origin = "https://evil.test";
    for _ in 0..5 {
        assert_eq!(sign_in(&app, &mut copy).await.status(), 400);
    }
    // The delay starts at a second and doubles.
    let mut throttled = false;
    for _ in 0..10 {
        throttled |= sign_in(&app, &mut copy).await.status() == 429;
    }
    assert!(throttled);
    team::sign_in(&app, "ada@example.com").await;
}

#[tokio::test]
async fn a_passkey_confirms_its_own_user_alone() {
    let mut app = App::start(&[HERE]).await;
    let mut phone = Authenticator::new(1);
    app.cookie = add(&app, &mut phone).await;
    let mut vera = App::sharing(&app, &invite(&app, "viewer", "vera@example.com").await);
    let none = vera.post_as("/api/begin_passkey_confirmation", &[]).await;
    assert!(text(none).await.contains(REFUSED));
    let mut vera_s = Authenticator::new(2);
    vera.cookie = add(&vera, &mut vera_s).await;

    expire(&app, &app.cookie, "confirmed_at").await;
    let invitation = [("role", "viewer"), ("note", "")];
    assert_eq!(app.post_as("/api/invite", &invitation).await.status(), 403);
    let page = text(app.get("/confirm?next=/team").await).await;
    assert!(page.contains("name=\"password\"") && page.contains("/api/confirm_with_passkey"));
    let path = "/api/begin_passkey_confirmation";
    let asked = begin(&app, path).await;
    let allowed = &asked.options["publicKey"]["allowCredentials"];
    let id = &phone.clone().get(&asked.options)["id"];
    assert_eq!(*allowed, json!([{"type": "public-key", "id": id}]));
    let others = vera_s.get(&asked.options);
    let refused = answer(&app, &asked, "/api/confirm_with_passkey", &others).await;
    assert!(text(refused).await.contains(REFUSED));
    // Another user cannot answer the challenge.
    let asked = begin(&vera, path).await;
    let mine = phone.get(&asked.options);
    let refused = answer(&app, &asked, "/api/confirm_with_passkey", &mine).await;
    assert!(text(refused).await.contains(REFUSED));
    assert_eq!(app.post_as("/api/invite", &invitation).await.status(), 403);

    let asked = begin(&app, path).await;
    let mine = phone.get(&asked.options);
    let confirmed = answer(&app, &asked, "/api/confirm_with_passkey", &mine).await;
    app.cookie = session_cookie(&confirmed).unwrap();
    assert_eq!(app.post_as("/api/invite", &invitation).await.status(), 200);
}

#[tokio::test]
async fn adding_and_removing_ask_who_it_is() {
    let mut app = App::start(&[HERE]).await;
    let mut phone = Authenticator::new(1);
    app.cookie = add(&app, &mut phone).await;
    let id = only_passkey(&app).await["id"].as_str().unwrap().to_owned();
    let asked = begin(&app, "/api/begin_new_passkey").await;
    let new = Authenticator::new(2).create(&asked.options);
    expire(&app, &app.cookie, "confirmed_at").await;
    let both = [
        app.post_as("/api/begin_new_passkey", &[]).await,
        answer(&app, &asked, "/api/add_passkey", &new).await,
        app.post_as("/api/remove_passkey", &[("id", &id)]).await,
    ];
    for refused in both {
        assert_eq!(
            refused.headers()[header::LOCATION],
            "/confirm?next=/account"
        );
        assert!(text(refused).await.contains("Unconfirmed"));
    }
    assert_eq!(only_passkey(&app).await["id"], *id);
}

#[tokio::test]
async fn a_removed_passkey_ends_what_it_opened_and_nobody_removes_another_s() {
    let mut app = App::start(&[HERE]).await;
    let mut phone = Authenticator::new(1);
    app.cookie = add(&app, &mut phone).await;
    let elsewhere = enter(&app, &mut phone).await;
    let by_password = team::sign_in(&app, "ada@example.com").await;
    let by_password = App::sharing(&app, &by_password);
    let id = only_passkey(&app).await["id"].as_str().unwrap().to_owned();
    let vera = App::sharing(&app, &invite(&app, "viewer", "vera@example.com").await);
    for path in ["/api/remove_passkey", "/api/rename_passkey"] {
        let form = [("id", &*id), ("name", "mine")];
        let refused = vera.post_as(path, &form).await;
        assert!(text(refused).await.contains("Passkey not found"), "{path}");
    }
    let removed = app.post_as("/api/remove_passkey", &[("id", &id)]).await;
    assert_eq!(removed.status(), 200);
    assert_eq!(passkeys(&app).await["passkeys"], Value::Array(Vec::new()));
    for (session, status) in [(&app, 200), (&by_password, 200), (&elsewhere, 401)] {
        assert_eq!(session.get("/api/account").await.status(), status);
    }
    assert!(
        text(sign_in(&app, &mut phone).await)
            .await
            .contains(REFUSED)
    );
}

#[tokio::test]
async fn the_passkeys_of_who_loses_access_are_gone() {
    let app = App::start(&[HERE]).await;
    let vera = App::sharing(&app, &invite(&app, "viewer", "vera@example.com").await);
    let mut phone = Authenticator::new(1);
    add(&vera, &mut phone).await;
    let team: Value = app.get("/api/team").await.json().await.unwrap();
    let member = |email: &str| {
        let members = team["members"].as_array().unwrap();
        let found = members.iter().find(|it| it["email"] == email).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };
    let (vera_s, own) = (member("vera@example.com"), member("ada@example.com"));
    for allowed in ["false", "true"] {
        let form = [("member", &*vera_s), ("allowed", allowed)];
        assert_eq!(app.post_as("/api/set_access", &form).await.status(), 200);
        assert!(
            text(sign_in(&app, &mut phone).await)
                .await
                .contains(REFUSED)
        );
    }
    let mut vera = App::sharing(&app, &team::sign_in(&app, "vera@example.com").await);
    vera.cookie = add(&vera, &mut phone).await;
    enter(&app, &mut phone).await;

    // An owner removes a member's lost passkeys, but not their own this way.
    let form = [("member", &*vera_s)];
    assert_eq!(
        vera.post_as("/api/remove_passkeys", &form).await.status(),
        403
    );
    let form = [("member", &*own)];
    assert_eq!(
        app.post_as("/api/remove_passkeys", &form).await.status(),
        403
    );
    let form = [("member", &*vera_s)];
    assert_eq!(
        app.post_as("/api/remove_passkeys", &form).await.status(),
        200
    );
    assert_eq!(vera.get("/api/account").await.status(), 401);
    assert!(
        text(sign_in(&app, &mut phone).await)
            .await
            .contains(REFUSED)
    );
    let log = text(app.get("/api/audit_log?page=1").await).await;
    assert!(log.contains("PasskeysRemoved"), "{log}");
}

#[tokio::test]
async fn where_a_passkey_is_required_the_password_alone_gives_access_to_nothing() {
    let mut app = App::start(&[HERE, ("AUTH_PASSKEYS", "required")]).await;
    let led = |response: &Response| response.headers()[header::LOCATION].clone();
    let page = async |app: &App, path: &str| {
        let request = app.http.get(app.url(path));
        let request = request.header(header::ACCEPT, "text/html");
        request
            .header(header::COOKIE, &app.cookie)
            .send()
            .await
            .unwrap()
    };
    // A user without one must add one first.
    assert_eq!(
        led(&page(&app, "/products?page=2").await),
        "/passkey?next=%2Fproducts%3Fpage%3D2"
    );
    for path in ["/api/account", "/api/tokens", "/api/list_imports?page=1"] {
        let refused = app.get(path).await;
        assert_eq!(refused.status(), 403, "{path}");
        assert!(text(refused).await.contains("PasskeyDue"));
    }
    let rest = app.get("/api/imports").await;
    assert_eq!(rest.status(), 403);
    let token = [
        ("name", "x"),
        ("scope", "imports:read"),
        ("lifetime", "month"),
    ];
    assert_eq!(app.post_as("/api/create_token", &token).await.status(), 403);
    assert_eq!(
        app.upload("list.csv", "sku,price\nA,1\n").await.status(),
        403
    );
    let add_page = text(page(&app, "/passkey?next=/team").await).await;
    assert!(add_page.contains("/api/add_passkey") && add_page.contains("value=\"/team\""));
    let mut phone = Authenticator::new(1);
    app.cookie = add(&app, &mut phone).await;
    assert_eq!(app.get("/api/account").await.status(), 200);
    let page_after = text(page(&app, "/passkey").await).await;
    assert!(page_after.contains("all set"), "{page_after}");

    // A user with one must use it, after the password or alone; the password does not suffice to add another one.
    let by_password = team::sign_in(&app, "ada@example.com").await;
    let mut ada = App::sharing(&app, &by_password);
    assert_eq!(ada.get("/api/account").await.status(), 403);
    let refused = ada.post_as("/api/begin_new_passkey", &[]).await;
    assert!(text(refused).await.contains("PasskeyDue"));
    let use_page = text(page(&ada, "/passkey").await).await;
    assert!(
        use_page.contains("/api/confirm_with_passkey") && !use_page.contains("/api/add_passkey")
    );
    // Confirming by password is not enough.
    let confirmed = ada
        .post_as("/api/confirm", &[("password", "correct horse")])
        .await;
    ada.cookie = session_cookie(&confirmed).unwrap();
    assert_eq!(ada.get("/api/account").await.status(), 403);
    let asked = begin(&ada, "/api/begin_passkey_confirmation").await;
    let used = phone.get(&asked.options);
    let confirmed = answer(&ada, &asked, "/api/confirm_with_passkey", &used).await;
    ada.cookie = session_cookie(&confirmed).unwrap();
    assert_eq!(ada.get("/api/account").await.status(), 200);
    // Once a passkey was used, the password confirms and removes nothing.
    let confirmed = ada
        .post_as("/api/confirm", &[("password", "correct horse")])
        .await;
    ada.cookie = session_cookie(&confirmed).unwrap();
    assert_eq!(ada.get("/api/account").await.status(), 200);
    enter(&app, &mut phone).await;

    // The last one stays.
    let id = only_passkey(&ada).await["id"].as_str().unwrap().to_owned();
    let refused = ada.post_as("/api/remove_passkey", &[("id", &id)]).await;
    assert!(text(refused).await.contains("only way to sign in"));
    ada.cookie = add(&ada, &mut Authenticator::new(2)).await;
    let removed = ada.post_as("/api/remove_passkey", &[("id", &id)]).await;
    assert_eq!(removed.status(), 200);
}

#[tokio::test]
async fn without_passwords_a_passkey_still_opens_its_account_and_nothing_else_does() {
    let provider = Provider::start().await;
    let mut settings = provider.settings();
    settings.push(HERE);
    let mut app = App::start(&settings).await;
    let by_password = app.cookie.clone();
    let mut phone = Authenticator::new(1);
    let by_passkey = add(
        &App::sharing(&app, &team::sign_in(&app, "ada@example.com").await),
        &mut phone,
    )
    .await;
    let token = [
        ("name", "x"),
        ("scope", "imports:read"),
        ("lifetime", "month"),
    ];
    let token: Value = app
        .post_as("/api/create_token", &token)
        .await
        .json()
        .await
        .unwrap();
    let token = token["token"].as_str().unwrap().to_owned();
    let vera = invite(&app, "viewer", "vera@example.com").await;
    let status = async |app: &App, cookie: &str| {
        let app = App::sharing(app, cookie);
        app.get("/api/account").await.status().as_u16()
    };
    let by_token = async |app: &App| {
        let request = app.http.get(app.url("/api/imports")).bearer_auth(&token);
        request.send().await.unwrap().status().as_u16()
    };
    app.halt().await;
    app.set("AUTH_PASSWORDS", "off");
    app.launch().await;
    assert_eq!(status(&app, &by_password).await, 401);
    assert_eq!(status(&app, &by_passkey).await, 200);
    assert_eq!(status(&app, &vera).await, 401);
    assert_eq!(by_token(&app).await, 200);
    let ada = enter(&app, &mut phone).await;
    let list = passkeys(&ada).await;
    assert_eq!(list["may_have_none"], false);
    let page = text(ada.get("/account").await).await;
    assert!(!page.contains("/api/change_password") && !page.contains("another service"));
    let page = text(App::sharing(&app, "").get("/sign-in").await).await;
    assert!(page.contains("data-passkey=\"get\"") && !page.contains("name=\"password\""));
    let id = only_passkey(&ada).await["id"].as_str().unwrap().to_owned();
    let refused = ada.post_as("/api/remove_passkey", &[("id", &id)]).await;
    assert!(text(refused).await.contains("only way to sign in"));

    // Without either, the account is locked.
    app.halt().await;
    app.set("AUTH_PASSKEYS", "off");
    app.launch().await;
    assert_eq!(status(&app, &by_passkey).await, 401);
    assert_eq!(by_token(&app).await, 401);
    let refused = app.post_form("/api/begin_passkey_sign_in", &[]).await;
    assert!(text(refused).await.contains("turned off"));
}

#[tokio::test]
async fn where_browsers_have_no_passkeys_none_are_offered() {
    for settings in [
        &[][..],
        &[("NEXTAUTH_URL", "http://127.0.0.1:3000")],
        &[HERE, ("AUTH_PASSKEYS", "off")],
    ] {
        let app = App::start(settings).await;
        assert_eq!(passkeys(&app).await, Value::Null, "{settings:?}");
        let page = text(app.get("/account").await).await;
        assert!(!page.contains("data-passkey"), "{settings:?}");
        let refused = app.post_as("/api/begin_new_passkey", &[]).await;
        assert!(text(refused).await.contains("turned off"));
    }
}
