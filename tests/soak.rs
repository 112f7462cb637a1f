//! Hours of a shop's life in some minutes: viewers come and go, imports run, processes die.
//!
//! `make soak` runs it on the release, for `SOAK_MINUTES` (30) with `SOAK_VIEWERS` (2000).
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may panic

#[path = "instances/cluster.rs"]
#[allow(dead_code)] // shared with the tests of several instances
mod cluster;
#[path = "ops/process.rs"]
#[allow(dead_code)] // shared with the tests of a single process
mod process;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

use self::cluster::{Cluster, Member, Seen};

/// The relay that is never killed: what grows, grows there.
const STEADY: Member = Member::Relay(2);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// The imports so far, the newest last.
#[derive(Default)]
struct Jobs(Mutex<Vec<String>>);

impl Jobs {
    /// One of the newest, or an old one now and again.
    fn any(&self) -> Option<String> {
        let jobs = self.0.lock().unwrap();
        let newest = jobs.len().saturating_sub(6);
        let from = if fastrand::u8(..) < 25 { 0 } else { newest };
        (!jobs.is_empty()).then(|| jobs[fastrand::usize(from..jobs.len())].clone())
    }
}

fn file(rows: usize, name: &str) -> String {
    let mut file = "sku,name,price\n".to_owned();
    for row in 0..rows {
        file.push_str(&format!("{name}-{},Product {row},9.90\n", row % 20_000));
    }
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half an hour: make soak"]
async fn nothing_is_wrong_and_nothing_grows() {
    let minutes = setting("SOAK_MINUTES", 30);
    let viewers = setting("SOAK_VIEWERS", 2000);
    let deadline = Instant::now() + Duration::from_secs(60 * minutes);
    let mut cluster = Cluster::start().await;
    let cookie = process::create_owner(&cluster.http, &cluster.origin).await;
    let (jobs, over) = (Arc::<Jobs>::default(), Arc::new(AtomicBool::new(false)));
    let (ends, visits) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());

    let mut people = Vec::new();
    for _ in 0..viewers {
        let watching = cluster.watcher(&cookie);
        let (jobs, over) = (Arc::clone(&jobs), Arc::clone(&over));
        let (ends, visits) = (Arc::clone(&ends), Arc::clone(&visits));
        people.push(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(..3_000))).await;
                let Some(job) = jobs.any() else { continue };
                let patience = Duration::from_millis(fastrand::u64(500..20_000));
                let seen = watching.visit(&job, patience).await;
                visits.fetch_add(1, Ordering::Relaxed);
                if let Seen::End(state) = seen {
                    assert_eq!(state["status"], "SUCCESS", "{job}: {state}");
                    let rows = state["totalProducts"].as_u64().unwrap();
                    assert_eq!(state["processedProducts"], rows, "{job}: {state}");
                    ends.fetch_add(1, Ordering::Relaxed);
                }
            }
        }));
    }

    let (mut kills, mut early) = (0, None);
    let mut next_kill = Instant::now() + Duration::from_secs(30);
    let mut started = 0;
    while Instant::now() < deadline {
        let rows = fastrand::usize(500..15_000);
        let name = format!("soak{started}.csv");
        let text = file(rows, "soak");
        // Refused while the relay or the worker it comes to has just died.
        if let Some(job) = cluster.try_import(&cookie, &name, &text).await {
            jobs.0.lock().unwrap().push(job);
            started += 1;
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(1_000..5_000))).await;
        if Instant::now() >= next_kill {
            let mortal: Vec<_> = Member::ALL.into_iter().filter(|it| *it != STEADY).collect();
            let member = mortal[fastrand::usize(..mortal.len())];
            cluster.kill(member).await;
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..2_000))).await;
            cluster.restart(member).await;
            kills += 1;
            next_kill = Instant::now() + Duration::from_secs(fastrand::u64(10..40));
        }
        // Once everything has been warm for a third of the time.
        let left = deadline.saturating_duration_since(Instant::now());
        if early.is_none() && left < Duration::from_secs(40 * minutes) {
            early = Some(cluster.figures(STEADY).await);
        }
    }
    over.store(true, Ordering::Relaxed);
    for person in people {
        person.await.expect("no viewer saw anything wrong");
    }

    let all = jobs.0.lock().unwrap().clone();
    for job in &all {
        let recorded: Value = cluster.until_over(&cookie, job).await;
        assert_eq!(recorded["status"], "SUCCESS", "{recorded}");
        assert_eq!(
            recorded["processedProducts"], recorded["totalProducts"],
            "{recorded}"
        );
    }
    let busy = early.expect("it ran long enough");
    let quiet = cluster.quiet_figures(STEADY).await;
    println!(
        "{minutes} min, {viewers} viewers at once: {} imports, {} visits, {} ends seen, {kills} kills\n\
         after a third, busy: {busy:?}\nat the end, quiet: {quiet:?}",
        all.len(),
        visits.load(Ordering::Relaxed),
        ends.load(Ordering::Relaxed),
    );
    assert!(kills > 0 && ends.load(Ordering::Relaxed) > all.len());
    // Less than with all its viewers, after twice as long and without them.
    assert!(
        quiet.resident_bytes < busy.resident_bytes + (8 << 20),
        "{quiet:?} {busy:?}"
    );
    assert!(quiet.open_files < 100, "{quiet:?}");
    assert!(quiet.tasks < 100, "{quiet:?}");
}
