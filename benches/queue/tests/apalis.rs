//! What apalis 1.0 does, on both databases. Test names say what is observed; docs/scale.md has the requirements.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use queue_engines::{DEAD_AFTER, Engine, Postgres, Run, Runs, Setup, Sqlite, admin, import, until};

/// Required: two at once per user. Observed: the first user takes all slots.
async fn a_user_takes_all_slots_while_another_waits<E: Engine>() {
    let engine = E::fresh().await;
    for number in 0..4 {
        engine.push("imports", import("ada", number)).await;
    }
    // Jobs are ordered by the second of their arrival.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    engine.push("imports", import("eve", 0)).await;
    let runs = Runs::default();
    let worker = engine.work("one", "imports", Setup::slots(4), runs.run());
    until("four run", || async {
        runs.of("ada") + runs.of("eve") == 4
    })
    .await;
    assert_eq!((runs.of("ada"), runs.of("eve")), (4, 0));
    worker.abort();
}

/// A queue per user limits a user's runs per worker, not over all workers.
async fn with_a_queue_for_each_user_the_limit_is_one_of_each_worker<E: Engine>() {
    let engine = E::fresh().await;
    for number in 0..6 {
        engine.push("ada", import("ada", number)).await;
    }
    let runs = Runs::default();
    let one = engine.work("one", "ada", Setup::slots(2), runs.run());
    let other = engine.work("other", "ada", Setup::slots(2), runs.run());
    until("more than two run", || async { runs.of("ada") == 4 }).await;
    one.abort();
    other.abort();
}

/// An import that its worker rejects, because two of its user run, is claimed repeatedly and given up after 25
/// attempts.
async fn what_is_refused_above_the_limit_is_tried_at_once_again_and_then_lost<E: Engine>() {
    let engine = E::fresh().await;
    let (runs, refused) = (Runs::default(), Arc::new(AtomicUsize::new(0)));
    let run: Run = {
        let (runs, refused) = (runs.clone(), refused.clone());
        Arc::new(move |import: queue_engines::Import| {
            if runs.of(&import.owner) >= 2 {
                refused.fetch_add(1, Ordering::SeqCst);
                return Box::pin(async { Err("later".into()) });
            }
            runs.run()(import)
        })
    };
    for number in 0..2 {
        engine.push("imports", import("ada", number)).await;
    }
    let worker = engine.work("one", "imports", Setup::slots(3), run);
    until("two run", || async { runs.of("ada") == 2 }).await;
    for number in 2..12 {
        engine.push("imports", import("ada", number)).await;
    }
    let took = until("ten are given up", || async {
        engine
            .jobs("status = 'Failed' AND attempts >= max_attempts")
            .await
            == 10
    })
    .await;
    let refused = refused.load(Ordering::SeqCst);
    println!("ten waiting imports were claimed {refused} times within {took:?}, and then lost");
    assert_eq!(runs.begun(), 2, "the others never began");
    assert!(refused >= 10 * 25);
    worker.abort();
}

/// Admission before the engine that counts admitted imports: one that cannot run, because nobody serves its directory,
/// blocks its user's other imports although a worker is idle.
async fn what_is_let_in_and_waits_for_its_directory_reserves_its_user_s_places<E: Engine>() {
    let engine = E::fresh().await;
    let let_in = async |queue: &str, number: usize| {
        let unfinished = "status IN ('Pending', 'Queued', 'Running')";
        if engine.jobs(unfinished).await < 2 {
            engine.push(queue, import("ada", number)).await;
            return true;
        }
        false
    };
    let runs = Runs::default();
    let worker = engine.work("one", "here", Setup::slots(4), runs.run());
    assert!(let_in("elsewhere", 0).await && let_in("elsewhere", 1).await);
    let began = Instant::now();
    until("more than a lease has passed", || async {
        began.elapsed() > DEAD_AFTER + Duration::from_secs(1)
    })
    .await;
    assert!(!let_in("here", 2).await, "they still count");
    assert_eq!(runs.begun(), 0, "nothing of hers runs");
    worker.abort();
}

