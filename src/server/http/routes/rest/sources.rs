//! REST routes for sources.

use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    MissingProducts, Mode, Problem, WrittenProducts,
    answers::{ChangesSource, OfProgram, OfSource, Subject},
    changes::FieldName,
    unreadable,
};
use crate::{
    i18n::{locale::Locale, messages::ErrorCode},
    model::{
        changes::Percent,
        error::ApiError,
        import_extras::SaidOfFile,
        import_options::{ImportOptions, Instructions, LimitAction, OwnLimits},
        job::ImportMode,
        source::{LoginChange, Schedule, ShownLogin, SourceKind, WantedSource},
    },
    server::{http::state::AppState, identity::principal::Principal, sources::service::wanted_of},
};

#[derive(Debug)]
pub(crate) enum AmongSources {}

impl Subject for AmongSources {
    const MISSING: ErrorCode = ErrorCode::SourceNotFound;
}

type Refusal = super::answers::Refusal<AmongSources>;

type Id = Result<Path<String>, PathRejection>;

/// A source.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Source {
    /// Its ID.
    id: String,
    /// What it is called.
    name: String,
    /// Where its files come from.
    #[schema(value_type = KindOfSource)]
    kind: &'static str,
    /// The address that they are fetched from; null for uploads.
    address: Option<String>,
    /// By which the server there knows who fetches, without the secret.
    login: Option<SourceLogin>,
    #[serde(flatten)]
    import: HowImported,
    /// When it is fetched: a cron expression of five fields. Null if only when somebody says so.
    cron: Option<String>,
    /// The time zone of the expression.
    time_zone: Option<String>,
    /// Whether its schedule holds.
    enabled: bool,
    /// When it runs next, in milliseconds since 1970.
    next_run_at: Option<i64>,
    /// How many of its last runs failed in a row.
    failures: u64,
    /// When it was created, in milliseconds since 1970.
    created_at: i64,
}

/// How the files of a source are imported.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HowImported {
    /// Whether products are written.
    #[schema(value_type = Mode)]
    mode: &'static str,
    /// Which products the rows may write.
    #[schema(value_type = WrittenProducts)]
    products: &'static str,
    /// Which values of products that are there are updated; all where it is empty.
    #[schema(value_type = Vec<FieldName>)]
    fields: Vec<&'static str>,
    /// What becomes of products that are not in the file.
    #[schema(value_type = MissingProducts)]
    missing: &'static str,
    /// What is before the decimals of prices; empty where it is told from the file.
    decimal_mark: String,
    /// The currency of prices of which the file does not tell it; empty where it is told from the file.
    currency: String,
    /// The sheets that are read; those with products where it is empty.
    sheets: Vec<String>,
    /// The limits that hold in place of those of the server.
    limits: SourceLimits,
}

/// Where the files of a source come from.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // only its description is used
enum KindOfSource {
    /// They are fetched from its address.
    Address,
    /// They are uploaded, with `source` before the file.
    Upload,
}

/// By which the server of a source knows who fetches.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceLogin {
    /// The user, where it is one with a password.
    user: Option<String>,
    /// The header's name, where it is one.
    header: Option<String>,
}

/// What becomes of an import that goes over a limit.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // only its description is used
enum ActionOfLimit {
    /// Nothing: there are no limits.
    Off,
    /// It waits to be approved.
    Ask,
    /// It ends.
    Refuse,
}

/// Limits in percent, in place of those of the server.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SourceLimits {
    /// What becomes of an import that goes over one.
    #[schema(value_type = Option<ActionOfLimit>)]
    action: Option<LimitAction>,
    /// How many of the prices may move far.
    #[schema(minimum = 0, maximum = 100)]
    prices: Option<f64>,
    /// By how much a price moves that moves far.
    #[schema(minimum = 0, maximum = 1_000_000)]
    price_change: Option<f64>,
    /// How many of the rows may fail.
    #[schema(minimum = 0, maximum = 100)]
    failed: Option<f64>,
    /// How many of the products a full file may lack.
    #[schema(minimum = 0, maximum = 100)]
    missing: Option<f64>,
}

/// All sources.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sources {
    /// The sources by name: 200 at most.
    items: Vec<Source>,
}

