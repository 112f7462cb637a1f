//! Sources and their runs as JSON.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    i18n::{locale::Locale, messages::ErrorCode},
    model::{
        changes::{Field, Percent},
        error::ApiError,
        import_extras::FileMapping,
        import_options::{
            ImportOptions, Instructions, LimitAction, MissingProducts, OwnLimits, WrittenProducts,
        },
        job::ImportMode,
        source::{
            LoginChange, RunCause, RunOutcome, Schedule, ShownLogin, SourceKind, WantedSource,
        },
    },
    server::http::routes::rest::imports_list::Mode,
};

/// A source: a place that product files come from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Source {
    /// ID of the source.
    pub(super) id: String,
    /// Name.
    name: String,
    /// How its files arrive.
    #[schema(value_type = SourceKind)]
    kind: &'static str,
    /// URL that its files are downloaded from; null for uploads.
    address: Option<String>,
    /// Login at the source's server, without the secret.
    login: Option<SourceLogin>,
    #[serde(flatten)]
    import: SourceOptions,
    /// Schedule: a cron expression with five fields; null to run on request only.
    cron: Option<String>,
    /// Time zone of the schedule.
    time_zone: Option<String>,
    /// Whether the schedule is active.
    enabled: bool,
    /// Next run, in milliseconds since 1970.
    next_run_at: Option<i64>,
    /// Number of consecutive failures up to now.
    failures: u64,
    /// Creation, in milliseconds since 1970.
    created_at: i64,
}

/// How the files of a source are imported.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SourceOptions {
    /// Whether imports write products or only check them.
    #[schema(value_type = Mode)]
    mode: &'static str,
    /// Products that may be written.
    #[schema(value_type = WrittenProducts)]
    products: &'static str,
    /// Values to update in existing products; empty for all.
    #[schema(value_type = Vec<Field>)]
    fields: Vec<&'static str>,
    /// What to do with products that are not in the file.
    #[schema(value_type = MissingProducts)]
    missing: &'static str,
    /// Decimal mark of prices; empty to detect it from the file.
    decimal_mark: String,
    /// Currency of prices for which the file names none; empty to detect it from the file.
    currency: String,
    /// Sheets to import; empty for all with products.
    sheets: Vec<String>,
    /// Limits that replace the server's.
    limits: SourceLimits,
}

/// Login at a source's server, without the secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceLogin {
    /// User name, for a login with a password.
    user: Option<String>,
    /// Name of the header, for a login with a header.
    header: Option<String>,
}

/// Limits in percent that replace the server's.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SourceLimits {
    /// What happens to an import that exceeds a limit.
    action: Option<LimitAction>,
    /// Share of prices that may change by more than `priceChange`.
    #[schema(minimum = 0, maximum = 100)]
    prices: Option<f64>,
    /// Change of a price that counts for `prices`.
    #[schema(minimum = 0, maximum = 1_000_000)]
    price_change: Option<f64>,
    /// Share of rows that may fail.
    #[schema(minimum = 0, maximum = 100)]
    failed: Option<f64>,
    /// Share of products that may be missing from a file with all products.
    #[schema(minimum = 0, maximum = 100)]
    missing: Option<f64>,
}

/// All sources.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sources {
    /// Sources in order of names, at most 200.
    pub(super) items: Vec<Source>,
}

/// A source to create, or changes to one. What is left out keeps its value, or gets its default.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SourceInput {
    /// Name. Required for a new source.
    #[schema(example = "Supplier")]
    name: Option<String>,
    /// How its files arrive.
    #[schema(value_type = Option<SourceKind>)]
    kind: Option<String>,
    /// URL that its files are downloaded from: `https://`, at a host that `IMPORT_URL_HOSTS` allows.
    #[schema(example = "https://supplier.example/products.csv")]
    address: Option<String>,
    /// Login at the source's server. It is removed if the URL changes to another server.
    login: Option<NewSourceLogin>,
    /// Whether imports write products or only check them.
    #[schema(value_type = Option<Mode>)]
    mode: Option<String>,
    /// Products that may be written.
    #[schema(value_type = Option<WrittenProducts>)]
    products: Option<String>,
    /// Values to update in existing products; empty for all.
    #[schema(value_type = Option<Vec<Field>>)]
    fields: Option<Vec<String>>,
    /// What to do with products that are not in the file.
    #[schema(value_type = Option<MissingProducts>)]
    missing: Option<String>,
    /// Decimal mark of prices, `comma` or `point`; empty to detect it from the file.
    decimal_mark: Option<String>,
    /// Currency of prices for which the file names none, for example `EUR`; empty to detect it from the file.
    currency: Option<String>,
    /// Sheets to import; empty for all with products.
    sheets: Option<Vec<String>>,
    /// Limits that replace the server's. Replaces all limits of the source.
    limits: Option<SourceLimits>,
    /// Schedule: a cron expression with five fields; empty to run on request only.
    #[schema(example = "0 6 * * 1-5")]
    cron: Option<String>,
    /// Time zone of the schedule. Defaults to UTC.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Whether the schedule is active.
    enabled: Option<bool>,
}

