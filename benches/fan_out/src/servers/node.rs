//! The usual Node design: a route that opens a Socket.IO connection per subscriber, with and without Next.js.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use super::Server;
use crate::{
    Failure, http,
    load::Load,
    monitor::{KEY, Monitor},
    process::Process,
};

pub(super) struct Node {
    address: SocketAddr,
    process: Process,
}

impl Node {
    pub(super) fn start(monitor: &Monitor, peers: &Path, program: &str) -> Result<Self, Failure> {
        let address = http::free_address()?;
        let process = Process::start(
            Command::new("node")
                .arg(std::fs::canonicalize(peers)?.join(program))
                .env("NODE_ENV", "production")
                .env("PORT", address.port().to_string())
                .env("HOSTNAME", "127.0.0.1")
                .env(
                    "MONITOR_PRICE_APP_HOST",
                    format!("http://{}", monitor.address),
                )
                .env("PRICE_MONITOR_API_KEY", KEY)
                .stdout(Stdio::null()),
        )?;
        http::until_listening(address)?;
        Ok(Self { address, process })
    }
}

impl Server for Node {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn process(&self) -> Result<&Process, Failure> {
        Ok(&self.process)
    }

    fn jobs(&mut self, monitor: &Monitor, count: usize) -> Result<Vec<String>, Failure> {
        Ok((0..count).map(|_| monitor.create_job()).collect())
    }

    fn listeners(&self, load: &Load) -> usize {
        load.viewers
    }
}
