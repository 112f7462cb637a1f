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
                .chain(OF_PAGES)
                .find(|(known, _)| *known == english)
                .map(|(_, german)| (*german).to_owned())
                .or_else(|| cancelled_in_german(english)),
        };
        german.unwrap_or_else(|| english.to_owned())
    }
}

/// Says in German how much of an import was in when it was cancelled.
fn cancelled_in_german(english: &str) -> Option<String> {
    let counts = english.strip_prefix("Cancelled after importing ")?;
    let (done, all) = counts.strip_suffix(" products.")?.split_once(" of ")?;
    let text = format!("Nach {done} von {all} Produkten abgebrochen.");
    Some(text.replace(',', "."))
}

/// What is said by the hook and the server, in English and in German.
const SENTENCES: &[(&str, &str)] = &[
    ("Connection error", "Verbindungsfehler"),
    (
        "Failed to parse progress data",
        "Der Stand des Imports war nicht lesbar",
    ),
    (
        "You are signed out. Sign in to continue.",
        "Du bist abgemeldet. Melde dich an, um weiterzumachen.",
    ),
    (
        "You may be signed in elsewhere, but this server can't read that session. Ask your \
         administrator to check the server log.",
        "Vielleicht bist du anderswo angemeldet, aber dieser Server kann die Sitzung nicht lesen. Bitte \
         deinen Administrator, im Server-Protokoll nachzusehen.",
    ),
    (
        "Your account doesn't have access to this app. Ask the owner.",
        "Dein Konto hat keinen Zugang zu dieser App. Frage den Inhaber.",
    ),
    ("Import not found.", "Import nicht gefunden."),
    (
        "Confirm your identity first.",
        "Bestätige zuerst deine Identität.",
    ),
    ("Use your passkey first.", "Verwende zuerst deinen Passkey."),
    (
        "The passkey was not accepted. Try again.",
        "Der Passkey wurde nicht angenommen. Versuche es noch einmal.",
    ),
    ("Passkeys are turned off.", "Passkeys sind abgeschaltet."),
    ("Passkey not found.", "Passkey nicht gefunden."),
    (
        "You have reached the limit of passkeys. Remove one first.",
        "Du hast das Limit an Passkeys erreicht. Entferne zuerst einen.",
    ),
    (
        "This is your only way to sign in. Add another passkey first.",
        "Das ist dein einziger Weg, dich anzumelden. Füge zuerst einen weiteren Passkey hinzu.",
    ),
    (
        "Names must have 1 to 60 characters.",
        "Namen müssen 1 bis 60 Zeichen haben.",
    ),
    ("The password is wrong.", "Das Passwort ist falsch."),
    (
        "Passwords are turned off. Sign in at your identity provider.",
        "Passwörter sind abgeschaltet. Melde dich bei deinem Identitätsanbieter an.",
    ),
    (
        "You don't have permission.",
        "Dazu hast du keine Berechtigung.",
    ),
    (
        "Too many requests. Try again in a moment.",
        "Zu viele Anfragen. Versuche es gleich noch einmal.",
    ),
    (
        "The server can't be reached. Check your connection and try again.",
        "Der Server ist nicht erreichbar. Prüfe deine Verbindung und versuche es noch einmal.",
    ),
    (
        "Something went wrong on our side. Try again in a moment.",
        "Bei uns ist etwas schiefgegangen. Versuche es gleich noch einmal.",
    ),
    (
        "Your storage is full. Delete imports you no longer need and try again.",
        "Dein Speicher ist voll. Lösche Importe, die du nicht mehr brauchst, und versuche es noch \
         einmal.",
    ),
    (
        "The server's storage is full. Contact your administrator.",
        "Der Speicher des Servers ist voll. Wende dich an deinen Administrator.",
    ),
    (
        "The server's disk is almost full. Contact your administrator.",
        "Die Festplatte des Servers ist fast voll. Wende dich an deinen Administrator.",
    ),
    (
        "You have reached the limit of unfinished imports. Wait until one of them finishes.",
        "Du hast das Limit laufender Importe erreicht. Warte, bis einer davon fertig ist.",
    ),
    (
        "The request could not be read.",
        "Die Anfrage war nicht lesbar.",
    ),
    (
        "The server is restarting. Try again in a moment.",
        "Der Server wird neu gestartet. Versuche es gleich noch einmal.",
    ),
    (
        "Products are managed in the external price monitor.",
        "Produkte werden im externen Preismonitor verwaltet.",
    ),
    (
        "The search took too long. Try again, or use a longer search term.",
        "Die Suche hat zu lange gedauert. Versuche es noch einmal oder verwende einen längeren Suchbegriff.",
    ),
    (
        "The import is still running. Cancel it first.",
        "Der Import läuft noch. Brich ihn zuerst ab.",
    ),
    (
        "Incorrect email or password.",
        "E-Mail-Adresse oder Passwort ist falsch.",
    ),
    (
        "An owner account already exists. Sign in instead.",
        "Es gibt bereits ein Konto des Inhabers. Melde dich an.",
    ),
    (
        "To create the owner account, open the link the server printed at startup.",
        "Öffne den Link, den der Server beim Start ausgegeben hat, um das Konto des Inhabers zu erstellen.",
    ),
    (
        "Enter a valid email address.",
        "Gib eine gültige E-Mail-Adresse ein.",
    ),
    (
        "Names must have 1 to 100 characters.",
        "Namen müssen 1 bis 100 Zeichen haben.",
    ),
    (
        "The current password is incorrect.",
        "Das aktuelle Passwort ist falsch.",
    ),
    (
        "This link has already been used or has expired. Ask for a new one.",
        "Dieser Link wurde schon benutzt oder ist abgelaufen. Bitte um einen neuen.",
    ),
    (
        "This request came from another site.",
        "Diese Anfrage kam von einer anderen Website.",
    ),
    (
        "You can't remove the last owner.",
        "Der letzte Inhaber kann nicht entfernt werden.",
    ),
    (
        "This account signs in through another service and has no password here.",
        "Dieses Konto meldet sich über einen anderen Dienst an und hat hier kein Passwort.",
    ),
    ("Account not found.", "Konto nicht gefunden."),
    (
        "Webhooks can't be sent to this host.",
        "An diesen Host dürfen keine Webhooks gesendet werden.",
    ),
    (
        "There can be 10 links to an import. Revoke one first.",
        "Es kann 10 Links zu einem Import geben. Widerrufe zuerst einen.",
    ),
    (
        "Set ENCRYPTION_KEY to share imports.",
        "Setze ENCRYPTION_KEY, um Importe zu teilen.",
    ),
    (
        "Choose at least one event.",
        "Wähle mindestens ein Ereignis.",
    ),
    (
        "There can be 20 webhooks. Delete one first.",
        "Es kann 20 Webhooks geben. Lösche zuerst einen.",
    ),
    (
        "Set ENCRYPTION_KEY to use webhooks.",
        "Setze ENCRYPTION_KEY, um Webhooks zu nutzen.",
    ),
    (
        "Notes are limited to 200 characters.",
        "Notizen dürfen höchstens 200 Zeichen haben.",
    ),
    (
        "This account's role is managed by its sign-in service.",
        "Die Rolle dieses Kontos wird von seinem Anmeldedienst verwaltet.",
    ),
    (
        "Passwords must have at least 10 characters.",
        "Passwörter müssen mindestens 10 Zeichen haben.",
    ),
    ("The password is too long.", "Das Passwort ist zu lang."),
    (
        "This password is too common. Try a few unrelated words.",
        "Dieses Passwort ist zu häufig. Versuche es mit einigen Wörtern, die nichts miteinander zu tun haben.",
    ),
    (
        "Live connection to the price monitor lost. Checking every few seconds.",
        "Live-Verbindung zum Preismonitor unterbrochen. Der Stand wird alle paar Sekunden abgefragt.",
    ),
    (
        "The price monitor rejected this server's API key, so progress may not update. Contact your \
         administrator.",
        "Der Preismonitor hat den API-Schlüssel dieses Servers abgelehnt, daher wird der Fortschritt \
         vielleicht nicht aktualisiert. Wende dich an deinen Administrator.",
    ),
    ("The import failed.", "Der Import ist fehlgeschlagen."),
    ("The import was cancelled.", "Der Import wurde abgebrochen."),
    (
        "Cancelled before any products were imported.",
        "Abgebrochen, bevor Produkte importiert wurden.",
    ),
    (
        "The dry run was cancelled.",
        "Der Testlauf wurde abgebrochen.",
    ),
    (
        "The file has a header row but no products.",
        "Die Datei hat eine Kopfzeile, aber keine Produkte.",
    ),
    (
        "Nothing was imported: every row failed or was skipped.",
        "Es wurde nichts importiert: Jede Zeile ist fehlgeschlagen oder wurde übersprungen.",
    ),
    (
        "The price monitor doesn't support importing some products or fields only.",
        "Der Preismonitor kann nicht nur einige Produkte oder Felder importieren.",
    ),
    (
        "The import failed because of an internal error.",
        "Der Import ist wegen eines internen Fehlers fehlgeschlagen.",
    ),
    (
        "The import ended before anything was imported.",
        "Der Import endete, bevor etwas importiert war.",
    ),
    (
        "The price monitor no longer knows this import.",
        "Der Preismonitor kennt diesen Import nicht mehr.",
    ),
    (
        "The upload failed. Check your connection and try again.",
        "Der Upload ist fehlgeschlagen. Prüfe deine Verbindung und versuche es noch einmal.",
    ),
    ("The file is too large.", "Die Datei ist zu groß."),
    (
        "The upload failed. Try again in a moment.",
        "Der Upload ist fehlgeschlagen. Versuche es gleich noch einmal.",
    ),
    (
        "Your browser couldn't read the file. Select it again.",
        "Dein Browser konnte die Datei nicht lesen. Wähle sie noch einmal aus.",
    ),
    (
        "Choose a product file first.",
        "Wähle zuerst eine Produktdatei.",
    ),
    ("The file is empty.", "Die Datei ist leer."),
    (
        "The upload was interrupted. Try again.",
        "Der Upload wurde unterbrochen. Versuche es noch einmal.",
    ),
    (
        "The form could not be read. Reload the page and try again.",
        "Das Formular war nicht lesbar. Lade die Seite neu und versuche es noch einmal.",
    ),
    (
        "Importing from a URL is disabled.",
        "Der Import von einer URL ist deaktiviert.",
    ),
    (
        "The URL must start with https:// and must not contain a password.",
        "Die URL muss mit https:// beginnen und darf kein Passwort enthalten.",
    ),
    (
        "Importing from this host is not allowed.",
        "Der Import von diesem Host ist nicht erlaubt.",
    ),
    ("Too many redirects.", "Zu viele Weiterleitungen."),
    ("The URL can't be reached.", "Die URL ist nicht erreichbar."),
    (
        "The URL points to a web page, not to a product file.",
        "Die URL führt zu einer Webseite, nicht zu einer Produktdatei.",
    ),
    (
        "The download was interrupted. Try again.",
        "Der Download wurde unterbrochen. Versuche es noch einmal.",
    ),
];

