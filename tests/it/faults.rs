//! Faults of price monitor and network: the final state reaches every subscriber once, and nothing leaks.

mod proxy;
mod viewers;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::Instant,
};

use self::{
    proxy::{Fault, Proxy},
    viewers::Viewers,
};
use crate::support::{
    app::App,
    example::Example,
    node::{Node, SocketIoMonitor},
};
use test_support::{
    DEADLINE, certificates,
    events::Events,
    fake_monitor::{FakeMonitor, KEY},
};

const FILE: &str = "sku,name,price\na,A,1.00\n";
const TOTAL: u64 = 500;

fn counts(processed: u64) -> Value {
    json!({"processedProducts": processed, "failedProducts": 0, "totalProducts": TOTAL})
}

/// A real Socket.IO server, a proxy before it, the relay, one job, and its subscribers.
struct Scene {
    monitor: SocketIoMonitor,
    proxy: Proxy,
    app: App,
    job: String,
    viewers: Viewers,
}

impl Scene {
    async fn set(more: &[(&str, &str)]) -> Self {
        let monitor = SocketIoMonitor::start().await;
        let proxy = Proxy::start(monitor.address).await;
        Self::before(monitor, proxy, more).await
    }

    async fn with(fault: Fault) -> Self {
        let monitor = SocketIoMonitor::start().await;
        let proxy = Proxy::start(monitor.address).await;
        proxy.set_fault(fault);
        Self::before(monitor, proxy, &[]).await
    }

    /// Starts with options of the price monitor and its URL.
    async fn set_up(options: &Value, address: &str, more: &[(&str, &str)]) -> Self {
        let monitor = SocketIoMonitor::set_up(options).await;
        let proxy = Proxy::start(monitor.address).await;
        Self::at(monitor, proxy, address, more).await
    }

    async fn before(monitor: SocketIoMonitor, proxy: Proxy, more: &[(&str, &str)]) -> Self {
        Self::at(monitor, proxy, "", more).await
    }

    async fn at(monitor: SocketIoMonitor, proxy: Proxy, path: &str, more: &[(&str, &str)]) -> Self {
        let app = start_app(&format!("http://{}{path}", proxy.address), more).await;
        let job = app.import("shop.csv", FILE).await;
        Self {
            viewers: Viewers::watch(&app, &job, 5).await,
            monitor,
            proxy,
            app,
            job,
        }
    }

    /// Starts with the job joined and the first counts received.
    async fn running() -> Self {
        let mut scene = Self::set(&[]).await;
        scene.run().await;
        scene
    }

    async fn run(&mut self) {
        self.monitor.until_joined(&self.job, 1).await;
        self.emit(counts(100));
        self.viewers.until_processed(100).await;
    }

    fn emit(&mut self, data: Value) {
        self.monitor.emit(&self.job, data);
    }

    async fn finish(mut self) {
        self.emit(counts(TOTAL));
        self.viewers.all_end(TOTAL, "SUCCESS").await;
        self.app.stop().await;
    }
}

async fn start_app(monitor: &str, more: &[(&str, &str)]) -> App {
    // Of duplicate settings the first counts.
    let mut settings = more.to_vec();
    settings.extend_from_slice(&[
        ("MONITOR_PRICE_APP_HOST", monitor),
        ("PRICE_MONITOR_API_KEY", KEY),
        ("RELAY_POLL_INTERVAL", "200ms"),
        ("RELAY_SETTLE_INTERVAL", "30s"),
        ("RELAY_GRACE", "0s"),
        ("RELAY_UNWATCHED_JOBS", "0"),
        ("SSE_HEARTBEAT", "2s"),
    ]);
    App::start(&settings).await
}

/// `docs/protocol.md` links to it.
#[tokio::test]
async fn the_example_of_the_documentation_is_followed_from_upload_to_end() {
    let monitor = Example::start(KEY);
    let never = [
        ("RELAY_POLL_INTERVAL", "5m"),
        ("RELAY_SETTLE_INTERVAL", "1h"),
    ];
    let app = start_app(&monitor.origin, &never).await;
    let rows =
        (0..100).map(|row| format!("s{row},N,{}\n", if row % 10 == 0 { "free" } else { "9" }));
    let file: String = std::iter::once("sku,name,price\n".to_owned())
        .chain(rows)
        .collect();
    let job = app.import("shop.csv", &file).await;
    let mut events = Events::new(app.get(&format!("/api/jobs/{job}/progress")).await);
    let mut counts = Vec::new();
    let last = loop {
        let state = events.state().await.expect("an end comes first");
        if state["status"] != "PENDING" {
            break state;
        }
        counts.push(state["processedProducts"].as_u64().unwrap());
    };
    assert!(counts.is_sorted(), "{counts:?}");
    let live = counts
        .iter()
        .filter(|count| (1..90).contains(*count))
        .count();
    assert!(live > 2, "it is told while it runs: {counts:?}");
    assert_eq!(last["status"], "PARTIAL_SUCCESS");
    assert_eq!(
        (&last["processedProducts"], &last["failedProducts"]),
        (&json!(90), &json!(10))
    );
    let refused = app.upload("empty.csv", "sku,name,price\n").await;
    assert_eq!(refused.status(), 422);
    let words = refused.text().await.unwrap();
    assert!(words.contains("The file holds no products."), "{words}");
    app.stop().await;
}

