//! Runs Node programs controlled by lines of JSON.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

use test_support::{DEADLINE, fake_monitor::KEY};

pub(crate) struct Node {
    child: Child,
    input: ChildStdin,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Node {
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(
            root.join("end2end/node_modules/socket.io").exists(),
            "npm's packages are needed: scripts/tools.sh test installs them",
        );
        let mut child = Command::new("node")
            .arg(root.join("tests/faults").join(script))
            .args(arguments)
            .env("PRICE_MONITOR_API_KEY", KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is there");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        // Ends with the program.
        std::thread::spawn({
            let lines = lines.clone();
            move || {
                for line in output.lines().map_while(Result::ok) {
                    let line = serde_json::from_str(&line).expect("a line is JSON");
                    lines.lock().unwrap().push(line);
                }
            }
        });
        Self {
            child,
            input,
            lines,
        }
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits until the reported lines suffice.
    pub(crate) async fn until(&self, what: &str, is_enough: impl Fn(&[Value]) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !is_enough(&self.lines()) {
            assert!(
                Instant::now() < deadline,
                "in time: {what}: {:?}",
                self.lines()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Fails if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A price monitor on the reference implementation of Socket.IO.
pub(crate) struct SocketIoMonitor {
    node: Node,
    pub(crate) address: SocketAddr,
}

impl SocketIoMonitor {
    pub(crate) async fn start() -> Self {
        Self::set_up(&json!({})).await
    }

    pub(crate) async fn set_up(options: &Value) -> Self {
        let node = Node::start("monitor.mjs", &[&options.to_string()]);
        node.until("the price monitor listens", |lines| !lines.is_empty())
            .await;
        let port = node.lines()[0]["listening"].as_u64().unwrap();
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        Self { node, address }
    }

    fn command(&mut self, command: &Value) {
        let line = format!("{command}\n");
        self.node.input.write_all(line.as_bytes()).unwrap();
    }

    pub(crate) fn emit(&mut self, job: &str, data: Value) {
        self.command(&json!({"emit": [job, data]}));
    }

    /// Sends a binary event, and an update with binary data.
    pub(crate) fn emit_binary(&mut self, job: &str, data: Value) {
        self.command(&json!({"emitBinary": [job, data]}));
    }

    /// Sends an update with an acknowledgement.
    pub(crate) fn ask(&mut self, job: &str, data: Value) {
        self.command(&json!({"ask": [job, data]}));
    }

    pub(crate) fn set_rest(&mut self, job: &str, data: Value) {
        self.command(&json!({"rest": [job, data]}));
    }

    pub(crate) fn refuse(&mut self, value: bool) {
        self.command(&json!({"refuse": [value]}));
    }

    pub(crate) fn mute(&mut self, value: bool) {
        self.command(&json!({"mute": [value]}));
    }

    pub(crate) fn raw(&mut self, text: &str) {
        self.command(&json!({"raw": [text]}));
    }

    pub(crate) fn flood(&mut self, job: &str, count: u64, rate: u64) {
        self.command(&json!({"flood": [job, count, rate]}));
    }

    pub(crate) async fn until_flooded(&self, job: &str) {
        self.node
            .until("the flood is over", |lines| {
                lines.iter().any(|line| line["flooded"] == job)
            })
            .await;
    }

    pub(crate) async fn until_joined(&self, job: &str, times: usize) {
        self.node
            .until("the room is joined", |lines| {
                lines.iter().filter(|line| line["joined"] == job).count() >= times
            })
            .await;
    }

    pub(crate) fn opened(&self) -> usize {
        self.said("opened")
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.said("handshake")
    }

    pub(crate) fn asked(&self) -> usize {
        self.said("asked")
    }

    fn said(&self, what: &str) -> usize {
        let lines = self.node.lines();
        lines.iter().filter(|line| !line[what].is_null()).count()
    }

    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        self.node.until(what, |_| condition(self)).await;
    }

    pub(crate) async fn until_said(&self, what: &str, value: &Value) {
        let is_it = |lines: &[Value]| lines.iter().any(|line| line[what] == *value);
        self.node.until(what, is_it).await;
    }

    pub(crate) fn kill(self) {
        drop(self.node);
    }
}
