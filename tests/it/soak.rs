//! Soak test: subscribers come and go, people search, imports queue, run, fail in part and are cancelled, processes are
//! killed.
//!
//! `make soak` runs it on the release, for `SOAK_MINUTES` (30) with `SOAK_VIEWERS` (2000). With `IMPORT_RELAY_BEFORE`,
//! a program of an earlier version, all processes start as that and are replaced one by one. Every wait has a timeout.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{task::JoinHandle, time::timeout};

use crate::support::{
    cluster::{Cluster, Figures, Member, Seen},
    process,
};

/// Processes that are never killed, to show leaks.
const STEADY: [Member; 2] = [Member::Relay(2), Member::Worker(1)];
/// Time for subscribers to see the last ends.
const FAREWELL: Duration = Duration::from_secs(120);
/// Maximum growth of an idle process.
const GROWTH: Figures = Figures {
    viewers: 0,
    resident_bytes: 8 << 20,
    open_files: 16,
    tasks: 16,
};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Good {
        rows: u64,
    },
    Flawed {
        rows: u64,
    },
    /// Cancelled, unless it ends before.
    Cancelled,
}

const FLAW: u64 = 50;

impl Kind {
    fn any() -> Self {
        let rows = fastrand::u64(500..15_000);
        match fastrand::u8(..10) {
            0 | 1 => Self::Cancelled,
            2..=4 => Self::Flawed { rows },
            _ => Self::Good { rows },
        }
    }

    fn file(self) -> String {
        let (rows, flaw) = match self {
            Self::Good { rows } => (rows, u64::MAX),
            Self::Flawed { rows } => (rows, FLAW),
            Self::Cancelled => (40_000, u64::MAX),
        };
        let mut file = "sku,name,price\n".to_owned();
        for row in 1..=rows {
            let price = if row % flaw == 0 { "none" } else { "9.90" };
            file.push_str(&format!("soak-{},Product {row},{price}\n", row % 20_000));
        }
        file
    }

    fn check(self, job: &str, end: &Value) {
        let count = |name: &str| end[name].as_u64().unwrap_or_default();
        let (processed, failed) = (count("processedProducts"), count("failedProducts"));
        let all = count("totalProducts");
        let is_right = match self {
            Self::Good { rows } => end["status"] == "SUCCESS" && (processed, failed) == (rows, 0),
            Self::Flawed { rows } => {
                let flawed = rows / FLAW;
                end["status"] == "PARTIAL_SUCCESS" && (processed, failed) == (rows - flawed, flawed)
            }
            Self::Cancelled => {
                end["status"] == "ERROR" || end["status"] == "SUCCESS" && processed == all
            }
        };
        assert!(is_right, "{job} {self:?}: {end}");
    }
}

/// All imports, newest last.
#[derive(Default)]
struct Jobs(Mutex<Vec<(String, Kind)>>);

impl Jobs {
    fn add(&self, job: String, kind: Kind) {
        self.0.lock().unwrap().push((job, kind));
    }

    fn all(&self) -> Vec<(String, Kind)> {
        self.0.lock().unwrap().clone()
    }

    /// Returns a recent import, or sometimes an old one.
    fn any(&self) -> Option<(String, Kind)> {
        let jobs = self.0.lock().unwrap();
        let newest = jobs.len().saturating_sub(6);
        let from = if fastrand::u8(..) < 25 { 0 } else { newest };
        (!jobs.is_empty()).then(|| jobs[fastrand::usize(from..jobs.len())].clone())
    }
}

#[derive(Debug, Default)]
struct Done {
    visits: AtomicUsize,
    ends: AtomicUsize,
    cancels: AtomicUsize,
    kills: AtomicUsize,
    searches: AtomicUsize,
}

enum Trouble {
    None,
    /// Processes are replaced by the current program one by one.
    Update,
    /// Any of these is killed from time to time.
    Kill(Vec<Member>),
}

/// Occasional burst of uploads, more than the workers run.
const BURST: usize = 12;
const PAGES: [&str; 6] = [
    "/products",
    "/products?search=Product+199",
    "/products?search=nothing+like+it",
    "/imports",
    "/imports?status=failed",
    "/api/products?search=soak-1",
];
/// Maximum time of a page, with processes killed and everything on 2 cores.
const PAGE: Duration = Duration::from_secs(20);
const SEARCHERS: usize = 4;

struct Soak {
    cluster: Cluster,
    cookie: String,
    viewers: u64,
    jobs: Arc<Jobs>,
    done: Arc<Done>,
}

