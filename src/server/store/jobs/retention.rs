//! Deletes expired jobs and marks of deleted ones.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, TransactionTrait, sea_query::OnConflict,
};

use super::{deleted, row};
use crate::{
    model::{
        clock::now,
        job::{ImportStatus, UnixMillis},
    },
    server::store::{Store, StoreError, activity, retention::SLICE},
};

impl Store {
    /// Deletes jobs that ended before a time, remembers their IDs, and returns their number.
    pub(crate) async fn remove_ended_jobs(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let transaction = self.db.begin().await?;
        let ids: Vec<String> = row::Entity::find()
            .select_only()
            .column(row::Column::Id)
            .filter(row::Column::Status.ne(ImportStatus::Pending.as_str()))
            .filter(row::Column::CompletedAt.lt(before))
            .order_by_asc(row::Column::CompletedAt)
            // Below the parameter limit.
            .limit(SLICE / 2)
            .into_tuple()
            .all(&transaction)
            .await?;
        if ids.is_empty() {
            return Ok(0);
        }
        note_deleted(&transaction, ids.iter().cloned()).await?;
        activity::remove_of(self, &transaction, &ids).await?;
        let removed = row::Entity::delete_many()
            .filter(row::Column::Id.is_in(&ids))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(removed.rows_affected)
    }

    /// Forgets jobs deleted before a time. Returns their number.
    pub(crate) async fn forget_deleted_jobs(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let old = deleted::Entity::find()
            .select_only()
            .column(deleted::Column::Id)
            .filter(deleted::Column::DeletedAt.lt(before))
            .limit(SLICE)
            .into_query();
        let forgotten = deleted::Entity::delete_many()
            .filter(deleted::Column::Id.in_subquery(old))
            .exec(&self.db)
            .await?;
        Ok(forgotten.rows_affected)
    }
}

/// Remembers deleted jobs while the price monitor may know them.
pub(super) async fn note_deleted(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = String>,
) -> Result<(), StoreError> {
    let deleted_at = now();
    let marks = ids.into_iter().map(|id| deleted::ActiveModel {
        id: Set(id),
        deleted_at: Set(deleted_at),
    });
    deleted::Entity::insert_many(marks)
        .on_conflict(
            OnConflict::column(deleted::Column::Id)
                .update_column(deleted::Column::DeletedAt)
                .to_owned(),
        )
        .exec_without_returning(db)
        .await?;
    Ok(())
}
