//! Links, sessions, tokens and passwords: each grants what it is for, until it expires.

use reqwest::{Response, StatusCode, header};
use serde_json::Value;

use super::team::{self, Team};
use crate::support::app::{App, session_cookie};
use test_support::{DEADLINE, fake_monitor::FakeMonitor};

async fn json(response: Response) -> Value {
    response.json().await.unwrap()
}

async fn invitation(app: &App, note: &str) -> String {
    let link = app
        .post_as("/api/invite", &[("role", "viewer"), ("note", note)])
        .await;
    let link = json(link).await;
    let url = link["url"].as_str().unwrap();
    url.rsplit('/').next().unwrap().to_owned()
}

async fn accept(app: &App, token: &str, email: &str) -> StatusCode {
    let form = [
        ("token", token),
        ("name", "Eve"),
        ("email", email),
        ("password", "correct horse"),
    ];
    app.post_form("/api/accept_invitation", &form)
        .await
        .status()
}

async fn is_in(app: &App, cookie: &str) -> bool {
    let app = App::sharing(app, cookie);
    app.get("/api/account").await.status() == 200
}

async fn token_status(app: &App, token: &str) -> u16 {
    let request = app.http.get(app.url("/api/imports")).bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

async fn sign_in(app: &App, email: &str) -> String {
    let form = [("email", email), ("password", "correct horse")];
    session_cookie(&app.post_form("/api/sign_in", &form).await).unwrap()
}

#[tokio::test]
async fn an_invitation_is_taken_up_once_in_time_and_not_when_it_was_taken_back() {
    let app = App::start(&[]).await;
    let used = invitation(&app, "used").await;
    assert_eq!(accept(&app, &used, "one@example.com").await, 200);
    assert_eq!(accept(&app, &used, "two@example.com").await, 400);

    let revoked = invitation(&app, "revoked").await;
    let links = json(app.get("/api/team").await).await["links"].clone();
    let link = links
        .as_array()
        .unwrap()
        .iter()
        .find(|link| link["note"] == "revoked");
    let id = link.unwrap()["id"].as_str().unwrap();
    assert_eq!(
        app.post_as("/api/revoke_link", &[("id", id)])
            .await
            .status(),
        200
    );
    assert_eq!(accept(&app, &revoked, "three@example.com").await, 400);

    let expired = invitation(&app, "expired").await;
    team::change(&app, "UPDATE account_links SET expires_at = 1").await;
    assert_eq!(accept(&app, &expired, "four@example.com").await, 400);
    let state = app.get(&format!("/api/link_state?token={expired}")).await;
    assert_eq!(json(state).await, "Gone");

    let contested = invitation(&app, "contested").await;
    let taken = futures_util::future::join_all(
        (0..4).map(|n| accept_owned(&app, contested.clone(), format!("taker{n}@example.com"))),
    );
    let taken = taken.await;
    assert_eq!(
        taken.iter().filter(|status| **status == 200).count(),
        1,
        "{taken:?}"
    );
    let members = json(app.get("/api/team").await).await;
    let takers = members["members"].as_array().unwrap().iter();
    let takers = takers.filter(|it| it["email"].as_str().unwrap().starts_with("taker"));
    assert_eq!(takers.count(), 1, "no account is left over");
}

async fn accept_owned(app: &App, token: String, email: String) -> StatusCode {
    accept(app, &token, &email).await
}

#[tokio::test]
async fn a_new_password_keeps_this_session_and_ends_the_others_and_the_tokens() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    let other = sign_in(&app, "staff@example.com").await;
    let staff = App::sharing(&app, &team.staff);
    let change = |current: &'static str| {
        staff.post_as(
            "/api/change_password",
            if current == "correct horse" {
                &[
                    ("current", "correct horse"),
                    ("password", "another horse entirely"),
                ]
            } else {
                &[
                    ("current", "wrong horse"),
                    ("password", "another horse entirely"),
                ]
            },
        )
    };
    assert_eq!(change("wrong horse").await.status(), 400);
    assert!(is_in(&app, &other).await && token_status(&app, &team.read_token).await == 200);
    assert_eq!(change("correct horse").await.status(), 200);
    assert!(is_in(&app, &team.staff).await);
    assert!(!is_in(&app, &other).await);
    assert_eq!(token_status(&app, &team.read_token).await, 401);
    assert!(is_in(&app, &team.other).await, "nobody else is concerned");
}

#[tokio::test]
async fn one_ends_sessions_of_one_s_own_and_of_nobody_else() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    let second = sign_in(&app, "staff@example.com").await;
    let staff = App::sharing(&app, &team.staff);
    let sessions = json(staff.get("/api/account").await).await["sessions"].clone();
    let sessions = sessions.as_array().unwrap();
    let other = sessions
        .iter()
        .find(|it| it["is_current"] == false)
        .unwrap();
    let form = [("id", other["id"].as_str().unwrap())];
    // Another user's session looks like a missing one.
    assert_eq!(app.post_as("/api/end_session", &form).await.status(), 200);
    assert!(is_in(&app, &second).await);
    assert_eq!(staff.post_as("/api/end_session", &form).await.status(), 200);
    assert!(!is_in(&app, &second).await);
    assert!(is_in(&app, &team.staff).await);
}

