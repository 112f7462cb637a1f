//! Runs of sources, with a supplier's server on loopback and a clock set by the test.

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use test_support::feed_server::FeedServer;
use tokio::{net::TcpListener, sync::Semaphore, time::Instant};

use super::*;
use crate::{
    model::{
        error::ApiError,
        import_extras::FileMapping,
        import_options::{Instructions, LimitAction},
        job::{ImportMode, ImportStatus, JobId},
        role::Role,
        source::{
            LoginChange, RunCause, RunOutcome, RunProblem, Schedule, Source, SourceKind, SourceRun,
            WantedSource,
        },
        webhook::ImportEvent,
    },
    server::{
        config::{MonitorEndpoint, RemoteHosts, SocketProtocol},
        identity::{
            client_address::ClientAddress,
            credential::{Credential, SessionId},
            principal::Principal,
            user::User,
        },
        imports,
        price_monitor::{self, PriceMonitorOptions},
        relay::Relay,
        store::{
            import_events::About, test_database::TestDatabase, users::NewUser, webhooks::NewRow,
        },
        telemetry::Metrics,
    },
};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const FILE: &str = "sku,name,price\na,A,1.00\nb,B,2.00\nc,C,oops\n";
const OTHER_FILE: &str = "sku,name,price\na,A,1.50\nb,B,2.00\n";
const DEADLINE: Duration = Duration::from_secs(30);

/// The app without pages, its price monitor, and a supplier.
struct Setup {
    sources: Sources,
    supplier: FeedServer,
    owner: Principal,
    time: Arc<AtomicI64>,
    shutdown: CancellationToken,
    _database: TestDatabase,
    _directory: tempfile::TempDir,
}

impl Drop for Setup {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Setup {
    async fn new() -> Self {
        Self::allowing("localhost").await
    }

    async fn allowing(hosts: &str) -> Self {
        let supplier = FeedServer::start(FILE).await;
        let (database, store) = TestDatabase::opened().await;
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().to_str().unwrap().to_owned();
        let config = Config::read(|name| match name {
            "DATA_DIR" => Some(data.clone()),
            "ENCRYPTION_KEY" => Some("a key".to_owned()),
            "RELAY_UNWATCHED_INTERVAL" => Some("1s".to_owned()),
            _ => None,
        });
        let config = config.unwrap();
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let space = Space::new(directory.path(), config.space);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let options = PriceMonitorOptions {
            api_key: "key".to_owned().into(),
            uploads_dir: directory.path().join("uploads"),
            max_upload: config.imports.max_upload,
            metrics: Metrics::default(),
            imports_per_user: config.imports.per_user,
            rows_per_second: None,
            queued_per_user: config.imports.queued_per_user,
            space: space.clone(),
            retention: config.retention,
            safety: config.safety,
        };
        let serving = price_monitor::serve(listener, store.clone(), options, shutdown.clone());
        tasks.spawn(async move { serving.await.unwrap() });
        let endpoint = MonitorEndpoint {
            url: format!("http://{address}").parse().unwrap(),
            protocol: SocketProtocol::SocketIo,
            api_key: "key".to_owned().into(),
        };
        let records = imports::records(&store, &config);
        let metrics = Metrics::default();
        let relay = Relay::start(
            &config,
            endpoint,
            records,
            metrics.clone(),
            &tasks,
            &shutdown,
        )
        .unwrap();
        let user = NewUser {
            email: "ada@example.com",
            name: "Ada",
            role: Role::Owner,
            password_hash: String::new().into(),
        };
        let user = store.create_user(user).await.unwrap().unwrap();
        let time = Arc::new(AtomicI64::new(store.shared_clock().await.unwrap()));
        let imports = Imports::new(store.clone(), relay);
        let hosts = RemoteHosts::parse(hosts).unwrap();
        let files = RemoteFiles::trusting(hosts, supplier.authority.as_bytes());
        let mut sources = Sources::new(&config, imports, files, space, &store, &metrics).unwrap();
        sources.process = Process::new(store, Clock::Set(Arc::clone(&time)));
        Self {
            sources,
            supplier,
            owner: principal(user),
            time,
            shutdown,
            _database: database,
            _directory: directory,
        }
    }

    fn now(&self) -> i64 {
        self.time.load(Ordering::SeqCst)
    }

