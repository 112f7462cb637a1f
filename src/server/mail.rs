//! Sends emails.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp,
};

use super::config::{MailConfig, PublicUrl};
use crate::model::webhook::DeliveryProblem;

const TIMEOUT: Duration = Duration::from_secs(20);
const MAX_NAME: usize = 100;
/// Replies that reject the client, not the message; the operator may fix that before a retry.
const REFUSES_US: [u16; 4] = [530, 534, 535, 538];

/// Sends emails, each over a new connection.
#[derive(Clone, Debug)]
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    host: String,
}

/// An email in plain text.
pub(crate) struct Letter {
    /// The message's ID, by which duplicates are recognised.
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// Tells machines not to reply (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    pub(crate) fn new(config: &MailConfig, public_url: &PublicUrl) -> Result<Self, smtp::Error> {
        let server = config.server.expose().as_str();
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(server)?;
        Ok(Self {
            transport: transport.timeout(Some(TIMEOUT)).build(),
            from: config.from.clone(),
            host: public_url.host().to_owned(),
        })
    }

    pub(crate) async fn send(&self, letter: Letter) -> Result<(), DeliveryProblem> {
        let Letter {
            id,
            to,
            subject,
            text,
        } = letter;
        let address = to.parse().map_err(|_| DeliveryProblem::NoMail)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .message_id(Some(format!("<{id}@{}>", self.host)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .subject(subject)
            .body(text);
        let message = message.map_err(|_| DeliveryProblem::NoMail)?;
        match tokio::time::timeout(TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "cannot send an email");
                Err(problem(&error))
            }
            Err(_) => Err(DeliveryProblem::TimedOut),
        }
    }
}

fn problem(error: &smtp::Error) -> DeliveryProblem {
    let code = error.status().map(u16::from);
    if error.is_permanent() && !code.is_some_and(|code| REFUSES_US.contains(&code)) {
        DeliveryProblem::MailRefused
    } else if error.is_timeout() {
        DeliveryProblem::TimedOut
    } else if let Some(code) = code {
        DeliveryProblem::Status(code)
    } else {
        DeliveryProblem::Unreachable
    }
}

/// Returns a name as it may stand in a subject: in one line, and not too long.
pub(crate) fn shortened(name: &str) -> String {
    let plain = name.chars().filter(|c| !c.is_control());
    let mut plain: Vec<_> = plain.take(MAX_NAME + 1).collect();
    if plain.len() > MAX_NAME {
        plain.truncate(MAX_NAME);
        plain.push('…');
    }
    plain.into_iter().collect()
}
