//! Invitations that name an email address.

use reqwest::{Response, header};
use serde_json::{Value, json};
use test_support::smtp::SmtpServer;

use crate::support::app::App;

const ADDRESS: &str = "grace@example.com";

async fn with_mail(answers: &[&'static str]) -> (App, SmtpServer) {
    let (server, address) = SmtpServer::start(answers).await;
    let app = App::start(&[
        ("SMTP_URL", &format!("smtp://{address}")),
        ("MAIL_FROM", "relay@shop.example"),
    ])
    .await;
    (app, server)
}

async fn invite(app: &App, email: &str, language: &str) -> Response {
    let form = [
        ("role", "viewer"),
        ("note", "Grace"),
        ("email", email),
        ("language", language),
    ];
    app.post_as("/api/invite", &form).await
}

async fn json_of(response: Response) -> Value {
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// Returns what the owner has done, newest first.
async fn audit(app: &App) -> String {
    let page = app.http.get(app.url("/audit"));
    let page = page
        .header(header::COOKIE, &app.cookie)
        .header(header::ACCEPT, "text/html");
    page.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn the_link_is_sent_to_the_address_in_the_owner_s_language() {
    let (app, server) = with_mail(&[]).await;
    let link = json_of(invite(&app, " Grace@Example.com ", "en").await).await;
    assert_eq!(link["mail"], json!({ "sent": ADDRESS }));
    let url = link["url"].as_str().unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(
        (&*mails[0].from, &*mails[0].to),
        ("relay@shop.example", ADDRESS)
    );
    for part in [
        "Subject: Ada invited you to Import Relay",
        "Message-ID: <invitation_",
        "Auto-Submitted: auto-generated",
        "Your role: Viewer.",
        url,
    ] {
        // Long lines are broken on the way (quoted-printable).
        let message = mails[0].message.replace("=\r\n", "");
        assert!(message.contains(part), "{part}\n{message}");
    }
    invite(&app, ADDRESS, "de").await;
    let german = server.mails().pop().unwrap().message;
    assert!(german.contains("Subject: Ada hat dich"), "{german}");
    let audit = audit(&app).await;
    for part in [
        "emailed an invitation to",
        "grace@example.com, Grace (Viewer)",
    ] {
        assert!(audit.contains(part), "{part}\n{audit}");
    }
}

#[tokio::test]
async fn whoever_opens_the_link_finds_the_address_filled_in() {
    let (app, _server) = with_mail(&[]).await;
    let link = json_of(invite(&app, ADDRESS, "en").await).await;
    let token = link["url"].as_str().unwrap().rsplit('/').next().unwrap();
    let page = app.http.get(app.url(&format!("/join/{token}")));
    let page = page.header(header::ACCEPT, "text/html");
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains(r#"value="grace@example.com""#), "{page}");
    // It is theirs to change.
    let form = [
        ("token", token),
        ("name", "Grace"),
        ("email", "hopper@example.com"),
        ("password", "correct horse"),
    ];
    let joined = app.post_form("/api/accept_invitation", &form).await;
    assert_eq!(joined.status(), 200);
}

#[tokio::test]
async fn a_link_that_could_not_be_sent_is_there_to_copy() {
    let (app, server) = with_mail(&["550 No such mailbox"]).await;
    let link = json_of(invite(&app, ADDRESS, "en").await).await;
    assert_eq!(link["mail"], json!({ "failed": ADDRESS }));
    assert!(link["url"].as_str().unwrap().contains("/join/"));
    assert!(server.mails().is_empty());
    let audit = audit(&app).await;
    assert!(!audit.contains("emailed an invitation"), "{audit}");
}

#[tokio::test]
async fn without_a_mail_server_an_address_is_only_kept_with_the_link() {
    let app = App::start(&[]).await;
    let link = json_of(invite(&app, ADDRESS, "en").await).await;
    assert_eq!(link.get("mail"), None);
    let team = json_of(app.get("/api/team").await).await;
    assert_eq!(team["links"][0]["email"], ADDRESS);
    assert_eq!(team["mails"], false);
}

#[tokio::test]
async fn what_is_no_address_is_refused_before_there_is_a_link() {
    let (app, server) = with_mail(&[]).await;
    for address in ["grace", "@example.com", "a@b.example\r\nBcc: x@y.example"] {
        let refused = invite(&app, address, "en").await;
        assert_eq!(refused.status(), 400, "{address}");
        let refused: Value = refused.json().await.unwrap();
        assert!(refused.to_string().contains("invalid-email"), "{refused}");
    }
    let team = json_of(app.get("/api/team").await).await;
    assert_eq!(team["links"], json!([]));
    assert!(server.mails().is_empty());
}