/// Login at a source's server: `user` and `password`, or `header` and `value`. An empty object removes the login.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSourceLogin {
    /// User name.
    user: Option<String>,
    /// Password.
    password: Option<String>,
    /// Name of the header.
    header: Option<String>,
    /// Value of the header.
    value: Option<String>,
}

/// A run of a source.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SourceRun {
    /// ID of the run.
    id: String,
    /// Why the run started.
    #[schema(value_type = RunCause)]
    cause: &'static str,
    /// Result of the run.
    #[schema(value_type = RunOutcome)]
    outcome: &'static str,
    /// Error code, if the run failed.
    code: Option<&'static str>,
    /// HTTP status of the source's server, if it returned an error.
    status: Option<u16>,
    /// Error message, if the run failed.
    error: Option<String>,
    /// ID of its import.
    import_id: Option<String>,
    /// Start, in milliseconds since 1970.
    started_at: i64,
    /// End, in milliseconds since 1970. The import is part of the run.
    ended_at: Option<i64>,
    /// Duration in milliseconds.
    duration: Option<u64>,
    /// Number of products that its import processed.
    processed_products: Option<u64>,
    /// Number of products that failed in its import.
    failed_products: Option<u64>,
}

/// A page of the runs of a source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceRuns {
    /// Runs, newest first, at most 50.
    pub(super) items: Vec<SourceRun>,
    /// `after` for the next page; null on the last page.
    pub(super) next: Option<String>,
}

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunsQuery {
    /// Run to continue after: `next` of the previous page.
    pub(super) after: Option<String>,
}

impl From<crate::model::source::Source> for Source {
    fn from(source: crate::model::source::Source) -> Self {
        let (cron, time_zone) = source
            .schedule
            .map(|schedule| (schedule.cron, schedule.time_zone))
            .unzip();
        Self {
            id: source.id,
            name: source.name,
            kind: source.kind.as_str(),
            address: Some(source.address).filter(|address| !address.is_empty()),
            login: source.login.map(SourceLogin::from),
            import: source.what.into(),
            cron,
            time_zone,
            enabled: source.enabled,
            next_run_at: source.due_at,
            failures: source.failures,
            created_at: source.created_at,
        }
    }
}

impl From<ShownLogin> for SourceLogin {
    fn from(login: ShownLogin) -> Self {
        let (user, header) = match login {
            ShownLogin::Basic(user) => (Some(user), None),
            ShownLogin::Header(name) => (None, Some(name)),
        };
        Self { user, header }
    }
}

impl From<Instructions> for SourceOptions {
    fn from(what: Instructions) -> Self {
        let ImportOptions {
            products,
            fields,
            missing,
        } = what.options;
        Self {
            mode: what.mode.as_str(),
            products: products.as_str(),
            fields: fields.chosen().map(|field| field.as_str()).collect(),
            missing: missing.as_str(),
            decimal_mark: what.mapping.decimal_mark,
            currency: what.mapping.currency,
            sheets: what.mapping.sheets,
            limits: what.limits.into(),
        }
    }
}

impl From<OwnLimits> for SourceLimits {
    fn from(limits: OwnLimits) -> Self {
        #[allow(clippy::cast_precision_loss)] // percentages are small
        let percent = |limit: Option<Percent>| limit.map(|limit| limit.hundredths() as f64 / 100.0);
        Self {
            action: limits.action,
            prices: percent(limits.prices),
            price_change: percent(limits.price_change),
            failed: percent(limits.failed),
            missing: percent(limits.missing),
        }
    }
}

impl TryFrom<SourceLimits> for OwnLimits {
    type Error = ApiError;

