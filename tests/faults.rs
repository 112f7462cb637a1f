//! The relay between a price monitor and a network that break: whatever happens, the final state
//! reaches every viewer, once, and nothing is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may panic

#[path = "relay/app.rs"]
#[allow(dead_code)] // shared with other tests, which use more of it
mod app;
#[path = "relay/events.rs"]
#[allow(dead_code)] // the same
mod events;
#[path = "relay/fake_monitor.rs"]
#[allow(dead_code)] // the same
mod fake_monitor;
#[path = "faults/node.rs"]
mod node;
#[path = "faults/proxy.rs"]
mod proxy;
#[path = "faults/viewers.rs"]
mod viewers;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    task::JoinSet,
    time::Instant,
};

use self::{
    app::{App, DEADLINE},
    fake_monitor::{FakeMonitor, KEY},
    node::{Node, SocketIoMonitor},
    proxy::{Fault, Proxy},
    viewers::Viewers,
};

const FILE: &str = "sku,name,price\na,A,1.00\n";
const TOTAL: u64 = 500;

fn counts(processed: u64) -> Value {
    json!({"processedProducts": processed, "failedProducts": 0, "totalProducts": TOTAL})
}

/// A real Socket.IO server, a proxy before it, the relay, one job, and viewers who watch it.
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

    /// As `set`, with a fault that is there from the start.
    async fn with(fault: Fault) -> Self {
        let monitor = SocketIoMonitor::start().await;
        let proxy = Proxy::start(monitor.address).await;
        proxy.set_fault(fault);
        Self::before(monitor, proxy, &[]).await
    }

    async fn before(monitor: SocketIoMonitor, proxy: Proxy, more: &[(&str, &str)]) -> Self {
        let app = start_app(&format!("http://{}", proxy.address), more).await;
        let job = app.import("shop.csv", FILE).await;
        Self {
            viewers: Viewers::watch(&app, &job, 5).await,
            monitor,
            proxy,
            app,
            job,
        }
    }

    /// As `set`, with the room joined and the first counts seen.
    async fn running() -> Self {
        let mut scene = Self::set(&[]).await;
        scene.monitor.until_joined(&scene.job, 1).await;
        scene.emit(counts(100));
        scene.viewers.until_processed(100).await;
        scene
    }

    fn emit(&mut self, data: Value) {
        self.monitor.emit(&self.job, data);
    }

    /// Ends the job, and sees every viewer to its end.
    async fn finish(mut self) {
        self.emit(counts(TOTAL));
        self.viewers.all_end(TOTAL, "SUCCESS").await;
        self.app.stop().await;
    }
}

