//! Runs `examples/price-monitor`.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

pub(crate) struct Example {
    child: Child,
    /// The origin that it prints.
    pub(crate) origin: String,
}

impl Example {
    pub(crate) fn start(key: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new("node")
            .arg(root.join("examples/price-monitor/server.js"))
            .env("PRICE_MONITOR_API_KEY", key)
            .env("PORT", "0")
            // npm has installed its dependency there, in the same version.
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
        // Fails if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
