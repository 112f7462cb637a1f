//! Import Relay: the release binary, as it is, with an account and the limits raised.

use std::{
    net::SocketAddr,
    path::Path,
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
    process: Process,
    cookie: String,
    /// The path of a job's stream, with `@` for the job.
    path: &'static str,
    _directory: tempfile::TempDir,
}

impl Relay {
    pub(super) fn start(
        monitor: &Monitor,
        binary: &Path,
        path: &'static str,
    ) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let address = http::free_address()?;
        let process = Process::start(
            Command::new(std::fs::canonicalize(binary)?)
                .current_dir(directory.path())
                .env("LISTEN_ADDR", address.to_string())
                .env("DATA_DIR", directory.path().join("data"))
                .env(
                    "MONITOR_PRICE_APP_HOST",
                    format!("http://{}", monitor.address),
                )
                .env("PRICE_MONITOR_API_KEY", KEY)
                .env("SSE_MAX_STREAMS_PER_USER", "100000")
                .env("SSE_MAX_STREAMS_PER_ADDRESS", "100000")
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )?;
        http::until_listening(address)?;
        let cookie = sign_up(address)?;
        Ok(Self {
            address,
            process,
            cookie,
            path,
            _directory: directory,
        })
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

    fn process(&self) -> &Process {
        &self.process
    }

    fn jobs(&mut self, _monitor: &Monitor, count: usize) -> Result<Vec<String>, Failure> {
        (0..count).map(|_| self.import()).collect()
    }

    fn path(&self, job: &str) -> String {
        self.path.replace('@', job)
    }

    fn cookie(&self) -> &str {
        &self.cookie
    }
}
