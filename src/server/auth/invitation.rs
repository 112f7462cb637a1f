//! The email that brings an invitation.

use uuid::Uuid;

use crate::{
    i18n::locale::Locale,
    model::{role::Role, secret::Secret, team::LinkMail},
    server::{
        auth::Auth,
        identity::user::User,
        mail::{Letter, Mailer, shortened},
    },
};

/// Sends a link to an address, in the language of whoever invites. Returns `None` where emails are not set up.
pub(super) async fn send(
    auth: &Auth,
    owner: &User,
    to: &str,
    role: Role,
    language: Locale,
    url: &Secret,
) -> Option<LinkMail> {
    let config = auth.config.mail.as_ref()?;
    let letter = Letter {
        id: format!("invitation_{}", Uuid::now_v7()),
        to: to.to_owned(),
        subject: subject(language, owner),
        text: text(language, owner, role, url),
    };
    let sent = match Mailer::new(config, &auth.config.public_url) {
        Ok(mailer) => mailer.send(letter).await.is_ok(),
        Err(error) => {
            tracing::warn!(%error, "cannot use the mail server");
            false
        }
    };
    Some(if sent {
        LinkMail::Sent(to.to_owned())
    } else {
        LinkMail::Failed(to.to_owned())
    })
}

fn subject(t: Locale, owner: &User) -> String {
    t.fill(
        "{name} invited you to Import Relay",
        "{name} hat dich zu Import Relay eingeladen",
        &[("name", &name(owner))],
    )
}

fn text(t: Locale, owner: &User, role: Role, url: &Secret) -> String {
    let invited = t.fill(
        "{name} invited you to Import Relay. Your role: {role}.",
        "{name} hat dich zu Import Relay eingeladen. Deine Rolle: {role}.",
        &[("name", &name(owner)), ("role", role.name(t))],
    );
    let how = t.say("Create your account:", "Erstelle dein Konto:");
    let until = t.say(
        "The link works once and expires in 7 days. If you didn't expect this invitation, you can ignore this email.",
        "Der Link gilt einmal und läuft in 7 Tagen ab. Wenn du diese Einladung nicht erwartet hast, kannst du diese E-Mail ignorieren.",
    );
    let url = url.expose();
    format!("{invited}\n\n{how}\n{url}\n\n{until}\n")
}

fn name(owner: &User) -> String {
    shortened(if owner.name.is_empty() {
        &owner.email
    } else {
        &owner.name
    })
}