async fn start_app(monitor: &str, more: &[(&str, &str)]) -> App {
    let mut settings = vec![
        ("MONITOR_PRICE_APP_HOST", monitor),
        ("PRICE_MONITOR_API_KEY", KEY),
        ("RELAY_POLL_INTERVAL", "200ms"),
        ("RELAY_SETTLE_INTERVAL", "30s"),
        ("RELAY_GRACE", "0s"),
        ("SSE_HEARTBEAT", "2s"),
    ];
    settings.extend_from_slice(more);
    App::start(&settings).await
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

/// A WebSocket's handshake in so many pieces is taken for an attack; REST is not.
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
    let monitor = SocketIoMonitor::start().await;
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
    // By REST, whose answer is late too, or by the socket, if its pings are answered in time.
    scene.monitor.set_rest(&scene.job, counts(TOTAL));
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
    // It is not hammered on: one try, and a slow next one.
    assert_eq!(monitor.opened(), 0);
    monitor.set_rest(&job, counts(TOTAL));
    viewers.all_end(TOTAL, "SUCCESS").await;
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
async fn garbage_costs_a_connection_at_most() {
    let mut scene = Scene::running().await;
    for garbage in [
        "9",
        "42{",
        "45-[",
        "4",
        "\u{0}",
        "42[\"import-job-\",{}]",
        "0{}",
    ] {
        scene.monitor.raw(garbage);
    }
    scene.emit(counts(200));
    // Whether by the same connection or by a new one.
    scene.monitor.set_rest(&scene.job, counts(201));
    scene.viewers.until_processed(200).await;
    // The end may be told while there is no connection yet: then REST has it.
    scene.monitor.set_rest(&scene.job, counts(TOTAL));
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
    // The viewers hold every state against the last: counts never go backwards.
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

/// Every round: viewers come, the socket breaks, the job ends, the viewers go. What a round leaves
/// behind would be there a hundred times.
#[tokio::test]
async fn a_hundred_broken_rounds_leave_no_task_and_no_memory() {
    const NAME: &str = "a_hundred_broken_rounds_leave_no_task_and_no_memory";
    // The memory is the process's: in this one the other tests run too.
    if std::env::var_os("ALONE").is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env("ALONE", "1")
            .status();
        assert!(status.unwrap().success());
        return;
    }
    let monitor = FakeMonitor::start().await;
    let app = start_app(&format!("ws://{}/", monitor.address), &[]).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let (mut tasks, mut memory) = (0, 0);
    for round in 0..120 {
        let job = app.import("shop.csv", FILE).await;
        let mut viewers = Viewers::watch(&app, &job, 20).await;
        let joins = |it: &FakeMonitor| it.joins().iter().filter(|one| **one == job).count();
        monitor
            .until("the room is joined", |it| joins(it) >= 1)
            .await;
        monitor.emit(&job, counts(10));
        viewers.until_processed(10).await;
        // Not often: the pauses before a new try grow until a connection has held for a minute.
        if round % 30 == 5 {
            let before = joins(&monitor);
            monitor.hang_up();
            monitor
                .until("the room is joined again", |it| joins(it) > before)
                .await;
        }
        monitor.emit(&job, counts(TOTAL));
        viewers.all_end(TOTAL, "SUCCESS").await;
        // The first rounds fill pools and caches.
        if round == 19 {
            tasks = settled(|| metrics.num_alive_tasks()).await;
            memory = rss_kib();
        }
    }
    let deadline = Instant::now() + DEADLINE;
    while metrics.num_alive_tasks() > tasks {
        assert!(
            Instant::now() < deadline,
            "{} tasks, {tasks} before",
            metrics.num_alive_tasks()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let grown = rss_kib().saturating_sub(memory);
    assert!(grown < 4 << 10, "{grown} KiB more after 100 rounds");
}

/// Waits until a number stays the same for a while.
async fn settled(number: impl Fn() -> usize) -> usize {
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

#[tokio::test]
async fn a_viewer_that_stops_reading_is_cut_off_and_costs_little_till_then() {
    let monitor = FakeMonitor::start().await;
    let more = [
        ("SSE_WRITE_TIMEOUT", "2s"),
        ("SSE_MAX_STREAMS_PER_USER", "1"),
    ];
    let app = start_app(&format!("ws://{}/", monitor.address), &more).await;
    let job = app.import("shop.csv", FILE).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stalled = socket.connect(app.address).await.unwrap();
    let request = format!(
        "GET /api/jobs/{job}/progress HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n",
        app.cookie
    );
    stalled.write_all(request.as_bytes()).await.unwrap();
    monitor
        .until("the room is joined", |it| it.joins().len() == 1)
        .await;
    let port = stalled.local_addr().unwrap().port();
    let path = format!("/api/jobs/{job}/progress");
    let (started, mut processed, mut most_kept) = (Instant::now(), 0, 0);
    while app.get(&path).await.status() != 200 {
        assert!(
            started.elapsed() < DEADLINE,
            "the stalled viewer keeps its place"
        );
        for _ in 0..100 {
            processed += 1;
            let data = json!({"processedProducts": processed, "totalProducts": u32::MAX});
            monitor.emit(&job, data);
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        most_kept = most_kept.max(unsent(app.address.port(), port));
    }
    assert!(
        started.elapsed() >= Duration::from_secs(2),
        "it had its time"
    );
    assert!(most_kept > 0, "it did stall");
    assert!(most_kept <= 64 << 10, "{most_kept} bytes were kept for it");
    drop(stalled);
}

/// Returns how many bytes the kernel keeps for a connection (`proc(5)`, `/proc/net/tcp`).
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
    let mut socket = tokio::net::TcpStream::connect(app.address).await.unwrap();
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
            "{method} /api/jobs/{job}/progress HTTP/{version}\r\nhost: x\r\ncookie: {cookie}\r\n{more}\r\n"
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
    // A client that says more than its request gets its stream all the same, and no reset.
    let pipelined = raw(&app, request("GET", "1.1", "") + &request("GET", "1.1", "")).await;
    assert_eq!(pipelined.matches("HTTP/1.1 200").count(), 1, "{pipelined}");
    assert!(pipelined.ends_with("\r\n0\r\n\r\n"), "{pipelined}");
    // Of a head alone nothing is taken over.
    let head = raw(&app, request("HEAD", "1.1", "connection: close\r\n")).await;
    assert!(
        head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert_eq!(head.matches("\r\n\r\n").count(), 1, "{head}");
    let metrics = tokio::runtime::Handle::current().metrics();
    settled(|| metrics.num_alive_tasks()).await;
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
    // The stream ends; the client comes back with the final state's id, and is told 204.
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

/// Viewers come and go at any moment while the job runs and ends, on several threads: whoever stays
/// sees one end, and nobody is left seated.
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
        // REST tells those who come when the room was left.
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
