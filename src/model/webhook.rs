//! Webhooks and their deliveries.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    i18n::locale::Locale,
    model::{job::UnixMillis, secret::Secret, source::RunProblem},
};

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident: $word:literal, $english:literal, $german:literal;)*) => {
        /// An event of an import or a source, as webhooks get it.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
        #[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
        pub enum ImportEvent {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl ImportEvent {
            /// All events, in the order in which they happen.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$name),*];

            /// Returns the event's name, as it is stored and sent.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// Returns the event's name for display.
            #[must_use]
            pub fn title(self, t: Locale) -> &'static str {
                match self { $(Self::$name => t.say($english, $german),)* }
            }
        }
    };
}

events! {
    /// An import was started.
    Started: "import.started", "Started", "Gestartet";
    /// An import waits for an answer about its file.
    NeedsInput: "import.needs_input", "Needs input", "Eingabe nötig";
    /// An import waits for approval.
    NeedsApproval: "import.needs_approval", "Needs approval", "Freigabe nötig";
    /// An import ended.
    Finished: "import.finished", "Finished", "Beendet";
    /// An import was undone by another import.
    Undone: "import.undone", "Undone", "Rückgängig gemacht";
    /// Several consecutive runs of a source failed.
    SourceFailing: "source.failing", "Source fails repeatedly", "Quelle schlägt wiederholt fehl";
}

/// An unknown event.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("unknown event")]
pub struct UnknownEvent;

impl FromStr for ImportEvent {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        Self::ALL
            .into_iter()
            .find(|event| event.as_str() == text)
            .ok_or(UnknownEvent)
    }
}

/// A source whose last runs failed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FailingSource {
    /// Its ID.
    pub id: String,
    /// Name.
    pub name: String,
    /// Number of consecutive failures.
    pub failures: u64,
    /// Why the last one failed.
    pub problem: RunProblem,
}

/// A webhook, without its secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Webhook {
    /// Its ID.
    pub id: String,
    /// URL that events are sent to.
    pub url: String,
    /// A note for owners.
    pub description: String,
    /// Events that it receives.
    pub events: Vec<ImportEvent>,
    /// Whether it is on.
    pub enabled: bool,
    /// When it was created.
    pub created_at: UnixMillis,
}

/// The page of all webhooks.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WebhooksState {
    /// The webhooks, the newest first, each with its newest delivery.
    pub webhooks: Vec<(Webhook, Option<Delivery>)>,
    /// The secret of the webhook that this browser has just created without JavaScript.
    pub fresh: Option<Secret>,
    /// Whether secrets can be stored.
    pub available: bool,
}

/// The page of one webhook.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WebhookState {
    /// The webhook.
    pub webhook: Webhook,
    /// Its deliveries.
    pub deliveries: DeliveriesPage,
}

/// A page of deliveries, the newest first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DeliveriesPage {
    /// The deliveries.
    pub items: Vec<Delivery>,
    /// The delivery after which the next page starts; `None` on the last page.
    pub next: Option<String>,
}

/// A webhook that was just created.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NewWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// Its secret, which is shown once.
    pub secret: Secret,
}

/// An event for a webhook, sent or to be sent.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Delivery {
    /// Its ID, the header `webhook-id`.
    pub id: String,
    /// The type of the event.
    pub event: String,
    /// The import.
    pub job: Option<String>,
    /// Its result.
    pub state: DeliveryState,
    /// Number of attempts.
    pub attempts: u64,
    /// When the event was recorded.
    pub created_at: UnixMillis,
    /// Time of the last attempt.
    pub last_at: Option<UnixMillis>,
    /// Time of the next attempt.
    pub next_at: Option<UnixMillis>,
    /// Why the last try failed.
    pub problem: Option<DeliveryProblem>,
}

/// State of a delivery.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum DeliveryState {
    /// It waits for its first or next attempt.
    Waiting,
    /// It was accepted.
    Delivered,
    /// It is not retried any more.
    GivenUp,
}

impl DeliveryState {
    /// Returns the state's name, as it is stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given-up",
        }
    }

    /// Returns the state in words.
    #[must_use]
    pub fn title(self, t: Locale) -> &'static str {
        match self {
            Self::Waiting => t.say("Waiting", "Wartet"),
            Self::Delivered => t.say("Delivered", "Zugestellt"),
            Self::GivenUp => t.say("Gave up", "Aufgegeben"),
        }
    }
}

impl FromStr for DeliveryState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Waiting, Self::Delivered, Self::GivenUp]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(())
    }
}

/// Why a delivery failed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryProblem {
    /// The receiver answered with this status.
    Status(u16),
    /// The host is not one that webhooks may be sent to.
    HostNotAllowed,
    /// The receiver could not be reached.
    Unreachable,
    /// The receiver did not answer in time.
    TimedOut,
    /// The secret was encrypted with another key.
    SecretUnreadable,
    /// The mail server refused the message.
    MailRefused,
    /// No mail server is set, or the account has no address.
    NoMail,
}

impl DeliveryProblem {
    /// Returns the problem as a sentence.
    #[must_use]
    pub fn words(self, t: Locale) -> String {
        let text = match self {
            // The same in both languages.
            Self::Status(status) => return format!("Status {status}"),
            Self::HostNotAllowed => t.say("Host not allowed", "Host nicht erlaubt"),
            Self::Unreachable => t.say("Not reachable", "Nicht erreichbar"),
            Self::TimedOut => t.say("No answer in time", "Keine Antwort in der Frist"),
            Self::SecretUnreadable => t.say(
                "The secret can't be decrypted: ENCRYPTION_KEY has changed",
                "Das Geheimnis ist nicht zu entschlüsseln: ENCRYPTION_KEY ist ein anderer",
            ),
            Self::MailRefused => t.say("Refused by the mail server", "Vom Mailserver abgelehnt"),
            Self::NoMail => t.say(
                "No mail server or address",
                "Kein Mailserver oder keine Adresse",
            ),
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_its_event_and_state_back() {
        for event in ImportEvent::ALL {
            assert_eq!(event.as_str().parse(), Ok(event));
            let json = format!("\"{}\"", event.as_str());
            assert_eq!(serde_json::to_string(&event).unwrap(), json);
        }
        for state in ["waiting", "delivered", "given-up"] {
            assert_eq!(state.parse::<DeliveryState>().unwrap().as_str(), state);
        }
        assert_eq!("import".parse::<ImportEvent>(), Err(UnknownEvent));
    }
}