    fn pass(&self, millis: i64) {
        self.time.fetch_add(millis, Ordering::SeqCst);
    }

    async fn pass_to_next(&self, source: &str) {
        let due = self.source(source).await.due_at.unwrap();
        assert!(due > self.now());
        self.time.store(due, Ordering::SeqCst);
    }

    fn wanted(&self, path: &str) -> WantedSource {
        WantedSource {
            name: "Supplier".to_owned(),
            kind: SourceKind::Address,
            address: self.supplier.url(path),
            login: LoginChange::None,
            what: Instructions::default(),
            schedule: Some(Schedule {
                cron: "0 * * * *".to_owned(),
                time_zone: "Europe/Berlin".to_owned(),
            }),
            enabled: true,
        }
    }

    async fn create(&self, wanted: &WantedSource) -> String {
        let source = self.sources.create(&self.owner, wanted).await.unwrap();
        source.id
    }

    async fn source(&self, id: &str) -> Source {
        self.sources.find(&self.owner, id).await.unwrap()
    }

    async fn runs(&self, id: &str) -> Vec<SourceRun> {
        let page = self.sources.runs(&self.owner, id, None).await.unwrap();
        page.items
    }

    fn worker(&self) -> Worker<Runs> {
        self.sources.worker(self.shutdown.clone())
    }

    /// Another process on the same database.
    fn other_worker(&self) -> Worker<Runs> {
        let mut sources = self.sources.clone();
        let clock = Clock::Set(Arc::clone(&self.time));
        sources.process = Process::new(sources.store.clone(), clock);
        sources.worker(self.shutdown.clone())
    }

    /// Runs a worker until nothing is due.
    async fn work(&self) {
        self.worker().work_once().await;
    }