    fn try_from(limits: SourceLimits) -> Result<Self, ApiError> {
        let percent = |limit: Option<f64>| match limit {
            None => Ok(None),
            #[allow(clippy::cast_possible_truncation)] // it was looked at
            Some(limit) if (0.0..=1_000_000.0).contains(&limit) => {
                Ok(Some(Percent::of_hundredths((limit * 100.0).round() as i64)))
            }
            Some(_) => Err(invalid(ErrorCode::LimitNotNumber)),
        };
        Ok(Self {
            action: limits.action,
            prices: percent(limits.prices)?,
            price_change: percent(limits.price_change)?,
            failed: percent(limits.failed)?,
            missing: percent(limits.missing)?,
        })
    }
}

impl TryFrom<NewSourceLogin> for LoginChange {
    type Error = ApiError;

    fn try_from(login: NewSourceLogin) -> Result<Self, ApiError> {
        match (login.user, login.password, login.header, login.value) {
            (None, None, None, None) => Ok(Self::None),
            (Some(user), password, None, None) => Ok(Self::Basic {
                user,
                password: password.unwrap_or_default().into(),
            }),
            (None, None, Some(name), Some(value)) => Ok(Self::Header {
                name,
                value: value.into(),
            }),
            _ => Err(invalid(ErrorCode::UnknownLogin)),
        }
    }
}

impl From<crate::model::source::SourceRun> for SourceRun {
    fn from(run: crate::model::source::SourceRun) -> Self {
        let problem = run.problem.as_ref();
        Self {
            duration: run.took(),
            code: problem.map(|problem| problem.code()),
            status: problem.and_then(|problem| problem.status()),
            error: problem.map(|problem| problem.words(Locale::English)),
            id: run.id,
            cause: run.cause.as_str(),
            outcome: run.outcome.as_str(),
            import_id: run.job,
            started_at: run.started_at,
            ended_at: run.ended_at,
            processed_products: run.processed_products,
            failed_products: run.failed_products,
        }
    }
}

fn invalid(error: ErrorCode) -> ApiError {
    ApiError::Invalid(error.into())
}

impl SourceInput {
    /// Returns the changed source.
    pub(super) fn added_to(self, before: WantedSource) -> Result<WantedSource, ApiError> {
        let mut wanted = before;
        if let Some(name) = self.name {
            wanted.name = name;
        }
        if let Some(kind) = self.kind {
            let kind: Result<SourceKind, _> = kind.parse();
            wanted.kind = kind.map_err(|_| invalid(ErrorCode::UnknownSourceKind))?;
        }
        if let Some(address) = self.address {
            wanted.address = address;
        }
        if let Some(login) = self.login {
            wanted.login = login.try_into()?;
        }
        if let Some(mode) = self.mode {
            let mode: Result<ImportMode, _> = mode.parse();
            wanted.what.mode = mode.map_err(|_| invalid(ErrorCode::UnknownMode))?;
        }
        let options = &mut wanted.what.options;
        if let Some(fields) = &self.fields {
            options.fields = crate::model::import_options::ChosenFields::ALL;
            for field in fields {
                set(options, "fields", field)?;
            }
        }
        for (name, value) in [("products", self.products), ("missing", self.missing)] {
            if let Some(value) = value {
                set(options, name, &value)?;
            }
        }
        let FileMapping {
            decimal_mark,
            currency,
            sheets,
            ..
        } = &mut wanted.what.mapping;
        *decimal_mark = self.decimal_mark.unwrap_or(std::mem::take(decimal_mark));
        *currency = self.currency.unwrap_or(std::mem::take(currency));
        *sheets = self.sheets.unwrap_or(std::mem::take(sheets));
        if let Some(limits) = self.limits {
            wanted.what.limits = limits.try_into()?;
        }
        let (cron, time_zone) = wanted
            .schedule
            .map(|schedule| (schedule.cron, schedule.time_zone))
            .unwrap_or_default();
        let cron = self.cron.unwrap_or(cron);
        let time_zone = self.time_zone.unwrap_or(time_zone);
        wanted.schedule = (!cron.trim().is_empty()).then(|| Schedule {
            cron,
            time_zone: if time_zone.is_empty() {
                "UTC".to_owned()
            } else {
                time_zone
            },
        });
        wanted.enabled = self.enabled.unwrap_or(wanted.enabled);
        Ok(wanted)
    }
}

/// Sets an option. An empty value, as in a form, is invalid.
fn set(options: &mut ImportOptions, name: &str, value: &str) -> Result<(), ApiError> {
    let wrong = |name: &str| {
        invalid(ErrorCode::InvalidParameter {
            name: name.to_owned(),
        })
    };
    if value.trim().is_empty() {
        return Err(wrong(name));
    }
    options.set(name, value).map_err(wrong)
}
