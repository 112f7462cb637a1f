//! Sources, for people and programs.

use leptos::prelude::use_context;
use url::Url;

use super::{
    Sources, login,
    runner::next_time,
    schedule::{ScheduleError, Times},
};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        audit::AuditAction,
        error::ApiError,
        import_options::{Instructions, OwnLimits},
        job::UnixMillis,
        role::Permission,
        source::{
            LoginChange, RunsPage, SOURCES_PATH, Source, SourceKind, SourceRun, SourceState,
            SourcesState, WantedSource,
        },
    },
    server::{
        auth::{audit, require},
        identity::{principal::Principal, source_scope::SourceScope},
        store::sources::SourceSettings,
    },
};

const MOST: u64 = 200;
const MAX_NAME: usize = 100;
const MAX_ADDRESS: usize = 2_000;
const MAX_SHEETS: usize = 20;
pub(crate) const CHARTED: usize = 30;
const NEXT_RUNS: usize = 3;

impl From<ScheduleError> for ApiError {
    fn from(error: ScheduleError) -> Self {
        Self::Invalid(error.code().into())
    }
}

struct Checked {
    name: String,
    address: String,
    what: Instructions,
}

impl Sources {
    /// Rejects requests if the products belong to an external service.
    pub(super) fn require(&self) -> Result<(), ApiError> {
        if self.is_on() {
            Ok(())
        } else {
            Err(ApiError::Unavailable(ErrorCode::SourcesUnavailable.into()))
        }
    }

    pub(crate) async fn list(&self, who: &Principal) -> Result<Vec<Source>, ApiError> {
        self.require()?;
        Ok(self.store.list_sources(&who.sources()).await?)
    }

    pub(crate) async fn find(&self, who: &Principal, id: &str) -> Result<Source, ApiError> {
        self.find_in(&who.sources(), id).await
    }

    async fn find_in(&self, scope: &SourceScope, id: &str) -> Result<Source, ApiError> {
        self.require()?;
        let source = self.store.source(scope, id).await?;
        source.ok_or(ApiError::NotFound)
    }

    async fn find_changeable(&self, who: &Principal, id: &str) -> Result<Source, ApiError> {
        let scope = who.changeable_sources().ok_or(ApiError::Forbidden)?;
        self.find_in(&scope, id).await
    }

    /// Creates a source. Returns [`ApiError::Invalid`] if it is invalid or there are too many,
    /// [`ApiError::Unavailable`] if it has a password and there is no encryption key.
    pub(crate) async fn create(
        &self,
        who: &Principal,
        wanted: &WantedSource,
    ) -> Result<Source, ApiError> {
        self.require()?;
        who.changeable_sources().ok_or(ApiError::Forbidden)?;
        let now = self.process.now().await?;
        let checked = self.check(wanted, now)?;
        let login = login::seal(self.keys.as_ref(), &wanted.login)?;
        if self.store.count_sources().await? >= MOST {
            return Err(ApiError::Invalid(ErrorCode::TooManySources.into()));
        }
        let settings = settings(wanted, &checked, now)?;
        let owner = &who.user.id;
        let creating = self
            .store
            .create_source(owner, settings, login.flatten(), now);
        let source = creating.await?;
        self.note(who, AuditAction::SourceCreated, &source).await;
        self.wake();
        Ok(source)
    }

    /// Changes a source. A new address or other import settings count as a changed file. A password is bound to its
    /// server: another address needs it again.
    pub(crate) async fn change(
        &self,
        who: &Principal,
        id: &str,
        wanted: &WantedSource,
    ) -> Result<Source, ApiError> {
        let before = self.find_changeable(who, id).await?;
        let as_before = WantedSource {
            enabled: wanted.enabled,
            ..wanted_of(before.clone())
        };
        if *wanted == as_before {
            // Pausing must work even if the address is no longer allowed.
            return self.enable(who, id, wanted.enabled).await;
        }
        let now = self.process.now().await?;
        let checked = self.check(wanted, now)?;
        let mut login = login::seal(self.keys.as_ref(), &wanted.login)?;
        if login.is_none() && origin(&before.address) != origin(&checked.address) {
            login = Some(None);
        }
        let settings = settings(wanted, &checked, now)?;
        let forget = before.address != checked.address || before.what != checked.what;
        let changing = self.store.change_source(id, settings, login, forget);
        changing.await?;
        let source = self.find_changeable(who, id).await?;
        self.note(who, AuditAction::SourceChanged, &source).await;
        self.wake();
        Ok(source)
    }

