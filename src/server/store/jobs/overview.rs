//! Counts and names for filtering the list of imports.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Alias, Asterisk, Expr, ExprTrait as _, Func, Query},
};

use super::{COUNTED_AT_MOST, TABLE, entity as row};
use crate::{
    model::{
        imports_filter::Starter,
        job::{ImportStatus, JobId},
    },
    server::{
        identity::job_scope::JobScope,
        store::{Store, StoreError, entity::user, from_db},
    },
};

const STARTERS: u64 = 100;

impl Store {
    /// Counts the newest 10,000 jobs of a scope by status.
    pub(crate) async fn count_by_status(
        &self,
        scope: &JobScope,
    ) -> Result<Vec<(ImportStatus, u64)>, StoreError> {
        let newest = scope
            .find()
            .select_only()
            .column(row::Column::Status)
            .order_by_desc(row::Column::CreatedAt)
            .limit(COUNTED_AT_MOST)
            .into_query();
        let status = || Expr::col(Alias::new("status"));
        let counted = Query::select()
            .expr(status())
            .expr(Func::count(Expr::col(Asterisk)))
            .from_subquery(newest, Alias::new("newest"))
            .add_group_by([status()])
            .to_owned();
        let rows = self.db.query_all(&counted).await?;
        let counts = rows.iter().map(|row| {
            let status: String = row.try_get_by_index(0)?;
            let status = status.parse().map_err(|_| StoreError::Corrupt {
                table: TABLE,
                reason: format!("{status:?} is no status"),
            })?;
            Ok((status, from_db(row.try_get_by_index::<i64>(1)?)))
        });
        counts.collect()
    }

    /// Lists users who have started jobs, by name; empty in the scope of one user.
    pub(crate) async fn starters(&self, scope: &JobScope) -> Result<Vec<Starter>, StoreError> {
        if scope.user().is_some() {
            return Ok(Vec::new());
        }
        let theirs = Query::select()
            .expr(Expr::value(1))
            .from(row::Entity)
            .and_where(
                Expr::col((row::Entity, row::Column::UserId))
                    .equals((user::Entity, user::Column::Id)),
            )
            .to_owned();
        let users = user::Entity::find()
            .filter(Expr::exists(theirs))
            .order_by_asc(user::Column::Name)
            .limit(STARTERS)
            .all(&self.db)
            .await?;
        let starters = users.into_iter().map(|user| Starter {
            id: user.id,
            name: user.name,
        });
        Ok(starters.collect())
    }

    /// Names the users who started these jobs; empty in the scope of one user.
    pub(crate) async fn started_by(
        &self,
        scope: &JobScope,
        ids: &[JobId],
    ) -> Result<Vec<(JobId, String)>, StoreError> {
        if scope.user().is_some() || ids.is_empty() {
            return Ok(Vec::new());
        }
        let jobs = scope
            .find()
            .filter(row::Column::Id.is_in(ids.iter().map(JobId::as_str)))
            .all(&self.db)
            .await?;
        let users = user::Entity::find()
            .filter(user::Column::Id.is_in(jobs.iter().map(|job| job.user_id.as_str())))
            .all(&self.db)
            .await?;
        let named = jobs.into_iter().filter_map(|job| {
            let user = users.iter().find(|user| user.id == job.user_id)?;
            Some((job.id.parse().ok()?, user.name.clone()))
        });
        Ok(named.collect())
    }
}
