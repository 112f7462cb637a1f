//! The form that creates or changes a source, without a script.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    not_found::{Missing, NotFound},
    sources::SourcesCrumb,
};
use crate::{
    api::sources::{source_state, sources_state},
    components::{
        form::{FormError, Submit},
        import_options::OptionFields,
        notice::ErrorNotice,
        page_title::PageTitle,
        source::NextRuns,
    },
    islands::parts::locale::use_locale,
    model::{
        base_path::address,
        changes::Percent,
        error::ApiError,
        import_options::{ImportOptions, LimitAction},
        job::{ImportMode, UnixMillis},
        refused_form::RefusedForm,
        rhythm::{Common, RHYTHM_FIELD, Rhythm, TIME_FIELD, WEEKDAY_FIELD, read_time, weekdays},
        source::{SOURCES_PATH, ShownLogin, Source, SourceKind, edit_path},
        upload::MODE_FIELD,
    },
};

/// Values of the fields.
#[derive(Clone, Default)]
struct Filled {
    name: String,
    kind: SourceKind,
    address: String,
    login: String,
    user: String,
    header: String,
    is_check: bool,
    options: ImportOptions,
    decimal_mark: String,
    currency: String,
    sheets: String,
    limit_action: String,
    limits: [String; 4],
    cron: String,
    common: Common,
    time_zone: String,
    enabled: bool,
}

/// Other contents of the form.
#[derive(Clone, Default)]
struct Known {
    /// The login, without its secret.
    login: Option<ShownLogin>,
    fetches: bool,
    stores_secrets: bool,
    /// The next times of the stored schedule.
    next_runs: Vec<UnixMillis>,
    error: Option<ApiError>,
}

impl Filled {
    fn blank() -> Self {
        Self {
            common: Common::of(""),
            time_zone: "UTC".to_owned(),
            enabled: true,
            ..Self::default()
        }
    }

    fn of(source: &Source) -> Self {
        let what = &source.what;
        let percent = |limit: Option<Percent>| limit.map(|it| it.to_string()).unwrap_or_default();
        let schedule = source.schedule.as_ref();
        Self {
            name: source.name.clone(),
            kind: source.kind,
            address: source.address.clone(),
            is_check: what.mode == ImportMode::Check,
            options: what.options,
            decimal_mark: what.mapping.decimal_mark.clone(),
            currency: what.mapping.currency.clone(),
            sheets: what.mapping.sheets.join(", "),
            limit_action: what
                .limits
                .action
                .map_or("", LimitAction::as_str)
                .to_owned(),
            limits: [
                percent(what.limits.prices),
                percent(what.limits.price_change),
                percent(what.limits.failed),
                percent(what.limits.missing),
            ],
            common: Common::of(schedule.map_or("", |it| &it.cron)),
            cron: schedule.map(|it| it.cron.clone()).unwrap_or_default(),
            time_zone: schedule.map_or_else(|| "UTC".to_owned(), |it| it.time_zone.clone()),
            enabled: source.enabled,
            ..Self::default()
        }
    }

    /// Returns the values of a rejected form.
    fn again(form: &RefusedForm) -> Option<Self> {
        form.error.as_ref()?;
        let value = |name: &str| form.value(name).unwrap_or_default();
        let options = form.import_options();
        Some(Self {
            name: value("name"),
            kind: value("kind").parse().unwrap_or_default(),
            address: value("address"),
            login: value("login"),
            user: value("user"),
            header: value("header"),
            is_check: value(MODE_FIELD) == ImportMode::Check.as_str(),
            options,
            decimal_mark: value("decimal_mark"),
            currency: value("currency"),
            sheets: value("sheets"),
            limit_action: value(LIMIT_ACTION),
            limits: LIMITS.map(value),
            cron: value("cron"),
            common: Common {
                rhythm: Rhythm::ALL
                    .into_iter()
                    .find(|it| form.has(RHYTHM_FIELD, it.as_str(), false))
                    .unwrap_or_else(|| Common::of(&value("cron")).rhythm),
                time: read_time(&value(TIME_FIELD)).unwrap_or((6, 0)),
                weekday: value(WEEKDAY_FIELD).parse().unwrap_or(1),
            },
            time_zone: value("time_zone"),
            enabled: value("enabled") == "true",
        })
    }
}

/// Name of the field for the action of limits.
const LIMIT_ACTION: &str = "limit_action";

/// Names of the fields of limits.
const LIMITS: [&str; 4] = [
    "limit_prices",
    "limit_price_change",
    "limit_failed",
    "limit_missing",
];

