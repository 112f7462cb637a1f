//! The service that the documentation gives as an example, run as it stands there.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The example, as a process. Dropping it kills it.
pub(crate) struct Example {
    child: Child,
    /// Where it says that it listens.
    pub(crate) origin: String,
}

impl Example {
    pub(crate) fn start(key: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new("node")
            .arg(root.join("examples/price-monitor/server.js"))
            .env("PRICE_MONITOR_API_KEY", key)
            .env("PORT", "0")
            // Where npm has put the one package it needs; the versions are the same.
            .env("NODE_PATH", root.join("end2end/node_modules"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is there");
        let mut line = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let origin = line.trim().to_owned();
        assert!(origin.starts_with("http://127.0.0.1:"), "{line:?}");
        Self { child, origin }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // It fails where the program has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
