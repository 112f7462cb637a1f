//! Activity of imports; deleted with them.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, Value};

use super::{Store, StoreError};
use crate::{
    model::{
        activity::{Activity, ActivityKind, Place},
        clock::now,
        job::{JobId, UnixMillis},
    },
    server::identity::user::UserId,
};

/// Maximum entries per import; later ones are dropped.
const MOST: i64 = 100;
/// Imports per statement, below the parameter limit.
const AT_ONCE: usize = 200;

#[derive(Clone, Copy, Debug)]
pub(crate) struct NewActivity<'a> {
    pub(crate) kind: ActivityKind,
    pub(crate) actor: Option<&'a UserId>,
    pub(crate) about: Option<&'a JobId>,
}

impl From<ActivityKind> for NewActivity<'_> {
    fn from(kind: ActivityKind) -> Self {
        Self {
            kind,
            actor: None,
            about: None,
        }
    }
}

impl Store {
    /// Records an activity of imports; repeats are ignored.
    pub(crate) async fn note_activity(
        &self,
        jobs: &[&str],
        new: NewActivity<'_>,
    ) -> Result<(), StoreError> {
        let at = now();
        let kind = new.kind.as_str();
        for jobs in jobs.chunks(AT_ONCE) {
            let once = |job: &str| match matches!(new.kind.place(), Place::First | Place::Once) {
                true => format!("{job}/{kind}"),
                false => format!("{job}/{kind}/{at}"),
            };
            let mut values: Vec<Value> = vec![
                at.into(),
                kind.into(),
                new.actor.map(|actor| actor.as_str().to_owned()).into(),
                new.about.map(|about| about.as_str().to_owned()).into(),
                MOST.into(),
            ];
            let mut rows = Vec::with_capacity(jobs.len());
            for job in jobs {
                let next = values.len() + 1;
                rows.push(format!(
                    "SELECT CAST(${next} AS TEXT) AS id, CAST(${} AS TEXT) AS job_id",
                    next + 1
                ));
                values.extend([once(job).into(), (*job).into()]);
            }
            let sql = format!(
                "INSERT INTO import_activity (id, job_id, at, kind, actor_id, about) \
                 SELECT n.id, n.job_id, CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT), \
                 CAST($4 AS TEXT) FROM ({}) n WHERE (SELECT COUNT(*) FROM import_activity a \
                 WHERE a.job_id = n.job_id) < CAST($5 AS BIGINT) ON CONFLICT DO NOTHING",
                rows.join(" UNION ALL ")
            );
            self.db.execute_raw(self.statement(&sql, values)).await?;
        }
        Ok(())
    }

    /// Records an activity of an import, or logs the error.
    pub(crate) async fn try_note_activity(&self, job: &str, new: NewActivity<'_>) {
        if let Err(error) = self.note_activity(&[job], new).await {
            tracing::warn!(%error, job, kind = new.kind.as_str(), "cannot record the history of an import");
        }
    }

    /// Lists an import's activity in order, without entries of newer versions.
    pub(crate) async fn activity(&self, job: &JobId) -> Result<Vec<Activity>, StoreError> {
        let sql = "SELECT a.at, a.kind, a.about, u.name, u.email FROM import_activity a \
             LEFT JOIN users u ON u.id = a.actor_id WHERE a.job_id = $1 ORDER BY a.at, a.id";
        let found = self
            .db
            .query_all_raw(self.statement(sql, [job.as_str().into()]))
            .await?;
        let mut activity = Vec::with_capacity(found.len());
        for row in found {
            let kind: String = row.try_get("", "kind")?;
            let Ok(kind) = kind.parse() else { continue };
            let about: Option<String> = row.try_get("", "about")?;
            let name: Option<String> = row.try_get("", "name")?;
            let email: Option<String> = row.try_get("", "email")?;
            activity.push(Activity {
                at: row.try_get("", "at")?,
                kind,
                who: name.filter(|name| !name.is_empty()).or(email),
                about: about.and_then(|about| about.parse().ok()),
            });
        }
        Ok(activity)
    }

