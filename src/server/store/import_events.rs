//! Events: written in the transaction that causes them, for imports by triggers; distributed to recipients, then
//! deleted.

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

const SLICE: u64 = 100;
/// How long an event waits for its import to be recorded.
const PATIENCE: UnixMillis = 60_000;
const LOCK: i64 = 0x696d_706f_7274_6576;

#[derive(Clone, Debug)]
pub(crate) struct RecordedEvent {
    pub(crate) kind: ImportEvent,
    pub(crate) at: UnixMillis,
    pub(crate) about: About,
    /// Owner of the import or source; `None` if it belongs to all staff.
    pub(crate) owner: Option<UserId>,
}

#[derive(Clone, Debug)]
pub(crate) enum About {
    Import(ImportThen),
    Source(FailingSource),
}

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
    /// Creates a delivery of each event for each subscribed webhook and, with `mails`, each person. Returns the number
    /// of events. Processes take turns; a crash loses nothing.
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
            // The embedded price monitor's event may precede the recording by the app.
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

    /// Deletes undistributed events before a time, as in a database that only a price monitor uses.
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

fn about(row: &row::Model) -> String {
    match &row.owner_id {
        Some(owner) => format!("source of {owner}"),
        None => row.job_id.clone(),
    }
}

/// Returns `None` for an event of a newer version.
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
