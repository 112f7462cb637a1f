//! Recorded imports in a database.

use super::*;
use crate::{
    model::role::Role,
    server::store::{test_database::TestDatabase, users::NewUser},
};

const DAY: UnixMillis = 86_400_000;

async fn names(store: &Store, scope: &JobScope, filter: ImportsFilter) -> Vec<String> {
    let page = store.find_imports(scope, &filter, 1).await.unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    page.items.into_iter().map(|job| job.filename).collect()
}

/// Records an import created on a day, with a duration.
async fn record(store: &Store, user: &UserId, name: &str, day: i64, took: Option<i64>) {
    let id: JobId = format!("job-{day}").parse().unwrap();
    store
        .create_job(user, &id, name, ImportMode::Import)
        .await
        .unwrap();
    let created_at = day * DAY + 1_000;
    let status = match took {
        Some(_) => ImportStatus::Success,
        None => ImportStatus::Pending,
    };
    row::Entity::update_many()
        .col_expr(row::Column::CreatedAt, Expr::value(created_at))
        .col_expr(row::Column::Status, Expr::value(status.as_str()))
        .col_expr(
            row::Column::CompletedAt,
            Expr::value(took.map(|took| created_at + took)),
        )
        .filter(row::Column::Id.eq(id.as_str()))
        .exec(&store.db)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_filter_leaves_what_it_says_and_an_order_holds() {
    let (_database, store) = TestDatabase::opened().await;
    let mut users = Vec::new();
    for email in ["ada@example.com", "eve@example.com"] {
        let user = NewUser {
            email,
            name: "Somebody",
            role: Role::Staff,
            password_hash: "-".to_owned().into(),
        };
        users.push(store.create_user(user).await.unwrap().unwrap());
    }
    let (ada, eve) = (&users[0], &users[1]);
    record(&store, &ada.id, "Spring_1.csv", 1, Some(9_000)).await;
    record(&store, &ada.id, "summer 50%.csv", 2, None).await;
    record(&store, &ada.id, "zÄrmel.xlsx", 3, Some(1_000)).await;
    record(&store, &eve.id, "spring of Eve.csv", 4, Some(1)).await;
    let scope = ada.jobs();
    let all = ImportsFilter::default();

    let newest_first = ["zÄrmel.xlsx", "summer 50%.csv", "Spring_1.csv"];
    assert_eq!(names(&store, &scope, all.clone()).await, newest_first);
    for (search, found) in [
        ("SPRING", vec!["Spring_1.csv"]),
        ("g_1", vec!["Spring_1.csv"]),
        ("r_5", vec![]),
        ("0%", vec!["summer 50%.csv"]),
        ("Ärm", vec!["zÄrmel.xlsx"]),
        (" csv ", vec!["summer 50%.csv", "Spring_1.csv"]),
    ] {
        let filter = ImportsFilter {
            search: search.to_owned(),
            ..all.clone()
        };
        assert_eq!(names(&store, &scope, filter).await, found, "{search}");
    }
    let running = ImportsFilter {
        status: Some(ImportStatus::Pending),
        ..all.clone()
    };
    assert_eq!(names(&store, &scope, running).await, ["summer 50%.csv"]);
    let second_day = ImportsFilter {
        since: "1970-01-03".parse().ok(),
        until: "1970-01-03".parse().ok(),
        ..all.clone()
    };
    assert_eq!(names(&store, &scope, second_day).await, ["summer 50%.csv"]);
    let checks = ImportsFilter {
        kind: Some(ImportMode::Check),
        ..all.clone()
    };
    assert!(names(&store, &scope, checks).await.is_empty());
    let of_eve = ImportsFilter {
        by: eve.id.as_str().to_owned(),
        ..all.clone()
    };
    assert!(names(&store, &scope, of_eve.clone()).await.is_empty());
    let everybody = NewUser {
        email: "observer@example.com",
        name: "Observer",
        role: Role::Observer,
        password_hash: "-".to_owned().into(),
    };
    let everybody = store.create_user(everybody).await.unwrap().unwrap().jobs();
    assert_eq!(
        names(&store, &everybody, of_eve).await,
        ["spring of Eve.csv"]
    );
    let counts = store.count_by_status(&scope).await.unwrap();
    let counted: u64 = counts.iter().map(|(_, count)| count).sum();
    assert_eq!(counted, 3);
    assert!(counts.contains(&(ImportStatus::Pending, 1)));
    // A user who sees only their own imports needs no names.
    assert!(store.starters(&scope).await.unwrap().is_empty());
    let starters = store.starters(&everybody).await.unwrap();
    assert_eq!(starters.len(), 2, "who started none is not among them");
    let job: JobId = "job-4".parse().unwrap();
    let named = store
        .started_by(&everybody, std::slice::from_ref(&job))
        .await
        .unwrap();
    assert_eq!(named, [(job, "Somebody".to_owned())]);
    for (sort, first) in [
        ("created", "Spring_1.csv"),
        ("-created", "zÄrmel.xlsx"),
        ("file", "Spring_1.csv"),
        ("status", "summer 50%.csv"),
        ("duration", "zÄrmel.xlsx"),
        // Has been running for long.
        ("-duration", "summer 50%.csv"),
    ] {
        let filter = ImportsFilter {
            sort: sort.parse().unwrap(),
            ..all.clone()
        };
        assert_eq!(names(&store, &scope, filter).await[0], first, "{sort}");
    }
    let page = store.find_imports(&scope, &all, 7).await.unwrap();
    assert_eq!((page.page, page.pages, page.total), (1, 1, 3));
}

async fn user(store: &Store, email: &str) -> crate::server::identity::user::User {
    let new = NewUser {
        email,
        name: email,
        role: Role::Staff,
        password_hash: String::new().into(),
    };
    store.create_user(new).await.unwrap().unwrap()
}

#[tokio::test]
async fn who_handed_a_file_in_has_its_job_whoever_took_it_up_first() {
    let (_database, store) = TestDatabase::opened().await;
    let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
    let job: JobId = "7".parse().unwrap();
    let nobody = JobOwner::Staff;
    let adopt = async |user: &UserId| {
        let adopted = store.adopt_job(user, &nobody, &job, "import 7").await;
        adopted.unwrap().is_some()
    };
    assert!(adopt(&eve.id).await);
    assert!(!adopt(&ada.id).await);
    // Without a known owner, the first visitor does not lock others out.
    let may_change = async |user: &crate::server::identity::user::User| {
        let found = store.find_job(&user.jobs(), &job).await.unwrap()?;
        user.changeable_jobs().unwrap().admit(found)
    };
    assert!(may_change(&eve).await.is_some() && may_change(&ada).await.is_some());
    let started = store.jobs_started_since(0, 10).await.unwrap();
    assert_eq!(started[0].0, JobOwner::Staff);
    let created = store
        .create_job(&ada.id, &job, "a.csv", ImportMode::Import)
        .await
        .unwrap();
    assert!(matches!(created, Created::TakenBack(_, before) if before == eve.id));
    assert!(store.find_job(&eve.jobs(), &job).await.unwrap().is_none());
    let found = store.find_job(&ada.jobs(), &job).await.unwrap().unwrap();
    assert_eq!(found.filename, "a.csv");
    // A repeated adoption does not take a job from its uploader.
    let created = store
        .create_job(&ada.id, &job, "a.csv", ImportMode::Import)
        .await
        .unwrap();
    assert!(matches!(created, Created::Before));
    assert!(
        store
            .create_job(&eve.id, &job, "b.csv", ImportMode::Import)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_job_whose_owner_is_known_is_theirs_whoever_asks_first() {
    let (_database, store) = TestDatabase::opened().await;
    let (ada, eve) = (
        user(&store, "ada@example.com").await,
        user(&store, "eve").await,
    );
    let found = async |owner: &str| store.owner_named(owner).await.unwrap();
    for name in [ada.id.as_str(), "Ada@example.com "] {
        assert_eq!(found(name).await, JobOwner::User(ada.id.clone()), "{name}");
    }
    for name in ["", "nobody", "42"] {
        assert_eq!(found(name).await, JobOwner::Staff, "{name}");
    }
    let (job, owner) = ("8".parse().unwrap(), found("ada@example.com").await);
    let adopted = store.adopt_job(&eve.id, &owner, &job, "import 8").await;
    assert!(adopted.unwrap().is_some());
    assert!(store.find_job(&eve.jobs(), &job).await.unwrap().is_none());
    assert!(store.find_job(&ada.jobs(), &job).await.unwrap().is_some());
    // The late answer of the upload has the file name.
    let created = store
        .create_job(&ada.id, &job, "a.csv", ImportMode::Import)
        .await
        .unwrap();
    assert!(matches!(created, Created::Before));
    let found = store.find_job(&ada.jobs(), &job).await.unwrap().unwrap();
    assert_eq!(found.filename, "a.csv");
}

#[tokio::test]
async fn what_ended_long_ago_is_deleted_and_at_last_forgotten() {
    let (_database, store) = TestDatabase::opened().await;
    let ada = user(&store, "ada").await;
    let [runs, over]: [JobId; 2] = ["1", "2"].map(|id| id.parse().unwrap());
    for job in [&runs, &over] {
        store
            .create_job(&ada.id, job, "a.csv", ImportMode::Import)
            .await
            .unwrap();
    }
    row::Entity::update_many()
        .col_expr(row::Column::Status, Expr::value("SUCCESS"))
        .col_expr(row::Column::CompletedAt, Expr::value(7_i64))
        .filter(row::Column::Id.eq(over.as_str()))
        .exec(&store.db)
        .await
        .unwrap();
    assert_eq!(store.remove_ended_jobs(7).await.unwrap(), 0);
    assert_eq!(store.remove_ended_jobs(8).await.unwrap(), 1);
    assert_eq!(store.remove_ended_jobs(now()).await.unwrap(), 0);
    assert!(store.find_job(&ada.jobs(), &runs).await.unwrap().is_some());
    assert!(store.find_job(&ada.jobs(), &over).await.unwrap().is_none());
    assert!(store.knows_job(&over).await.unwrap());
    assert_eq!(store.forget_deleted_jobs(0).await.unwrap(), 0);
    assert_eq!(store.forget_deleted_jobs(now() + 1).await.unwrap(), 1);
    assert!(!store.knows_job(&over).await.unwrap());
}

#[tokio::test]
async fn what_was_deleted_stays_known() {
    let (_database, store) = TestDatabase::opened().await;
    let ada = user(&store, "ada").await;
    let job: JobId = "7".parse().unwrap();
    assert!(!store.knows_job(&job).await.unwrap());
    store
        .create_job(&ada.id, &job, "a.csv", ImportMode::Import)
        .await
        .unwrap();
    let found = store.find_job(&ada.jobs(), &job).await.unwrap().unwrap();
    let found = ada.changeable_jobs().unwrap().admit(found).unwrap();
    store.delete_job(&found).await.unwrap();
    store.delete_job(&found).await.unwrap();
    assert!(store.find_job(&ada.jobs(), &job).await.unwrap().is_none());
    assert!(store.knows_job(&job).await.unwrap());
}