#[component]
pub(crate) fn NewSourcePage() -> impl IntoView {
    let t = use_locale();
    let title = t.say("New source", "Neue Quelle");
    let form = RefusedForm::sent_to(SOURCES_PATH);
    let filled = Filled::again(&form).unwrap_or_else(Filled::blank);
    let form = Suspend::new(async move {
        match sources_state().await {
            Ok(state) => {
                let known = Known {
                    login: None,
                    fetches: state.fetches,
                    stores_secrets: state.stores_secrets,
                    next_runs: Vec::new(),
                    error: form.error,
                };
                view! { <SourceForm action=SOURCES_PATH.to_owned() filled known /> }.into_any()
            }
            Err(error) => view! { <ErrorNotice error here="/sources/new" /> }.into_any(),
        }
    });
    view! {
        <PageTitle text=title />
        <header class="page-head">
            <SourcesCrumb />
            <h1>{title}</h1>
        </header>
        {form}
    }
}

#[component]
pub(crate) fn EditSourcePage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id"));
    let id = id.unwrap_or_default();
    let action = format!("{SOURCES_PATH}/{id}");
    let form = RefusedForm::sent_to(&action);
    Suspend::new(async move {
        let t = use_locale();
        let title = t.say("Edit source", "Quelle bearbeiten");
        match source_state(id.clone(), None).await {
            Ok(state) => {
                let filled = Filled::again(&form).unwrap_or_else(|| Filled::of(&state.source));
                let known = Known {
                    login: state.source.login,
                    fetches: state.fetches,
                    stores_secrets: state.stores_secrets,
                    next_runs: state.next_runs,
                    error: form.error,
                };
                view! {
                    <PageTitle text=title />
                    <header class="page-head">
                        <SourcesCrumb />
                        <h1>{title}</h1>
                    </header>
                    <SourceForm action filled known />
                }
                .into_any()
            }
            Err(ApiError::NotFound) => view! { <NotFound what=Missing::Page /> }.into_any(),
            Err(error) => view! {
                <PageTitle text=title />
                <h1>{title}</h1>
                <ErrorNotice error here=edit_path(&id) />
            }
            .into_any(),
        }
    })
}

#[component]
fn SourceForm(action: String, filled: Filled, known: Known) -> impl IntoView {
    let t = use_locale();
    let error = known.error.clone();
    let kind = |kind: SourceKind, text: &'static str| {
        let is_chosen = filled.kind == kind;
        view! { <option value=kind.as_str() selected=is_chosen>{text}</option> }
    };
    let no_hosts = (!known.fetches).then(|| {
        view! {
            <p class="settings-note" data-testid="no-import-hosts">
                {t.say(
                    "Files can't be fetched from a URL: IMPORT_URL_HOSTS is not set. You can still upload them.",
                    "Dateien können nicht von einer URL abgerufen werden: IMPORT_URL_HOSTS ist nicht gesetzt. Du kannst sie trotzdem hochladen.",
                )}
            </p>
        }
    });
    view! {
        <form
            class="card settings-card source-form"
            method="post"
            action=address(&action)
            data-testid="source-form"
        >
            <FormError error />
            {no_hosts}
            <div class="settings-row">
                <Text name="name" label=t.say("Name", "Name") value=filled.name.clone() required=true />
                <label class="field">
                    <span>{t.say("Files", "Dateien")}</span>
                    <select class="input" name="kind">
                        {kind(
                            SourceKind::Address,
                            t.say("Fetched from a URL", "Von einer URL abgerufen"),
                        )}
                        {kind(SourceKind::Upload, t.say("Uploaded", "Hochgeladen"))}
                    </select>
                </label>
            </div>
            <div class="of-address">
                <Text
                    name="address"
                    label="URL"
                    value=filled.address.clone()
                    kind="url"
                    hint=t.say(
                        "An https:// address, if files are fetched.",
                        "Eine https://-Adresse, wenn Dateien abgerufen werden.",
                    )
                />
            </div>
            <ScheduleFields filled=filled.clone() next_runs=known.next_runs.clone() />
            <LoginFields filled=filled.clone() known />
            <ImportFields filled />
            <Submit>{t.say("Save", "Speichern")}</Submit>
        </form>
    }
}