/// A source to create, or what to change of one. What is left out is as before, or as it is by default.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SaidOfSource {
    /// What it is called. A new source needs it.
    #[schema(example = "Supplier")]
    name: Option<String>,
    /// Where its files come from.
    #[schema(value_type = Option<KindOfSource>)]
    kind: Option<String>,
    /// The address that they are fetched from: `https://`, at a host that `IMPORT_URL_HOSTS` allows.
    #[schema(example = "https://supplier.example/products.csv")]
    address: Option<String>,
    /// By which the server there knows who fetches. It is dropped where the address is another server's.
    login: Option<NewSourceLogin>,
    /// Whether products are written.
    #[schema(value_type = Option<Mode>)]
    mode: Option<String>,
    /// Which products the rows may write.
    #[schema(value_type = Option<WrittenProducts>)]
    products: Option<String>,
    /// Which values of products that are there are updated; all where it is empty.
    #[schema(value_type = Option<Vec<FieldName>>)]
    fields: Option<Vec<String>>,
    /// What becomes of products that are not in the file.
    #[schema(value_type = Option<MissingProducts>)]
    missing: Option<String>,
    /// What is before the decimals of prices: `comma` or `point`; empty to tell it from the file.
    decimal_mark: Option<String>,
    /// The currency of prices of which the file does not tell it, for example `EUR`; empty to tell it from the file.
    currency: Option<String>,
    /// The sheets that are read; those with products where it is empty.
    sheets: Option<Vec<String>>,
    /// The limits that hold in place of those of the server: all of them together.
    limits: Option<SourceLimits>,
    /// When it is fetched: a cron expression of five fields; empty for never by itself.
    #[schema(example = "0 6 * * 1-5")]
    cron: Option<String>,
    /// The time zone of the expression; UTC by default.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Whether its schedule holds.
    enabled: Option<bool>,
}

/// By which a server knows who fetches: `user` and `password`, or `header` and `value`; nothing, if it is empty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSourceLogin {
    /// The user.
    user: Option<String>,
    /// The password.
    password: Option<String>,
    /// The name of the header.
    header: Option<String>,
    /// Its value.
    value: Option<String>,
}

/// One run of a source.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SourceRun {
    /// Its ID.
    id: String,
    /// What it was started by.
    #[schema(value_type = CauseOfRun)]
    cause: &'static str,
    /// What became of it.
    #[schema(value_type = OutcomeOfRun)]
    outcome: &'static str,
    /// Why it failed, as a code.
    code: Option<&'static str>,
    /// The status that the source's server answered with, if that was an error.
    status: Option<u16>,
    /// Why it failed, for a person to read.
    error: Option<String>,
    /// Its import.
    import_id: Option<String>,
    /// When it was started, in milliseconds since 1970.
    started_at: i64,
    /// When it ended, its import included, in milliseconds since 1970.
    ended_at: Option<i64>,
    /// How long it took, in milliseconds.
    duration: Option<u64>,
    /// Products that its import processed.
    processed_products: Option<u64>,
    /// Products that failed in its import.
    failed_products: Option<u64>,
}

/// What a run was started by.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // only its description is used
enum CauseOfRun {
    Schedule,
    Request,
    Upload,
}

/// What became of a run.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // only its description is used
enum OutcomeOfRun {
    Running,
    Importing,
    Imported,
    Checked,
    Unchanged,
    Failed,
}