#[tokio::test]
async fn signing_out_everywhere_leaves_nothing_that_lets_in() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    let second = sign_in(&app, "staff@example.com").await;
    let staff = App::sharing(&app, &team.staff);
    assert_eq!(token_status(&app, &team.write_token).await, 200);
    staff.post_as("/api/sign_out_everywhere", &[]).await;
    assert!(!is_in(&app, &team.staff).await && !is_in(&app, &second).await);
    for token in [&team.read_token, &team.write_token] {
        assert_eq!(token_status(&app, token).await, 401);
    }
    assert!(is_in(&app, &team.other).await);
}

#[tokio::test]
async fn a_token_ends_when_it_says_so() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    assert_eq!(token_status(&app, &team.read_token).await, 200);
    team::change(
        &app,
        "UPDATE api_tokens SET expires_at = 1 WHERE scope = 'imports:read'",
    )
    .await;
    assert_eq!(token_status(&app, &team.read_token).await, 401);
    assert_eq!(token_status(&app, &team.write_token).await, 200);
}

#[tokio::test]
async fn only_a_bearer_s_word_stands_for_the_cookies() {
    let app = App::start(&[]).await;
    let with = |authorization: &'static str| {
        app.http
            .get(app.url("/api/account"))
            .header(header::COOKIE, &app.cookie)
            .header(header::AUTHORIZATION, authorization)
            .send()
    };
    // A proxy may use Basic authentication.
    assert_eq!(with("Basic YWRhOnNlY3JldA==").await.unwrap().status(), 200);
    assert_eq!(with("Bearer irt_nothing").await.unwrap().status(), 401);
}

/// Sessions that end on another instance, by command or by expiry also end open streams.
#[tokio::test]
async fn an_open_stream_ends_with_what_let_it_in() {
    let monitor = FakeMonitor::start().await;
    let mut settings = monitor.settings();
    settings.push(("SSE_HEARTBEAT", "1s".to_owned()));
    let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let app = App::start(&settings).await;
    let team = Team::gather(&app).await;
    let staff = App::sharing(&app, &team.staff);
    let job = staff.import("shop.csv", "sku,name,price\na,A,1\n").await;
    let path = app.url(&format!("/api/jobs/{job}/progress"));
    let by_cookie = |cookie: &str| app.http.get(&path).header(header::COOKIE, cookie).send();
    let second = sign_in(&app, "staff@example.com").await;
    let by_session = by_cookie(&second).await.unwrap();
    let by_token = app.http.get(&path).bearer_auth(&team.read_token);
    let by_token = by_token.send().await.unwrap();
    let mut stays = by_cookie(&team.staff).await.unwrap();
    for stream in [&by_session, &by_token, &stays] {
        assert_eq!(stream.status(), 200);
    }
    team::expire(&app, &second, "expires_at").await;
    team::change(&app, "DELETE FROM api_tokens").await;
    for stream in [by_session, by_token] {
        let ends = tokio::time::timeout(DEADLINE, stream.bytes());
        ends.await.expect("the stream ends").unwrap();
    }
    // The stream of the valid session continues.
    for _ in 0..3 {
        assert!(stays.chunk().await.unwrap().is_some());
    }
    team::change(
        &app,
        "UPDATE users SET role = 'viewer' WHERE email = 'staff@example.com'",
    )
    .await;
    let ends = tokio::time::timeout(DEADLINE, stays.bytes());
    ends.await
        .expect("who is something else now comes back as that")
        .unwrap();
}

