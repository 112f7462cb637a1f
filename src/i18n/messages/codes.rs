//! The errors of this program as values, each with its code and its sentences.

use super::{Message, Params};

/// Declares errors: name, parameters, code, and the sentence in English and German. Those of `#[cfg(all())]` are in the
/// browser's bundle too: what uploads, column mappings and imports end with. The others are said by the server alone.
macro_rules! error_codes {
    ($(#[$side:meta] {
        $($name:ident $({ $($param:ident: $kind:ty),+ })? = $code:literal, $english:literal, $german:literal;)+
    })+) => {
        /// An error of this program: a code with parameters.
        #[derive(Clone, Debug, Eq, PartialEq)]
        #[allow(missing_docs)] // the sentence of each parameter's error says what it is
        pub enum ErrorCode {
            $($(#[$side] #[doc = $english] $name $({ $($param: $kind),+ })?,)+)+
        }

        impl ErrorCode {
            /// Returns its code on the wire and in the database.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self {
                    $($(#[$side] Self::$name { .. } => $code,)+)+
                }
            }

            /// Returns its parameters by name.
            #[must_use]
            pub fn params(&self) -> Params {
                match self {
                    $($(#[$side] Self::$name $({ $($param),+ })? => {
                        #[allow(unused_mut)] // where it has none
                        let mut params = Params::new();
                        $($(params.insert(stringify!($param).to_owned(), $param.clone().into());)+)?
                        params
                    })+)+
                }
            }

            /// Returns whether it is that somebody cancelled an import.
            pub(super) fn is_cancelled(&self) -> bool {
                matches!(
                    self,
                    Self::Cancelled
                        | Self::CancelledCheck
                        | Self::CancelledBefore
                        | Self::CancelledAfter { .. }
                        | Self::CancelledUndo { .. }
                )
            }
        }

        /// The sentences.
        pub(super) const MESSAGES: &[Message] = &[$($(#[$side] ($code, $english, $german)),+),+];
    };
}

error_codes! {
    #[cfg(all())] {
    // Requests.
    SignedOut = "signed-out",
        "You are signed out. Sign in to continue.",
        "Du bist abgemeldet. Melde dich an, um weiterzumachen.";
    UnreadableSession = "unreadable-session",
        "You may be signed in elsewhere, but this server can't read that session. Ask your administrator to check the server log.",
        "Vielleicht bist du anderswo angemeldet, aber dieser Server kann die Sitzung nicht lesen. Bitte deinen Administrator, im Server-Protokoll nachzusehen.";
    NoRole = "no-role",
        "Your account doesn't have access to this app. Ask the owner.",
        "Dein Konto hat keinen Zugang zu dieser App. Frage den Inhaber.";
    NotFound = "not-found",
        "Import not found.",
        "Import nicht gefunden.";
    Forbidden = "forbidden",
        "You don't have permission.",
        "Dazu hast du keine Berechtigung.";
    Unconfirmed = "unconfirmed",
        "Confirm your identity first.",
        "Bestätige zuerst deine Identität.";
    PasskeyDue = "passkey-due",
        "Use your passkey first.",
        "Verwende zuerst deinen Passkey.";
    PasskeyRefused = "passkey-refused",
        "The passkey was not accepted. Try again.",
        "Der Passkey wurde nicht angenommen. Versuche es noch einmal.";
    TooMany = "too-many-requests",
        "Too many requests. Try again in a moment.",
        "Zu viele Anfragen. Versuche es gleich noch einmal.";
    Throttled { seconds: u64 } = "throttled",
        "Too many attempts. Try again in {seconds:wait}.",
        "Zu viele Versuche. Versuche es in {seconds:wait} noch einmal.";
    Connection = "unreachable",
        "The server can't be reached. Check your connection and try again.",
        "Der Server ist nicht erreichbar. Prüfe deine Verbindung und versuche es noch einmal.";
    Internal = "internal",
        "Something went wrong on our side. Try again in a moment.",
        "Bei uns ist etwas schiefgegangen. Versuche es gleich noch einmal.";
    Unreadable = "unreadable-request",
        "The request could not be read.",
        "Die Anfrage war nicht lesbar.";
    UnreadableBecause { problem: String } = "invalid-request",
        "{problem}",
        "Die Anfrage ist ungültig: {problem}";
    TooLargeRequest = "request-too-large",
        "The request is too large.",
        "Die Anfrage ist zu groß.";
    OtherSite = "other-site",
        "This request came from another site.",
        "Diese Anfrage kam von einer anderen Website.";
    Restarting = "restarting",
        "The server is restarting. Try again in a moment.",
        "Der Server wird neu gestartet. Versuche es gleich noch einmal.";
    }
    #[cfg(feature = "ssr")] {
    SearchGivenUp = "search-given-up",
        "The search took too long. Try again, or use a longer search term.",
        "Die Suche hat zu lange gedauert. Versuche es noch einmal oder verwende einen längeren Suchbegriff.";
    InvalidParameter { name: String } = "invalid-parameter",
        "`{name}` is not valid.",
        "`{name}` ist ungültig.";
    UnknownParameter { name: String } = "unknown-query-parameter",
        "Unknown parameter {name}.",
        "Unbekannter Parameter {name}.";
    NotAPage = "not-a-page",
        "`page` must be a whole number of 1 or more.",
        "`page` muss eine ganze Zahl ab 1 sein.";
    NotABoolean { name: String } = "not-a-boolean",
        "`{name}` must be true or false.",
        "`{name}` muss true oder false sein.";
    NotAProductId = "not-a-product-id",
        "`after` must be the ID of a product.",
        "`after` muss die ID eines Produkts sein.";
    InvalidFilter = "invalid-filter",
        "A filter value is not valid. Check the price and the date.",
        "Ein Filterwert ist nicht gültig. Prüfe Preis und Datum.";
    AfterWithSearch = "after-with-search",
        "`after` cannot be combined with a filter or an order; use `from`.",
        "`after` geht nicht zusammen mit einem Filter oder einer Sortierung; nimm `from`.";
    NotNext { name: String } = "not-next",
        "`{name}` must be the `next` of a page.",
        "`{name}` muss das `next` einer Seite sein.";
    UnknownEvent { events: String } = "unknown-event",
        "Unknown event. Events are {events}.",
        "Unbekanntes Ereignis. Ereignisse sind {events}.";
    MostImportsOfStream { limit: u64 } = "too-many-imports-of-stream",
        "A stream can follow at most {limit} imports.",
        "Ein Stream kann höchstens {limit} Importen folgen.";
    ProductsElsewhere = "products-elsewhere",
        "Products are managed in the external price monitor.",
        "Produkte werden im externen Preismonitor verwaltet.";
    StillRunning = "still-running",
        "The import is still running. Cancel it first.",
        "Der Import läuft noch. Brich ihn zuerst ab.";

    // Accounts.
    WrongCredentials = "wrong-credentials",
        "Incorrect email or password.",
        "E-Mail-Adresse oder Passwort ist falsch.";
    OwnerExists = "owner-exists",
        "An owner account already exists. Sign in instead.",
        "Es gibt bereits ein Konto des Inhabers. Melde dich an.";
    OwnerNeedsLink = "owner-needs-link",
        "To create the owner account, open the link the server printed at startup.",
        "Öffne den Link, den der Server beim Start ausgegeben hat, um das Konto des Inhabers zu erstellen.";
    InvalidEmail = "invalid-email",
        "Enter a valid email address.",
        "Gib eine gültige E-Mail-Adresse ein.";
    NameLength { limit: u64 } = "name-length",
        "Names must have 1 to {limit} characters.",
        "Namen müssen 1 bis {limit} Zeichen haben.";
    NoteLength { limit: u64 } = "note-length",
        "Notes are limited to {limit} characters.",
        "Notizen dürfen höchstens {limit} Zeichen haben.";
    WrongPassword = "wrong-password",
        "The password is wrong.",
        "Das Passwort ist falsch.";
    WrongCurrentPassword = "wrong-current-password",
        "The current password is incorrect.",
        "Das aktuelle Passwort ist falsch.";
    ShortPassword { least: u64 } = "short-password",
        "Passwords must have at least {least} characters.",
        "Passwörter müssen mindestens {least} Zeichen haben.";
    LongPassword = "long-password",
        "The password is too long.",
        "Das Passwort ist zu lang.";
    CommonPassword = "common-password",
        "This password is too common. Try a few unrelated words.",
        "Dieses Passwort ist zu verbreitet. Versuche es mit einigen Wörtern, die nichts miteinander zu tun haben.";
    PasswordsOff = "passwords-off",
        "Passwords are turned off. Sign in at your identity provider.",
        "Passwörter sind abgeschaltet. Melde dich bei deinem Identitätsanbieter an.";
    PasskeysOff = "passkeys-off",
        "Passkeys are turned off.",
        "Passkeys sind abgeschaltet.";
    NoPasskey = "no-passkey",
        "Passkey not found.",
        "Passkey nicht gefunden.";
    MostPasskeys = "too-many-passkeys",
        "You have reached the limit of passkeys. Remove one first.",
        "Du hast das Limit an Passkeys erreicht. Entferne zuerst einen.";
    OnlyPasskey = "only-passkey",
        "This is your only way to sign in. Add another passkey first.",
        "Das ist dein einziger Weg, dich anzumelden. Füge zuerst einen weiteren Passkey hinzu.";
    UsedLink = "used-link",
        "This link has already been used or has expired. Ask for a new one.",
        "Dieser Link wurde schon benutzt oder ist abgelaufen. Bitte um einen neuen.";
    LastOwner = "last-owner",
        "You can't remove the last owner.",
        "Der letzte Inhaber kann nicht entfernt werden.";
    NoPasswordHere = "no-password-here",
        "This account signs in through another service and has no password here.",
        "Dieses Konto meldet sich über einen anderen Dienst an und hat hier kein Passwort.";
    NoAccount = "no-account",
        "Account not found.",
        "Konto nicht gefunden.";
    EmailTaken { email: String } = "email-taken",
        "An account with the email address {email} already exists.",
        "Es gibt bereits ein Konto mit der E-Mail-Adresse {email}.";
    SeveralAccounts { email: String } = "several-accounts",
        "Several accounts of other services have the email address {email}. Change them on the team page.",
        "Mehrere Konten anderer Dienste haben die E-Mail-Adresse {email}. Ändere sie auf der Teamseite.";
    NoAccountOf { email: String } = "no-account-of",
        "There is no account with the email address {email}.",
        "Es gibt kein Konto mit der E-Mail-Adresse {email}.";
    RoleElsewhere = "role-elsewhere",
        "This account's role is managed by its sign-in service.",
        "Die Rolle dieses Kontos wird von seinem Anmeldedienst verwaltet.";
    MostTokens { limit: u64 } = "too-many-tokens",
        "You have reached the limit of {limit} tokens. Revoke one first.",
        "Du hast das Limit von {limit} Tokens erreicht. Widerrufe zuerst einen.";

    // Links to imports and webhooks.
    MostLinks { limit: u64 } = "too-many-links",
        "You have reached the limit of {limit} links to an import. Revoke one first.",
        "Du hast das Limit von {limit} Links zu einem Import erreicht. Widerrufe zuerst einen.";
    NoLink = "no-link",
        "Import or link not found.",
        "Import oder Link nicht gefunden.";
    NoKeyForLinks = "no-key-for-links",
        "Set ENCRYPTION_KEY to share imports.",
        "Setze ENCRYPTION_KEY, um Importe zu teilen.";
    NoKeyForWebhooks = "no-key-for-webhooks",
        "Set ENCRYPTION_KEY to use webhooks.",
        "Setze ENCRYPTION_KEY, um Webhooks zu nutzen.";
    NoWebhook = "no-webhook",
        "Webhook or delivery not found.",
        "Webhook oder Zustellung nicht gefunden.";
    NoEvent = "no-event",
        "Choose at least one event.",
        "Wähle mindestens ein Ereignis.";
    MostWebhooks { limit: u64 } = "too-many-webhooks",
        "You have reached the limit of {limit} webhooks. Delete one first.",
        "Du hast das Limit von {limit} Webhooks erreicht. Lösche zuerst einen.";
    WebhookHost = "webhook-host",
        "Webhooks can't be sent to this host.",
        "An diesen Host dürfen keine Webhooks gesendet werden.";
    UrlNotHttps = "url-not-https",
        "The URL must start with https:// and must not contain a password.",
        "Die URL muss mit https:// beginnen und darf kein Passwort enthalten.";

    }
    #[cfg(all())] {
    // Uploads.
    NoFile = "no-file",
        "Choose a product file first.",
        "Wähle zuerst eine Produktdatei.";
    EmptyFile = "empty-file",
        "The file is empty.",
        "Die Datei ist leer.";
    TooLargeFile { limit: u64 } = "file-too-large",
        "The file is too large. The limit is {limit:bytes}.",
        "Die Datei ist zu groß. Erlaubt sind höchstens {limit:bytes}.";
    TooLargeForServer = "file-too-large-for-server",
        "The file is too large.",
        "Die Datei ist zu groß.";
    UploadInterrupted = "upload-interrupted",
        "The upload was interrupted. Try again.",
        "Der Upload wurde unterbrochen. Versuche es noch einmal.";
    UploadBroken = "upload-broken",
        "The upload was interrupted.",
        "Der Upload wurde unterbrochen.";
    UploadFailed = "upload-failed",
        "The upload failed. Try again in a moment.",
        "Der Upload ist fehlgeschlagen. Versuche es gleich noch einmal.";
    UploadUnreachable = "upload-unreachable",
        "The upload failed. Check your connection and try again.",
        "Der Upload ist fehlgeschlagen. Prüfe deine Verbindung und versuche es noch einmal.";
    EmptyChoice { name: String } = "empty-choice",
        "“{name}” is empty. Choose a file that contains products.",
        "„{name}“ ist leer. Wähle eine Datei, die Produkte enthält.";
    TooLargeChoice { name: String, size: u64, limit: u64 } = "too-large-choice",
        "“{name}” is too large ({size:bytes}). The limit is {limit:bytes}.",
        "„{name}“ ist zu groß ({size:bytes}). Erlaubt sind höchstens {limit:bytes}.";
    BrowserCannotRead = "browser-cannot-read",
        "Your browser couldn't read the file. Select it again.",
        "Dein Browser konnte die Datei nicht lesen. Wähle sie noch einmal aus.";
    UnreadableForm = "unreadable-form",
        "The form could not be read. Reload the page and try again.",
        "Das Formular war nicht lesbar. Lade die Seite neu und versuche es noch einmal.";
    }
    #[cfg(feature = "ssr")] {
    UnknownUploadParameter { name: String } = "unknown-parameter",
        "Unknown parameter {name}. Supported parameters are mode, products, fields, missing, source, file and, in JSON, url.",
        "Unbekannter Parameter {name}. Möglich sind mode, products, fields, missing, source, file und, in JSON, url.";
    UnknownMode = "unknown-mode",
        "The mode must be import or check.",
        "Der Modus muss import oder check sein.";
    UnknownValue { name: String, values: String } = "unknown-value",
        "Invalid value for {name}. It takes {values}.",
        "Ungültiger Wert für {name}. Möglich sind {values}.";
    NoChecks = "no-dry-runs",
        "The price monitor doesn't support dry runs.",
        "Der Preismonitor unterstützt keine Testläufe.";
    NoOptions = "no-options",
        "The price monitor doesn't support importing some products or fields only.",
        "Der Preismonitor kann nicht nur einige Produkte oder Felder importieren.";
    ParameterBehindFile { name: String } = "parameter-behind-file",
        "The parameter {name} must come before the file.",
        "Der Parameter {name} muss vor der Datei kommen.";
    ParameterOfSource = "parameter-of-source",
        "The source determines how its files are imported. Omit the other parameters.",
        "Die Quelle bestimmt, wie ihre Dateien importiert werden. Lass die anderen Parameter weg.";
    // Sources.
    SourcesUnavailable = "sources-unavailable",
        "Sources need the embedded price monitor.",
        "Quellen brauchen den eingebauten Preismonitor.";
    TooManySources = "too-many-sources",
        "You have reached the limit of 200 sources. Delete one first.",
        "Du hast das Limit von 200 Quellen erreicht. Lösche zuerst eine.";
    SourceNotFound = "source-not-found",
        "Source not found.",
        "Quelle nicht gefunden.";
    SourceOfUploads = "source-of-uploads",
        "This source only takes uploads.",
        "Diese Quelle nimmt nur Uploads an.";
    SourceBusy = "source-busy",
        "The source's last import is still running. Wait for it, or cancel it.",
        "Der letzte Import der Quelle läuft noch. Warte, bis er fertig ist, oder brich ihn ab.";
    SourceName = "source-name",
        "Names must have 1 to 100 characters.",
        "Namen müssen 1 bis 100 Zeichen haben.";
    UploadsWithSchedule = "uploads-with-schedule",
        "A source for uploads can't have a schedule.",
        "Eine Quelle für Uploads kann keinen Zeitplan haben.";
    LongUrl = "long-url",
        "The URL is too long.",
        "Die URL ist zu lang.";
    UnknownSourceKind = "unknown-source-kind",
        "The kind must be address or upload.",
        "Die Art muss address oder upload sein.";
    SourceDecimalMark = "source-decimal-mark",
        "The decimal separator must be comma or point.",
        "Das Dezimaltrennzeichen muss comma oder point sein.";
    SourceCurrency = "source-currency",
        "The currency must be a code of three letters, for example EUR.",
        "Die Währung muss ein Code aus drei Buchstaben sein, zum Beispiel EUR.";
    TooManySheets = "too-many-sheets",
        "Too many sheets. List fewer.",
        "Zu viele Tabellenblätter. Gib weniger an.";
    LimitOverHundred = "limit-over-hundred",
        "A limit can be 100 percent at most.",
        "Eine Grenze darf höchstens 100 Prozent sein.";
    LimitNotNumber = "limit-not-number",
        "Enter limits as a percentage, for example 30.",
        "Gib Grenzen in Prozent an, zum Beispiel 30.";
    UnknownLogin = "unknown-login",
        "Give user and password, or header and value.",
        "Gib user und password an, oder header und value.";
    LoginUser = "login-user",
        "Enter a username without a colon.",
        "Gib einen Benutzernamen ohne Doppelpunkt ein.";
    LoginHeader = "login-header",
        "The header is not valid.",
        "Der Header ist ungültig.";
    NoEncryptionKey = "no-encryption-key",
        "Set ENCRYPTION_KEY to store passwords and headers.",
        "Setze ENCRYPTION_KEY, um Passwörter und Header zu speichern.";
    NotCron = "not-cron",
        "The schedule must be a cron expression of five fields, for example 0 6 * * 1-5, or @hourly, @daily or @weekly.",
        "Der Zeitplan muss ein Cron-Ausdruck mit fünf Feldern sein, zum Beispiel 0 6 * * 1-5, oder @hourly, @daily oder @weekly.";
    NotTimeOfDay = "not-time-of-day",
        "Enter the time of day as hours and minutes, for example 06:00.",
        "Gib die Uhrzeit in Stunden und Minuten an, zum Beispiel 06:00.";
    UnknownTimeZone = "unknown-time-zone",
        "Unknown time zone. Use a name such as Europe/Berlin or UTC.",
        "Unbekannte Zeitzone. Verwende einen Namen wie Europe/Berlin oder UTC.";
    ScheduleNever = "schedule-never",
        "This schedule never runs. Check the day and month.",
        "Dieser Zeitplan läuft nie. Prüfe Tag und Monat.";
    // Uploads in parts.
    TusVersion = "tus-version",
        "This server supports version 1.0.0 of the tus protocol.",
        "Dieser Server unterstützt Version 1.0.0 des tus-Protokolls.";
    }
    #[cfg(all())] {
    NoUpload = "no-upload",
        "Upload not found.",
        "Upload nicht gefunden.";
    }
    #[cfg(feature = "ssr")] {
    PartType = "part-type",
        "Parts must be sent as application/offset+octet-stream.",
        "Teile müssen als application/offset+octet-stream gesendet werden.";
    UploadOffset = "upload-offset",
        "The upload offset doesn't match.",
        "Die Position im Upload stimmt nicht.";
    }
    #[cfg(all())] {
    UploadBusy = "upload-busy",
        "This upload is already in progress.",
        "Dieser Upload läuft bereits.";
    MostUploads = "too-many-uploads",
        "Too many uploads at once. Finish or cancel one first.",
        "Zu viele Uploads auf einmal. Beende zuerst einen oder brich ihn ab.";
    FileNotSaved = "file-not-saved",
        "The file could not be saved. Try again later.",
        "Die Datei konnte nicht gespeichert werden. Versuche es später noch einmal.";
    FileChanged = "file-changed",
        "The stored file doesn't match what was uploaded. Upload the file again.",
        "Die gespeicherte Datei entspricht nicht der hochgeladenen. Lade die Datei noch einmal hoch.";
    FileLength { is: u64, was: u64 } = "file-length",
        "The stored file has {is} bytes, but {was} were uploaded. Upload the file again.",
        "Die gespeicherte Datei hat {is} Bytes, hochgeladen wurden aber {was}. Lade die Datei noch einmal hoch.";
    StorageOfUser = "storage-full",
        "Your storage is full. Delete imports you no longer need and try again.",
        "Dein Speicher ist voll. Lösche Importe, die du nicht mehr brauchst, und versuche es noch einmal.";
    StorageOfAll = "server-storage-full",
        "The server's storage is full. Contact your administrator.",
        "Der Speicher des Servers ist voll. Wende dich an deinen Administrator.";
    DiskFull = "disk-full",
        "The server's disk is almost full. Contact your administrator.",
        "Die Festplatte des Servers ist fast voll. Wende dich an deinen Administrator.";
    }
    #[cfg(feature = "ssr")] {
    UrlsOff = "urls-off",
        "Importing from a URL is disabled.",
        "Der Import von einer URL ist deaktiviert.";
    HostNotAllowed = "host-not-allowed",
        "Importing from this host is not allowed.",
        "Der Import von diesem Host ist nicht erlaubt.";
    TooManyRedirects = "too-many-redirects",
        "Too many redirects.",
        "Zu viele Weiterleitungen.";
    UrlUnreachable = "url-unreachable",
        "The URL can't be reached.",
        "Die URL ist nicht erreichbar.";
    UrlStatus { status: u64 } = "url-status",
        "The URL returned status {status} instead of a file.",
        "Die URL hat mit Status {status} statt mit einer Datei geantwortet.";
    UrlIsPage = "url-is-page",
        "The URL points to a web page, not to a product file.",
        "Die URL führt zu einer Webseite, nicht zu einer Produktdatei.";
    DownloadInterrupted = "download-interrupted",
        "The download was interrupted. Try again.",
        "Der Download wurde unterbrochen. Versuche es noch einmal.";

    }
    #[cfg(all())] {
    // The connection to the price monitor.
    LiveConnectionLost = "live-connection-lost",
        "Live connection to the price monitor lost. Checking every few seconds.",
        "Live-Verbindung zum Preismonitor unterbrochen. Der Stand wird alle paar Sekunden abgefragt.";
    LiveConnectionRefused = "live-connection-refused",
        "The price monitor rejected this server's API key, so progress may not update. Contact your administrator.",
        "Der Preismonitor hat den API-Schlüssel dieses Servers abgelehnt, daher wird der Fortschritt vielleicht nicht aktualisiert. Wende dich an deinen Administrator.";
    StreamLost = "stream-lost",
        "Connection error",
        "Verbindungsfehler";
    StreamUnreadable = "stream-unreadable",
        "Failed to parse progress data",
        "Der Stand des Imports war nicht lesbar";
    MonitorUnreachable = "monitor-unreachable",
        "The price monitor cannot be reached. Try again in a moment.",
        "Der Preismonitor ist nicht erreichbar. Versuche es gleich noch einmal.";
    MonitorKey = "monitor-key",
        "The price monitor rejected this server's API key. Contact your administrator.",
        "Der Preismonitor hat den API-Schlüssel dieses Servers abgelehnt. Wende dich an deinen Administrator.";
    MonitorForbids = "monitor-forbids",
        "The price monitor does not allow this (HTTP 403).",
        "Der Preismonitor erlaubt das nicht (HTTP 403).";
    MonitorUnknownImport = "monitor-unknown-import",
        "The price monitor has no such import.",
        "Der Preismonitor hat keinen solchen Import.";
    MonitorCannot = "monitor-cannot",
        "The price monitor doesn't support this.",
        "Der Preismonitor unterstützt das nicht.";
    MonitorBusy = "monitor-busy",
        "The price monitor is busy. Try again later.",
        "Der Preismonitor ist ausgelastet. Versuche es später noch einmal.";
    MonitorNoSpace = "monitor-no-space",
        "The price monitor is out of storage space.",
        "Der Preismonitor hat keinen Speicherplatz mehr.";
    MonitorBroken { status: u64 } = "monitor-broken",
        "The price monitor had an internal error (HTTP {status}). Try again in a moment.",
        "Im Preismonitor ist ein interner Fehler aufgetreten (HTTP {status}). Versuche es gleich noch einmal.";
    MonitorMoved { status: u64 } = "monitor-moved",
        "The price monitor's address redirects elsewhere (HTTP {status}). Ask your administrator to correct it.",
        "Die Adresse des Preismonitors leitet woandershin weiter (HTTP {status}). Bitte deinen Administrator, sie zu korrigieren.";
    MonitorRefused { status: u64 } = "monitor-refused",
        "The price monitor rejected the file (HTTP {status}).",
        "Der Preismonitor hat die Datei abgelehnt (HTTP {status}).";
    MonitorUnreadable = "monitor-unreadable",
        "The price monitor's response was not understood. Ask your administrator to check the server's log.",
        "Die Antwort des Preismonitors wurde nicht verstanden. Bitte deinen Administrator, im Protokoll des Servers nachzusehen.";
    MonitorNotThere = "monitor-not-there",
        "No import API was found at the price monitor's address (HTTP 404). Ask your administrator to correct it.",
        "Unter der Adresse des Preismonitors wurde keine Import-API gefunden (HTTP 404). Bitte deinen Administrator, sie zu korrigieren.";

    }
    #[cfg(feature = "ssr")] {
    // Requests to the embedded price monitor.
    WrongApiKey = "wrong-api-key",
        "Invalid API key",
        "Ungültiger API-Schlüssel";
    ServiceNotFound = "service-not-found",
        "Not found.",
        "Nicht gefunden.";
    MethodNotAllowed = "method-not-allowed",
        "Method not allowed.",
        "Methode nicht erlaubt.";
    NotMultipart = "not-multipart",
        "The upload must be multipart/form-data with the product file in the field “file”.",
        "Der Upload muss multipart/form-data sein, mit der Produktdatei im Feld „file“.";
    NoFileField = "no-file-field",
        "The upload has no “file” field.",
        "Der Upload hat kein Feld „file“.";
    }
    #[cfg(all())] {
    MostUnfinished = "too-many-unfinished",
        "You have reached the limit of unfinished imports. Wait until one of them finishes.",
        "Du hast das Limit nicht abgeschlossener Importe erreicht. Warte, bis einer davon fertig ist.";
    }
    #[cfg(feature = "ssr")] {
    BadIdempotencyKey = "bad-idempotency-key",
        "The idempotency key must be a UUID.",
        "Der Idempotenzschlüssel muss eine UUID sein.";
    BadParameter { name: String } = "bad-parameter",
        "The parameter {name} is not valid.",
        "Der Parameter {name} ist ungültig.";
    AlreadyOver = "already-over",
        "The import has already finished.",
        "Der Import ist bereits beendet.";
    FileNotKept = "file-not-kept",
        "The file of this import is no longer stored. Upload it again.",
        "Die Datei dieses Imports ist nicht mehr gespeichert. Lade sie noch einmal hoch.";
    AlreadyRunning = "already-running",
        "The import is already running.",
        "Der Import läuft bereits.";
    LongColumnNames = "long-column-names",
        "The columns of this file cannot be shown because their names are too long.",
        "Die Spalten dieser Datei können nicht angezeigt werden, weil ihre Namen zu lang sind.";
    NothingFailed = "nothing-failed",
        "This import has no failed rows.",
        "Dieser Import hat keine fehlgeschlagenen Zeilen.";
    NothingCorrected = "nothing-corrected",
        "No cell was changed.",
        "Keine Zelle wurde geändert.";
    NothingToUndo = "nothing-to-undo",
        "This import changed no products, or its changes are no longer stored.",
        "Dieser Import hat keine Produkte geändert, oder seine Änderungen sind nicht mehr gespeichert.";
    NothingToApprove = "nothing-to-approve",
        "This import is not waiting for approval.",
        "Dieser Import wartet nicht auf eine Freigabe.";
    BeingUndone = "being-undone",
        "This import is already being undone.",
        "Dieser Import wird bereits rückgängig gemacht.";
    }
    #[cfg(all())] {
    UnknownMeaning { word: String } = "unknown-meaning",
        "Invalid column mapping: “{word}” is not a known field.",
        "Ungültige Spaltenzuordnung: „{word}“ ist kein bekanntes Feld.";
    MappedTwice { first: String, second: String } = "mapped-twice",
        "The columns “{first}” and “{second}” are mapped to the same field. Map only one of them.",
        "Die Spalten „{first}“ und „{second}“ sind demselben Feld zugeordnet. Ordne nur eine von beiden zu.";
    UnknownDecimalMark { word: String } = "unknown-decimal-mark",
        "Invalid column mapping: “{word}” is not a decimal separator. Use “point” or “comma”.",
        "Ungültige Spaltenzuordnung: „{word}“ ist kein Dezimaltrennzeichen.";
    UnknownMappedCurrency { word: String } = "unknown-mapped-currency",
        "Invalid column mapping: “{word}” is not an ISO 4217 currency code.",
        "Ungültige Spaltenzuordnung: „{word}“ ist kein Währungscode nach ISO 4217.";
    MappedNothing = "mapped-nothing",
        "Invalid column mapping: no column is mapped to a SKU, name or price.",
        "Ungültige Spaltenzuordnung: Keine Spalte ist einer SKU, einem Namen oder einem Preis zugeordnet.";
    MappedNoIdentity = "mapped-no-identity",
        "Invalid column mapping: no column is mapped to a SKU or another identifier.",
        "Ungültige Spaltenzuordnung: Keine Spalte ist einer SKU oder einer anderen Kennung zugeordnet.";
    MappedNoPrice = "mapped-no-price",
        "Invalid column mapping: no column is mapped to a price.",
        "Ungültige Spaltenzuordnung: Keine Spalte ist einem Preis zugeordnet.";
    UploadIncomplete = "upload-incomplete",
        "The upload could not be read completely.",
        "Der Upload konnte nicht vollständig gelesen werden.";
    ShuttingDown = "shutting-down",
        "The service is shutting down. Try again in a moment.",
        "Der Dienst wird beendet. Versuche es gleich noch einmal.";
    ManyFilesRead = "many-files-read",
        "Too many files are being read right now. Try again in a moment.",
        "Gerade werden zu viele Dateien gelesen. Versuche es gleich noch einmal.";
    DatabaseFailed = "database-failed",
        "A database error occurred. Try again later.",
        "Ein Datenbankfehler ist aufgetreten. Versuche es später noch einmal.";

    // Ends of imports.
    ImportFailed = "import-failed",
        "The import failed.",
        "Der Import ist fehlgeschlagen.";
    Crashed = "crashed",
        "The import failed because of an internal error.",
        "Der Import ist wegen eines internen Fehlers fehlgeschlagen.";
    EndedEarly = "ended-early",
        "The import ended before anything was imported.",
        "Der Import endete, bevor etwas importiert war.";
    NothingImported = "nothing-imported",
        "No products were imported.",
        "Es wurden keine Produkte importiert.";
    Forgotten = "forgotten",
        "The price monitor no longer knows this import.",
        "Der Preismonitor kennt diesen Import nicht mehr.";
    Cancelled = "cancelled",
        "The import was cancelled.",
        "Der Import wurde abgebrochen.";
    CancelledCheck = "cancelled-dry-run",
        "The dry run was cancelled.",
        "Der Testlauf wurde abgebrochen.";
    CancelledBefore = "cancelled-before",
        "Cancelled before any products were imported.",
        "Abgebrochen, bevor Produkte importiert wurden.";
    CancelledAfter { done: u64, total: u64 } = "cancelled-after",
        "Cancelled after importing {done} of {total} products.",
        "Nach {done} von {total} Produkten abgebrochen.";
    CancelledUndo { done: u64, total: u64 } = "cancelled-undo",
        "The import was cancelled: {done} of {total} changes were undone.",
        "Der Import wurde abgebrochen: {done} von {total} Änderungen wurden rückgängig gemacht.";
    Stopped = "stopped",
        "The import was stopped.",
        "Der Import wurde angehalten.";
    NoProducts = "no-products",
        "The file has a header row but no products.",
        "Die Datei hat eine Kopfzeile, aber keine Produkte.";
    AllFailed { failed: u64 } = "all-failed",
        "No products were imported: all {failed} rows failed.",
        "Es wurden keine Produkte importiert: Alle {failed} Zeilen sind fehlgeschlagen.";
    AllFailedOrSkipped = "all-failed-or-skipped",
        "Nothing was imported: every row failed or was skipped.",
        "Es wurde nichts importiert: Jede Zeile ist fehlgeschlagen oder wurde übersprungen.";
    NothingUndone = "nothing-undone",
        "Nothing was undone because later imports have changed all of these products.",
        "Es wurde nichts rückgängig gemacht, weil spätere Importe alle diese Produkte geändert haben.";
    MiscountedFile { contained: u64, done: u64 } = "miscounted-file",
        "The import's counts don't add up. The file contains {contained} products, but {done} were imported or failed. Import the file again.",
        "Die Zahlen des Imports gehen nicht auf. Die Datei enthält {contained} Produkte, aber {done} wurden importiert oder sind fehlgeschlagen. Importiere die Datei noch einmal.";
    MiscountedRows { read: u64, accounted: u64 } = "miscounted-rows",
        "The import's counts don't add up. {read} rows were read, but {accounted} are accounted for. Import the file again.",
        "Die Zahlen des Imports gehen nicht auf. {read} Zeilen wurden gelesen, aber nur von {accounted} ist bekannt, was aus ihnen wurde. Importiere die Datei noch einmal.";
    MiscountedProducts { imported: u64, accounted: u64 } = "miscounted-products",
        "The import's counts don't add up. {imported} products were imported, but {accounted} are accounted for. Import the file again.",
        "Die Zahlen des Imports gehen nicht auf. {imported} Produkte wurden importiert, aber nur von {accounted} ist bekannt, was aus ihnen wurde. Importiere die Datei noch einmal.";
    ApprovalExpired = "approval-expired",
        "The import expired while waiting for your approval.",
        "Der Import ist abgelaufen, während er auf deine Freigabe wartete.";
    InputExpired = "input-expired",
        "The import expired while waiting for your input. Import the file again to provide it.",
        "Der Import ist abgelaufen, während er auf deine Eingabe wartete. Importiere die Datei noch einmal, um sie nachzuholen.";
    UploadGone = "upload-gone",
        "The uploaded file is no longer available. Upload it again.",
        "Die hochgeladene Datei ist nicht mehr da. Lade sie noch einmal hoch.";
    ProductsNotSaved = "products-not-saved",
        "The products could not be saved because of a database error. Import the file again.",
        "Die Produkte konnten wegen eines Datenbankfehlers nicht gespeichert werden. Importiere die Datei noch einmal.";
    NoScratchSpace = "no-scratch-space",
        "The file could not be imported because the disk is full or failing. Free up space and import the file again.",
        "Die Datei konnte nicht importiert werden, weil die Festplatte voll oder defekt ist. Schaffe Platz und importiere die Datei noch einmal.";
    ChangesNotKept = "changes-not-kept",
        "The changes of that import are no longer stored, so it cannot be undone.",
        "Die Änderungen jenes Imports sind nicht mehr gespeichert, daher kann er nicht rückgängig gemacht werden.";
    NoHeadway = "no-headway",
        "The import was stopped because the service crashed on it twice. The file may be too large: save it as CSV or split it, and upload it again.",
        "Der Import wurde angehalten, weil der Dienst zweimal an ihm abgestürzt ist. Vielleicht ist die Datei zu groß: Speichere sie als CSV oder teile sie auf und lade sie noch einmal hoch.";
    OverLimitPrices { count: u64, of: u64, by: u64 } = "over-limit-prices",
        "{count} of {of} prices would change by more than {by:hundredths} %. Imports over this limit are rejected.",
        "{count} von {of} Preisen würden sich um mehr als {by:hundredths}\u{a0}% ändern. Importe über dieser Grenze werden abgelehnt.";
    OverLimitFailed { count: u64, of: u64 } = "over-limit-failed",
        "{count} of {of} rows would fail. Imports over this limit are rejected.",
        "{count} von {of} Zeilen würden fehlschlagen. Importe über dieser Grenze werden abgelehnt.";
    OverLimitMissing { count: u64, of: u64 } = "over-limit-missing",
        "{count} of {of} products are not in the file. Imports over this limit are rejected.",
        "{count} von {of} Produkten sind nicht in der Datei. Importe über dieser Grenze werden abgelehnt.";

    }
    #[cfg(feature = "ssr")] {
    // Rows.
    ReplacedBy { line: u64 } = "replaced-by",
        "Replaced by line {line}.",
        "Ersetzt durch Zeile {line}.";
    ChangedSince = "changed-since",
        "A later import has changed this product, so it was left unchanged.",
        "Ein späterer Import hat dieses Produkt geändert, daher blieb es unverändert.";
    }
}