    /// Waits until an import asks a question.
    async fn until_asked(&self, job: &JobId) {
        let deadline = Instant::now() + DEADLINE;
        let imports = &self.sources.imports;
        loop {
            let visible = imports.find_visible(&self.owner, job).await.unwrap();
            let extras = imports.relay().extras(&visible).await;
            if extras.is_some_and(|extras| extras.needs.is_some()) {
                return;
            }
            assert!(Instant::now() < deadline, "it is not asked about");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn until_over(&self, job: &JobId) {
        let deadline = Instant::now() + DEADLINE;
        let imports = &self.sources.imports;
        loop {
            let visible = imports.find_visible(&self.owner, job).await.unwrap();
            if visible.status.is_final() {
                return;
            }
            assert!(Instant::now() < deadline, "{visible:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs a worker until the newest run and its import have ended.
    async fn work_to_the_end(&self, id: &str) -> SourceRun {
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.work().await;
            let newest = self.runs(id).await.into_iter().next();
            let newest = newest.filter(|run| run.ended_at.is_some());
            if let Some(newest) = newest {
                return newest;
            }
            assert!(Instant::now() < deadline, "{:?}", self.runs(id).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn principal(user: User) -> Principal {
    Principal {
        user,
        credential: Credential::Session(SessionId::new("none")),
        address: None::<ClientAddress>,
        passkey: None,
        passkey_due: false,
    }
}

#[tokio::test]
async fn a_changed_file_is_imported_and_an_unchanged_one_is_not() {
    let setup = Setup::new().await;
    let id = setup.create(&setup.wanted("/shop.csv")).await;
    setup.work().await;
    assert!(setup.runs(&id).await.is_empty(), "it is not due");
    // A server without validators: contents are compared. Then one with an ETag, then with a modification time.
    let tag = |tag: &str| Some(format!("\"{tag}\""));
    let time = Some("Mon, 30 Nov 2026 06:00:00 GMT".to_owned());
    for (place, (etag, last_modified)) in [(None, None), (tag("One"), None), (None, time)]
        .into_iter()
        .enumerate()
    {
        let file = format!("{FILE}d{place},D,4.00\n");
        setup.supplier.set(|feed| {
            feed.body = file;
            feed.etag = etag;
            feed.last_modified = last_modified;
        });
        setup.pass_to_next(&id).await;
        let run = setup.work_to_the_end(&id).await;
        assert_eq!(run.outcome, RunOutcome::Imported, "{run:?}");
        assert_eq!(run.cause, RunCause::Schedule);
        assert_eq!(run.status, Some(ImportStatus::PartialSuccess));
        let counts = (run.processed_products, run.failed_products);
        assert_eq!(counts, (Some(3), Some(1)));
        assert!(run.job.is_some());
        setup.pass_to_next(&id).await;
        let run = setup.work_to_the_end(&id).await;
        assert_eq!(run.outcome, RunOutcome::Unchanged, "{run:?}");
        assert_eq!((run.job, run.problem), (None, None));
    }
    let requests = setup.supplier.requests();
    assert_eq!(requests.len(), 6);
    assert!(!requests[1].contains("if-none-match"), "{}", requests[1]);
    assert!(requests[3].contains("if-none-match: \"one\""));
    assert!(requests[5].contains("if-modified-since: mon, 30 nov 2026"));
    assert_eq!(setup.runs(&id).await.len(), 6);
    let runs = [
        RunOutcome::Imported,
        RunOutcome::Unchanged,
        RunOutcome::Failed,
    ];
    let runs = runs.map(|outcome| setup.sources.metrics.runs(outcome));
    assert_eq!(runs, [3, 3, 0]);
}

#[tokio::test]
async fn an_import_over_a_limit_is_refused_where_its_source_says_so() {
    let setup = Setup::new().await;
    let list = |price: &str| {
        let rows = (0..30).map(|row| format!("p{row},P,{price}\n"));
        format!("sku,name,price\n{}", rows.collect::<String>())
    };
    setup.supplier.set(|feed| feed.body = list("10"));
    let mut wanted = setup.wanted("/shop.csv");
    wanted.what.limits.action = Some(LimitAction::Refuse);
    let id = setup.create(&wanted).await;
    setup.pass_to_next(&id).await;
    assert_eq!(
        setup.work_to_the_end(&id).await.outcome,
        RunOutcome::Imported
    );
    setup.supplier.set(|feed| feed.body = list("0.01"));
    setup.pass_to_next(&id).await;
    let run = setup.work_to_the_end(&id).await;
    assert_eq!(run.problem, Some(RunProblem::ImportFailed), "{run:?}");
    // Without limits it continues.
    wanted.what.limits.action = Some(LimitAction::Off);
    let changing = setup.sources.change(&setup.owner, &id, &wanted);
    changing.await.unwrap();
    setup.pass_to_next(&id).await;
    assert_eq!(
        setup.work_to_the_end(&id).await.outcome,
        RunOutcome::Imported
    );
    let products = setup.sources.store.list_products("p29", 1).await.unwrap();
    assert_eq!(products.items[0].price.as_deref(), Some("0.01"));
}

#[tokio::test]
async fn a_dry_run_is_checked_and_not_imported() {
    let setup = Setup::new().await;
    let mut wanted = setup.wanted("/shop.csv");
    wanted.what.mode = ImportMode::Check;
    let id = setup.create(&wanted).await;
    setup.pass_to_next(&id).await;
    let run = setup.work_to_the_end(&id).await;
    assert_eq!(run.outcome, RunOutcome::Checked, "{run:?}");
    assert_eq!(
        (run.processed_products, run.failed_products),
        (Some(2), Some(1))
    );
    assert_eq!(setup.sources.metrics.runs(RunOutcome::Checked), 1);
    let products = setup.sources.store.list_products("", 1).await.unwrap();
    assert!(products.items.is_empty());
}

#[tokio::test]
async fn runs_that_were_missed_run_once() {
    let setup = Setup::new().await;
    let id = setup.create(&setup.wanted("/shop.csv")).await;
    setup.pass(75 * HOUR);
    setup.work_to_the_end(&id).await;
    let next = setup.source(&id).await.due_at.unwrap();
    assert!((1..=HOUR).contains(&(next - setup.now())), "{next}");
    setup.work().await;
    assert_eq!(setup.supplier.requests().len(), 1);
    // A paused source skips runs, then continues with the next one.
    setup
        .sources
        .enable(&setup.owner, &id, false)
        .await
        .unwrap();
    setup.pass(75 * HOUR);
    setup.work().await;
    assert_eq!(setup.source(&id).await.due_at, None);
    setup.sources.enable(&setup.owner, &id, true).await.unwrap();
    setup.work().await;
    assert_eq!(setup.supplier.requests().len(), 1);
    setup.pass_to_next(&id).await;
    setup.work_to_the_end(&id).await;
    assert_eq!(setup.supplier.requests().len(), 2);
}

#[tokio::test]
async fn a_source_that_fails_rests_longer_and_is_told_once() {
    let setup = Setup::new().await;
    let store = &setup.sources.store;
    let webhook = NewRow {
        url: "https://hooks.example/x",
        description: "",
        events: &[ImportEvent::SourceFailing],
        secret: String::new(),
    };
    let webhook = store.create_webhook(webhook).await.unwrap();
    let id = setup.create(&setup.wanted("/shop.csv")).await;
    setup
        .supplier
        .set(|feed| feed.statuses.extend([500, 503, 404, 500]));
    setup.pass_to_next(&id).await;
    for (status, minutes) in [(500, 1), (503, 5), (404, 30), (500, 120)] {
        let run = setup.work_to_the_end(&id).await;
        assert_eq!(run.outcome, RunOutcome::Failed);
        assert_eq!(run.problem, Some(RunProblem::Status(status)));
        let pause = setup.source(&id).await.due_at.unwrap() - setup.now();
        let around = minutes * MINUTE * 9 / 10..=minutes * MINUTE * 11 / 10;
        assert!(around.contains(&pause), "{minutes}: {pause}");
        setup.pass_to_next(&id).await;
    }
    assert_eq!(setup.source(&id).await.failures, 4);
    assert_eq!(setup.sources.metrics.runs(RunOutcome::Failed), 4);
    let body = |event: &crate::server::store::import_events::RecordedEvent| match &event.about {
        About::Source(source) => format!("{} {}", source.name, source.failures),
        About::Import(_) => String::new(),
    };
    while store
        .spread_events(setup.now() + HOUR, false, &body)
        .await
        .unwrap()
        > 0
    {}
    let deliveries = store.list_deliveries(&webhook.id, None).await.unwrap();
    assert_eq!(deliveries.items.len(), 1);
    assert_eq!(deliveries.items[0].event, "source.failing");
    // The server is back.
    let run = setup.work_to_the_end(&id).await;
    assert_eq!(run.outcome, RunOutcome::Imported);
    assert_eq!(setup.source(&id).await.failures, 0);
    let next = setup.source(&id).await.due_at.unwrap();
    assert!(next - setup.now() <= HOUR);
}

#[tokio::test]
async fn a_source_waits_until_its_last_import_is_over() {
    let setup = Setup::new().await;
    let id = setup.create(&setup.wanted("/shop.csv")).await;
    // The columns are unknown.
    setup
        .supplier
        .set(|feed| feed.body = "x1,x2,x3\na,A,1.00\n".to_owned());
    setup.sources.run_now(&setup.owner, &id).await.unwrap();
    setup.work().await;
    setup.pass(5 * HOUR);
    setup.sources.run_now(&setup.owner, &id).await.unwrap();
    setup.work().await;
    setup.work().await;
    let runs = setup.runs(&id).await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].outcome, RunOutcome::Importing);
    assert_eq!(runs[0].cause, RunCause::Request);
    assert_eq!(setup.supplier.requests().len(), 1);
    let error = setup.sources.begin_upload(&setup.owner.user, &id).await;
    assert!(matches!(error, Err(ApiError::Busy { .. })));
    // A user cancels the import.
    let job = runs[0].job.as_deref().unwrap().parse().unwrap();
    let imports = &setup.sources.imports;
    let job = imports.find_changeable(&setup.owner, &job).await.unwrap();
    imports.relay().cancel(&job).await.unwrap();
    let deadline = Instant::now() + DEADLINE;
    while setup.supplier.requests().len() < 2 {
        assert!(Instant::now() < deadline);
        setup.work().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let runs = setup.runs(&id).await;
    assert_eq!(runs[1].problem, Some(RunProblem::Cancelled));
    // The file is unchanged.
    assert_eq!(runs[0].outcome, RunOutcome::Unchanged);
    assert_eq!(setup.source(&id).await.failures, 0);
}

#[tokio::test]
async fn a_file_whose_import_failed_is_imported_once_more() {
    let setup = Setup::new().await;
    let id = setup.create(&setup.wanted("/shop.csv")).await;
    setup
        .supplier
        .set(|feed| feed.body = "sku,name,price\n".to_owned());
    for failures in 1..=2 {
        setup.pass_to_next(&id).await;
        let run = setup.work_to_the_end(&id).await;
        assert_eq!(run.problem, Some(RunProblem::ImportFailed), "{run:?}");
        assert_eq!(setup.source(&id).await.failures, failures);
        let due = setup.source(&id).await.due_at.unwrap();
        assert_eq!(due % HOUR, 0, "it keeps to its schedule");
    }
}

#[tokio::test]
async fn of_two_workers_exactly_one_fetches() {
    let setup = Setup::new().await;
    let id = setup.create(&setup.wanted("/shop.csv")).await;
    let hold = Arc::new(Semaphore::new(0));
    setup
        .supplier
        .set(|feed| feed.hold = Some(Arc::clone(&hold)));
    setup.pass_to_next(&id).await;
    let first = setup.worker();
    let first = tokio::spawn(async move { first.work_once().await });
    let deadline = Instant::now() + DEADLINE;
    while setup.supplier.requests().is_empty() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    setup.pass(SECOND);
    setup.sources.run_now(&setup.owner, &id).await.unwrap();
    setup.other_worker().work_once().await;
    assert_eq!(setup.supplier.requests().len(), 1);
    hold.add_permits(10);
    first.await.unwrap();
    // A run was requested meanwhile.
    setup.work_to_the_end(&id).await;
    let deadline = Instant::now() + DEADLINE;
    while setup.runs(&id).await.len() < 2 {
        assert!(Instant::now() < deadline);
        setup.work().await;
    }
    let outcomes: Vec<_> = setup
        .runs(&id)
        .await
        .iter()
        .map(|run| run.outcome)
        .collect();
    assert_eq!(outcomes, [RunOutcome::Unchanged, RunOutcome::Imported]);
    assert_eq!(setup.supplier.requests().len(), 2);
}

#[tokio::test]
async fn of_many_workers_at_once_each_source_has_one() {
    let setup = Setup::new().await;
    let mut ids = Vec::new();
    for place in 0..6 {
        ids.push(setup.create(&setup.wanted(&format!("/{place}.csv"))).await);
    }
    setup.pass(HOUR);
    let workers: Vec<_> = (0..4).map(|_| setup.other_worker()).collect();
    let work = workers.into_iter().map(|worker| {
        tokio::spawn(async move {
            for _ in 0..3 {
                worker.work_once().await;
            }
        })
    });
    for worker in work.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let mut asked: Vec<_> = setup
        .supplier
        .requests()
        .iter()
        .map(|head| head.split(' ').nth(1).unwrap().to_owned())
        .collect();
    asked.sort();
    assert_eq!(
        asked,
        ["/0.csv", "/1.csv", "/2.csv", "/3.csv", "/4.csv", "/5.csv"]
    );
    for id in ids {
        assert_eq!(setup.runs(&id).await.len(), 1);
    }
}

#[tokio::test]
async fn another_worker_goes_on_with_the_run_of_one_that_died() {
    let setup = Setup::new().await;
    let id = setup.create(&setup.wanted("/shop.csv")).await;
    setup.pass_to_next(&id).await;
    let store = &setup.sources.store;
    let lease = Duration::from_secs(60);
    let dead = store.claim_due_source("dead", setup.now(), lease).await;
    let dead = dead.unwrap().unwrap();
    setup.work().await;
    assert!(setup.supplier.requests().is_empty());
    setup.pass(MINUTE);
    let run = setup.work_to_the_end(&id).await;
    assert_eq!(
        (run.id, run.outcome),
        (dead.run.clone(), RunOutcome::Imported)
    );
    assert_eq!(setup.runs(&id).await.len(), 1);
    // A result of the worker whose lease expired is ignored.
    let renewed = store.renew_source_lease("dead", &id, setup.now()).await;
    assert!(!renewed.unwrap());
    let end = crate::server::store::source_runs::RunEnd::Failed(RunProblem::Unreachable);
    let ended = store.end_source_run("dead", &dead, end, None, setup.now(), 3);
    assert!(!ended.await.unwrap());
    assert_eq!(setup.source(&id).await.failures, 0);
}

#[tokio::test]
async fn a_password_goes_to_its_server_only_and_ends_with_the_key() {
    let mut setup = Setup::allowing("localhost, 127.0.0.1").await;
    let wanted = WantedSource {
        login: LoginChange::Basic {
            user: "ada".to_owned(),
            password: "secret".to_owned().into(),
        },
        ..setup.wanted("/moved")
    };
    let id = setup.create(&wanted).await;
    let elsewhere = format!("https://127.0.0.1:{}/shop.csv", setup.supplier.port);
    setup.supplier.set(|feed| feed.location = elsewhere.clone());
    setup.pass_to_next(&id).await;
    setup.work_to_the_end(&id).await;
    let requests = setup.supplier.requests();
    assert!(requests[0].contains("authorization: basic ywrhonnly3jlda=="));
    assert!(!requests[1].contains("authorization"), "{}", requests[1]);
    // The password stays on other changes, and is dropped for another server.
    let kept = WantedSource {
        login: LoginChange::Keep,
        ..setup.wanted("/shop.csv")
    };
    let source = setup
        .sources
        .change(&setup.owner, &id, &kept)
        .await
        .unwrap();
    assert!(source.login.is_some());
    let keys = std::mem::replace(
        &mut setup.sources.keys,
        Keys::derive(&["another".to_owned().into()]),
    );
    setup.pass_to_next(&id).await;
    let run = setup.work_to_the_end(&id).await;
    assert_eq!(run.problem, Some(RunProblem::LoginUnreadable));
    setup.sources.keys = keys;
    let moved = WantedSource {
        address: elsewhere,
        ..kept
    };
    let source = setup
        .sources
        .change(&setup.owner, &id, &moved)
        .await
        .unwrap();
    assert!(source.login.is_none());
}

#[tokio::test]
async fn whose_owner_may_not_import_is_not_fetched() {
    let setup = Setup::new().await;
    let id = setup.create(&setup.wanted("/shop.csv")).await;
    let boss = NewUser {
        email: "boss@example.com",
        name: "Boss",
        role: Role::Owner,
        password_hash: String::new().into(),
    };
    let store = &setup.sources.store;
    let boss = store.create_user(boss).await.unwrap().unwrap();
    store
        .set_role(&setup.owner.user.id, Role::Viewer)
        .await
        .unwrap();
    setup.pass_to_next(&id).await;
    let run = setup.work_to_the_end(&id).await;
    assert_eq!(run.problem, Some(RunProblem::NoAccess));
    assert!(setup.supplier.requests().is_empty());
    // Owners see all sources, others their own.
    let staff = User {
        role: Role::Staff,
        ..boss.clone()
    };
    let found = setup.sources.find(&principal(boss), &id).await.unwrap();
    assert_eq!(found.failures, 1);
    let hidden = setup.sources.find(&principal(staff), &id).await;
    assert_eq!(hidden, Err(ApiError::NotFound));
}

#[tokio::test]
async fn nothing_of_ours_is_asked_where_any_public_host_may_be() {
    let setup = Setup::allowing("*").await;
    let id = setup.create(&setup.wanted("/shop.csv")).await;
    setup.pass_to_next(&id).await;
    let run = setup.work_to_the_end(&id).await;
    assert_eq!(run.problem, Some(RunProblem::HostNotAllowed));
    let address = format!("https://127.0.0.1:{}/shop.csv", setup.supplier.port);
    let wanted = WantedSource {
        address,
        ..setup.wanted("")
    };
    let refused = setup.sources.create(&setup.owner, &wanted).await;
    assert!(matches!(refused, Err(ApiError::Invalid(_))));
    assert!(setup.supplier.requests().is_empty());
}

#[tokio::test]
async fn what_the_source_says_of_its_file_counts() {
    let setup = Setup::new().await;
    let mut wanted = setup.wanted("/shop.csv");
    wanted.what.mapping.currency = "chf".to_owned();
    wanted.what.mapping.decimal_mark = "comma".to_owned();
    wanted.what.limits.failed = Some("1".parse().unwrap());
    let id = setup.create(&wanted).await;
    let mut file = "sku;name;price\n".to_owned();
    for row in 0..30 {
        let price = if row < 26 { "oops" } else { "1,234" };
        file.push_str(&format!("p{row};P;{price}\n"));
    }
    setup.supplier.set(|feed| feed.body = file);
    setup.pass_to_next(&id).await;
    setup.work().await;
    // It waits for approval because of its own limit.
    let job = setup.runs(&id).await[0]
        .job
        .clone()
        .unwrap()
        .parse()
        .unwrap();
    let imports = &setup.sources.imports;
    setup.until_asked(&job).await;
    let job = imports.find_changeable(&setup.owner, &job).await.unwrap();
    imports.relay().approve(&job).await.unwrap();
    let run = setup.work_to_the_end(&id).await;
    assert_eq!(run.outcome, RunOutcome::Imported);
    let products = setup.sources.store.list_products("p29", 1).await.unwrap();
    let product = &products.items[0];
    assert_eq!(product.price.as_deref(), Some("1.234"));
    assert_eq!(product.currency.as_deref(), Some("CHF"));
}

#[tokio::test]
async fn what_is_said_of_the_columns_of_a_source_holds_for_its_next_file_and_no_other_source() {
    let setup = Setup::new().await;
    // Two files with the same uninformative header and different meanings.
    let file = |price: &str| format!("A;B;C\nX-1;Y-1;{price}\nX-2;Y-2;{price}\n");
    setup.supplier.set(|feed| feed.body = file("1.00"));
    let answered = async |columns: [&str; 3]| {
        let id = setup.create(&setup.wanted("/shop.csv")).await;
        setup.pass_to_next(&id).await;
        setup.work().await;
        let job = setup.runs(&id).await[0].job.clone().unwrap();
        let said = FileMapping {
            columns: columns.map(str::to_owned).to_vec(),
            ..FileMapping::default()
        };
        (id, job.parse::<JobId>().unwrap(), said)
    };
    let imports = &setup.sources.imports;
    let who = &setup.owner;

    let (one, job, said) = answered(["sku", "name", "price"]).await;
    setup.until_asked(&job).await;
    let job = imports.find_changeable(&setup.owner, &job).await.unwrap();
    imports.map_columns(who, &job, &said).await.unwrap();
    assert_eq!(
        setup.work_to_the_end(&one).await.outcome,
        RunOutcome::Imported
    );

    // The other source uses the known mapping, then states its own.
    let (two, job, said) = answered(["name", "sku", "price"]).await;
    setup.work_to_the_end(&two).await;
    let job = imports.find_changeable(&setup.owner, &job).await.unwrap();
    let again = imports.map_columns(who, &job, &said).await.unwrap();
    setup.until_over(&again).await;

    setup.supplier.set(|feed| feed.body = file("2.00"));
    let prices = async || {
        let mut prices = Vec::new();
        for sku in ["X-1", "Y-1"] {
            let page = setup.sources.store.list_products(sku, 1).await.unwrap();
            let product = page
                .items
                .into_iter()
                .find(|it| it.sku.as_deref() == Some(sku));
            prices.push(product.unwrap().price.unwrap());
        }
        prices
    };
    assert_eq!(prices().await, ["1.00", "1.00"]);
    setup.pass_to_next(&one).await;
    setup
        .sources
        .enable(&setup.owner, &two, false)
        .await
        .unwrap();
    assert_eq!(
        setup.work_to_the_end(&one).await.outcome,
        RunOutcome::Imported
    );
    assert_eq!(prices().await, ["2.00", "1.00"]);
    setup.sources.run_now(&setup.owner, &two).await.unwrap();
    assert_eq!(
        setup.work_to_the_end(&two).await.outcome,
        RunOutcome::Imported
    );
    assert_eq!(prices().await, ["2.00", "2.00"]);
}

#[tokio::test]
async fn the_other_file_is_imported_when_the_address_or_the_options_change() {
    let setup = Setup::new().await;
    let id = setup.create(&setup.wanted("/shop.csv")).await;
    setup.pass_to_next(&id).await;
    setup.work_to_the_end(&id).await;
    let mut wanted = setup.wanted("/shop.csv");
    wanted.what.options.set("products", "existing").unwrap();
    setup
        .sources
        .change(&setup.owner, &id, &wanted)
        .await
        .unwrap();
    setup.pass_to_next(&id).await;
    let run = setup.work_to_the_end(&id).await;
    assert_eq!(run.outcome, RunOutcome::Imported);
    setup.supplier.set(|feed| feed.body = OTHER_FILE.to_owned());
    setup.pass_to_next(&id).await;
    let run = setup.work_to_the_end(&id).await;
    assert_eq!(
        (run.outcome, run.failed_products),
        (RunOutcome::Imported, Some(0))
    );
    setup.sources.delete(&setup.owner, &id).await.unwrap();
    let gone = setup.sources.find(&setup.owner, &id).await;
    assert_eq!(gone, Err(ApiError::NotFound));
}
