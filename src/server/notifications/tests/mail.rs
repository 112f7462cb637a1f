//! Emails of the worker, received by an SMTP server on loopback.

use test_support::smtp::SmtpServer;

use super::*;
use crate::{i18n::locale::Locale, model::account::MailWish};

async fn with_server(answers: &[&'static str]) -> (Setup, SmtpServer) {
    let mut setup = Setup::new("127.0.0.1").await;
    let (server, address) = SmtpServer::start(answers).await;
    let settings = [
        ("SMTP_URL", format!("smtp://{address}")),
        ("MAIL_FROM", "Import Relay <relay@shop.example>".to_owned()),
    ];
    let config = Config::read(|name| {
        let set = settings.iter().find(|(set, _)| *set == name);
        set.map(|(_, value)| value.clone())
    });
    setup.notifications.mail = config.unwrap().mail;
    (setup, server)
}

impl Setup {
    async fn wish(&self, wish: MailWish, language: Locale) {
        let user = &self.owner.user.id;
        self.store
            .set_mail_wish(user, wish, language)
            .await
            .unwrap();
    }

    async fn import(&self, id: &str, status: ImportStatus) {
        let job = self.begin(id).await;
        self.end(&job, status).await;
        for _ in 0..5 {
            self.work().await;
        }
    }
}

#[tokio::test]
async fn a_person_gets_the_mails_that_they_chose_in_their_language() {
    let (setup, server) = with_server(&[]).await;
    setup.import("a", ImportStatus::Error).await;
    assert!(server.mails().is_empty(), "nobody asked");
    setup.wish(MailWish::Trouble, Locale::English).await;
    setup.import("b", ImportStatus::Success).await;
    assert!(server.mails().is_empty());
    setup.import("c", ImportStatus::PartialSuccess).await;
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let mail = &mails[0];
    assert_eq!(
        (&*mail.from, &*mail.to),
        ("relay@shop.example", "ada@example.com")
    );
    for line in [
        "Subject: Import finished with errors: shop.csv",
        "Auto-Submitted: auto-generated",
        "2 of 3 products, 1 failed.",
        "https://shop.example/import/imports/c",
        "https://shop.example/import/account",
    ] {
        assert!(mail.message.contains(line), "{line}\n{}", mail.message);
    }
    setup.wish(MailWish::All, Locale::German).await;
    setup.import("d", ImportStatus::Success).await;
    let mail = server.mails().pop().unwrap();
    assert!(
        mail.message.contains("Subject: Import beendet: shop.csv"),
        "{}",
        mail.message
    );
    assert_eq!(server.mails().len(), 2);
    // Each has an ID, by which a duplicate is recognised.
    let id = |message: &str| {
        let line = message
            .lines()
            .find(|line| line.starts_with("Message-ID: <msg_"));
        line.unwrap().to_owned()
    };
    let ids: Vec<_> = server
        .mails()
        .iter()
        .map(|mail| id(&mail.message))
        .collect();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn an_import_that_waits_for_somebody_mails_them() {
    let (setup, server) = with_server(&[]).await;
    setup.wish(MailWish::Trouble, Locale::English).await;
    setup.begin("a").await;
    let new = NewImport {
        id: "a".to_owned(),
        filename: "shop.csv".to_owned(),
        ..NewImport::default()
    };
    setup.store.add_monitor_import(new).await.unwrap();
    let asked = setup.store.ask_monitor_import("a", Question::Approval);
    asked.await.unwrap();
    for _ in 0..5 {
        setup.work().await;
    }
    let mail = server.mails().pop().unwrap();
    assert!(
        mail.message
            .contains("Subject: Import needs your approval: shop.csv")
    );
}

#[tokio::test]
async fn a_server_that_is_busy_is_tried_again_and_one_that_refuses_is_not() {
    let (setup, server) = with_server(&["451 Try later", "550 No such user"]).await;
    setup.wish(MailWish::All, Locale::English).await;
    setup.import("a", ImportStatus::Success).await;
    assert!(server.mails().is_empty());
    let waiting = setup.store.waiting_deliveries().await.unwrap();
    let (webhook, mail) = (0, 1);
    assert_eq!(waiting, WaitingDeliveries { webhook, mail });
    setup.pass(6 * SECOND);
    setup.work().await;
    // A permanent rejection.
    setup.pass(DAY / 2);
    setup.work().await;
    assert!(server.mails().is_empty());
    setup.import("b", ImportStatus::Success).await;
    assert_eq!(server.mails().len(), 1);
    let counts = [Sent::Delivered, Sent::Failed, Sent::GivenUp]
        .map(|sent| setup.notifications.metrics.attempts(Channel::Mail, sent));
    assert_eq!(counts, [1, 1, 1]);
    // After unsubscribing, waiting emails are not sent.
    server.refuse_next("451 Try later");
    setup.import("c", ImportStatus::Success).await;
    setup.wish(MailWish::None, Locale::English).await;
    setup.pass(6 * SECOND);
    setup.work().await;
    assert_eq!(server.mails().len(), 1);
}
