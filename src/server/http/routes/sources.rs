//! `POST /sources` and `POST /sources/{id}`: forms for creating and changing sources.
//!
//! A rejected form redirects back to its page, which shows it filled in.

use super::{Route, quick, uploads::receive};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        changes::Percent,
        error::ApiError,
        refused_form::RefusedForm,
        rhythm::{Common, RHYTHM_FIELD, Rhythm, TIME_FIELD, WEEKDAY_FIELD, read_time},
        role::Permission,
        source::{
            LoginChange, SOURCES_PATH, Schedule, Source, SourceKind, WantedSource, edit_path,
        },
    },
    server::{
        http::{
            middleware::{access::Access::Person, refused_forms},
            state::AppState,
        },
        identity::principal::Principal,
    },
};
use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};

pub(super) const ROUTES: &[Route] = &[
    Route::rest("POST", SOURCES_PATH, Person(Permission::Import), || {
        post(create).layer(quick())
    }),
    Route::rest("POST", "/sources/{id}", Person(Permission::Import), || {
        post(change).layer(quick())
    }),
];

type Fields = Vec<(String, String)>;
type Sent = Result<Form<Fields>, FormRejection>;

async fn create(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    uri: Uri,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    let fields = fields_of(sent);
    let created = async {
        let wanted = read(&state, &fields)?;
        state.sources.create(&who, &wanted).await
    };
    answer(
        &state,
        created.await,
        "/sources/new",
        (&who, &uri, &headers),
        fields,
    )
}

async fn change(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    let fields = fields_of(sent);
    let changed = async {
        let wanted = read(&state, &fields)?;
        state.sources.change(&who, &id, &wanted).await
    };
    answer(
        &state,
        changed.await,
        &edit_path(&id),
        (&who, &uri, &headers),
        fields,
    )
}

/// Returns the form's fields; an unreadable form counts as empty and is rejected.
fn fields_of(sent: Sent) -> Fields {
    sent.map(|Form(fields)| fields).unwrap_or_default()
}

fn read(state: &AppState, fields: &Fields) -> Result<WantedSource, ApiError> {
    let value = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.trim())
    };
    let text = |name: &str| value(name).to_owned();
    let mut wanted = WantedSource {
        name: text("name"),
        kind: value("kind").parse().unwrap_or_default(),
        address: text("address"),
        login: match value("login") {
            "none" => LoginChange::None,
            "basic" => LoginChange::Basic {
                user: text("user"),
                password: text("password").into(),
            },
            "header" => LoginChange::Header {
                name: text("header"),
                value: text("value").into(),
            },
            _ => LoginChange::Keep,
        },
        enabled: value("enabled") == "true",
        ..WantedSource::default()
    };
    for (name, value) in fields {
        if receive::instructs(name) {
            let instructed = receive::instruct(state, &mut wanted.what, name, value);
            instructed.map_err(|error| ApiError::Invalid(error.reason()))?;
        }
    }
    wanted.what.mapping.decimal_mark = text("decimal_mark");
    wanted.what.mapping.currency = text("currency");
    let sheets = value("sheets").split(',').map(str::trim);
    let sheets = sheets.filter(|sheet| !sheet.is_empty());
    wanted.what.mapping.sheets = sheets.map(str::to_owned).collect();
    let percent = |name: &str| match value(name) {
        "" => Ok(None),
        text => text
            .parse::<Percent>()
            .map(Some)
            .map_err(|_| ApiError::Invalid(ErrorCode::LimitNotNumber.into())),
    };
    wanted.what.limits.action = value("limit_action").parse().ok();
    wanted.what.limits.prices = percent("limit_prices")?;
    wanted.what.limits.price_change = percent("limit_price_change")?;
    wanted.what.limits.failed = percent("limit_failed")?;
    wanted.what.limits.missing = percent("limit_missing")?;
    // The fields of other choices are hidden, but sent.
    wanted.schedule = match wanted.kind {
        SourceKind::Upload => None,
        SourceKind::Address => schedule(&value)?,
    };
    Ok(wanted)
}

fn schedule<'a>(value: &impl Fn(&str) -> &'a str) -> Result<Option<Schedule>, ApiError> {
    let chosen = value(RHYTHM_FIELD);
    let rhythm = Rhythm::ALL.into_iter().find(|it| it.as_str() == chosen);
    let cron = match rhythm.unwrap_or(Rhythm::Cron) {
        Rhythm::Never => return Ok(None),
        Rhythm::Cron => value("cron").to_owned(),
        rhythm => {
            let not_time = || ApiError::invalid(ErrorCode::NotTimeOfDay);
            let common = Common {
                rhythm,
                time: match rhythm {
                    Rhythm::Hourly => (0, 0),
                    _ => read_time(value(TIME_FIELD)).ok_or_else(not_time)?,
                },
                weekday: value(WEEKDAY_FIELD).parse().unwrap_or(1).min(6),
            };
            common.cron().unwrap_or_default()
        }
    };
    Ok((rhythm.is_some() || !cron.is_empty()).then(|| Schedule {
        cron,
        time_zone: value("time_zone").to_owned(),
    }))
}

fn answer(
    state: &AppState,
    done: Result<Source, ApiError>,
    page: &str,
    (who, uri, headers): (&Principal, &Uri, &HeaderMap),
    fields: Fields,
) -> Response {
    let error = match done {
        Ok(source) => {
            return Redirect::to(&format!("{SOURCES_PATH}/{}", source.id)).into_response();
        }
        Err(error) => error,
    };
    if matches!(error, ApiError::NotFound | ApiError::Forbidden) {
        return error.into_response();
    }
    let form = RefusedForm {
        action: uri.path().to_owned(),
        error: Some(error),
        fields,
    };
    refused_forms::back_to(state, headers, Some(&who.user), page, form)
}