#[tokio::test]
async fn what_was_tried_and_done_is_in_the_log_and_what_was_refused_is_not() {
    let app = App::start(&[]).await;
    let wrong = [
        ("email", "ada@example.com"),
        ("password", "hunter2 hunter2"),
    ];
    assert_eq!(app.post_form("/api/sign_in", &wrong).await.status(), 400);
    let nobody = [
        ("email", "typed-a-password"),
        ("password", "hunter2 hunter2"),
    ];
    assert_eq!(app.post_form("/api/sign_in", &nobody).await.status(), 400);
    let job = app
        .import("shop.csv", "sku,name,price\na,A,1\nb,B,many\n")
        .await;
    app.until_over(&job).await;
    let id = [("id", &*job)];
    // It has ended, so it cannot be cancelled; failed actions are not logged.
    let cancelled = app.post_as("/api/cancel_import", &id).await;
    assert!(
        cancelled.status().is_client_error(),
        "{}",
        cancelled.status()
    );
    assert!(
        app.post_as("/api/retry_failed_rows", &id)
            .await
            .status()
            .is_success()
    );
    assert!(
        app.post_as("/api/delete_import", &id)
            .await
            .status()
            .is_success()
    );
    let tus = |request: reqwest::RequestBuilder| {
        let request = request.header(header::COOKIE, &app.cookie);
        request.header("tus-resumable", "1.0.0")
    };
    let file = "sku,name,price\nc,C,1\n";
    let made = tus(app.http.post(app.url("/uploads")))
        .header("upload-length", file.len())
        .header("upload-metadata", "filename cmVzdW1lZC5jc3Y=")
        .send()
        .await
        .unwrap();
    let place = made.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned();
    let sent = tus(app.http.patch(app.url(&place)))
        .header("upload-offset", 0)
        .header(header::CONTENT_TYPE, "application/offset+octet-stream")
        .body(file)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 204);
    let log = json(app.get("/api/audit_log?page=1").await).await;
    let events = log["items"].as_array().unwrap();
    let count = |action: &str, subject: &str| {
        let of = |event: &&Value| {
            event["action"] == action && event["subject"].as_str().unwrap().contains(subject)
        };
        events.iter().filter(of).count()
    };
    assert_eq!(count("SignInFailed", ""), 1, "{events:?}");
    assert_eq!(count("ImportStarted", "shop.csv"), 1);
    assert_eq!(count("ImportStarted", "resumed.csv"), 1);
    assert_eq!(count("ImportCancelled", ""), 0);
    assert_eq!(count("ImportRetried", &job), 1);
    assert_eq!(count("ImportDeleted", &job), 1);
    let text = log.to_string();
    assert!(
        !text.contains("hunter2") && !text.contains("typed-a-password"),
        "{text}"
    );
}

async fn member(app: &App, email: &str) -> String {
    let members = json(app.get("/api/team").await).await["members"].clone();
    let found = members.as_array().unwrap().iter();
    let found = found.filter(|it| it["email"] == email).collect::<Vec<_>>();
    found[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn links_die_with_their_maker_s_role() {
    let app = App::start(&[]).await;
    Team::gather(&app).await;
    for (number, end) in [("role", "staff"), ("allowed", "false")]
        .into_iter()
        .enumerate()
    {
        let email = format!("second{number}@example.com");
        let second = App::sharing(&app, &team::invite(&app, "owner", &email).await);
        let invitation = invitation(&second, "before").await;
        let staff = member(&app, "staff@example.com").await;
        let form = [("member", &*staff)];
        let link = second.post_as("/api/make_reset_link", &form).await;
        let link = json(link).await["url"].as_str().unwrap().to_owned();
        let reset = link.rsplit('/').next().unwrap();
        let kept = self::invitation(&app, "of another owner").await;

        let second = member(&app, &email).await;
        let path = if end.0 == "role" {
            "/api/set_role"
        } else {
            "/api/set_access"
        };
        let ended = app.post_as(path, &[("member", &*second), end]).await;
        assert_eq!(ended.status(), 200);
        assert_eq!(
            accept(&app, &invitation, "late@example.com").await,
            400,
            "{end:?}"
        );
        let form = [("token", reset), ("password", "a brand new horse")];
        assert_eq!(
            app.post_form("/api/reset_password", &form).await.status(),
            400
        );
        let state = json(
            app.get(&format!("/api/link_state?token={invitation}"))
                .await,
        )
        .await;
        assert_eq!(state, "Gone");
        let kept = accept(&app, &kept, &format!("new{number}@example.com")).await;
        assert_eq!(kept, 200);
    }
}

/// The role may change in the database, as by another instance.
#[tokio::test]
async fn a_link_of_an_owner_who_is_none_any_more_is_void() {
    let app = App::start(&[]).await;
    let second = App::sharing(
        &app,
        &team::invite(&app, "owner", "second@example.com").await,
    );
    let link = invitation(&second, "before").await;
    let statement = "UPDATE users SET role = 'staff' WHERE email = 'second@example.com'";
    team::change(&app, statement).await;
    assert_eq!(accept(&app, &link, "late@example.com").await, 400);
    let links = json(app.get("/api/team").await).await["links"].clone();
    assert_eq!(links.as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn taking_staff_away_never_shows_more() {
    let app = App::start(&[]).await;
    let team = Team::gather(&app).await;
    let theirs = app.import("shop.csv", "sku,name,price\na,A,1\n").await;
    let staff = App::sharing(&app, &team.staff);
    let own = staff.import("own.csv", "sku,name,price\na,A,1\n").await;
    let sees = async |app: &App| {
        let list = json(app.get("/api/imports").await).await;
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(sees(&staff).await, std::slice::from_ref(&own));
    let id = member(&app, "staff@example.com").await;
    let form = [("member", &*id), ("role", "viewer")];
    assert_eq!(app.post_as("/api/set_role", &form).await.status(), 200);
    assert_eq!(sees(&staff).await, std::slice::from_ref(&own));
    assert_eq!(
        staff.get(&format!("/api/imports/{theirs}")).await.status(),
        404
    );
    // Seeing everything requires a role for it.
    let mut all = sees(&App::sharing(&app, &team.observer)).await;
    all.sort();
    let mut both = [own, theirs];
    both.sort();
    assert_eq!(all, both);
}
