//! npm's `EventSource`.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use test_support::DEADLINE;

/// An `EventSource` in Node, closed on drop.
pub(crate) struct EventSource {
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl EventSource {
    pub(crate) fn open(url: &str, cookie: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut process = Command::new("node")
            .arg(root.join("tests/faults/eventsource.mjs"))
            .args([url, cookie])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is there");
        let output = process.stdout.take().unwrap();
        Self {
            lines: BufReader::new(output).lines(),
            _process: process,
        }
    }

    pub(crate) async fn until(&mut self, what: &str) -> Value {
        let reading = async {
            loop {
                let line = self.lines.next_line().await.unwrap();
                let line: Value = serde_json::from_str(&line.expect("it goes on")).unwrap();
                assert_ne!((&line[0], &line[1]), (&"error".into(), &2.into()), "{line}");
                if line[0] == what {
                    return line;
                }
            }
        };
        let patience = DEADLINE + Duration::from_secs(10);
        let said = timeout(patience, reading).await;
        said.unwrap_or_else(|_| panic!("it says {what} in time"))
    }
}
