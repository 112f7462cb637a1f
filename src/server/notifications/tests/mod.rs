//! The worker, with receivers on loopback and a clock set by the test.

mod mail;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use secrecy::SecretString;
use serde_json::Value;
use tokio::net::TcpListener;

use super::*;
use crate::{
    model::{
        changes::OverLimit,
        job::{ImportMode, ImportStatus, JobId, Question},
        job_state::JobState,
        role::Role,
        webhook::{Delivery, DeliveryProblem, DeliveryState, ImportEvent},
    },
    server::{
        identity::{
            client_address::ClientAddress,
            credential::{Credential, SessionId},
            principal::Principal,
            user::User,
        },
        store::{
            monitor_imports::NewImport, test_database::TestDatabase, undo::Undo, users::NewUser,
        },
        telemetry::metrics::{Channel, Sent, WaitingDeliveries},
    },
};

const SECOND: i64 = 1_000;
const DAY: i64 = 24 * 3600 * SECOND;

/// A receiver on loopback: answers with the given statuses in turn, then 204.
#[derive(Clone, Default)]
struct Receiver {
    received: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    async fn start(answers: &[u16]) -> (Self, String) {
        let receiver = Self::default();
        receiver.answers.lock().unwrap().extend(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/hook", post(Self::take))
            .with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, format!("http://{address}/hook"))
    }

    async fn take(State(receiver): State<Self>, headers: HeaderMap, body: Bytes) -> Response {
        receiver.received.lock().unwrap().push((headers, body));
        let status = receiver.answers.lock().unwrap().pop_front().unwrap_or(204);
        let status = StatusCode::from_u16(status).unwrap();
        if status.is_redirection() {
            (status, [(header::LOCATION, "/hook")]).into_response()
        } else {
            status.into_response()
        }
    }

    /// Returns received bodies; verifies their signatures.
    fn verified(&self, secret: &str) -> Vec<Value> {
        let verifier = standardwebhooks::Webhook::new(secret).unwrap();
        let received = self.received.lock().unwrap();
        let verified = received.iter().map(|(headers, body)| {
            // The verifier uses the real clock, so the body is signed again.
            let header = |name: &str| headers[name].to_str().unwrap();
            let seconds = header("webhook-timestamp").parse().unwrap();
            let signed = verifier.sign(header("webhook-id"), seconds, body);
            assert_eq!(header("webhook-signature"), signed.unwrap());
            serde_json::from_slice(body).unwrap()
        });
        verified.collect()
    }

    fn ids(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        let id =
            |(headers, _): &(HeaderMap, Bytes)| headers["webhook-id"].to_str().unwrap().to_owned();
        received.iter().map(id).collect()
    }
}

struct Setup {
    store: Store,
    notifications: Notifications,
    owner: Principal,
    time: Arc<AtomicI64>,
    _database: TestDatabase,
}

impl Setup {
    async fn new(hosts: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (database, store) = TestDatabase::opened().await;
        let user = NewUser {
            email: "ada@example.com",
            name: "Ada",
            role: Role::Owner,
            password_hash: String::new().into(),
        };
        let user = store.create_user(user).await.unwrap().unwrap();
        let key: SecretString = "a key".to_owned().into();
        let notifications = Notifications {
            store: store.clone(),
            keys: Keys::derive(&[key]),
            hosts: RemoteHosts::parse(hosts).unwrap(),
            mail: None,
            public_url: PublicUrl::parse("https://shop.example/import").unwrap(),
            metrics: Metrics::default(),
            wake: Arc::default(),
        };
        Self {
            time: Arc::new(AtomicI64::new(
                store.shared_clock().await.unwrap() + 61 * SECOND,
            )),
            store,
            notifications,
            owner: principal(user),
            _database: database,
        }
    }

    async fn webhook(&self, url: &str, events: &[ImportEvent]) -> (String, String) {
        let wanted = webhooks::Wanted {
            url: url.to_owned(),
            description: String::new(),
            events: events.to_vec(),
        };
        let new = self.notifications.create_webhook(&self.owner, wanted).await;
        let new = new.unwrap();
        (new.webhook.id, new.secret.into_exposed())
    }

    fn worker(&self) -> Worker<Deliveries> {
        let clock = Clock::Set(Arc::clone(&self.time));
        self.notifications.worker(clock).unwrap()
    }

    /// Runs a worker until nothing is due.
    async fn work(&self) {
        self.worker().work_once().await;
    }

    fn pass(&self, millis: i64) {
        self.time.fetch_add(millis, Ordering::SeqCst);
    }

    async fn deliveries(&self, webhook: &str) -> Vec<Delivery> {
        let page = self.store.list_deliveries(webhook, None).await.unwrap();
        page.items
    }

