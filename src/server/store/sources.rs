//! Sources of product files, each fetched by one worker at a time.
//!
//! A dead worker's lease expires. Callers pass the time.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, QueryOrder, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, Value, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Store, StoreError,
    entity::{mapping, source as row, user},
    from_db,
    pages::forget_leases,
    source_runs,
    users::may_sign_in,
};
use crate::{
    model::{
        import_options::Instructions,
        job::UnixMillis,
        source::{RunCause, Schedule, ShownLogin, Source, SourceKind},
    },
    server::identity::{source_scope::SourceScope, user::User, user::UserId},
};

/// Whether a source may run: no run is active, and its last import has ended.
const IS_FREE: &str = "(s.leased_until IS NULL OR s.leased_until <= $1) AND NOT EXISTS \
    (SELECT 1 FROM source_runs r WHERE r.source_id = s.id AND r.outcome = 'importing')";

#[derive(Clone, Debug)]
pub(crate) struct SourceSettings<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: SourceKind,
    pub(crate) address: &'a str,
    pub(crate) what: &'a Instructions,
    pub(crate) schedule: Option<&'a Schedule>,
    pub(crate) enabled: bool,
    pub(crate) due_at: Option<UnixMillis>,
}

#[derive(Clone, Debug)]
pub(crate) struct StoredLogin {
    pub(crate) sealed: String,
    pub(crate) shown: ShownLogin,
}

/// Validators of a source's last file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct FileIdentity {
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// SHA-256, in hex.
    pub(crate) checksum: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ClaimedSource {
    pub(crate) source: Source,
    pub(crate) run: String,
    pub(crate) cause: RunCause,
    pub(crate) last: FileIdentity,
    pub(crate) login: Option<String>,
}

impl Store {
    pub(crate) async fn create_source(
        &self,
        owner: &UserId,
        new: SourceSettings<'_>,
        login: Option<StoredLogin>,
        now: UnixMillis,
    ) -> Result<Source, StoreError> {
        let (login, login_shown) = columns(login);
        let model = row::Model {
            id: Uuid::now_v7().to_string(),
            owner_id: owner.as_str().to_owned(),
            name: new.name.to_owned(),
            kind: new.kind.as_str().to_owned(),
            address: new.address.to_owned(),
            login,
            login_shown,
            what: json(new.what),
            cron: new.schedule.map(|schedule| schedule.cron.clone()),
            time_zone: new.schedule.map(|schedule| schedule.time_zone.clone()),
            enabled: new.enabled,
            created_at: now,
            due_at: new.due_at,
            due_by_request: false,
            leased_by: None,
            leased_until: None,
            failures: 0,
            etag: None,
            last_modified: None,
            checksum: None,
        };
        row::Entity::insert(row::ActiveModel::from(model.clone()))
            .exec_without_returning(&self.db)
            .await?;
        source(model)
    }

    pub(crate) async fn count_sources(&self) -> Result<u64, StoreError> {
        Ok(row::Entity::find().count(&self.db).await?)
    }

    pub(crate) async fn list_sources(
        &self,
        scope: &SourceScope,
    ) -> Result<Vec<Source>, StoreError> {
        let rows = found(scope)
            .order_by_asc(row::Column::Name)
            .order_by_asc(row::Column::Id)
            .all(&self.db)
            .await?;
        rows.into_iter().map(source).collect()
    }

    pub(crate) async fn source(
        &self,
        scope: &SourceScope,
        id: &str,
    ) -> Result<Option<Source>, StoreError> {
        let row = found(scope).filter(row::Column::Id.eq(id)).one(&self.db);
        row.await?.map(source).transpose()
    }