    pub(crate) async fn enable(
        &self,
        who: &Principal,
        id: &str,
        enabled: bool,
    ) -> Result<Source, ApiError> {
        let mut source = self.find_changeable(who, id).await?;
        source.enabled = enabled;
        let due_at = next_time(&source, self.process.now().await?);
        self.store.enable_source(id, enabled, due_at).await?;
        let action = if enabled {
            AuditAction::SourceResumed
        } else {
            AuditAction::SourcePaused
        };
        self.note(who, action, &source).await;
        self.find_changeable(who, id).await
    }

    /// Deletes a source with its runs. Their imports stay.
    pub(crate) async fn delete(&self, who: &Principal, id: &str) -> Result<(), ApiError> {
        let source = self.find_changeable(who, id).await?;
        self.store.delete_source(id).await?;
        self.note(who, AuditAction::SourceDeleted, &source).await;
        Ok(())
    }

    /// Runs a source now, or when its last import ends. Returns [`ApiError::Invalid`] if its files are uploaded.
    pub(crate) async fn run_now(&self, who: &Principal, id: &str) -> Result<(), ApiError> {
        let source = self.find_changeable(who, id).await?;
        if source.kind == SourceKind::Upload {
            return Err(ApiError::Invalid(ErrorCode::SourceOfUploads.into()));
        }
        let now = self.process.now().await?;
        self.store.request_source_run(id, now).await?;
        self.note(who, AuditAction::SourceRun, &source).await;
        self.wake();
        Ok(())
    }

    /// Lists runs of a source after one, newest first.
    pub(crate) async fn runs(
        &self,
        who: &Principal,
        id: &str,
        after: Option<&str>,
    ) -> Result<RunsPage, ApiError> {
        self.find(who, id).await?;
        Ok(self.store.list_source_runs(id, after).await?)
    }

    pub(crate) async fn newest_run(&self, source: &Source) -> Result<Option<SourceRun>, ApiError> {
        Ok(self.store.newest_source_run(&source.id).await?)
    }

    fn check(&self, wanted: &WantedSource, now: i64) -> Result<Checked, ApiError> {
        let refused = |why: ErrorCode| Err(ApiError::Invalid(why.into()));
        let name = wanted.name.trim();
        let is_name = (1..=MAX_NAME).contains(&name.chars().count());
        if !is_name || name.contains(char::is_control) {
            return refused(ErrorCode::SourceName);
        }
        let address = match wanted.kind {
            SourceKind::Upload if wanted.schedule.is_some() => {
                return refused(ErrorCode::UploadsWithSchedule);
            }
            SourceKind::Upload => String::new(),
            SourceKind::Address => {
                let url = self.files.parse(&wanted.address);
                let url = url.map_err(|error| ApiError::Invalid(error.code().into()))?;
                url.to_string()
            }
        };
        if address.len() > MAX_ADDRESS {
            return refused(ErrorCode::LongUrl);
        }
        if let Some(schedule) = &wanted.schedule {
            Times::parse(schedule.cron.trim(), schedule.time_zone.trim())?.check(now)?;
        }
        Ok(Checked {
            name: name.to_owned(),
            address,
            what: checked_instructions(&wanted.what)?,
        })
    }

    async fn note(&self, who: &Principal, action: AuditAction, source: &Source) {
        audit::record_by(&self.store, who, action, &source.name).await;
    }
}

fn checked_instructions(what: &Instructions) -> Result<Instructions, ApiError> {
    let refused = |why: ErrorCode| Err(ApiError::Invalid(why.into()));
    let mut what = what.clone();
    // Column meanings are remembered by header instead.
    what.mapping.columns.clear();
    let mapping = &mut what.mapping;
    if !matches!(mapping.decimal_mark.as_str(), "" | "comma" | "point") {
        return refused(ErrorCode::SourceDecimalMark);
    }
    mapping.currency = mapping.currency.trim().to_uppercase();
    let is_code =
        mapping.currency.len() == 3 && mapping.currency.bytes().all(|it| it.is_ascii_uppercase());
    if !mapping.currency.is_empty() && !is_code {
        return refused(ErrorCode::SourceCurrency);
    }
    mapping.sheets.retain(|sheet| !sheet.trim().is_empty());
    let is_long = mapping
        .sheets
        .iter()
        .any(|sheet| sheet.chars().count() > MAX_NAME);
    if mapping.sheets.len() > MAX_SHEETS || is_long {
        return refused(ErrorCode::TooManySheets);
    }
    let OwnLimits {
        action: _,
        prices,
        price_change: _,
        failed,
        missing,
    } = what.limits;
    let shares = [prices, failed, missing].into_iter().flatten();
    if shares
        .map(|share| share.hundredths())
        .any(|share| share > 10_000)
    {
        return refused(ErrorCode::LimitOverHundred);
    }
    Ok(what)
}