#[component]
fn ScheduleFields(filled: Filled, next_runs: Vec<UnixMillis>) -> impl IntoView {
    let t = use_locale();
    let Common {
        rhythm, weekday, ..
    } = filled.common;
    let rhythms = Rhythm::ALL.map(|it| {
        view! { <option value=it.as_str() selected=it == rhythm>{it.title(t)}</option> }
    });
    let weekdays = (0..).zip(weekdays(t)).map(|(day, name)| {
        view! { <option value=day.to_string() selected=day == weekday>{name}</option> }
    });
    let next_runs = (!next_runs.is_empty()).then(|| view! { <NextRuns at=next_runs /> });
    view! {
        <fieldset class="of-address">
            <legend>{t.say("Schedule", "Zeitplan")}</legend>
            <div class="settings-row">
                <label class="field">
                    <span>{t.say("Fetch the file", "Datei abrufen")}</span>
                    <select class="input" name=RHYTHM_FIELD data-testid="source-rhythm">
                        {rhythms.collect_view()}
                    </select>
                </label>
                <label class="field of-weekday">
                    <span>{t.say("Day", "Tag")}</span>
                    <select class="input" name=WEEKDAY_FIELD>
                        {weekdays.collect_view()}
                    </select>
                </label>
                <div class="of-time">
                    <Text
                        name=TIME_FIELD
                        label=t.say("Time", "Zeit")
                        kind="time"
                        value=filled.common.time_of_day()
                    />
                </div>
                <div class="of-cron">
                    <Text
                        name="cron"
                        label=t.say("Cron expression", "Cron-Ausdruck")
                        value=filled.cron
                        hint=t.say(
                            "Minute, hour, day, month, weekday: 0 6 * * 1-5 is at 6:00 from Monday to Friday.",
                            "Minute, Stunde, Tag, Monat, Wochentag: 0 6 * * 1-5 ist um 6:00 von Montag bis Freitag.",
                        )
                    />
                </div>
                <div class="of-schedule">
                    <Text
                        name="time_zone"
                        label=t.say("Time zone", "Zeitzone")
                        value=filled.time_zone
                        hint=t.say(
                            "Times are of this zone, such as Europe/Berlin.",
                            "Die Zeiten gelten in dieser Zone, zum Beispiel Europe/Berlin.",
                        )
                    />
                </div>
            </div>
            <label class="upload-check of-schedule">
                <input type="checkbox" name="enabled" value="true" checked=filled.enabled />
                {t.say("The schedule is active", "Der Zeitplan ist aktiv")}
            </label>
            {next_runs}
        </fieldset>
    }
}

#[component]
fn LoginFields(filled: Filled, known: Known) -> impl IntoView {
    let t = use_locale();
    if !known.stores_secrets {
        return view! {
            <p class="settings-note">
                {t.say(
                    "To store a password or header, set ENCRYPTION_KEY on the server.",
                    "Um ein Passwort oder einen Header zu speichern, setze ENCRYPTION_KEY auf dem Server.",
                )}
            </p>
        }
        .into_any();
    }
    let chosen = if filled.login.is_empty() {
        if known.login.is_some() {
            "keep"
        } else {
            "none"
        }
        .to_owned()
    } else {
        filled.login
    };
    let option = |value: &'static str, text: &'static str| {
        let is_chosen = chosen == value;
        view! { <option value=value selected=is_chosen>{text}</option> }
    };
    let keep = known
        .login
        .is_some()
        .then(|| option("keep", t.say("Keep", "Beibehalten")));
    view! {
        <fieldset class="of-address">
            <legend>{t.say("Authentication", "Authentifizierung")}</legend>
            <label class="field">
                <span>{t.say("Credentials", "Zugangsdaten")}</span>
                <select class="input" name="login">
                    {keep} {option("none", t.say("None", "Keine"))}
                    {option("basic", t.say("Username and password", "Benutzername und Passwort"))}
                    {option("header", t.say("Custom header", "Eigener Header"))}
                </select>
            </label>
            <div class="settings-row of-basic">
                <Text name="user" label=t.say("User", "Benutzer") value=filled.user />
                <Text
                    name="password"
                    label=t.say("Password", "Passwort")
                    value=String::new()
                    kind="password"
                />
            </div>
            <div class="settings-row of-header">
                <Text
                    name="header"
                    label=t.say("Header name", "Name des Headers")
                    value=filled.header
                />
                <Text
                    name="value"
                    label=t.say("Header value", "Wert des Headers")
                    value=String::new()
                    kind="password"
                />
            </div>
        </fieldset>
    }
    .into_any()
}

