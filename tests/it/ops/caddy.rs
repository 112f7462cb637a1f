//! Caddy before one instance, with the shipped configuration.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use tokio::{
    process::{Child, Command},
    time::Instant,
};

use crate::support::process::Directory;
use test_support::DEADLINE;

pub(crate) struct Caddy {
    pub(crate) origin: String,
    _directory: Directory,
    _process: Child,
}

impl Caddy {
    pub(crate) async fn start(relay: SocketAddr) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let front = free.local_addr().unwrap();
        drop(free);
        let shipped = include_str!("../../../deploy/Caddyfile");
        let site = shipped
            .replace("import-relay.example.com", &format!("http://{front}"))
            .replace(
                "127.0.0.1:3000 127.0.0.1:3001 127.0.0.1:3002",
                &relay.to_string(),
            );
        assert!(site.contains(&front.to_string()) && site.contains(&relay.to_string()));
        let directory = Directory::new();
        let file = directory.path().join("Caddyfile");
        // Its admin port would be shared by the whole machine.
        std::fs::write(&file, format!("{{\n\tadmin off\n}}\n{site}")).unwrap();
        let process = Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&file)
            .env("HOME", directory.path())
            .env("XDG_DATA_HOME", directory.path())
            .env("XDG_CONFIG_HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("Caddy is installed");
        let deadline = Instant::now() + DEADLINE;
        while std::net::TcpStream::connect(front).is_err() {
            assert!(Instant::now() < deadline, "Caddy does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self {
            origin: format!("http://{front}"),
            _directory: directory,
            _process: process,
        }
    }
}