/// Admission that counts running imports: everything that arrives before the engine claims is admitted and then runs.
async fn what_is_let_in_by_what_runs_runs_above_the_limit<E: Engine>() {
    let engine = E::fresh().await;
    for number in 0..4 {
        if engine.jobs("status = 'Running'").await < 2 {
            engine.push("imports", import("ada", number)).await;
        }
    }
    let runs = Runs::default();
    let worker = engine.work("one", "imports", Setup::slots(4), runs.run());
    until("four run", || async { runs.of("ada") == 4 }).await;
    worker.abort();
}

/// Observed: another worker continues a dead one's import at the committed position. If the dead one is alive after
/// all, its next commit is rejected: position and fence are ours.
async fn a_dead_worker_s_import_goes_on_at_its_position_and_its_old_run_commits_nothing<
    E: Engine,
>() {
    const DEATH_AT: i64 = 5;
    const BATCHES: i64 = 20;
    let engine = E::fresh().await;
    for sql in [
        "CREATE TABLE imports (id TEXT PRIMARY KEY, position BIGINT NOT NULL)",
        "INSERT INTO imports VALUES ('ada0', 0)",
    ] {
        engine.execute(sql).await;
    }
    let begun = Arc::new(Mutex::new(Vec::new()));
    let rejected = Arc::new(AtomicUsize::new(0));
    let run: Run = {
        let (engine, begun, rejected) = (engine.clone(), begun.clone(), rejected.clone());
        Arc::new(move |_| {
            let (engine, begun, rejected) = (engine.clone(), begun.clone(), rejected.clone());
            Box::pin(async move {
                let position = async || engine.number("SELECT position FROM imports").await;
                let from = position().await;
                let is_first = {
                    let mut begun = begun.lock().unwrap();
                    begun.push(from);
                    begun.len() == 1
                };
                for at in from..BATCHES {
                    // The first is cut off here, and returns once the other has continued.
                    while is_first && at == DEATH_AT && position().await < BATCHES {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    let next = at + 1;
                    let sql = format!("UPDATE imports SET position = {next} WHERE position = {at}");
                    if engine.execute(&sql).await == 0 {
                        rejected.fetch_add(1, Ordering::SeqCst);
                        break;
                    }
                }
                Ok(())
            })
        })
    };
    engine.push("imports", import("ada", 0)).await;
    let outlives = Setup {
        outlives: true,
        ..Setup::slots(1)
    };
    let one = engine.work("one", "imports", outlives, run.clone());
    until("it is marked as running and has begun", || async {
        engine.number("SELECT position FROM imports").await == DEATH_AT
            && engine.jobs("status = 'Running'").await == 1
    })
    .await;
    one.abort();
    let other = engine.work("other", "imports", outlives, run);
    let took = until("it is taken over", || async {
        begun.lock().unwrap().len() == 2
    })
    .await;
    println!("taken over {took:?} after the death, with a lease of {DEAD_AFTER:?}");
    until("it is over", || async {
        engine.jobs("status = 'Done'").await == 1 && rejected.load(Ordering::SeqCst) == 1
    })
    .await;
    assert_eq!(*begun.lock().unwrap(), [0, DEATH_AT]);
    let position = engine.number("SELECT position FROM imports").await;
    assert_eq!(position, BATCHES);
    other.abort();
}

/// A worker that has claimed more than its slots sends no heartbeats: its running import runs twice.
async fn a_living_worker_with_more_than_it_can_run_is_taken_for_dead<E: Engine>() {
    let engine = E::fresh().await;
    for number in 0..3 {
        engine.push("imports", import("ada", number)).await;
    }
    let runs = Runs::default();
    let batch = Setup {
        batch: 10,
        ..Setup::slots(1)
    };
    let one = engine.work("one", "imports", batch, runs.run());
    until("one runs", || async { runs.of("ada") == 1 }).await;
    let other = engine.work("other", "imports", Setup::slots(3), runs.run());
    until("all are run beside it", || async { runs.of("ada") == 4 }).await;
    assert!(!one.is_finished() && runs.of("ada0") == 2);
    one.abort();
    other.abort();
}

/// With batches of one it keeps its import as long as necessary.
async fn a_full_worker_that_claims_one_by_one_keeps_its_import<E: Engine>() {
    let engine = E::fresh().await;
    for number in 0..2 {
        engine.push("imports", import("ada", number)).await;
    }
    let runs = Runs::default();
    let one = engine.work("one", "imports", Setup::slots(1), runs.run());
    until("one runs", || async { runs.of("ada") == 1 }).await;
    let other = engine.work("other", "imports", Setup::slots(3), runs.run());
    until("both run", || async { runs.of("ada") == 2 }).await;
    let began = Instant::now();
    until("more than two leases have passed", || async {
        began.elapsed() > DEAD_AFTER * 2 + Duration::from_secs(1)
    })
    .await;
    assert_eq!(runs.begun(), 2);
    one.abort();
    other.abort();
}

/// An import that another process marks as killed runs to its end and is then marked as done.
async fn what_is_marked_as_killed_runs_on<E: Engine>() {
    let engine = E::fresh().await;
    engine.push("imports", import("ada", 0)).await;
    let runs = Runs::default();
    let worker = engine.work("one", "imports", Setup::slots(1), runs.run());
    until("it is marked as running", || async {
        engine.jobs("status = 'Running'").await == 1
    })
    .await;
    let sql = format!("UPDATE {} SET status = 'Killed'", E::JOBS);
    assert_eq!(engine.execute(&sql).await, 1);
    let began = Instant::now();
    until("more than a lease has passed", || async {
        began.elapsed() > DEAD_AFTER + Duration::from_secs(1)
    })
    .await;
    assert_eq!(runs.of("ada"), 1, "it runs on");
    runs.end_one();
    until("it is called done", || async {
        engine.jobs("status = 'Done'").await == 1
    })
    .await;
    worker.abort();
}

/// A unit of work that may run once at a time, like runs of a source, can have a key, but never again after it has
/// ended. The second one is an error on PostgreSQL, and ignored on SQLite.
async fn a_key_is_taken_for_good<E: Engine>() {
    let engine = E::fresh().await;
    assert!(engine.push_once("runs", "source", import("ada", 0)).await);
    let runs = Runs::default();
    let worker = engine.work("one", "runs", Setup::slots(1), runs.run());
    until("it runs", || async { runs.of("ada") == 1 }).await;
    runs.end_one();
    until("it is over", || async {
        engine.jobs("status = 'Done'").await == 1
    })
    .await;
    let accepted = engine.push_once("runs", "source", import("ada", 1)).await;
    assert_eq!(accepted, E::JOBS == Sqlite::JOBS);
    assert_eq!(engine.jobs("TRUE").await, 1);
    worker.abort();
}

macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name::<super::Sqlite>().await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name::<super::Postgres>().await; })*
        }
    };
}

