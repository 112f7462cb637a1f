//! Sources of product files and their runs.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    i18n::locale::Locale,
    model::{
        base_path::escape,
        changes::UnknownWord,
        error::ApiError,
        import_options::Instructions,
        job::{ImportStatus, UnixMillis},
        secret::Secret,
    },
};

/// The page of all sources, and the target of the form that creates one.
pub const SOURCES_PATH: &str = "/sources";

/// Returns the path of a source's page.
#[must_use]
pub fn source_path(id: &str) -> String {
    format!("{SOURCES_PATH}/{}", escape(id))
}

/// Returns the path of the form that changes a source.
#[must_use]
pub fn edit_path(id: &str) -> String {
    format!("{}/edit", source_path(id))
}

/// How the files of a source arrive.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum SourceKind {
    /// They are uploaded.
    Upload,
    /// They are downloaded from a URL.
    #[default]
    Address,
}

impl SourceKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Address, Self::Upload];

    /// Returns its name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Address => "address",
        }
    }
}

impl FromStr for SourceKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or(UnknownWord)
    }
}

/// When a source is fetched.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Schedule {
    /// The cron expression of five fields.
    pub cron: String,
    /// The IANA time zone.
    pub time_zone: String,
}

/// Credentials for downloads, without the secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ShownLogin {
    /// A user with a password.
    Basic(String),
    /// A header of this name.
    Header(String),
}

/// A named place that product files come from, and how they are imported.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Source {
    /// Its ID.
    pub id: String,
    /// ID of the account that its files are imported for.
    pub owner: String,
    /// Name.
    pub name: String,
    /// How its files arrive.
    pub kind: SourceKind,
    /// The URL; empty for uploads.
    pub address: String,
    /// Credentials for downloads.
    pub login: Option<ShownLogin>,
    /// How its files are imported.
    pub what: Instructions,
    /// When it is fetched; `None` if only on request.
    pub schedule: Option<Schedule>,
    /// Whether its schedule is active.
    pub enabled: bool,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it runs next.
    pub due_at: Option<UnixMillis>,
    /// Number of its last runs that failed in a row.
    pub failures: u64,
}

/// Why a run started.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum RunCause {
    /// The schedule.
    Schedule,
    /// A request.
    Request,
    /// An uploaded file.
    Upload,
}

impl RunCause {
    const ALL: [Self; 3] = [Self::Schedule, Self::Request, Self::Upload];

    /// Returns its name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Request => "request",
            Self::Upload => "upload",
        }
    }

    /// Returns its name for display.
    #[must_use]
    pub fn title(self, t: Locale) -> &'static str {
        match self {
            Self::Schedule => t.say("Schedule", "Zeitplan"),
            Self::Request => t.say("Run now", "Jetzt ausführen"),
            Self::Upload => t.say("Upload", "Upload"),
        }
    }
}

impl FromStr for RunCause {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or(UnknownWord)
    }
}

/// Result of a run.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum RunOutcome {
    /// The file is being downloaded.
    Running,
    /// The file is being imported, or its import waits.
    Importing,
    /// The file was imported, at least in part.
    Imported,
    /// The file was checked in a dry run.
    Checked,
    /// The file is the same as last time; nothing was imported.
    Unchanged,
    /// The download or the import failed.
    Failed,
}

impl RunOutcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [
        Self::Running,
        Self::Importing,
        Self::Imported,
        Self::Checked,
        Self::Unchanged,
        Self::Failed,
    ];

    /// Returns its name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Importing => "importing",
            Self::Imported => "imported",
            Self::Checked => "checked",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }

    /// Returns whether the run has ended.
    #[must_use]
    pub fn is_end(self) -> bool {
        !matches!(self, Self::Running | Self::Importing)
    }

    /// Returns its name for display.
    #[must_use]
    pub fn title(self, t: Locale) -> &'static str {
        match self {
            Self::Running => t.say("Fetching", "Wird abgerufen"),
            Self::Importing => t.say("Importing", "Wird importiert"),
            Self::Imported => t.say("Imported", "Importiert"),
            Self::Checked => t.say("Checked", "Geprüft"),
            Self::Unchanged => t.say("Unchanged", "Unverändert"),
            Self::Failed => t.say("Failed", "Fehlgeschlagen"),
        }
    }
}

impl FromStr for RunOutcome {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or(UnknownWord)
    }
}

/// One run of a source.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SourceRun {
    /// Its ID; later ones have greater ones.
    pub id: String,
    /// Why it started.
    pub cause: RunCause,
    /// Its result.
    pub outcome: RunOutcome,
    /// Why it failed.
    pub problem: Option<RunProblem>,
    /// Its import.
    pub job: Option<String>,
    /// How the import ended.
    pub status: Option<ImportStatus>,
    /// When it was started.
    pub started_at: UnixMillis,
    /// When it ended, its import included.
    pub ended_at: Option<UnixMillis>,
    /// Products that its import processed.
    pub processed_products: Option<u64>,
    /// Products that failed in its import.
    pub failed_products: Option<u64>,
}

impl SourceRun {
    /// Returns its duration in milliseconds.
    #[must_use]
    pub fn took(&self) -> Option<u64> {
        let took = self.ended_at?.saturating_sub(self.started_at);
        u64::try_from(took).ok()
    }
}

/// A page of runs, the newest first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RunsPage {
    /// The runs.
    pub items: Vec<SourceRun>,
    /// The run after which the next page starts; `None` on the last page.
    pub next: Option<String>,
}

