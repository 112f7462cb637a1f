//! What the server and the hook say, in the page's language.
//!
//! They say it in English, the words of their contracts. Sentences of a price monitor are its own and
//! stay as they are.

use crate::{i18n::locale::Locale, model::error::ApiError};

impl Locale {
    /// Says why a server function did not answer.
    pub(crate) fn error(self, error: &ApiError) -> String {
        match (self, error) {
            (Self::German, ApiError::Throttled { seconds }) => format!(
                "Zu viele Versuche. Versuche es in {} noch einmal.",
                match seconds {
                    0..=1 => "einer Sekunde".to_owned(),
                    2..=90 => format!("{seconds} Sekunden"),
                    _ => format!("{} Minuten", seconds.div_ceil(60)),
                }
            ),
            _ => self.sentence(&error.to_string()),
        }
    }

    /// Says a sentence of ours; any other is left as it is.
    pub(crate) fn sentence(self, english: &str) -> String {
        let german = match self {
            Self::English => None,
            Self::German => SENTENCES
                .iter()
                .find(|(known, _)| *known == english)
                .map(|(_, german)| *german),
        };
        german.unwrap_or(english).to_owned()
    }
}

/// What is said by the hook and the server, in English and in German.
const SENTENCES: &[(&str, &str)] = &[
    ("Connection error", "Verbindungsfehler"),
    (
        "Failed to parse progress data",
        "Der Stand des Imports war nicht lesbar",
    ),
    (
        "You are signed out. Sign in to go on.",
        "Du bist abgemeldet. Melde dich an, um weiterzumachen.",
    ),
    (
        "You may be signed in elsewhere, but this server cannot read that session. Ask whoever runs it: its log says \
         why.",
        "Vielleicht bist du anderswo angemeldet, aber dieser Server kann die Sitzung nicht lesen. Frage, wer ihn betreibt: \
         Sein Protokoll sagt, warum.",
    ),
    (
        "You are signed in elsewhere, but your account there has no access here. Ask the owner.",
        "Du bist anderswo angemeldet, aber dein Konto von dort hat hier keinen Zugang. Frage den Inhaber.",
    ),
    ("There is no such import.", "Diesen Import gibt es nicht."),
    (
        "This is not for you to do or see.",
        "Das darfst du weder tun noch sehen.",
    ),
    (
        "Too many at once. Try again in a moment.",
        "Zu viel auf einmal. Versuche es gleich noch einmal.",
    ),
    (
        "The server could not be reached.",
        "Der Server ist nicht erreichbar.",
    ),
    (
        "Something went wrong on our side. Try again in a moment.",
        "Bei uns ist etwas schiefgegangen. Versuche es gleich noch einmal.",
    ),
    (
        "There is no room for this file: yours take up all that is kept for one person. Delete imports that \
         are no longer needed.",
        "Für diese Datei ist kein Platz: deine belegen alles, was für eine Person aufbewahrt wird. Lösche \
         Importe, die du nicht mehr brauchst.",
    ),
    (
        "There is no room for this file: the files of all take up what may be kept. Ask whoever runs this server.",
        "Für diese Datei ist kein Platz: die Dateien aller belegen, was aufbewahrt wird. Frage, wer diesen \
         Server betreibt.",
    ),
    (
        "There is no room for this file: the server's disk is almost full. Ask whoever runs this server.",
        "Für diese Datei ist kein Platz: der Speicher des Servers ist fast voll. Frage, wer diesen Server betreibt.",
    ),
    (
        "There are as many of your imports under way as may be. Wait until one of them is over.",
        "Es laufen schon so viele deiner Importe, wie es dürfen. Warte, bis einer davon zu Ende ist.",
    ),
    (
        "The request could not be read.",
        "Die Anfrage war nicht lesbar.",
    ),
    (
        "The server is restarting.",
        "Der Server wird neu gestartet.",
    ),
    (
        "The products are kept by the external price monitor.",
        "Die Produkte liegen beim externen Preismonitor.",
    ),
    (
        "The search takes too long at the moment. Try again in a moment, or search for more letters.",
        "Die Suche dauert gerade zu lange. Versuche es gleich noch einmal, oder suche nach mehr Buchstaben.",
    ),
    (
        "The import is still running. Cancel it first.",
        "Der Import läuft noch. Brich ihn zuerst ab.",
    ),
    (
        "The email address or the password is wrong.",
        "Die E-Mail-Adresse oder das Passwort ist falsch.",
    ),
    (
        "There is an owner already. Sign in.",
        "Es gibt schon einen Inhaber. Melde dich an.",
    ),
    (
        "Open the link that the server printed when it started: it makes the owner's account.",
        "Öffne den Link, den der Server beim Start ausgegeben hat: er legt das Konto des Inhabers an.",
    ),
    (
        "This is not an email address.",
        "Das ist keine E-Mail-Adresse.",
    ),
    (
        "The name needs 1 to 100 characters.",
        "Der Name braucht 1 bis 100 Zeichen.",
    ),
    (
        "The current password is wrong.",
        "Das bisherige Passwort ist falsch.",
    ),
    (
        "This link has been used or has expired. Ask whoever gave it to you for another.",
        "Dieser Link wurde schon benutzt oder ist abgelaufen. Bitte um einen neuen.",
    ),
    (
        "This request came from another site.",
        "Diese Anfrage kam von einer anderen Website.",
    ),
    (
        "There must be an owner, and this is the last one.",
        "Es muss einen Inhaber geben, und das ist der letzte.",
    ),
    (
        "This account signs in elsewhere and has no password here.",
        "Dieses Konto meldet sich anderswo an und hat hier kein Passwort.",
    ),
    ("There is no such account.", "Dieses Konto gibt es nicht."),
    (
        "The note may have 200 characters.",
        "Die Notiz darf 200 Zeichen haben.",
    ),
    ("The import failed.", "Der Import ist fehlgeschlagen."),
    ("The import was cancelled.", "Der Import wurde abgebrochen."),
    (
        "The import ended before anything was imported.",
        "Der Import endete, bevor etwas importiert war.",
    ),
    (
        "The price monitor no longer knows this import.",
        "Der Preismonitor kennt diesen Import nicht mehr.",
    ),
    (
        "The file did not arrive. Check your connection and send it again.",
        "Die Datei ist nicht angekommen. Prüfe deine Verbindung und sende sie noch einmal.",
    ),
    ("The file is too large.", "Die Datei ist zu groß."),
    (
        "The server did not take the file. Try again in a moment.",
        "Der Server hat die Datei nicht angenommen. Versuche es gleich noch einmal.",
    ),
    (
        "The browser could not read the file.",
        "Der Browser konnte die Datei nicht lesen.",
    ),
    (
        "Choose a product file first.",
        "Wähle zuerst eine Produktdatei.",
    ),
    ("The file is empty.", "Die Datei ist leer."),
    (
        "The upload broke off. Try again.",
        "Die Übertragung brach ab. Versuche es noch einmal.",
    ),
    (
        "The form could not be read. Reload the page and try again.",
        "Das Formular war nicht lesbar. Lade die Seite neu und versuche es noch einmal.",
    ),
    (
        "Files cannot be fetched from addresses here.",
        "Dateien können hier nicht von Adressen abgeholt werden.",
    ),
    (
        "The address must begin with https:// and hold no password.",
        "Die Adresse muss mit https:// beginnen und darf kein Passwort enthalten.",
    ),
    (
        "Files cannot be fetched from this host.",
        "Von diesem Server können keine Dateien abgeholt werden.",
    ),
    (
        "The address leads from one place to the next without an end.",
        "Die Adresse führt ohne Ende von einer Stelle zur nächsten.",
    ),
    (
        "The address cannot be reached.",
        "Die Adresse ist nicht zu erreichen.",
    ),
    (
        "The address leads to a web page, not to a product file.",
        "Die Adresse führt zu einer Webseite, nicht zu einer Produktdatei.",
    ),
    (
        "The file broke off on its way. Try again.",
        "Die Datei brach unterwegs ab. Versuche es noch einmal.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::Elsewhere;

    #[test]
    fn every_error_of_ours_has_its_words_and_those_of_others_stay() {
        let all = [
            ApiError::SignedOut,
            ApiError::Elsewhere(Elsewhere::Unreadable),
            ApiError::Elsewhere(Elsewhere::NoRole),
            ApiError::NotFound,
            ApiError::Forbidden,
            ApiError::TooMany,
            ApiError::Connection,
            ApiError::Internal,
            ApiError::Throttled { seconds: 90 },
        ];
        for error in all {
            let english = Locale::English.error(&error);
            assert_eq!(english, error.to_string());
            assert_ne!(Locale::German.error(&error), english, "{error:?}");
        }
        let theirs = ApiError::Invalid("The shop is closed on Sundays.".to_owned());
        assert_eq!(Locale::German.error(&theirs), theirs.to_string());
    }

    #[test]
    fn the_hook_s_words_are_said_in_german() {
        for words in ["Connection error", "Failed to parse progress data"] {
            assert_ne!(Locale::German.sentence(words), words);
            assert_eq!(Locale::English.sentence(words), words);
        }
    }
}