on_both! {
    a_user_takes_all_slots_while_another_waits
    with_a_queue_for_each_user_the_limit_is_one_of_each_worker
    what_is_refused_above_the_limit_is_tried_at_once_again_and_then_lost
    what_is_let_in_and_waits_for_its_directory_reserves_its_user_s_places
    what_is_let_in_by_what_runs_runs_above_the_limit
    a_dead_worker_s_import_goes_on_at_its_position_and_its_old_run_commits_nothing
    a_living_worker_with_more_than_it_can_run_is_taken_for_dead
    a_full_worker_that_claims_one_by_one_keeps_its_import
    what_is_marked_as_killed_runs_on
    a_key_is_taken_for_good
}

/// Its own set-up turns off syncing, which breaks the promise of durability; its migrations alone do not.
#[tokio::test]
async fn on_sqlite_its_setup_switches_syncing_to_disk_off() {
    let pool = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    let synchronous = async || -> i64 {
        let query = sqlx::query_scalar("PRAGMA synchronous");
        query.fetch_one(&pool).await.unwrap()
    };
    assert_eq!(synchronous().await, 2, "FULL");
    apalis_sqlite::SqliteStorage::setup(&pool).await.unwrap();
    assert_eq!(synchronous().await, 0, "OFF");
}

/// A database locked for longer than the busy timeout ends the worker and drops its runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_file_that_is_locked_for_a_moment_ends_the_worker_and_its_imports() {
    let engine = Sqlite::fresh().await;
    engine.push("imports", import("ada", 0)).await;
    let runs = Runs::default();
    let worker = engine.work("one", "imports", Setup::slots(1), runs.run());
    until("it is marked as running", || async {
        engine.jobs("status = 'Running'").await == 1
    })
    .await;
    let mut lock = engine.pool.acquire().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let took = until("the worker is gone", || async { worker.is_finished() }).await;
    sqlx::query("ROLLBACK").execute(&mut *lock).await.unwrap();
    println!(
        "gone {took:?} after the lock: {}",
        worker.await.unwrap().unwrap_err()
    );
    assert_eq!(
        (runs.begun(), runs.of("ada")),
        (1, 0),
        "its import was dropped"
    );
    assert_eq!(engine.jobs("status = 'Running'").await, 1, "nobody knows");
}