#[tokio::test]
async fn a_price_monitor_that_is_killed_and_comes_back_is_joined_again() {
    let scene = Scene::running().await;
    scene.monitor.kill();
    let monitor = SocketIoMonitor::start().await;
    scene.proxy.set_target(monitor.address);
    monitor.until_joined(&scene.job, 1).await;
    Scene { monitor, ..scene }.finish().await;
}

#[tokio::test]
async fn an_end_that_comes_while_the_price_monitor_is_away_is_asked_for() {
    let scene = Scene::running().await;
    scene.monitor.kill();
    let mut monitor = SocketIoMonitor::start().await;
    monitor.set_rest(&scene.job, counts(TOTAL));
    scene.proxy.set_target(monitor.address);
    scene.viewers.all_end(TOTAL, "SUCCESS").await;
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_by_the_missing_pings() {
    let scene = Scene::running().await;
    scene.proxy.silence();
    scene.monitor.until_joined(&scene.job, 2).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_frame_loses_nothing() {
    let mut scene = Scene::running().await;
    scene.proxy.reset_in_mid_frame();
    scene.emit(counts(200));
    scene.monitor.until_joined(&scene.job, 2).await;
    scene.finish().await;
}

#[tokio::test]
async fn frames_that_arrive_byte_by_byte_are_read() {
    let mut scene = Scene::with(Fault::OneByteAfterHead).await;
    scene.monitor.until_joined(&scene.job, 1).await;
    for processed in 1..=50 {
        scene.emit(counts(processed));
    }
    scene.viewers.until_processed(50).await;
    scene.finish().await;
}

/// A WebSocket handshake in so many pieces counts as an attack; REST does not.
#[tokio::test]
async fn a_handshake_that_arrives_byte_by_byte_leaves_rest() {
    let mut monitor = SocketIoMonitor::start().await;
    let proxy = Proxy::start(monitor.address).await;
    proxy.set_fault(Fault::OneByte);
    let app = start_app(&format!("http://{}", proxy.address), &[]).await;
    let job = app.import("shop.csv", FILE).await;
    let viewers = Viewers::watch(&app, &job, 5).await;
    monitor.set_rest(&job, counts(TOTAL));
    viewers.all_end(TOTAL, "SUCCESS").await;
}

#[tokio::test]
async fn five_seconds_of_latency_only_delay() {
    // The usual heartbeat allows such a late answer.
    let usual = json!({"pingInterval": 25_000, "pingTimeout": 20_000});
    let monitor = SocketIoMonitor::set_up(&usual).await;
    let proxy = Proxy::start(monitor.address).await;
    let app = start_app(&format!("http://{}", proxy.address), &[]).await;
    let job = app.import("shop.csv", FILE).await;
    proxy.set_fault(Fault::Latency(Duration::from_secs(5)));
    let viewers = Viewers::watch(&app, &job, 5).await;
    let mut scene = Scene {
        monitor,
        proxy,
        app,
        job,
        viewers,
    };
    // REST has nothing new: everything comes over the socket.
    scene.run().await;
    assert_eq!(scene.monitor.opened(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_refused_key_leaves_rest_and_is_said() {
    let mut monitor = SocketIoMonitor::start().await;
    monitor.refuse(true);
    let app = start_app(&format!("http://{}", monitor.address), &[]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut viewers = Viewers::watch(&app, &job, 5).await;
    viewers.until_upstream("REFUSED").await;
    monitor.set_rest(&job, counts(300));
    viewers.until_processed(300).await;
    // One attempt, then a slow retry, while REST is polled.
    let asked = monitor.asked();
    monitor
        .until("REST is polled", |it| it.asked() >= asked + 10)
        .await;
    assert_eq!((monitor.handshakes(), monitor.opened()), (1, 0));
    monitor.set_rest(&job, counts(TOTAL));
    viewers.all_end(TOTAL, "SUCCESS").await;
}

#[tokio::test]
async fn a_key_that_rest_refuses_too_is_not_hammered_on() {
    let monitor = FakeMonitor::start().await;
    let app = start_app(&format!("ws://{}/", monitor.address), &[]).await;
    let job = app.import("shop.csv", FILE).await;
    monitor.change_key(true);
    let (asked, tries) = (monitor.asked(), monitor.tries());
    let mut viewers = Viewers::watch(&app, &job, 5).await;
    viewers.until_upstream("REFUSED").await;
    // The time of fifteen polls.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (asked, tries) = (monitor.asked() - asked, monitor.tries() - tries);
    assert!(asked <= 2, "REST was asked {asked} times");
    assert_eq!(tries, 1);
    // Any accepted call shows that the key is valid again.
    monitor.change_key(false);
    monitor.set_rest(&job, counts(TOTAL));
    app.import("other.csv", FILE).await;
    viewers.all_end(TOTAL, "SUCCESS").await;
}

#[tokio::test]
async fn a_server_that_never_lets_us_in_is_not_waited_for() {
    let mut monitor = SocketIoMonitor::start().await;
    monitor.mute(true);
    let proxy = Proxy::start(monitor.address).await;
    let mut scene = Scene::before(monitor, proxy, &[]).await;
    // Its heartbeats continue, and REST is polled.
    scene.monitor.set_rest(&scene.job, counts(50));
    scene.viewers.until_processed(50).await;
    scene
        .monitor
        .until("we ask to be let in", |it| it.handshakes() == 1)
        .await;
    scene.monitor.mute(false);
    scene.run().await;
    scene.finish().await;
}

#[tokio::test]
async fn what_was_missed_is_recovered_though_the_first_tries_fail() {
    let recovery = json!({"connectionStateRecovery": {"maxDisconnectionDuration": 60_000}});
    let mut scene = Scene::set_up(&recovery, "", &[]).await;
    scene.run().await;
    scene.proxy.set_fault(Fault::NoUpgrade);
    scene.proxy.reset_in_mid_frame();
    scene.emit(counts(110));
    let tried = Instant::now();
    while scene.proxy.refused() < 2 {
        assert!(tried.elapsed() < DEADLINE, "new tries are made");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Without connections and REST: only the server's memory has this.
    scene.emit(counts(200));
    scene.proxy.set_fault(Fault::None);
    scene.monitor.until_said("recovered", &json!(true)).await;
    scene.viewers.until_processed(200).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_path_and_a_namespace_of_the_server_s_own_are_found_by_the_address() {
    let options = json!({"path": "/live/io", "namespace": "/shop"});
    let mut scene = Scene::set_up(&options, "/shop?path=/live/io", &[]).await;
    scene.run().await;
    scene.finish().await;
}

#[tokio::test]
async fn what_is_to_be_acknowledged_is_and_bytes_are_passed_over() {
    let mut scene = Scene::running().await;
    let job = scene.job.clone();
    scene.monitor.ask(&job, counts(150));
    scene.monitor.until_said("acknowledged", &json!(true)).await;
    scene.viewers.until_processed(150).await;
    scene.monitor.emit_binary(&job, counts(160));
    scene.viewers.until_processed(160).await;
    scene.emit(counts(170));
    scene.viewers.until_processed(170).await;
    assert_eq!(scene.monitor.opened(), 1, "all on one connection");
    scene.finish().await;
}

#[tokio::test]
async fn a_server_that_takes_small_frames_alone_is_asked_by_rest_for_what_does_not_fit() {
    let small = json!({"maxHttpBufferSize": 100});
    let often = [("RELAY_SETTLE_INTERVAL", "1s")];
    let mut scene = Scene::set_up(&small, "", &often).await;
    scene.run().await;
    let long = "x".repeat(90);
    scene.monitor.set_rest(&long, counts(100));
    // It is adopted, because the price monitor knows it.
    let mut viewers = Viewers::watch(&scene.app, &long, 5).await;
    viewers.until_processed(100).await;
    scene.monitor.set_rest(&long, counts(TOTAL));
    viewers.all_end(TOTAL, "SUCCESS").await;
    assert_eq!(scene.monitor.opened(), 1, "the connection holds");
    scene.finish().await;
}

/// Writes a CA certificate, and a certificate of this machine with its key.
fn write_certificates(paths: &[std::path::PathBuf; 3]) {
    let issued = certificates::issue(&["localhost"]);
    let texts = [
        issued.authority.pem(),
        issued.certificate.pem(),
        issued.key.serialize_pem(),
    ];
    for (path, text) in paths.iter().zip(texts) {
        std::fs::write(path, text).unwrap();
    }
}

#[tokio::test]
async fn a_price_monitor_behind_tls_is_reached_where_its_authority_is_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let paths = |prefix: &str| {
        ["ca", "cert", "key"].map(|name| directory.path().join(format!("{prefix}-{name}.pem")))
    };
    // The system's certificates are those of this file, for the whole process.
    if std::env::var_os("ALONE").is_none() {
        let trusted = paths("trusted");
        write_certificates(&trusted);
        let [authority, certificate, key] = &trusted;
        is_alone(
            "a_price_monitor_behind_tls_is_reached_where_its_authority_is_trusted",
            &[
                ("SSL_CERT_FILE", authority),
                ("SERVER_CERT", certificate),
                ("SERVER_KEY", key),
            ],
        );
        return;
    }
    let file = |name| std::env::var(name).unwrap();
    let tls = json!({"tls": {"cert": file("SERVER_CERT"), "key": file("SERVER_KEY")}});
    let mut monitor = SocketIoMonitor::set_up(&tls).await;
    let app = start_app(
        &format!("https://localhost:{}", monitor.address.port()),
        &[],
    )
    .await;
    let job = app.import("shop.csv", FILE).await;
    let mut viewers = Viewers::watch(&app, &job, 5).await;
    monitor.until_joined(&job, 1).await;
    monitor.emit(&job, counts(100));
    viewers.until_processed(100).await;
    monitor.emit(&job, counts(TOTAL));
    viewers.all_end(TOTAL, "SUCCESS").await;

    // An unknown issuer: the key is not sent.
    let [authority, certificate, key] = paths("unknown");
    write_certificates(&[authority, certificate.clone(), key.clone()]);
    let tls = json!({"tls": {"cert": certificate, "key": key}});
    let monitor = SocketIoMonitor::set_up(&tls).await;
    let app = start_app(
        &format!("https://localhost:{}", monitor.address.port()),
        &[],
    )
    .await;
    assert_eq!(app.upload("shop.csv", FILE).await.status(), 503);
    assert_eq!((monitor.handshakes(), monitor.asked()), (0, 0));
}

#[tokio::test]
async fn where_the_socket_cannot_be_had_the_tries_grow_rare() {
    let monitor = FakeMonitor::start().await;
    monitor.refuse_sockets(true);
    let app = start_app(&format!("ws://{}/", monitor.address), &[]).await;
    let job = app.import("shop.csv", FILE).await;
    let mut viewers = Viewers::watch(&app, &job, 5).await;
    viewers.until_upstream("POLLING").await;
    // Upper bounds of the delays are 0.2, 0.4, 0.8, 1.6, 3.2 s …
    tokio::time::sleep(Duration::from_secs(4)).await;
    let tries = monitor.tries();
    assert!((2..=12).contains(&tries), "{tries} tries in four seconds");
    monitor.refuse_sockets(false);
    let late = Viewers::watch(&app, &job, 1).await;
    monitor
        .until("the room is joined", |it| it.joins() == [job.clone()])
        .await;
    monitor.emit(&job, counts(TOTAL));
    viewers.all_end(TOTAL, "SUCCESS").await;
    late.all_end(TOTAL, "SUCCESS").await;
}

#[tokio::test]
async fn where_no_socket_can_be_had_rest_is_polled_until_one_can() {
    let mut scene = Scene::with(Fault::NoUpgrade).await;
    scene.monitor.set_rest(&scene.job, counts(200));
    scene.viewers.until_processed(200).await;
    assert_eq!(scene.monitor.opened(), 0);
    scene.proxy.set_fault(Fault::None);
    scene.monitor.until_joined(&scene.job, 1).await;
    scene.finish().await;
}

#[tokio::test]
async fn garbage_costs_no_connection() {
    let mut scene = Scene::running().await;
    for (number, garbage) in [
        "42[\"import-job-\",{}]",
        "9",
        "42{",
        "45-[",
        "6",
        "4",
        "\u{0}",
        "42[\"import-job-x\",7]",
        "0{}",
    ]
    .into_iter()
    .enumerate()
    {
        scene.monitor.raw(garbage);
        let processed = 200 + number as u64;
        scene.emit(counts(processed));
        scene.viewers.until_processed(processed).await;
        assert_eq!(scene.monitor.opened(), 1, "{garbage:?}");
    }
    scene.finish().await;
}

#[tokio::test]
async fn a_frame_that_is_too_large_costs_a_connection_at_most() {
    let mut scene = Scene::running().await;
    let mut huge = counts(200);
    huge["failedProductSkus"] = vec!["x".repeat(100); 60_000].into();
    scene.emit(huge);
    scene.monitor.until_joined(&scene.job, 2).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_flood_of_ten_thousand_updates_a_second_ends_in_the_newest_state() {
    let mut scene = Scene::running().await;
    let job = scene.app.import("shop.csv", FILE).await;
    let viewers = Viewers::watch(&scene.app, &job, 50).await;
    scene.monitor.until_joined(&job, 1).await;
    scene.monitor.flood(&job, 20_000, 10_000);
    scene.monitor.until_flooded(&job).await;
    let end = json!({"processedProducts": 20_001, "totalProducts": 20_001});
    scene.monitor.emit(&job, end);
    viewers.all_end(20_001, "SUCCESS").await;
    scene.finish().await;
}

#[tokio::test]
async fn events_of_unknown_jobs_out_of_order_and_twice_change_nothing() {
    let mut scene = Scene::running().await;
    let job = scene.job.clone();
    // Subscribers check that counts never decrease.
    for processed in [150, 120, 150, 150, 110, 300, 299, 300] {
        scene.emit(counts(processed));
        scene.monitor.emit("unknown", counts(TOTAL));
        scene
            .monitor
            .raw(r#"42["import-job-unknown",{"error":"x"}]"#);
        scene
            .monitor
            .raw(r#"42["import-job-../../x",{"error":"x"}]"#);
    }
    scene.viewers.until_processed(300).await;
    for _ in 0..3 {
        scene.emit(counts(TOTAL));
    }
    scene.emit(counts(7));
    scene.monitor.emit(&job, json!({"error": "too late"}));
    scene.finish().await;
}

/// Runs a test in its own process, because it measures or sets process state. Returns whether this is that process.
fn is_alone(name: &str, environment: &[(&str, &std::path::PathBuf)]) -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("ALONE", "1")
        .envs(environment.iter().copied())
        .status();
    assert!(status.unwrap().success());
    false
}

/// Compares resources after many rounds with those after the first ones, which fill pools and caches.
struct Leftovers {
    tasks: usize,
    memory: usize,
}

impl Leftovers {
    async fn note() -> Self {
        Self {
            tasks: stable(alive_tasks).await,
            memory: rss_kib(),
        }
    }

    async fn expect_no_more(self) {
        let deadline = Instant::now() + DEADLINE;
        while alive_tasks() > self.tasks {
            assert!(
                Instant::now() < deadline,
                "{} tasks, {} before",
                alive_tasks(),
                self.tasks
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let grown = rss_kib().saturating_sub(self.memory);
        assert!(grown < 4 << 10, "{grown} KiB more after 100 rounds");
    }
}

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

const WARM_UP: usize = 20;
const ROUNDS: usize = 120;

/// Rounds of subscribing, a broken socket, an end, and leaving. A leak would occur a hundred times.
#[tokio::test]
async fn a_hundred_broken_rounds_leave_no_task_and_no_memory() {
    if !is_alone("a_hundred_broken_rounds_leave_no_task_and_no_memory", &[]) {
        return;
    }
    let monitor = FakeMonitor::start().await;
    let app = start_app(&format!("ws://{}/", monitor.address), &[]).await;
    let mut leftovers = None;
    for round in 0..ROUNDS {
        if round == WARM_UP {
            leftovers = Some(Leftovers::note().await);
        }
        let job = app.import("shop.csv", FILE).await;
        let mut viewers = Viewers::watch(&app, &job, 20).await;
        let joins = |it: &FakeMonitor| it.joins().iter().filter(|one| **one == job).count();
        monitor
            .until("the room is joined", |it| joins(it) >= 1)
            .await;
        monitor.emit(&job, counts(10));
        viewers.until_processed(10).await;
        // Rarely, because delays grow until a connection has held for a minute.
        if round % 30 == 5 {
            let before = joins(&monitor);
            monitor.hang_up();
            monitor
                .until("the room is joined again", |it| joins(it) > before)
                .await;
        }
        monitor.emit(&job, counts(TOTAL));
        viewers.all_end(TOTAL, "SUCCESS").await;
    }
    leftovers.unwrap().expect_no_more().await;
}

/// The same over a plain WebSocket, which falls silent or whose price monitor is killed.
#[tokio::test]
async fn a_hundred_broken_rounds_of_socket_io_leave_no_task_and_no_memory() {
    if !is_alone(
        "a_hundred_broken_rounds_of_socket_io_leave_no_task_and_no_memory",
        &[],
    ) {
        return;
    }
    let mut monitor = SocketIoMonitor::start().await;
    let proxy = Proxy::start(monitor.address).await;
    let app = start_app(&format!("http://{}", proxy.address), &[]).await;
    let mut leftovers = None;
    for round in 0..ROUNDS {
        if round == WARM_UP {
            leftovers = Some(Leftovers::note().await);
        }
        let job = app.import("shop.csv", FILE).await;
        let mut viewers = Viewers::watch(&app, &job, 20).await;
        monitor.until_joined(&job, 1).await;
        monitor.emit(&job, counts(10));
        viewers.until_processed(10).await;
        // Rarely, because delays grow until a connection has held for a minute.
        match round {
            5 | 65 => {
                proxy.silence();
                monitor.until_joined(&job, 2).await;
            }
            35 => {
                monitor.kill();
                monitor = SocketIoMonitor::start().await;
                proxy.set_target(monitor.address);
                monitor.until_joined(&job, 1).await;
            }
            _ => {}
        }
        monitor.emit(&job, counts(TOTAL));
        viewers.all_end(TOTAL, "SUCCESS").await;
    }
    leftovers.unwrap().expect_no_more().await;
}

async fn stable(number: impl Fn() -> usize) -> usize {
    let (mut last, mut since) = (number(), Instant::now());
    while since.elapsed() < Duration::from_millis(500) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = number();
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    last
}

fn rss_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A subscriber that has the only permit and reads nothing.
struct Stalled {
    monitor: FakeMonitor,
    app: App,
    job: String,
    processed: u64,
}

impl Stalled {
    async fn set(more: &[(&str, &str)]) -> Self {
        let monitor = FakeMonitor::start().await;
        let mut settings = vec![("SSE_MAX_STREAMS_PER_USER", "1")];
        settings.extend_from_slice(more);
        let app = start_app(&format!("ws://{}/", monitor.address), &settings).await;
        let job = app.import("shop.csv", FILE).await;
        Self {
            monitor,
            app,
            job,
            processed: 0,
        }
    }

    async fn request(&self, path: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stalled = socket.connect(self.app.address).await.unwrap();
        let cookie = &self.app.cookie;
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n");
        stalled.write_all(request.as_bytes()).await.unwrap();
        stalled
    }

    /// Sends updates until another subscriber gets the permit. Returns the time.
    async fn until_cut(&mut self, mut look: impl FnMut()) -> Duration {
        let joined = |it: &FakeMonitor| it.joins().len() == 1;
        self.monitor.until("the room is joined", joined).await;
        let path = format!("/api/jobs/{}/progress", self.job);
        let started = Instant::now();
        while self.app.get(&path).await.status() != 200 {
            assert!(
                started.elapsed() < DEADLINE,
                "the stalled viewer keeps its place"
            );
            for _ in 0..100 {
                self.processed += 1;
                let data = json!({"processedProducts": self.processed, "totalProducts": u32::MAX});
                self.monitor.emit(&self.job, data);
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            look();
        }
        started.elapsed()
    }
}

#[tokio::test]
async fn a_viewer_that_stops_reading_is_cut_off_and_costs_little_till_then() {
    let mut scene = Stalled::set(&[("SSE_WRITE_TIMEOUT", "2s")]).await;
    let path = format!("/api/jobs/{}/progress", scene.job);
    let stalled = scene.request(&path).await;
    let port = stalled.local_addr().unwrap().port();
    let server = scene.app.address.port();
    let mut most_kept = 0;
    let look = || most_kept = most_kept.max(unsent(server, port));
    let took = scene.until_cut(look).await;
    assert!(took >= Duration::from_secs(2), "it had its time");
    assert!(most_kept > 0, "it did stall");
    assert!(most_kept <= 64 << 10, "{most_kept} bytes were kept for it");
}

/// The kernel would wait a minute; the stream's own timeout is shorter.
#[tokio::test]
async fn a_stream_of_many_jobs_that_is_not_read_ends_when_its_time_has_come() {
    let settings = [("SSE_WRITE_TIMEOUT", "1m"), ("SSE_MAX_DURATION", "4s")];
    let mut scene = Stalled::set(&settings).await;
    let path = format!("/api/jobs/progress?ids={}", scene.job);
    let stalled = scene.request(&path).await;
    let port = stalled.local_addr().unwrap().port();
    let server = scene.app.address.port();
    let mut most_kept = 0;
    let look = || most_kept = most_kept.max(unsent(server, port));
    scene.until_cut(look).await;
    assert!(most_kept > 0, "it did stall");
}

/// An HTTP/2 client can keep one stream's window closed, which the kernel does not see.
#[tokio::test]
async fn a_viewer_over_http_2_that_takes_nothing_loses_its_place() {
    let mut scene = Stalled::set(&[("SSE_WRITE_TIMEOUT", "2s")]).await;
    let path = format!("/api/jobs/{}/progress", scene.job);
    let http = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .http2_initial_stream_window_size(1024)
        .build()
        .unwrap();
    let request = http.get(scene.app.url(&path));
    let request = request.header("cookie", &scene.app.cookie);
    let stalled = request.send().await.unwrap();
    assert_eq!(stalled.status(), 200);
    let took = scene.until_cut(|| ()).await;
    assert!(took >= Duration::from_secs(2), "it had its time");
    drop(stalled);
}

/// Returns the bytes in a connection's send queue (`proc(5)`, `/proc/net/tcp`).
fn unsent(local: u16, remote: u16) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let queue = table.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let port = |field: &str| u16::from_str_radix(field.rsplit(':').next()?, 16).ok();
        let is_it = port(fields[1]) == Some(local) && port(fields[2]) == Some(remote);
        is_it.then(|| fields[4].split(':').next().map(str::to_owned))?
    });
    queue.map_or(0, |hex| u64::from_str_radix(&hex, 16).unwrap())
}

async fn raw(app: &App, request: String) -> String {
    let mut socket = TcpStream::connect(app.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(DEADLINE, socket.read_to_string(&mut answer))
        .await
        .expect("the answer ends in time")
        .unwrap();
    answer
}

#[tokio::test]
async fn each_version_of_http_gets_the_stream_in_its_own_form() {
    let monitor = FakeMonitor::start().await;
    let app = start_app(&format!("ws://{}/", monitor.address), &[]).await;
    let job = app.import("shop.csv", FILE).await;
    monitor.set_rest(&job, counts(TOTAL));
    Viewers::watch(&app, &job, 1)
        .await
        .all_end(TOTAL, "SUCCESS")
        .await;
    let request = |method: &str, version: &str, more: &str| {
        let cookie = &app.cookie;
        format!(
            "{method} /api/jobs/{job}/progress HTTP/{version}\r\nhost: localhost\r\ncookie: {cookie}\r\n{more}\r\n"
        )
    };
    let chunked = raw(&app, request("GET", "1.1", "")).await;
    assert!(
        chunked.contains("transfer-encoding: chunked\r\n"),
        "{chunked}"
    );
    assert!(chunked.contains("connection: close\r\n"), "{chunked}");
    assert!(chunked.ends_with("\r\n0\r\n\r\n"), "{chunked}");
    let plain = raw(&app, request("GET", "1.0", "")).await;
    assert!(!plain.contains("chunked"), "{plain}");
    assert!(plain.ends_with("\"status\":\"SUCCESS\"}\n\n"), "{plain}");
    // A pipelining client gets its stream, and no reset.
    let pipelined = raw(&app, request("GET", "1.1", "") + &request("GET", "1.1", "")).await;
    assert_eq!(pipelined.matches("HTTP/1.1 200").count(), 1, "{pipelined}");
    assert!(pipelined.ends_with("\r\n0\r\n\r\n"), "{pipelined}");
    // A HEAD request is not hijacked.
    let head = raw(&app, request("HEAD", "1.1", "connection: close\r\n")).await;
    assert!(
        head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert_eq!(head.matches("\r\n\r\n").count(), 1, "{head}");
    stable(alive_tasks).await;
    app.stop().await;
}

#[tokio::test]
async fn npm_s_eventsource_reads_the_stream_to_its_end_and_stays_closed() {
    let monitor = FakeMonitor::start().await;
    let more = [("SSE_HEARTBEAT", "1s")];
    let app = start_app(&format!("ws://{}/", monitor.address), &more).await;
    let job = app.import("shop.csv", FILE).await;
    let url = app.url(&format!("/api/jobs/{job}/progress"));
    let node = Node::start("eventsource.mjs", &[&url, &app.cookie]);
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    monitor.emit(&job, counts(100));
    let said = |kind: &'static str| move |lines: &[Value]| lines.iter().any(|line| line[0] == kind);
    node.until("a heartbeat", said("heartbeat")).await;
    monitor.emit(&job, counts(TOTAL));
    // The client reconnects with the final state's ID and gets 204.
    node.until("the client closes", |lines| {
        lines
            .iter()
            .any(|line| line[0] == "error" && line[1] == 2 && line[2] == 204)
    })
    .await;
    let lines = node.lines();
    let messages: Vec<_> = lines.iter().filter(|line| line[0] == "message").collect();
    let processed: Vec<_> = messages
        .iter()
        .map(|it| it[1]["processedProducts"].clone())
        .collect();
    assert_eq!(processed, [0, 100, TOTAL]);
    assert_eq!(messages[2][1]["status"], "SUCCESS");
    assert_eq!(messages[2][2], "3-SUCCESS");
    let opened = lines.iter().filter(|line| line[0] == "open").count();
    assert_eq!(opened, 1, "{lines:?}");
}

/// Subscribers on several threads come and go while the job runs and ends: those who stay see one end, and no
/// connection leaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn viewers_who_come_and_go_at_any_moment_see_one_end_if_they_stay() {
    const SEATS: usize = 100;
    let monitor = FakeMonitor::start().await;
    let seats = SEATS.to_string();
    let more = [("SSE_MAX_STREAMS_PER_USER", seats.as_str())];
    let app = Arc::new(start_app(&format!("ws://{}/", monitor.address), &more).await);
    for _ in 0..20 {
        let job = app.import("shop.csv", FILE).await;
        let mut crowd = JoinSet::new();
        for _ in 0..40 {
            let (app, job) = (app.clone(), job.clone());
            let (comes, stays) = (millis(0..40), fastrand::bool().then(|| millis(0..40)));
            crowd.spawn(async move {
                tokio::time::sleep(comes).await;
                let viewers = Viewers::watch(&app, &job, 1).await;
                match stays {
                    Some(time) => tokio::time::sleep(time).await,
                    None => viewers.all_end(TOTAL, "SUCCESS").await,
                }
            });
        }
        for processed in 1..TOTAL {
            monitor.emit(&job, counts(processed));
            if processed % 20 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        // REST reports to subscribers after the job was left.
        monitor.set_rest(&job, counts(TOTAL));
        monitor.emit(&job, counts(TOTAL));
        while let Some(done) = crowd.join_next().await {
            done.unwrap();
        }
    }
    let job = app.import("shop.csv", FILE).await;
    let path = format!("/api/jobs/{job}/progress");
    let deadline = Instant::now() + DEADLINE;
    loop {
        let mut seated = Vec::new();
        while seated.len() < SEATS {
            let response = app.get(&path).await;
            if response.status() != 200 {
                break;
            }
            seated.push(response);
        }
        if seated.len() == SEATS {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "only {} seats are free",
            seated.len()
        );
    }
}

fn millis(range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(fastrand::u64(range))
}

/// A stopping instance sends random reconnection delays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_viewers_of_an_instance_that_is_restarted_are_back_spread_over_seconds() {
    const VIEWERS: usize = 200;
    let monitor = FakeMonitor::start().await;
    let mut app = start_app(&format!("ws://{}/", monitor.address), &[]).await;
    let job = app.import("shop.csv", FILE).await;
    let path = format!("/api/jobs/{job}/progress");
    let (url, cookie, http) = (app.url(&path), app.cookie.clone(), app.http.clone());
    let stopping = Arc::new(std::sync::OnceLock::new());
    let mut viewers = JoinSet::new();
    let connected = Arc::new(tokio::sync::Barrier::new(VIEWERS + 1));
    for _ in 0..VIEWERS {
        let (url, cookie, http) = (url.clone(), cookie.clone(), http.clone());
        let (stopping, connected) = (stopping.clone(), connected.clone());
        viewers.spawn(async move {
            let open = || http.get(&url).header("cookie", &cookie).send();
            let mut events = Events::new(open().await.unwrap());
            connected.wait().await;
            let mut retry = 0;
            while let Some(event) = events.next().await {
                retry = event.retry.unwrap_or(retry);
            }
            // Reconnects like a browser, or like the hook after a refusal.
            let stopped: Instant = *stopping.get().unwrap();
            loop {
                tokio::time::sleep(Duration::from_millis(retry)).await;
                match open().await {
                    Ok(response) if response.status() == 200 => {
                        return (retry, stopped.elapsed(), Events::new(response));
                    }
                    _ => assert!(stopped.elapsed() < DEADLINE, "it is back in time"),
                }
            }
        });
    }
    connected.wait().await;
    stopping.set(Instant::now()).unwrap();
    app.halt().await;
    app.launch().await;
    let (mut retries, mut gaps, mut back) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(viewer) = viewers.join_next().await {
        let (retry, gap, events) = viewer.unwrap();
        retries.push(retry);
        gaps.push(gap);
        back.push(events);
    }
    retries.sort_unstable();
    gaps.sort_unstable();
    let (first, last) = (retries[0], retries[VIEWERS - 1]);
    assert!((500..1_000).contains(&first), "the first after {first} ms");
    assert!((3_500..4_000).contains(&last), "the last after {last} ms");
    let most_in_a_moment = retries
        .iter()
        .map(|one| {
            retries
                .iter()
                .filter(|it| (*one..one + 250).contains(it))
                .count()
        })
        .max();
    assert!(most_in_a_moment < Some(VIEWERS / 4), "{most_in_a_moment:?}");
    println!(
        "back after {:?}, half of them after {:?}, all after {:?}",
        gaps[0],
        gaps[VIEWERS / 2],
        gaps[VIEWERS - 1]
    );
    monitor
        .until("the room is joined again", |it| it.joins().len() == 2)
        .await;
    monitor.emit(&job, counts(TOTAL));
    for mut events in back {
        assert_eq!(events.last().await.data.unwrap()["status"], "SUCCESS");
    }
}