impl Soak {
    /// Runs for a time: subscribers, searches, imports, and disturbances.
    async fn live(&mut self, until: Instant, trouble: Trouble) {
        let over = Arc::new(AtomicBool::new(false));
        let mut people: Vec<_> = (0..self.viewers).map(|_| self.person(&over)).collect();
        people.extend((0..SEARCHERS).map(|_| self.searcher(&over)));
        let mut to_update = Member::ALL.into_iter();
        let mut next_trouble = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let imports = if fastrand::u8(..) < 8 { BURST } else { 1 };
            for _ in 0..imports {
                self.import().await;
            }
            tokio::time::sleep(Duration::from_millis(fastrand::u64(1_000..5_000))).await;
            if Instant::now() < next_trouble {
                continue;
            }
            match &trouble {
                Trouble::None => {}
                Trouble::Update => {
                    if let Some(member) = to_update.next() {
                        self.cluster.replace(member).await;
                    }
                }
                Trouble::Kill(mortal) => {
                    let member = mortal[fastrand::usize(..mortal.len())];
                    self.cluster.kill(member).await;
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(..2_000))).await;
                    self.cluster.restart(member).await;
                    self.done.kills.fetch_add(1, Ordering::Relaxed);
                }
            }
            next_trouble = Instant::now() + Duration::from_secs(fastrand::u64(10..40));
        }
        if matches!(trouble, Trouble::Update) {
            for member in to_update {
                self.cluster.replace(member).await;
            }
        }
        over.store(true, Ordering::Relaxed);
        let farewell = async {
            for person in people {
                person.await.expect("no viewer saw anything wrong");
            }
        };
        timeout(FAREWELL, farewell).await.expect("viewers go home");
        for (job, kind) in self.jobs.all() {
            let recorded = self.cluster.until_over(&self.cookie, &job).await;
            kind.check(&job, &recorded);
        }
    }

    /// Uploads a file; rejected while its relay or worker is down.
    async fn import(&self) {
        let kind = Kind::any();
        let file = kind.file();
        let Some(job) = self
            .cluster
            .try_import(&self.cookie, "soak.csv", &file)
            .await
        else {
            return;
        };
        self.jobs.add(job.clone(), kind);
        if matches!(kind, Kind::Cancelled) {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..1_500))).await;
            let cancelled = self.cluster.cancel(&self.cookie, &job).await;
            self.done
                .cancels
                .fetch_add(usize::from(cancelled), Ordering::Relaxed);
        }
    }

    fn person(&self, over: &Arc<AtomicBool>) -> JoinHandle<()> {
        let watching = self.cluster.watcher(&self.cookie);
        let (jobs, done, over) = (self.jobs.clone(), self.done.clone(), over.clone());
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(..3_000))).await;
                let Some((job, kind)) = jobs.any() else {
                    continue;
                };
                let patience = Duration::from_millis(fastrand::u64(500..20_000));
                let seen = watching.visit(&job, patience).await;
                done.visits.fetch_add(1, Ordering::Relaxed);
                if let Seen::End(end) = seen {
                    kind.check(&job, &end);
                    done.ends.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    }

    /// Opens pages; answers of processes that are down are skipped.
    fn searcher(&self, over: &Arc<AtomicBool>) -> JoinHandle<()> {
        let (http, origin) = (self.cluster.http.clone(), self.cluster.origin.clone());
        let (cookie, done, over) = (self.cookie.clone(), self.done.clone(), over.clone());
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(..4_000))).await;
                let page = PAGES[fastrand::usize(..PAGES.len())];
                let request = http
                    .get(format!("{origin}{page}"))
                    .header("cookie", &cookie);
                let answer = timeout(PAGE, request.send()).await;
                let Ok(answer) = answer.unwrap_or_else(|_| panic!("{page} takes over {PAGE:?}"))
                else {
                    continue;
                };
                if matches!(answer.status().as_u16(), 502..=504) {
                    continue;
                }
                assert_eq!(answer.status(), 200, "{page}");
                done.searches.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    async fn at_rest(&mut self) -> HashMap<Member, Figures> {
        let mut figures = HashMap::new();
        for member in STEADY {
            figures.insert(member, self.cluster.quiet_figures(member).await);
        }
        figures
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half an hour: make soak"]
async fn nothing_is_wrong_and_nothing_grows() {
    let minutes = setting("SOAK_MINUTES", 30);
    let viewers = setting("SOAK_VIEWERS", 2000);
    let longest = Duration::from_secs(60 * minutes + 20 * 60);
    let soaking = soak(minutes, viewers);
    timeout(longest, soaking).await.expect("it ends in time");
}

async fn soak(minutes: u64, viewers: u64) {
    let before = std::env::var_os("IMPORT_RELAY_BEFORE").map(PathBuf::from);
    let is_update = before.is_some();
    let mut cluster = Cluster::start_of(before.unwrap_or_else(process::binary)).await;
    cluster.program = process::binary();
    let cookie = cluster.create_owner(&cluster.http).await;
    let mut soak = Soak {
        cluster,
        cookie,
        viewers,
        jobs: Arc::default(),
        done: Arc::default(),
    };
    let length = Duration::from_secs(60 * minutes);
    if is_update {
        soak.live(Instant::now() + length / 8, Trouble::Update)
            .await;
        println!("updated under load: {:?}", soak.done);
    }
    // Pools, caches and the allocator are full before figures are compared.
    soak.live(Instant::now() + length / 4, Trouble::None).await;
    let before = soak.at_rest().await;
    println!("after the warm-up, at rest: {before:#?}");
    let mortal: Vec<_> = Member::ALL
        .into_iter()
        .filter(|member| !STEADY.contains(member))
        .collect();
    soak.live(Instant::now() + length * 3 / 4, Trouble::Kill(mortal))
        .await;
    let after = soak.at_rest().await;
    println!(
        "{minutes} min, {viewers} viewers at once: {} imports, {:?}\nat the end, at rest: {after:#?}",
        soak.jobs.all().len(),
        soak.done,
    );
    let done = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    assert!(done(&soak.done.kills) > 0 && done(&soak.done.cancels) > 0);
    assert!(done(&soak.done.searches) > 0);
    assert!(done(&soak.done.ends) > soak.jobs.all().len());
    for member in STEADY {
        let (before, after) = (before[&member], after[&member]);
        let all = format!("{member:?}: {before:?} {after:?}");
        assert!(after.viewers == 0, "{all}");
        assert!(
            after.resident_bytes <= before.resident_bytes + GROWTH.resident_bytes,
            "{all}"
        );
        assert!(
            after.open_files <= before.open_files + GROWTH.open_files,
            "{all}"
        );
        assert!(after.tasks <= before.tasks + GROWTH.tasks, "{all}");
    }
}
