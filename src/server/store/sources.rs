//! Sources of product files: each fetched by one worker at a time.
//!
//! As for deliveries, a worker's lease ends when it dies, and times are given.

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
    from_db, source_runs,
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

/// Whether a source may be run: it is not being run, and its last import is over.
const IS_FREE: &str = "(s.leased_until IS NULL OR s.leased_until <= $1) AND NOT EXISTS \
    (SELECT 1 FROM source_runs r WHERE r.source_id = s.id AND r.outcome = 'importing')";

/// What a source is to be.
#[derive(Clone, Debug)]
pub(crate) struct SourceSettings<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: SourceKind,
    pub(crate) address: &'a str,
    pub(crate) what: &'a Instructions,
    pub(crate) schedule: Option<&'a Schedule>,
    pub(crate) enabled: bool,
    /// When it runs next.
    pub(crate) due_at: Option<UnixMillis>,
}

/// By which a server knows who fetches.
#[derive(Clone, Debug)]
pub(crate) struct StoredLogin {
    /// Encrypted.
    pub(crate) sealed: String,
    pub(crate) shown: ShownLogin,
}

/// What the last file of a source is known by.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct FileIdentity {
    /// As its server said.
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// SHA-256, in hex.
    pub(crate) checksum: Option<String>,
}

/// A source that a worker has claimed.
#[derive(Clone, Debug)]
pub(crate) struct ClaimedSource {
    pub(crate) source: Source,
    /// The run that it was claimed for.
    pub(crate) run: String,
    pub(crate) cause: RunCause,
    pub(crate) last: FileIdentity,
    /// Encrypted.
    pub(crate) login: Option<String>,
}

impl Store {
    /// Creates a source.
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

    /// Counts all sources.
    pub(crate) async fn count_sources(&self) -> Result<u64, StoreError> {
        Ok(row::Entity::find().count(&self.db).await?)
    }

    /// Lists sources by name.
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

    /// Finds a source.
    pub(crate) async fn source(
        &self,
        scope: &SourceScope,
        id: &str,
    ) -> Result<Option<Source>, StoreError> {
        let row = found(scope).filter(row::Column::Id.eq(id)).one(&self.db);
        row.await?.map(source).transpose()
    }

    /// Changes a source, and its login where one is given. With `forget` its next file counts as a changed one.
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

    /// Has the schedule of a source hold or not, and says when it runs next.
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

    /// Deletes a source with its runs and what was said of its columns. Its imports stay.
    pub(crate) async fn delete_source(&self, id: &str) -> Result<(), StoreError> {
        row::Entity::delete_by_id(id).exec(&self.db).await?;
        mapping::Entity::delete_many()
            .filter(mapping::Column::Owner.eq(id))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Has a source run at once, or as soon as its last import is over.
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

    /// Returns whether a source is due or the import of a run is over, in one statement: most looks find nothing.
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

    /// Claims the source that is due first, and begins a run of it.
    pub(crate) async fn claim_due_source(
        &self,
        worker: &str,
        now: UnixMillis,
        lease: Duration,
    ) -> Result<Option<ClaimedSource>, StoreError> {
        let due = "s.due_at <= $1 ORDER BY s.due_at, s.id LIMIT 1";
        self.claim(worker, now, lease, due, None).await
    }

    /// Claims a source for an upload, and begins a run of it. `None` if it is being run.
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

    /// Renews the lease of a source, and returns whether the worker still has it.
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

    /// Ends the lease of a source before its run has ended: the next worker goes on with it.
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

    /// Ends all leases; for a process that owns the database, at its start.
    pub(crate) async fn forget_source_leases(&self) -> Result<(), StoreError> {
        row::Entity::update_many()
            .col_expr(row::Column::LeasedBy, Expr::value(None::<String>))
            .col_expr(row::Column::LeasedUntil, Expr::value(None::<i64>))
            .filter(row::Column::LeasedBy.is_not_null())
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Finds the account of a source, if it may sign in.
    pub(crate) async fn source_owner(&self, source: &Source) -> Result<Option<User>, StoreError> {
        let row = user::Entity::find_by_id(source.owner.as_str())
            .filter(may_sign_in())
            .one(&self.db)
            .await?;
        row.map(User::try_from).transpose()
    }
}

/// Begins a transaction that writes.
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

/// Writes what always serializes.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