    /// Replaces the login if one is given. With `forget` the next file counts as changed.
    pub(crate) async fn change_source(
        &self,
        id: &str,
        to: SourceSettings<'_>,
        login: Option<Option<StoredLogin>>,
        forget: bool,
    ) -> Result<(), StoreError> {
        let nothing = || Expr::value(None::<String>);
        let schedule = to.schedule;
        let mut update = row::Entity::update_many()
            .col_expr(row::Column::Name, Expr::value(to.name))
            .col_expr(row::Column::Kind, Expr::value(to.kind.as_str()))
            .col_expr(row::Column::Address, Expr::value(to.address))
            .col_expr(row::Column::What, Expr::value(json(to.what)))
            .col_expr(
                row::Column::Cron,
                Expr::value(schedule.map(|schedule| schedule.cron.clone())),
            )
            .col_expr(
                row::Column::TimeZone,
                Expr::value(schedule.map(|schedule| schedule.time_zone.clone())),
            )
            .col_expr(row::Column::Enabled, Expr::value(to.enabled))
            .col_expr(row::Column::DueAt, Expr::value(to.due_at))
            .col_expr(row::Column::DueByRequest, Expr::value(false));
        if let Some(login) = login {
            let (login, shown) = columns(login);
            update = update
                .col_expr(row::Column::Login, Expr::value(login))
                .col_expr(row::Column::LoginShown, Expr::value(shown));
        }
        if forget {
            update = update
                .col_expr(row::Column::Etag, nothing())
                .col_expr(row::Column::LastModified, nothing())
                .col_expr(row::Column::Checksum, nothing());
        }
        update.filter(row::Column::Id.eq(id)).exec(&self.db).await?;
        Ok(())
    }