/// Some runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceRuns {
    /// The runs, the newest first: 50 at most.
    items: Vec<SourceRun>,
    /// What `after` is for the next page; null on the last one.
    next: Option<String>,
}

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunsQuery {
    /// The run behind which to go on: `next` of the page before.
    after: Option<String>,
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

impl From<Instructions> for HowImported {
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
            decimal_mark: what.said.decimal_mark,
            currency: what.said.currency,
            sheets: what.said.sheets,
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

impl SaidOfSource {
    /// Returns the changed source.
    fn added_to(self, before: WantedSource) -> Result<WantedSource, ApiError> {
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
        let SaidOfFile {
            decimal_mark,
            currency,
            sheets,
            ..
        } = &mut wanted.what.said;
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

fn id_of(id: Id) -> Result<String, ApiError> {
    let Path(id) = id.map_err(|_| ApiError::NotFound)?;
    Ok(id)
}

/// Lists the sources that are yours, for owners all.
#[utoipa::path(
    get,
    operation_id = "listSources",
    path = "/api/sources",
    responses(
        (status = 200, description = "The sources", body = Sources),
        (status = 503, description = "There are none with an external price monitor", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
) -> Result<Json<Sources>, Refusal> {
    let sources = state.sources.list(&who).await?;
    Ok(Json(Sources {
        items: sources.into_iter().map(Source::from).collect(),
    }))
}

/// Creates a source.
#[utoipa::path(
    post,
    operation_id = "createSource",
    path = "/api/sources",
    request_body = SaidOfSource,
    responses(
        (status = 201, description = "The source", body = Source,
            headers(("location" = String, description = "URL of the source"))),
        (status = 400, description = "Something of it is not valid, or there are too many", body = Problem),
        (status = 413, description = "The request body is too large", body = Problem),
        (status = 503, description = "There is no encryption key for the login, or the price monitor is an external one", body = Problem),
        OfProgram,
    )
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    said: Result<Json<SaidOfSource>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(said) = said.map_err(|error| unreadable(error.body_text()))?;
    let new = WantedSource {
        login: LoginChange::None,
        enabled: true,
        ..WantedSource::default()
    };
    let source = state.sources.create(&who, &said.added_to(new)?).await?;
    let location = format!("/api/sources/{}", source.id);
    let body = Json(Source::from(source));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

/// Shows a source.
#[utoipa::path(
    get,
    operation_id = "showSource",
    path = "/api/sources/{id}",
    params(("id" = String, Path, description = "ID of the source")),
    responses(
        (status = 200, description = "The source", body = Source),
        OfSource,
    )
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<Json<Source>, Refusal> {
    Ok(Json(state.sources.find(&who, &id_of(id)?).await?.into()))
}

/// Changes a source. Its next file is imported also if it is as before, where its address is another one or it is imported
/// in another way.
#[utoipa::path(
    patch,
    operation_id = "changeSource",
    path = "/api/sources/{id}",
    params(("id" = String, Path, description = "ID of the source")),
    request_body = SaidOfSource,
    responses(
        (status = 200, description = "The source", body = Source),
        (status = 400, description = "Something of it is not valid", body = Problem),
        ChangesSource,
    )
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    said: Result<Json<SaidOfSource>, JsonRejection>,
) -> Result<Json<Source>, Refusal> {
    let Json(said) = said.map_err(|error| unreadable(error.body_text()))?;
    let id = id_of(id)?;
    let before = wanted_of(state.sources.find(&who, &id).await?);
    let wanted = said.added_to(before)?;
    Ok(Json(state.sources.change(&who, &id, &wanted).await?.into()))
}

/// Deletes a source with its runs. Their imports stay.
#[utoipa::path(
    delete,
    operation_id = "deleteSource",
    path = "/api/sources/{id}",
    params(("id" = String, Path, description = "ID of the source")),
    responses(
        (status = 204, description = "The source was deleted"),
        ChangesSource,
    )
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<StatusCode, Refusal> {
    state.sources.delete(&who, &id_of(id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Runs a source now, or as soon as its last import is over.
#[utoipa::path(
    post,
    operation_id = "runSource",
    path = "/api/sources/{id}/run",
    params(("id" = String, Path, description = "ID of the source")),
    responses(
        (status = 202, description = "It is due"),
        (status = 400, description = "Its files are uploaded", body = Problem),
        ChangesSource,
    )
)]
pub(crate) async fn run(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
) -> Result<StatusCode, Refusal> {
    state.sources.run_now(&who, &id_of(id)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lists the runs of a source, 50 at once. They are kept for `SOURCE_RUNS_RETENTION`.
#[utoipa::path(
    get,
    operation_id = "listSourceRuns",
    path = "/api/sources/{id}/runs",
    params(("id" = String, Path, description = "ID of the source"), RunsQuery),
    responses(
        (status = 200, description = "The runs", body = SourceRuns),
        (status = 400, description = "A parameter is not valid", body = Problem),
        OfSource,
    )
)]
pub(crate) async fn runs(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    id: Id,
    wanted: Result<Query<RunsQuery>, QueryRejection>,
) -> Result<Json<SourceRuns>, Refusal> {
    let Query(wanted) = wanted.map_err(|error| unreadable(error.body_text()))?;
    let after = wanted.after.as_deref();
    let page = state.sources.runs(&who, &id_of(id)?, after).await?;
    Ok(Json(SourceRuns {
        items: page.items.into_iter().map(SourceRun::from).collect(),
        next: page.next,
    }))
}