/// Why a run failed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunProblem {
    /// The server answered with this status.
    Status(u16),
    /// Downloads are disabled.
    Off,
    /// The URL, or a redirect, is not https.
    NotHttps,
    /// The host is not allowed.
    HostNotAllowed,
    /// Too many redirects.
    TooManyRedirects,
    /// The server could not be reached.
    Unreachable,
    /// The response is a web page.
    WebPage,
    /// The download was interrupted.
    Interrupted,
    /// It took too long.
    TimedOut,
    /// The file is empty.
    Empty,
    /// The file is too large.
    TooLarge,
    /// The password or header was encrypted with another key.
    LoginUnreadable,
    /// The account of the source may no longer import.
    NoAccess,
    /// The file was rejected.
    NotTaken(ApiError),
    /// The import failed.
    ImportFailed,
    /// The import was cancelled or deleted.
    Cancelled,
}

impl RunProblem {
    /// Returns the problem's code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Off => "off",
            Self::NotHttps => "not-https",
            Self::HostNotAllowed => "host-not-allowed",
            Self::TooManyRedirects => "too-many-redirects",
            Self::Unreachable => "unreachable",
            Self::WebPage => "web-page",
            Self::Interrupted => "interrupted",
            Self::TimedOut => "timed-out",
            Self::Empty => "empty",
            Self::TooLarge => "too-large",
            Self::LoginUnreadable => "login-unreadable",
            Self::NoAccess => "no-access",
            Self::NotTaken(_) => "not-taken",
            Self::ImportFailed => "import-failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the problem of a code.
    #[must_use]
    pub fn of_code(code: &str, status: Option<u16>) -> Option<Self> {
        if let Some(status) = status {
            return Some(Self::Status(status));
        }
        serde_json::from_value(code.into()).ok()
    }

    /// Returns the server's status code.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(*status),
            _ => None,
        }
    }

    /// Returns the problem as a sentence.
    #[must_use]
    pub fn words(&self, t: Locale) -> String {
        let text = match self {
            // The same in both languages.
            Self::Status(status) => return format!("Status {status}"),
            Self::Off => t.say(
                "Importing from a URL is disabled: IMPORT_URL_HOSTS is not set",
                "Das Importieren von einer URL ist ausgeschaltet: IMPORT_URL_HOSTS ist nicht gesetzt",
            ),
            Self::NotHttps => t.say("Not an https:// URL", "Keine https://-URL"),
            Self::HostNotAllowed => t.say("Host not allowed", "Host nicht erlaubt"),
            Self::TooManyRedirects => t.say("Too many redirects", "Zu viele Weiterleitungen"),
            Self::Unreachable => t.say("Not reachable", "Nicht erreichbar"),
            Self::WebPage => t.say("A web page, not a product file", "Eine Webseite, keine Produktdatei"),
            Self::Interrupted => t.say("The download was interrupted", "Der Download brach ab"),
            Self::TimedOut => t.say("No answer in time", "Keine Antwort in der Frist"),
            Self::Empty => t.say("The file is empty", "Die Datei ist leer"),
            Self::TooLarge => t.say("The file is too large", "Die Datei ist zu groß"),
            Self::LoginUnreadable => t.say(
                "The password or header can't be decrypted: ENCRYPTION_KEY has changed",
                "Passwort oder Header sind nicht zu entschlüsseln: ENCRYPTION_KEY ist ein anderer",
            ),
            Self::NoAccess => t.say(
                "The source's owner may not import any more",
                "Der Besitzer der Quelle darf nicht mehr importieren",
            ),
            Self::NotTaken(error) => return error.to_string(),
            Self::ImportFailed => t.say("The import failed", "Der Import ist fehlgeschlagen"),
            Self::Cancelled => t.say("The import was cancelled", "Der Import wurde abgebrochen"),
        };
        text.to_owned()
    }
}

/// A change of the credentials for downloads.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginChange {
    /// Keep them.
    #[default]
    Keep,
    /// None.
    None,
    /// A user and a password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A header.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
}

/// A source to create or change.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct WantedSource {
    /// Name.
    pub name: String,
    /// How its files arrive.
    pub kind: SourceKind,
    /// The address.
    pub address: String,
    /// Credentials for downloads.
    pub login: LoginChange,
    /// How its files are imported.
    pub what: Instructions,
    /// When it is fetched.
    pub schedule: Option<Schedule>,
    /// Whether its schedule is active.
    pub enabled: bool,
}

/// The page of all sources.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SourcesState {
    /// The sources by name, each with its newest run.
    pub sources: Vec<(Source, Option<SourceRun>)>,
    /// Whether files can be downloaded.
    pub fetches: bool,
    /// Whether passwords and headers can be stored.
    pub stores_secrets: bool,
}

/// The page of one source.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SourceState {
    /// The source.
    pub source: Source,
    /// Some runs.
    pub runs: RunsPage,
    /// The newest runs, for the chart.
    pub newest: Vec<SourceRun>,
    /// The next times of its schedule, if that is active.
    #[serde(default)]
    pub next_runs: Vec<UnixMillis>,
    /// Whether files can be downloaded.
    pub fetches: bool,
    /// Whether passwords and headers can be stored.
    pub stores_secrets: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_gives_back_what_it_stands_for() {
        for kind in SourceKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for cause in RunCause::ALL {
            assert_eq!(cause.as_str().parse(), Ok(cause));
        }
        for outcome in RunOutcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
        }
        let problem = RunProblem::NotTaken(ApiError::TooMany);
        let json = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<RunProblem>(&json).unwrap(), problem);
    }
}
