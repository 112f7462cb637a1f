//! Events: noted in the transaction of what they tell, those of imports by triggers; spread to whom they are for, and
//! then deleted.

use std::collections::{HashMap, HashSet};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use super::{
    Store, StoreError,
    deliveries::{self, Addressee, NewDelivery},
    entity::import_event as row,
    from_db, jobs, mail_preferences, reasons, webhooks,
};
use crate::{
    model::{
        job::{ImportStatus, UnixMillis},
        reason::Reason,
        webhook::{FailingSource, ImportEvent},
    },
    server::identity::user::UserId,
};

/// Maximum events per transaction.
const SLICE: u64 = 100;
/// How long an event waits for its import to be recorded.
const PATIENCE: UnixMillis = 60_000;
/// ID of the PostgreSQL advisory lock.
const LOCK: i64 = 0x696d_706f_7274_6576;

/// An event.
#[derive(Clone, Debug)]
pub(crate) struct RecordedEvent {
    pub(crate) kind: ImportEvent,
    pub(crate) at: UnixMillis,
    pub(crate) about: About,
    /// Whose import or source it is; `None` if it belongs to all staff.
    pub(crate) owner: Option<UserId>,
}

/// What an event tells.
#[derive(Clone, Debug)]
pub(crate) enum About {
    Import(ImportThen),
    Source(FailingSource),
}

/// An import as it was then.
#[derive(Clone, Debug)]
pub(crate) struct ImportThen {
    pub(crate) job: String,
    pub(crate) filename: String,
    pub(crate) status: String,
    pub(crate) mode: String,
    pub(crate) error: Option<Reason>,
    pub(crate) total_products: Option<u64>,
    pub(crate) processed_products: u64,
    pub(crate) failed_products: u64,
    /// The import that undid it.
    pub(crate) undone_by: Option<String>,
}

impl RecordedEvent {
    fn job(&self) -> Option<&str> {
        match &self.about {
            About::Import(import) => Some(&import.job),
            About::Source(_) => None,
        }
    }

    fn status(&self) -> ImportStatus {
        match &self.about {
            About::Import(import) => import.status.parse().unwrap_or_default(),
            About::Source(_) => ImportStatus::Error,
        }
    }
}

impl Store {
    /// Makes a delivery of each event for each webhook and, with `mails`, each person who is told it, and returns how many events there were. Any
    /// process may call it: of several, one at a time does it, and a crash loses nothing.
    pub(crate) async fn spread_events(
        &self,
        now: UnixMillis,
        mails: bool,
        body: &(dyn Fn(&RecordedEvent) -> String + Sync),
    ) -> Result<u64, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = self.db.begin_with_options(options).await?;
        if transaction.get_database_backend() == DbBackend::Postgres {
            let lock = Statement::from_sql_and_values(
                DbBackend::Postgres,
                "SELECT pg_advisory_xact_lock($1)",
                [LOCK.into()],
            );
            transaction.execute_raw(lock).await?;
        }
        let rows = row::Entity::find()
            .order_by_asc(row::Column::Id)
            .limit(SLICE)
            .all(&transaction)
            .await?;
        let ids: HashSet<_> = rows.iter().map(|row| row.job_id.as_str()).collect();
        let mut owners = jobs::owners(&transaction, ids).await?;
        for row in &rows {
            if let Some(owner) = &row.owner_id {
                owners.insert(about(row), Some(UserId::new(owner)));
            }
        }
        let webhooks = webhooks::enabled(&transaction).await?;
        let people = owners.values().flatten().map(UserId::as_str).collect();
        let wishes = if mails {
            mail_preferences::wishes(&transaction, people).await?
        } else {
            HashMap::new()
        };
        let (mut spread, mut new) = (Vec::new(), Vec::new());
        for row in rows {
            let owner = owners.get(&about(&row));
            // The embedded price monitor may ask before the app has recorded what it started.
            if owner.is_none() && row.at > now.saturating_sub(PATIENCE) {
                continue;
            }
            spread.push(row.id);
            let Some(event) = event(row, owner.cloned().flatten()) else {
                continue;
            };
            let wanting = webhooks
                .iter()
                .filter(|webhook| webhook.events.contains(&event.kind));
            let person = event.owner.as_ref().filter(|owner| {
                let wish = wishes.get(owner.as_str()).copied().unwrap_or_default();
                wish.wants(event.kind, event.status())
            });
            let person = person.map(|owner| Addressee::Person(owner.as_str().to_owned()));
            let addressees: Vec<_> = wanting
                .map(|webhook| Addressee::Webhook(webhook.id.clone()))
                .chain(person)
                .collect();
            if addressees.is_empty() {
                continue;
            }
            let body = body(&event);
            new.extend(addressees.into_iter().map(|to| NewDelivery {
                to,
                event: event.kind.as_str().to_owned(),
                job: event.job().map(str::to_owned),
                body: body.clone(),
            }));
        }
        deliveries::add(&transaction, new, now).await?;
        let count = spread.len() as u64;
        row::Entity::delete_many()
            .filter(row::Column::Id.is_in(spread))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(count)
    }

    /// Deletes events before a time that nobody has spread, as in a database that only a price monitor uses.
    pub(crate) async fn remove_unspread_events(
        &self,
        before: UnixMillis,
    ) -> Result<u64, StoreError> {
        let old: Vec<i64> = row::Entity::find()
            .select_only()
            .column(row::Column::Id)
            .filter(row::Column::At.lt(before))
            .limit(super::retention::SLICE)
            .into_tuple()
            .all(&self.db)
            .await?;
        if old.is_empty() {
            return Ok(0);
        }
        let removed = row::Entity::delete_many()
            .filter(row::Column::Id.is_in(old))
            .exec(&self.db)
            .await?;
        Ok(removed.rows_affected)
    }
}

/// Names the import or source that an event is about.
fn about(row: &row::Model) -> String {
    match &row.owner_id {
        Some(owner) => format!("source of {owner}"),
        None => row.job_id.clone(),
    }
}

/// Reads an event; `None` if only a newer version knows it.
fn event(row: row::Model, owner: Option<UserId>) -> Option<RecordedEvent> {
    let about = match &row.about {
        Some(about) => About::Source(serde_json::from_str(about).ok()?),
        None => About::Import(ImportThen {
            job: row.job_id,
            filename: row.filename,
            status: row.status,
            mode: row.mode,
            error: reasons::read(row.error, row.error_code, row.error_params),
            total_products: row.total_products.map(from_db),
            processed_products: from_db(row.processed_products),
            failed_products: from_db(row.failed_products),
            undone_by: row.undone_by,
        }),
    };
    Some(RecordedEvent {
        kind: row.kind.parse().ok()?,
        at: row.at,
        about,
        owner,
    })
}