#[component]
fn ImportFields(filled: Filled) -> impl IntoView {
    let t = use_locale();
    let mark = |value: &'static str, text: &'static str| {
        let is_chosen = filled.decimal_mark == value;
        view! { <option value=value selected=is_chosen>{text}</option> }
    };
    let labels = [
        t.say(
            "Prices with a large change (%)",
            "Preise mit großer Änderung (%)",
        ),
        t.say("A large price change (%)", "Große Preisänderung (%)"),
        t.say("Failed rows (%)", "Fehlgeschlagene Zeilen (%)"),
        t.say(
            "Products missing from a full file (%)",
            "In einer vollständigen Datei fehlende Produkte (%)",
        ),
    ];
    let action = |value: &'static str, text: &'static str| {
        let is_chosen = filled.limit_action == value;
        view! { <option value=value selected=is_chosen>{text}</option> }
    };
    let limits = LIMITS.into_iter().zip(labels).zip(filled.limits.clone());
    let limits = limits
        .map(|((name, label), value)| view! { <Text name label value inputmode="decimal" /> })
        .collect_view();
    let is_open = filled.is_check
        || !filled.options.is_default()
        || !filled.decimal_mark.is_empty()
        || !filled.currency.is_empty()
        || !filled.sheets.is_empty()
        || !filled.limit_action.is_empty()
        || filled.limits.iter().any(|limit| !limit.is_empty());
    view! {
        <details class="more-options" open=is_open data-testid="source-import-options">
            <summary>{t.say("How files are imported", "Wie Dateien importiert werden")}</summary>
            <label class="upload-check">
                <input
                    type="checkbox"
                    name=MODE_FIELD
                    value=ImportMode::Check.as_str()
                    checked=filled.is_check
                />
                {t.say(
                    "Dry run: check files without importing anything",
                    "Testlauf: Dateien prüfen, ohne etwas zu importieren",
                )}
            </label>
            <OptionFields options=filled.options />
            <fieldset>
                <legend>{t.say("File format", "Dateiformat")}</legend>
                <div class="settings-row">
                    <label class="field">
                        <span>{t.say("Decimal separator", "Dezimaltrennzeichen")}</span>
                        <select class="input" name="decimal_mark">
                            {mark("", t.say("Detected from the file", "Aus der Datei erkannt"))}
                            {mark("comma", t.say("Comma", "Komma"))}
                            {mark("point", t.say("Point", "Punkt"))}
                        </select>
                    </label>
                    <Text
                        name="currency"
                        label=t.say("Currency", "Währung")
                        value=filled.currency.clone()
                        hint=t.say(
                            "A code such as EUR, if the file has none.",
                            "Ein Code wie EUR, wenn die Datei keine nennt.",
                        )
                    />
                    <Text
                        name="sheets"
                        label=t.say("Sheets", "Tabellenblätter")
                        value=filled.sheets.clone()
                        hint=t.say("Separated by commas.", "Durch Kommas getrennt.")
                    />
                </div>
                <p class="settings-note">
                    {t.say(
                        "If we can't identify the columns, the first import asks you to map them. Later files reuse your answer.",
                        "Wenn wir die Spalten nicht erkennen, fragt der erste Import nach der Zuordnung. Spätere Dateien verwenden sie wieder.",
                    )}
                </p>
            </fieldset>
            <fieldset>
                <legend>
                    {t.say("Limits for this source", "Grenzen dieser Quelle")}
                </legend>
                <label class="field">
                    <span>{t.say("When an import exceeds a limit", "Wenn ein Import eine Grenze überschreitet")}</span>
                    <select class="input" name=LIMIT_ACTION>
                        {action("", t.say("Use the server's setting", "Einstellung des Servers verwenden"))}
                        {action(
                            LimitAction::Ask.as_str(),
                            t.say("Wait for approval", "Auf Freigabe warten"),
                        )}
                        {action(
                            LimitAction::Refuse.as_str(),
                            t.say("Reject it", "Ablehnen"),
                        )}
                        {action(LimitAction::Off.as_str(), t.say("Import anyway", "Trotzdem importieren"))}
                    </select>
                </label>
                <div class="settings-row">{limits}</div>
            </fieldset>
        </details>
    }
}

/// A labelled optional input.
#[component]
fn Text(
    name: &'static str,
    label: &'static str,
    value: String,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] hint: Option<&'static str>,
    #[prop(optional)] inputmode: Option<&'static str>,
    #[prop(optional)] required: bool,
) -> impl IntoView {
    let hint_id = format!("{name}-hint");
    let described_by = hint.map(|_| hint_id.clone());
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                id=name
                class="input"
                type=kind
                name=name
                value=value
                required=required
                inputmode=inputmode
                autocomplete=if kind == "password" { "new-password" } else { "off" }
                aria-describedby=described_by
            />
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        </div>
    }
}
