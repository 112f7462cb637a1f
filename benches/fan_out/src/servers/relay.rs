//! Import Relay: the release binary with an account and raised limits.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use super::Server;
use crate::{
    Failure, http,
    monitor::{KEY, Monitor},
    process::Process,
};

pub(super) struct Relay {
    address: SocketAddr,
    /// `None` during a restart.
    process: Option<Process>,
    cookie: String,
    /// The path of a job's stream; `@` is the job.
    path: &'static str,
    /// A second listed job.
    quiet: Option<String>,
    binary: PathBuf,
    monitor: String,
    directory: tempfile::TempDir,
}

impl Relay {
    pub(super) fn start(
        monitor: &Monitor,
        binary: &Path,
        path: &'static str,
    ) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let address = http::free_address()?;
        let mut relay = Self {
            address,
            process: None,
            cookie: String::new(),
            path,
            quiet: None,
            binary: std::fs::canonicalize(binary)?,
            monitor: format!("http://{}", monitor.address),
            directory,
        };
        relay.restart()?;
        relay.cookie = sign_up(address)?;
        Ok(relay)
    }

    fn import(&self) -> Result<String, Failure> {
        let body = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\
                    content-type: text/csv\r\n\r\nsku,name,price\na,A,1\n\r\n--b--\r\n";
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("accept", "application/json"),
            ("content-type", "multipart/form-data; boundary=b"),
        ];
        let answer = http::request(self.address, "POST", "/imports", &headers, body)?;
        let created: Value = serde_json::from_str(&answer.body)
            .map_err(|_| format!("no job was made: {} {}", answer.status, answer.body))?;
        Ok(created["id"]
            .as_str()
            .ok_or("the job has no id")?
            .to_owned())
    }
}

fn sign_up(address: SocketAddr) -> Result<String, Failure> {
    let answer = http::request(
        address,
        "POST",
        "/api/create_owner",
        &[("content-type", "application/x-www-form-urlencoded")],
        "name=Ada&email=ada%40example.com&password=correct+horse",
    )?;
    let cookie = answer
        .headers
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .and_then(|cookie| cookie.split(';').next())
        .ok_or_else(|| format!("no account was made: {} {}", answer.status, answer.body))?;
    Ok(cookie.to_owned())
}

impl Server for Relay {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn process(&self) -> Result<&Process, Failure> {
        self.process
            .as_ref()
            .ok_or_else(|| "it does not run".into())
    }

    fn restart(&mut self) -> Result<(), Failure> {
        self.process = None;
        let directory = self.directory.path();
        let process = Process::start(
            Command::new(&self.binary)
                .current_dir(directory)
                .env("LISTEN_ADDR", self.address.to_string())
                .env("DATA_DIR", directory.join("data"))
                .env("MONITOR_PRICE_APP_HOST", &self.monitor)
                .env("PRICE_MONITOR_API_KEY", KEY)
                .env("SSE_MAX_STREAMS_PER_USER", "100000")
                .env("SSE_MAX_STREAMS_PER_ADDRESS", "100000")
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )?;
        self.process = Some(process);
        http::until_listening(self.address)
    }

    fn jobs(&mut self, _monitor: &Monitor, count: usize) -> Result<Vec<String>, Failure> {
        if self.path.contains("ids=") && self.quiet.is_none() {
            self.quiet = Some(self.import()?);
        }
        (0..count).map(|_| self.import()).collect()
    }

    fn path(&self, job: &str) -> String {
        let quiet = self.quiet.as_deref();
        let jobs = quiet.map_or_else(|| job.to_owned(), |quiet| format!("{job},{quiet}"));
        self.path.replace('@', &jobs)
    }

    fn cookie(&self) -> &str {
        &self.cookie
    }
}