/// What is said on pages without islands: the browser's program has no use for it.
#[cfg(feature = "ssr")]
const OF_PAGES: &[(&str, &str)] = &[
    (
        "The schedule must be a cron expression of five fields, for example 0 6 * * 1-5, or @hourly, @daily or @weekly.",
        "Der Zeitplan muss ein Cron-Ausdruck mit fünf Feldern sein, zum Beispiel 0 6 * * 1-5, oder @hourly, @daily oder @weekly.",
    ),
    (
        "Unknown time zone. Use a name such as Europe/Berlin or UTC.",
        "Unbekannte Zeitzone. Verwende einen Namen wie Europe/Berlin oder UTC.",
    ),
    (
        "The schedule has no time in the years to come.",
        "Der Zeitplan hat keinen Zeitpunkt in den nächsten Jahren.",
    ),
    (
        "Sources need the embedded price monitor.",
        "Quellen brauchen den eingebauten Preismonitor.",
    ),
    (
        "There can be 200 sources. Delete one first.",
        "Es kann 200 Quellen geben. Lösche zuerst eine.",
    ),
    (
        "Files of this source are uploaded.",
        "Dateien dieser Quelle werden hochgeladen.",
    ),
    (
        "A source of uploads has no schedule.",
        "Eine Quelle für Uploads hat keinen Zeitplan.",
    ),
    ("The URL is too long.", "Die URL ist zu lang."),
    (
        "The decimal mark must be comma or point.",
        "Das Dezimalzeichen muss comma oder point sein.",
    ),
    (
        "The currency must be a code of three letters, for example EUR.",
        "Die Währung muss ein Code aus drei Buchstaben sein, zum Beispiel EUR.",
    ),
    (
        "There are too many sheets.",
        "Es sind zu viele Tabellenblätter.",
    ),
    (
        "Limits are limited to 100 percent.",
        "Grenzen können höchstens 100 Prozent sein.",
    ),
    (
        "A limit must be a number of percent.",
        "Eine Grenze muss eine Zahl in Prozent sein.",
    ),
    (
        "A user name is required, without a colon.",
        "Ein Benutzername ohne Doppelpunkt ist erforderlich.",
    ),
    ("The header is not valid.", "Der Header ist nicht gültig."),
    (
        "Set ENCRYPTION_KEY to store passwords and headers.",
        "Setze ENCRYPTION_KEY, um Passwörter und Header zu speichern.",
    ),
    (
        "The source's last import is not over yet.",
        "Der letzte Import der Quelle ist noch nicht beendet.",
    ),
    (
        "The source says what is done with its files. Leave the other parameters out.",
        "Die Quelle sagt, was mit ihren Dateien geschieht. Lass die anderen Parameter weg.",
    ),
];
#[cfg(not(feature = "ssr"))]
const OF_PAGES: &[(&str, &str)] = &[];

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
            ApiError::PasskeyDue,
            ApiError::PasskeyRefused,
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
    fn how_far_a_cancelled_import_was_is_said_in_german() {
        assert_eq!(
            Locale::German.sentence("Cancelled after importing 166,000 of 1,500,000 products."),
            "Nach 166.000 von 1.500.000 Produkten abgebrochen."
        );
    }

    #[test]
    fn the_hook_s_words_are_said_in_german() {
        for words in ["Connection error", "Failed to parse progress data"] {
            assert_ne!(Locale::German.sentence(words), words);
            assert_eq!(Locale::English.sentence(words), words);
        }
    }
}