    /// Records a new import like the app and the price monitor.
    async fn begin(&self, id: &str) -> JobId {
        let job: JobId = id.parse().unwrap();
        let user = &self.owner.user.id;
        let created = self
            .store
            .create_job(user, &job, "shop.csv", ImportMode::Import);
        created.await.unwrap();
        job
    }

    async fn end(&self, job: &JobId, status: ImportStatus) {
        let state = |_: &_| JobState {
            status,
            error: None,
            total_products: 3,
            processed_products: 2,
            failed_products: 1,
            failed_product_skus: None,
            completed_at: Some(9),
        };
        self.store.end_job(job, state).await.unwrap();
    }
}

fn principal(user: User) -> Principal {
    Principal {
        user,
        credential: Credential::Session(SessionId::new("session")),
        address: None::<ClientAddress>,
        passkey: None,
        passkey_due: false,
    }
}

fn types(bodies: &[Value]) -> Vec<&str> {
    bodies
        .iter()
        .map(|body| body["type"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn an_import_is_told_from_its_start_to_its_undoing_signed_and_in_flat_json() {
    let setup = Setup::new("127.0.0.1").await;
    let (receiver, url) = Receiver::start(&[]).await;
    let (id, secret) = setup.webhook(&url, &ImportEvent::ALL).await;
    let (_, finished_only) = Receiver::start(&[]).await;
    let (other, _) = setup
        .webhook(&finished_only, &[ImportEvent::Finished])
        .await;

    let store = &setup.store;
    let job = setup.begin("a").await;
    let new = NewImport {
        id: "a".to_owned(),
        filename: "shop.csv".to_owned(),
        ..NewImport::default()
    };
    store.add_monitor_import(new).await.unwrap();
    store
        .ask_monitor_import("a", Question::Columns)
        .await
        .unwrap();
    // A repeated question is no event.
    store
        .ask_monitor_import("a", Question::Columns)
        .await
        .unwrap();
    store.answer_monitor_import("a", "{}").await.unwrap();
    let over = OverLimit::Failed { count: 30, of: 40 };
    store.note_over_limit("a", over).await.unwrap();
    store
        .ask_monitor_import("a", Question::Approval)
        .await
        .unwrap();
    store.approve_import("a").await.unwrap();
    setup.end(&job, ImportStatus::PartialSuccess).await;
    let undo = setup.begin("b").await;
    let new = NewImport {
        id: "b".to_owned(),
        undoes: Some(Undo {
            import: "a".to_owned(),
            everything: false,
        }),
        ..NewImport::default()
    };
    store.add_monitor_import(new).await.unwrap();
    setup.end(&undo, ImportStatus::Success).await;

    for _ in 0..20 {
        setup.work().await;
    }
    let bodies = receiver.verified(&secret);
    let mut told = types(&bodies);
    told.sort_unstable();
    let expected = [
        "import.finished",
        "import.finished",
        "import.needs_approval",
        "import.needs_input",
        "import.started",
        "import.started",
        "import.undone",
    ];
    assert_eq!(told, expected);
    let finished = bodies
        .iter()
        .find(|body| body["type"] == "import.finished" && body["data"]["id"] == "a");
    let data = &finished.unwrap()["data"];
    assert_eq!(data["status"], "PARTIAL_SUCCESS");
    assert_eq!(data["filename"], "shop.csv");
    assert_eq!(data["mode"], "import");
    let counts = ["totalProducts", "processedProducts", "failedProducts"];
    assert_eq!(counts.map(|count| data[count].as_u64().unwrap()), [3, 2, 1]);
    assert_eq!(data["url"], "https://shop.example/import/imports/a");
    let timestamp = finished.unwrap()["timestamp"].as_str().unwrap();
    assert!(humantime::parse_rfc3339(timestamp).is_ok(), "{timestamp}");
    let undone = bodies.iter().find(|body| body["type"] == "import.undone");
    let undone = &undone.unwrap()["data"];
    assert_eq!(
        (&undone["id"], &undone["undoneBy"]),
        (&"a".into(), &"b".into())
    );
    assert!(
        setup
            .deliveries(&id)
            .await
            .iter()
            .all(|it| it.state == DeliveryState::Delivered)
    );
    assert_eq!(setup.deliveries(&other).await.len(), 2);
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_for_a_day_and_then_given_up() {
    let setup = Setup::new("127.0.0.1").await;
    let (receiver, url) = Receiver::start(&[500; 100]).await;
    let (id, secret) = setup.webhook(&url, &[ImportEvent::Started]).await;
    setup.begin("a").await;
    let began = setup.time.load(Ordering::SeqCst);
    let mut times = Vec::new();
    loop {
        setup.work().await;
        let delivery = setup.deliveries(&id).await.remove(0);
        times.push(setup.time.load(Ordering::SeqCst) - began);
        assert_eq!(delivery.problem, Some(DeliveryProblem::Status(500)));
        assert_eq!(delivery.attempts, times.len() as u64);
        if delivery.state == DeliveryState::GivenUp {
            break;
        }
        let next = delivery.next_at.unwrap();
        // It is not retried early.
        setup.time.store(next - 1, Ordering::SeqCst);
        setup.work().await;
        assert_eq!(setup.deliveries(&id).await[0].attempts, times.len() as u64);
        setup.time.store(next, Ordering::SeqCst);
    }
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((4_500..=5_500).contains(&pauses[0]), "{pauses:?}");
    assert!(*pauses.last().unwrap() > 3 * 3600 * SECOND, "{pauses:?}");
    let last = *times.last().unwrap();
    assert!((18 * 3600 * SECOND..=DAY).contains(&last), "{times:?}");
    // Each attempt has the same ID and body.
    let ids = receiver.ids();
    assert!(
        ids.len() > 10 && ids.iter().all(|id| *id == ids[0]),
        "{ids:?}"
    );
    receiver.verified(&secret);

    setup.pass(2 * DAY);
    setup.work().await;
    assert_eq!(receiver.ids().len(), ids.len());
    receiver.answers.lock().unwrap().clear();
    setup.notifications.redeliver(&id, &ids[0]).await.unwrap();
    setup.work().await;
    assert_eq!(
        setup.deliveries(&id).await[0].state,
        DeliveryState::Delivered
    );
    assert_eq!(receiver.ids().last(), Some(&ids[0]));
    let missing = setup.notifications.redeliver("x", &ids[0]).await;
    assert!(missing.is_err(), "of another webhook");
}

#[tokio::test]
async fn attempts_are_counted_by_outcome_and_what_waits_is_told() {
    let setup = Setup::new("127.0.0.1").await;
    let (receiver, url) = Receiver::start(&[503]).await;
    setup.webhook(&url, &[ImportEvent::Started]).await;
    let metrics = &setup.notifications.metrics;
    let counts = || {
        [Sent::Delivered, Sent::Failed, Sent::GivenUp]
            .map(|sent| metrics.attempts(Channel::Webhook, sent))
    };
    let waiting = async || setup.store.waiting_deliveries().await.unwrap();
    setup.begin("a").await;
    setup.work().await;
    assert_eq!(counts(), [0, 1, 0]);
    let (webhook, mail) = (1, 0);
    assert_eq!(waiting().await, WaitingDeliveries { webhook, mail });
    setup.pass(10 * SECOND);
    setup.work().await;
    assert_eq!(counts(), [1, 1, 0]);
    assert_eq!(waiting().await, WaitingDeliveries::default());
    receiver.answers.lock().unwrap().push_back(410);
    setup.begin("b").await;
    setup.work().await;
    assert_eq!(counts(), [1, 1, 1]);
    assert_eq!(metrics.attempts(Channel::Mail, Sent::Delivered), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_who_is_gone_is_asked_no_more() {
    let setup = Setup::new("127.0.0.1").await;
    let (receiver, url) = Receiver::start(&[302, 410]).await;
    let (id, _) = setup.webhook(&url, &[ImportEvent::Started]).await;
    setup.begin("a").await;
    setup.work().await;
    assert_eq!(receiver.ids().len(), 1);
    let delivery = setup.deliveries(&id).await.remove(0);
    assert_eq!(delivery.problem, Some(DeliveryProblem::Status(302)));
    setup.pass(10 * SECOND);
    setup.work().await;
    let delivery = setup.deliveries(&id).await.remove(0);
    assert_eq!(delivery.state, DeliveryState::GivenUp);
    assert!(!setup.notifications.webhook(&id).await.unwrap().enabled);
    setup.begin("b").await;
    setup.work().await;
    assert_eq!(receiver.ids().len(), 2);
}

#[tokio::test]
async fn a_host_that_is_no_longer_allowed_or_stands_for_this_machine_gets_nothing() {
    let mut setup = Setup::new("127.0.0.1").await;
    let (receiver, url) = Receiver::start(&[]).await;
    let (id, _) = setup.webhook(&url, &[ImportEvent::Started]).await;
    setup.notifications.hosts = RemoteHosts::parse("*").unwrap();
    setup.begin("a").await;
    setup.work().await;
    let delivery = setup.deliveries(&id).await.remove(0);
    assert_eq!(delivery.problem, Some(DeliveryProblem::HostNotAllowed));
    // A name that resolves to loopback passes the static check.
    let (id, _) = setup
        .webhook("https://localhost:1/", &[ImportEvent::Started])
        .await;
    setup.begin("b").await;
    setup.work().await;
    let delivery = setup.deliveries(&id).await.remove(0);
    assert_eq!(delivery.problem, Some(DeliveryProblem::HostNotAllowed));
    assert!(receiver.ids().is_empty());
}

#[tokio::test]
async fn of_several_workers_one_sends_each_delivery_and_a_dead_one_is_replaced() {
    let setup = Setup::new("127.0.0.1").await;
    let (receiver, url) = Receiver::start(&[]).await;
    let (id, _) = setup.webhook(&url, &[ImportEvent::Started]).await;
    for number in 0..30 {
        setup.begin(&format!("job-{number}")).await;
    }
    let rounds = (0..4).map(|_| async {
        let worker = setup.worker();
        while receiver.ids().len() < 30 {
            worker.work_once().await;
        }
    });
    let all = futures::future::join_all(rounds);
    let all = tokio::time::timeout(Duration::from_secs(60), all).await;
    all.expect("all are sent");
    let mut ids = receiver.ids();
    ids.sort_unstable();
    let sent = ids.len();
    ids.dedup();
    assert_eq!((sent, ids.len()), (30, 30));

    // A dead worker's claims stay until its lease ends.
    setup.begin("last").await;
    let now = setup.time.load(Ordering::SeqCst);
    let body = |_: &_| "{}".to_owned();
    while setup.store.spread_events(now, false, &body).await.unwrap() > 0 {}
    let lease = Duration::from_secs(30);
    let claimed = setup
        .store
        .claim_delivery("dead", now, lease)
        .await
        .unwrap();
    assert!(claimed.is_some());
    setup.work().await;
    assert_eq!(receiver.ids().len(), 30);
    setup.pass(30 * SECOND);
    setup.work().await;
    assert_eq!(receiver.ids().len(), 31);
    // A result of the dead worker is ignored.
    let (claimed, given_up) = (claimed.unwrap(), DeliveryProblem::TimedOut);
    let attempt = crate::server::store::deliveries::Attempt::GivenUp(given_up);
    let recorded = setup
        .store
        .record_attempt("dead", &claimed.id, attempt, now);
    recorded.await.unwrap();
    assert_eq!(
        setup.deliveries(&id).await[0].state,
        DeliveryState::Delivered
    );
}

#[tokio::test]
async fn a_secret_is_stored_encrypted_and_is_of_no_use_under_another_key() {
    let mut setup = Setup::new("127.0.0.1").await;
    let (receiver, url) = Receiver::start(&[]).await;
    let (id, secret) = setup.webhook(&url, &[ImportEvent::Started]).await;
    let (_, stored) = setup.store.webhook_target(&id).await.unwrap().unwrap();
    assert!(!stored.contains(&secret["whsec_".len()..]));
    setup.notifications.keys = Keys::derive(&["another".to_owned().into()]);
    setup.begin("a").await;
    setup.work().await;
    let delivery = setup.deliveries(&id).await.remove(0);
    assert_eq!(delivery.problem, Some(DeliveryProblem::SecretUnreadable));
    assert!(receiver.ids().is_empty());
}

#[tokio::test]
async fn a_slow_receiver_keeps_nobody_waiting() {
    let setup = Setup::new("127.0.0.1").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}/", listener.local_addr().unwrap());
    setup.webhook(&silent, &[ImportEvent::Started]).await;
    let (receiver, url) = Receiver::start(&[]).await;
    setup.webhook(&url, &[ImportEvent::Started]).await;
    for number in 0..20 {
        setup.begin(&format!("job-{number}")).await;
    }
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(setup.worker().run(shutdown.clone()));
    let all = async {
        while receiver.ids().len() < 20 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(12), all)
        .await
        .expect("less than one deadline of the silent one");
    running.abort();
}

#[tokio::test]
async fn deliveries_are_kept_within_an_age_and_a_number_and_paged() {
    let setup = Setup::new("127.0.0.1").await;
    let (_receiver, url) = Receiver::start(&[]).await;
    let (id, _) = setup.webhook(&url, &[ImportEvent::Started]).await;
    for _ in 0..120 {
        setup.notifications.test_webhook(&id).await.unwrap();
    }
    let now = setup.time.load(Ordering::SeqCst);
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = setup
            .store
            .list_deliveries(&id, after.as_deref())
            .await
            .unwrap();
        assert!(page.items.len() <= 50);
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    all.dedup_by_key(|delivery| delivery.id.clone());
    assert_eq!(all.len(), 120);
    assert_eq!(
        setup.store.remove_deliveries(now + DAY, 10).await.unwrap(),
        0,
        "they wait"
    );
    for _ in 0..80 {
        setup.work().await;
    }
    assert_eq!(setup.store.remove_deliveries(0, 100).await.unwrap(), 20);
    assert_eq!(
        setup.deliveries(&id).await[0].id,
        all[0].id,
        "the oldest go"
    );
    assert_eq!(
        setup.store.remove_deliveries(now + DAY, 100).await.unwrap(),
        100
    );
}