    /// Returns those of some imports that another import undid, all or partly, and that was not undone itself.
    pub(crate) async fn undone_among(&self, jobs: &[JobId]) -> Result<HashSet<JobId>, StoreError> {
        let mut levels = vec![self.undos(jobs).await?];
        while let Some(last) = levels.last().filter(|last| !last.is_empty()) {
            let undos: Vec<_> = last.iter().map(|(_, by)| by.clone()).collect();
            levels.push(self.undos(&undos).await?);
        }
        let undone = |void: HashSet<JobId>, level: Vec<(JobId, JobId)>| {
            let valid = level.into_iter().filter(|(_, by)| !void.contains(by));
            valid.map(|(of, _)| of).collect()
        };
        Ok(levels.into_iter().rev().fold(HashSet::new(), undone))
    }

    /// Returns the ended undos of imports, after the import that each undid.
    async fn undos(&self, jobs: &[JobId]) -> Result<Vec<(JobId, JobId)>, StoreError> {
        let mut undos = Vec::new();
        for jobs in jobs.chunks(AT_ONCE) {
            let places: Vec<_> = (2..=jobs.len() + 1)
                .map(|place| format!("${place}"))
                .collect();
            // The undo may have been deleted since.
            let sql = format!(
                "SELECT a.job_id, a.about FROM import_activity a \
                 LEFT JOIN product_import_jobs j ON j.id = a.about \
                 WHERE a.kind = $1 AND a.about IS NOT NULL AND a.job_id IN ({}) \
                 AND COALESCE(j.status, 'SUCCESS') IN ('SUCCESS', 'PARTIAL_SUCCESS')",
                places.join(", ")
            );
            let kind = ActivityKind::Undone.as_str().into();
            let values = std::iter::once(kind).chain(jobs.iter().map(|job| job.as_str().into()));
            let values: Vec<Value> = values.collect();
            let statement = self.statement(&sql, values);
            for row in self.db.query_all_raw(statement).await? {
                let [of, by]: [String; 2] = [row.try_get_by_index(0)?, row.try_get_by_index(1)?];
                if let (Ok(of), Ok(by)) = (of.parse(), by.parse()) {
                    undos.push((of, by));
                }
            }
        }
        Ok(undos)
    }

    pub(crate) async fn remove_activity(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let sql = "DELETE FROM import_activity WHERE id IN \
             (SELECT id FROM import_activity WHERE at < $1 LIMIT 1000)";
        let removed = self
            .db
            .execute_raw(self.statement(sql, [before.into()]))
            .await?;
        Ok(removed.rows_affected())
    }
}