fn settings<'a>(
    wanted: &'a WantedSource,
    checked: &'a Checked,
    now: i64,
) -> Result<SourceSettings<'a>, ApiError> {
    let due_at = match &wanted.schedule {
        Some(schedule) if wanted.enabled => {
            Times::parse(schedule.cron.trim(), schedule.time_zone.trim())?.next_after(now)
        }
        _ => None,
    };
    Ok(SourceSettings {
        name: &checked.name,
        kind: wanted.kind,
        address: &checked.address,
        what: &checked.what,
        schedule: wanted.schedule.as_ref(),
        enabled: wanted.enabled,
        due_at,
    })
}

fn origin(address: &str) -> Option<url::Origin> {
    Url::parse(address).ok().map(|url| url.origin())
}

pub(crate) fn wanted_of(source: Source) -> WantedSource {
    WantedSource {
        name: source.name,
        kind: source.kind,
        address: source.address,
        login: LoginChange::Keep,
        what: source.what,
        schedule: source.schedule,
        enabled: source.enabled,
    }
}

fn of_server_fn() -> Result<Sources, ApiError> {
    use_context().ok_or(ApiError::Internal)
}

fn path_of(id: &str) -> String {
    format!("{SOURCES_PATH}/{id}")
}

/// Returns whether pages may show sources.
pub(crate) fn are_offered() -> bool {
    of_server_fn().is_ok_and(|sources| sources.is_on()) && require(Permission::Import).is_ok()
}

pub(crate) async fn state() -> Result<SourcesState, ApiError> {
    let who = require(Permission::Import)?;
    let sources = of_server_fn()?;
    let mut listed = Vec::new();
    for source in sources.list(&who).await? {
        let newest = sources.newest_run(&source).await?;
        listed.push((source, newest));
    }
    Ok(SourcesState {
        sources: listed,
        fetches: sources.files.is_on(),
        stores_secrets: sources.keys.is_some(),
    })
}

pub(crate) async fn state_of(id: &str, after: Option<&str>) -> Result<SourceState, ApiError> {
    let who = require(Permission::Import)?;
    let sources = of_server_fn()?;
    let source = sources.find(&who, id).await?;
    let runs = sources.runs(&who, id, after).await?;
    let mut newest = match after {
        Some(_) => sources.runs(&who, id, None).await?.items,
        None => runs.items.clone(),
    };
    newest.truncate(CHARTED);
    let schedule = source.schedule.as_ref();
    let times = schedule.and_then(|it| Times::parse(it.cron.trim(), it.time_zone.trim()).ok());
    let next = |at: &UnixMillis| times.as_ref()?.next_after(*at);
    let next_runs = std::iter::successors(source.due_at, next);
    let next_runs = next_runs.take(NEXT_RUNS).collect();
    Ok(SourceState {
        next_runs,
        source,
        runs,
        newest,
        fetches: sources.files.is_on(),
        stores_secrets: sources.keys.is_some(),
    })
}

pub(crate) async fn enable(id: &str, enabled: bool) -> Result<(), ApiError> {
    let who = require(Permission::Import)?;
    of_server_fn()?.enable(&who, id, enabled).await?;
    leptos_axum::redirect(&path_of(id));
    Ok(())
}

pub(crate) async fn delete(id: &str) -> Result<(), ApiError> {
    let who = require(Permission::Import)?;
    of_server_fn()?.delete(&who, id).await?;
    leptos_axum::redirect(SOURCES_PATH);
    Ok(())
}

pub(crate) async fn run_now(id: &str) -> Result<(), ApiError> {
    let who = require(Permission::Import)?;
    of_server_fn()?.run_now(&who, id).await?;
    leptos_axum::redirect(&path_of(id));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_says_what_its_file_does_not_tell_but_no_places_of_columns() {
        let mut what = Instructions::default();
        what.mapping.columns = vec!["sku".to_owned()];
        what.mapping.currency = " eur ".to_owned();
        what.mapping.sheets = vec![" ".to_owned(), "Prices".to_owned()];
        let checked = checked_instructions(&what).unwrap();
        assert!(checked.mapping.columns.is_empty());
        assert_eq!(checked.mapping.currency, "EUR");
        assert_eq!(checked.mapping.sheets, ["Prices"]);
        for (mark, currency, prices) in [("x", "", "1"), ("", "EURO", "1"), ("", "", "100.01")] {
            let mut what = Instructions::default();
            what.mapping.decimal_mark = mark.to_owned();
            what.mapping.currency = currency.to_owned();
            what.limits.prices = Some(prices.parse().unwrap());
            assert!(
                checked_instructions(&what).is_err(),
                "{mark} {currency} {prices}"
            );
        }
    }
}
