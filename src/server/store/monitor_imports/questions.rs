//! Questions of waiting imports: mappings and approvals.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::{MonitorImport, Question};
use crate::{
    model::{
        changes::OverLimit,
        clock::now,
        job::{ImportStatus, UnixMillis},
    },
    server::store::{
        Store, StoreError,
        entity::{mapping, monitor_import},
    },
};

/// Owner of mappings for files without a source.
const ANY: &str = "";

impl Store {
    /// Stores the mapping of a header row for its source, and for other files if they have none yet.
    pub async fn remember_mapping(
        &self,
        source: Option<&str>,
        header: &str,
        mapping: &str,
    ) -> Result<(), StoreError> {
        let is_for_any = source.is_none() || self.remembered_mapping(None, header).await?.is_none();
        for owner in source.into_iter().chain(is_for_any.then_some(ANY)) {
            let replace = OnConflict::columns([mapping::Column::Owner, mapping::Column::Header])
                .update_columns([mapping::Column::Mapping, mapping::Column::UpdatedAt])
                .to_owned();
            let row = mapping::ActiveModel {
                owner: Set(owner.to_owned()),
                header: Set(header.to_owned()),
                mapping: Set(mapping.to_owned()),
                updated_at: Set(now()),
            };
            mapping::Entity::insert(row)
                .on_conflict(replace)
                .exec_without_returning(&self.db)
                .await?;
        }
        Ok(())
    }

    /// Returns the mapping of a header row: the source's, else that of other files.
    pub async fn remembered_mapping(
        &self,
        source: Option<&str>,
        header: &str,
    ) -> Result<Option<String>, StoreError> {
        for owner in source.into_iter().chain([ANY]) {
            let row = mapping::Entity::find_by_id((owner.to_owned(), header.to_owned()))
                .one(&self.db)
                .await?;
            if let Some(row) = row {
                return Ok(Some(row.mapping));
            }
        }
        Ok(None)
    }

    /// Marks an import as waiting for an answer. `None` if it is over.
    pub async fn ask_monitor_import(
        &self,
        id: &str,
        question: Question,
    ) -> Result<Option<MonitorImport>, StoreError> {
        let now = now();
        let asked = monitor_import::Entity::update_many()
            .col_expr(
                monitor_import::Column::Needs,
                Expr::value(question.as_str()),
            )
            .col_expr(monitor_import::Column::AskedAt, Expr::value(now))
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now))
            .col_expr(monitor_import::Column::Attempts, Expr::value(0_i64))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .exec(&self.db)
            .await?;
        if asked.rows_affected == 0 {
            Ok(None)
        } else {
            self.monitor_import(id).await
        }
    }

    /// Records the exceeded limit.
    pub async fn note_over_limit(&self, id: &str, over: OverLimit) -> Result<(), StoreError> {
        let over = serde_json::to_string(&over).ok();
        monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::OverLimit, Expr::value(over))
            .filter(monitor_import::Column::Id.eq(id))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Approves an import that exceeds a limit. Returns whether it waited.
    pub async fn approve_import(&self, id: &str) -> Result<bool, StoreError> {
        let approved = monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Approved, Expr::value(true))
            .col_expr(monitor_import::Column::Needs, Expr::value(None::<String>))
            .col_expr(monitor_import::Column::AskedAt, Expr::value(None::<i64>))
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now()))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Needs.eq(Question::Approval.as_str()))
            .exec(&self.db)
            .await?;
        Ok(approved.rows_affected > 0)
    }

    /// Answers an import's question. Returns whether it waited and must be restarted.
    pub async fn answer_monitor_import(&self, id: &str, mapping: &str) -> Result<bool, StoreError> {
        let answered = monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Mapping, Expr::value(mapping))
            .col_expr(monitor_import::Column::Needs, Expr::value(None::<String>))
            .col_expr(monitor_import::Column::AskedAt, Expr::value(None::<i64>))
            .col_expr(monitor_import::Column::UpdatedAt, Expr::value(now()))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Needs.is_not_null())
            .filter(monitor_import::Column::Needs.ne(Question::Approval.as_str()))
            .exec(&self.db)
            .await?;
        Ok(answered.rows_affected > 0)
    }

    /// Lists imports that have waited for an answer since before a time.
    pub async fn unanswered_monitor_imports(
        &self,
        before: UnixMillis,
    ) -> Result<Vec<MonitorImport>, StoreError> {
        let rows = monitor_import::Entity::find()
            .filter(monitor_import::Column::Status.eq(ImportStatus::Pending.as_str()))
            .filter(monitor_import::Column::Needs.is_not_null())
            .filter(monitor_import::Column::AskedAt.lt(before))
            .all(&self.db)
            .await?;
        rows.into_iter().map(MonitorImport::try_from).collect()
    }

    /// Records the mapping of an import that has not begun.
    pub async fn set_monitor_import_mapping(
        &self,
        id: &str,
        mapping: &str,
    ) -> Result<(), StoreError> {
        monitor_import::Entity::update_many()
            .col_expr(monitor_import::Column::Mapping, Expr::value(mapping))
            .filter(monitor_import::Column::Id.eq(id))
            .filter(monitor_import::Column::Position.eq(0))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}