pub(super) async fn remove_of(
    store: &Store,
    db: &impl ConnectionTrait,
    jobs: &[String],
) -> Result<(), StoreError> {
    for jobs in jobs.chunks(AT_ONCE) {
        let places: Vec<_> = (1..=jobs.len()).map(|place| format!("${place}")).collect();
        let sql = format!(
            "DELETE FROM import_activity WHERE job_id IN ({})",
            places.join(", ")
        );
        let values = jobs.iter().map(|job| job.clone().into());
        db.execute_raw(store.statement(&sql, values)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            job::{ImportMode, ImportStatus, ProductImportJob},
            job_state::JobState,
            role::Role,
        },
        server::{
            identity::user::User,
            store::{test_database::TestDatabase, users::NewUser},
        },
    };

    async fn ada(store: &Store) -> User {
        let user = NewUser {
            email: "ada@example.com",
            name: "Ada",
            role: Role::Staff,
            password_hash: String::new().into(),
        };
        store.create_user(user).await.unwrap().unwrap()
    }

    async fn kinds(store: &Store, job: &JobId) -> Vec<ActivityKind> {
        let activity = store.activity(job).await.unwrap();
        activity.iter().map(|entry| entry.kind).collect()
    }

    #[tokio::test]
    async fn what_happened_is_told_in_order_with_who_did_it() {
        let (_database, store) = TestDatabase::opened().await;
        let (user, job): (_, JobId) = (ada(&store).await, "a".parse().unwrap());
        let other: JobId = "b".parse().unwrap();
        let uploaded = NewActivity {
            actor: Some(&user.id),
            about: Some(&other),
            ..ActivityKind::StartedAgain.into()
        };
        store.note_activity(&["a", "b"], uploaded).await.unwrap();
        let started = ActivityKind::Started.into();
        store.note_activity(&["a"], started).await.unwrap();
        let activity = store.activity(&job).await.unwrap();
        assert_eq!(activity.len(), 2);
        assert_eq!(activity[0].who.as_deref(), Some("Ada"));
        assert_eq!(activity[0].about, Some(other));
        assert_eq!(activity[1].kind, ActivityKind::Started);
        assert_eq!((&activity[1].who, &activity[1].about), (&None, &None));
    }

    #[tokio::test]
    async fn what_happens_once_is_noted_once_and_an_import_has_a_hundred_entries_at_most() {
        let (_database, store) = TestDatabase::opened().await;
        let job: JobId = "a".parse().unwrap();
        for _ in 0..2 {
            let started = ActivityKind::Started.into();
            store.note_activity(&["a"], started).await.unwrap();
        }
        assert_eq!(kinds(&store, &job).await, [ActivityKind::Started]);
        for about in 0..150 {
            // Repeats within a millisecond are ignored.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            let about: JobId = about.to_string().parse().unwrap();
            let retried = NewActivity {
                about: Some(&about),
                ..ActivityKind::Retried.into()
            };
            store.note_activity(&["a"], retried).await.unwrap();
        }
        assert_eq!(kinds(&store, &job).await.len(), 100);
        store
            .note_activity(&["b"], ActivityKind::Started.into())
            .await
            .unwrap();
        assert_eq!(kinds(&store, &"b".parse().unwrap()).await.len(), 1);
    }

    #[tokio::test]
    async fn an_import_is_undone_once_its_undo_has_ended_and_until_that_is_undone() {
        let (_database, store) = TestDatabase::opened().await;
        let user = ada(&store).await;
        let id = |id: &str| -> JobId { id.parse().unwrap() };
        let jobs = ["a", "undo", "redo"].map(id);
        for job in &jobs {
            let created = store.create_job(&user.id, job, "shop.csv", ImportMode::Import);
            created.await.unwrap();
        }
        let note = async |of: &str, by: &JobId| {
            let undone = NewActivity {
                about: Some(by),
                ..ActivityKind::Undone.into()
            };
            store.note_activity(&[of], undone).await.unwrap();
        };
        let end = async |job: &JobId, status| {
            let state = |_: &ProductImportJob| JobState {
                status,
                error: None,
                total_products: 1,
                processed_products: 1,
                failed_products: 0,
                failed_product_skus: None,
                completed_at: Some(now()),
            };
            store.end_job(job, state).await.unwrap();
        };
        let undone = async || {
            let found = store.undone_among(&jobs).await.unwrap();
            let mut found: Vec<_> = found.iter().map(JobId::to_string).collect();
            found.sort();
            found
        };
        assert!(undone().await.is_empty());
        note("a", &jobs[1]).await;
        assert!(undone().await.is_empty(), "the undo still runs");
        end(&jobs[1], ImportStatus::PartialSuccess).await;
        assert_eq!(undone().await, ["a"]);
        note("undo", &jobs[2]).await;
        end(&jobs[2], ImportStatus::Success).await;
        assert_eq!(undone().await, ["undo"]);
    }

    #[tokio::test]
    async fn entries_go_with_their_import() {
        let (_database, store) = TestDatabase::opened().await;
        let (user, job): (_, JobId) = (ada(&store).await, "a".parse().unwrap());
        let created = store.create_job(&user.id, &job, "shop.csv", ImportMode::Import);
        created.await.unwrap();
        store
            .note_activity(&["a", "b"], ActivityKind::Started.into())
            .await
            .unwrap();
        let found = store.find_job(&user.jobs(), &job).await.unwrap().unwrap();
        let doomed = user.changeable_jobs().unwrap().admit(found).unwrap();
        store.delete_job(&doomed).await.unwrap();
        assert!(kinds(&store, &job).await.is_empty());
        let other = "b".parse().unwrap();
        assert_eq!(kinds(&store, &other).await.len(), 1);
        assert_eq!(store.remove_activity(now() + 1).await.unwrap(), 1);
        assert!(kinds(&store, &other).await.is_empty());
    }
}