    /// Enables or disables the schedule and sets the next run.
    pub(crate) async fn enable_source(
        &self,
        id: &str,
        enabled: bool,
        due_at: Option<UnixMillis>,
    ) -> Result<(), StoreError> {
        row::Entity::update_many()
            .col_expr(row::Column::Enabled, Expr::value(enabled))
            .col_expr(row::Column::DueAt, Expr::value(due_at))
            .col_expr(row::Column::DueByRequest, Expr::value(false))
            .filter(row::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Deletes a source with its runs and mappings; its imports stay.
    pub(crate) async fn delete_source(&self, id: &str) -> Result<(), StoreError> {
        row::Entity::delete_by_id(id).exec(&self.db).await?;
        mapping::Entity::delete_many()
            .filter(mapping::Column::Owner.eq(id))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Requests a run, which starts when the last import has ended.
    pub(crate) async fn request_source_run(
        &self,
        id: &str,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        row::Entity::update_many()
            .col_expr(row::Column::DueAt, Expr::value(now))
            .col_expr(row::Column::DueByRequest, Expr::value(true))
            .filter(row::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Checks for due sources or ended imports in one statement: most polls find nothing.
    pub(crate) async fn has_source_work(&self, now: UnixMillis) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT 1 AS found WHERE EXISTS (SELECT 1 FROM sources s WHERE s.due_at <= $1 AND {IS_FREE}) OR EXISTS \
             ({ENDED} LIMIT 1)",
            ENDED = source_runs::ENDED
        );
        let backend = self.db.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, [now.into()]);
        Ok(self.db.query_one_raw(statement).await?.is_some())
    }

    /// Claims the first due source and begins a run.
    pub(crate) async fn claim_due_source(
        &self,
        worker: &str,
        now: UnixMillis,
        lease: Duration,
    ) -> Result<Option<ClaimedSource>, StoreError> {
        let due = "s.due_at <= $1 ORDER BY s.due_at, s.id LIMIT 1";
        self.claim(worker, now, lease, due, None).await
    }

    /// Claims a source for an upload and begins a run. `None` if a run is active.
    pub(crate) async fn claim_source_for_upload(
        &self,
        id: &str,
        worker: &str,
        now: UnixMillis,
        lease: Duration,
    ) -> Result<Option<ClaimedSource>, StoreError> {
        self.claim(worker, now, lease, "s.id = $4", Some(id)).await
    }

    async fn claim(
        &self,
        worker: &str,
        now: UnixMillis,
        lease: Duration,
        which: &str,
        id: Option<&str>,
    ) -> Result<Option<ClaimedSource>, StoreError> {
        let transaction = self.db.begin_with_options(immediate()).await?;
        let backend = transaction.get_database_backend();
        let locking = match backend {
            DbBackend::Postgres => " FOR UPDATE OF s SKIP LOCKED",
            _ => "",
        };
        let sql = format!(
            "UPDATE sources SET leased_by = $2, leased_until = $3 WHERE id = ( \
               SELECT s.id FROM sources s WHERE {IS_FREE} AND {which}{locking} ) \
             RETURNING *"
        );
        let until = now.saturating_add(millis(lease));
        let mut values: Vec<Value> = vec![now.into(), worker.into(), until.into()];
        values.extend(id.map(Value::from));
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let Some(claimed) = transaction.query_one_raw(statement).await? else {
            return Ok(None);
        };
        let row = row::Model::from_query_result(&claimed, "")?;
        let cause = match (id, row.due_by_request) {
            (Some(_), _) => RunCause::Upload,
            (None, true) => RunCause::Request,
            (None, false) => RunCause::Schedule,
        };
        let run = source_runs::begin(&transaction, &row.id, cause, now).await?;
        transaction.commit().await?;
        Ok(Some(ClaimedSource {
            run,
            cause,
            last: FileIdentity {
                etag: row.etag.clone(),
                last_modified: row.last_modified.clone(),
                checksum: row.checksum.clone(),
            },
            login: row.login.clone(),
            source: source(row)?,
        }))
    }

    /// Returns whether the worker still has the lease.
    pub(crate) async fn renew_source_lease(
        &self,
        worker: &str,
        id: &str,
        until: UnixMillis,
    ) -> Result<bool, StoreError> {
        let renewed = row::Entity::update_many()
            .col_expr(row::Column::LeasedUntil, Expr::value(until))
            .filter(row::Column::Id.eq(id))
            .filter(row::Column::LeasedBy.eq(worker))
            .exec(&self.db)
            .await?;
        Ok(renewed.rows_affected > 0)
    }

    /// Releases a source before its run has ended; the next worker continues.
    pub(crate) async fn release_source(&self, worker: &str, id: &str) -> Result<(), StoreError> {
        row::Entity::update_many()
            .col_expr(row::Column::LeasedBy, Expr::value(None::<String>))
            .col_expr(row::Column::LeasedUntil, Expr::value(None::<i64>))
            .filter(row::Column::Id.eq(id))
            .filter(row::Column::LeasedBy.eq(worker))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// For a process that owns the database, at its start.
    pub(crate) async fn forget_source_leases(&self) -> Result<(), StoreError> {
        let (by, until) = (row::Column::LeasedBy, row::Column::LeasedUntil);
        forget_leases::<row::Entity>(&self.db, by, until).await
    }

    /// Finds the owner of a source, if they may sign in.
    pub(crate) async fn source_owner(&self, source: &Source) -> Result<Option<User>, StoreError> {
        let row = user::Entity::find_by_id(source.owner.as_str())
            .filter(may_sign_in())
            .one(&self.db)
            .await?;
        row.map(User::try_from).transpose()
    }
}

pub(super) fn immediate() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

fn found(scope: &SourceScope) -> sea_orm::Select<row::Entity> {
    let all = row::Entity::find();
    match scope.user() {
        Some(user) => all.filter(row::Column::OwnerId.eq(user.as_str())),
        None => all,
    }
}

fn source(row: row::Model) -> Result<Source, StoreError> {
    let corrupt = |reason: &str| StoreError::Corrupt {
        table: "sources",
        reason: reason.to_owned(),
    };
    let schedule = row.cron.zip(row.time_zone);
    let shown = row.login_shown.as_deref();
    Ok(Source {
        id: row.id,
        owner: row.owner_id,
        name: row.name,
        kind: row.kind.parse().map_err(|_| corrupt("kind"))?,
        address: row.address,
        login: shown.and_then(|shown| serde_json::from_str(shown).ok()),
        what: serde_json::from_str(&row.what).map_err(|_| corrupt("what"))?,
        schedule: schedule.map(|(cron, time_zone)| Schedule { cron, time_zone }),
        enabled: row.enabled,
        created_at: row.created_at,
        due_at: row.due_at,
        failures: from_db(row.failures),
    })
}

fn columns(login: Option<StoredLogin>) -> (Option<String>, Option<String>) {
    login
        .map(|login| (login.sealed, json(&login.shown)))
        .unzip()
}

/// Serializes a type that cannot fail.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
