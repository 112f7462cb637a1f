//! `POST /sources` and `POST /sources/{id}`: forms for creating and changing sources.
//!
//! A rejected form redirects back with its fields, except secrets, in the URL.

use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
    http::header,
    response::{AppendHeaders, IntoResponse, Redirect, Response},
    routing::post,
};
use url::form_urlencoded::Serializer;

use super::{Route, quick, uploads::receive};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        changes::Percent,
        error::ApiError,
        role::Permission,
        source::{
            FORM_SECRETS, LoginChange, SOURCES_PATH, Schedule, Source, WantedSource, edit_path,
        },
    },
    server::{
        http::{middleware::access::Access::Person, state::AppState},
        identity::principal::Principal,
    },
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
    sent: Sent,
) -> Response {
    let fields = fields_of(sent);
    let created = async {
        let wanted = read(&state, &fields)?;
        state.sources.create(&who, &wanted).await
    };
    answer(&state, created.await, "/sources/new", &fields)
}

async fn change(
    State(state): State<AppState>,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    sent: Sent,
) -> Response {
    let fields = fields_of(sent);
    let changed = async {
        let wanted = read(&state, &fields)?;
        state.sources.change(&who, &id, &wanted).await
    };
    answer(&state, changed.await, &edit_path(&id), &fields)
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
    let cron = text("cron");
    wanted.schedule = (!cron.is_empty()).then(|| Schedule {
        cron,
        time_zone: text("time_zone"),
    });
    Ok(wanted)
}

fn answer(
    state: &AppState,
    done: Result<Source, ApiError>,
    form: &str,
    fields: &Fields,
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
    let mut query = Serializer::new(String::new());
    for (name, value) in fields {
        if !FORM_SECRETS.contains(&name.as_str()) && !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let cookie = receive::error_cookie(state, error.reason());
    let back = format!("{form}?{}", query.finish());
    let headers = AppendHeaders([(header::SET_COOKIE, cookie)]);
    (headers, Redirect::to(&back)).into_response()
}