/// The same for an unreachable PostgreSQL database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_away_for_a_moment_ends_the_worker_and_its_imports() {
    let engine = Postgres::fresh().await;
    engine.push("imports", import("ada", 0)).await;
    let runs = Runs::default();
    let worker = engine.work("one", "imports", Setup::slots(1), runs.run());
    until("it is marked as running", || async {
        engine.jobs("status = 'Running'").await == 1
    })
    .await;
    let (admin, name) = (admin().await, &engine.name);
    let allow = async |allowed: bool| {
        let sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
        let sql = sqlx::AssertSqlSafe(sql);
        sqlx::query(sql).execute(&admin).await.unwrap();
    };
    allow(false).await;
    sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
        .bind(name)
        .execute(&admin)
        .await
        .unwrap();
    let took = until("the worker is gone", || async { worker.is_finished() }).await;
    allow(true).await;
    println!(
        "gone {took:?} after the loss: {}",
        worker.await.unwrap().unwrap_err()
    );
    assert_eq!(
        (runs.begun(), runs.of("ada")),
        (1, 0),
        "its import was dropped"
    );
    assert_eq!(engine.jobs("status = 'Running'").await, 1, "nobody knows");
}

/// A worker restarted under its name keeps the lease of what it no longer runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_a_worker_that_starts_again_under_its_name_leaves_its_import_for_good() {
    let engine = Postgres::fresh().await;
    engine.push("imports", import("ada", 0)).await;
    let runs = Runs::default();
    let worker = engine.work("one", "imports", Setup::slots(1), runs.run());
    until("it is marked as running", || async {
        engine.jobs("status = 'Running'").await == 1
    })
    .await;
    worker.abort();
    let again = engine.work("one", "imports", Setup::slots(1), runs.run());
    let other = engine.work("other", "imports", Setup::slots(1), runs.run());
    let began = Instant::now();
    until("four leases have passed", || async {
        began.elapsed() > DEAD_AFTER * 4
    })
    .await;
    assert!(!again.is_finished() && !other.is_finished());
    assert_eq!((runs.begun(), runs.of("ada")), (1, 0), "nobody runs it");
    assert_eq!(engine.jobs("status = 'Running'").await, 1);
    again.abort();
    other.abort();
}

/// Counts the transactions of two idle workers, with 2,000 jobs of a queue that they do not serve: the number in the
/// test of our own queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_two_idle_workers_cost_their_polls_and_heartbeats() {
    const SECONDS: u64 = 10;
    let engine = Postgres::fresh().await;
    for number in 0..2_000 {
        engine.push("elsewhere", import("ada", number)).await;
    }
    let runs = Runs::default();
    let one = engine.work("one", "imports", Setup::slots(3), runs.run());
    let other = engine.work("other", "imports", Setup::slots(3), runs.run());
    let admin = admin().await;
    let count = async || -> i64 {
        let sql = "SELECT xact_commit FROM pg_stat_database WHERE datname = $1";
        let count = sqlx::query_scalar(sql).bind(&engine.name);
        count.fetch_one(&admin).await.unwrap()
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = count().await;
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    let spent = count().await - before;
    println!("{spent} transactions of two idle workers in {SECONDS} s, asking ten times a second");
    assert!(spent > 0 && spent < 30 * 2 * SECONDS as i64);
    one.abort();
    other.abort();
}
