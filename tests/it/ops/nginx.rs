//! nginx before one instance, with the shipped configuration.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use tokio::{
    process::{Child, Command},
    time::Instant,
};

use crate::support::process::Directory;
use test_support::{
    DEADLINE,
    certificates::{Issued, issue},
};

pub(crate) struct Nginx {
    pub(crate) origin: String,
    pub(crate) secure: SocketAddr,
    pub(crate) issued: Issued,
    _directory: Directory,
    _process: Child,
}

fn free() -> SocketAddr {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap()
}

/// Replaces a text that must exist in a shipped file.
fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is in the file");
    text.replace(from, to)
}

/// Replaces the configuration at the root by the example below a path.
fn below_a_path(site: &str) -> String {
    let (before, rest) = site.split_once("    # At the root of its host:").unwrap();
    let (_, example) = rest.split_once("    # Below a path").unwrap();
    // The example ends with an empty line.
    let (_, example) = example.split_once("\n\n").unwrap();
    let example: String = example
        .lines()
        .map(|line| line.trim_start().trim_start_matches('#').to_owned() + "\n")
        .collect();
    format!("{before}{example}")
}

impl Nginx {
    pub(crate) async fn start(relay: SocketAddr) -> Self {
        Self::start_as(relay, include_str!("../../../deploy/nginx.conf")).await
    }

    /// Serves the app at `/import` and nothing else.
    pub(crate) async fn start_below_a_path(relay: SocketAddr) -> Self {
        let site = below_a_path(include_str!("../../../deploy/nginx.conf"));
        Self::start_as(relay, &site).await
    }

    async fn start_as(relay: SocketAddr, site: &str) -> Self {
        let directory = Directory::new();
        let path = directory.path().display().to_string();
        let issued = issue(&["localhost"]);
        std::fs::write(format!("{path}/relay.crt"), issued.certificate.pem()).unwrap();
        std::fs::write(format!("{path}/relay.key"), issued.key.serialize_pem()).unwrap();
        let (front, secure) = (free(), free());
        let tls = include_str!("../../../deploy/nginx-tls.conf");
        let tls = replace(tls, "listen 443 ssl", &format!("listen {secure} ssl"));
        let tls = replace(
            &tls,
            "/etc/nginx/tls/import-relay",
            &format!("{path}/relay"),
        );
        std::fs::write(format!("{path}/import-relay-tls.conf"), tls).unwrap();
        let site = replace(site, "server relay:3000", &format!("server {relay}"));
        let site = replace(&site, "listen 80;", &format!("listen {front};"));
        let site = replace(
            &site,
            "/etc/nginx/import-relay-tls",
            &format!("{path}/import-relay-tls"),
        );
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
            .collect();
        let file = format!("{path}/nginx.conf");
        let config = format!(
            "daemon off;\nmaster_process off;\npid {path}/nginx.pid;\nerror_log {path}/nginx.log;\n\
             events {{}}\nhttp {{\naccess_log off;\n{temporary}\n{site}\n}}\n"
        );
        std::fs::write(&file, config).unwrap();
        let process = Command::new("nginx")
            .env(
                "PATH",
                format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()),
            )
            .args(["-p", &path, "-c", &file])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx is installed");
        let deadline = Instant::now() + DEADLINE;
        while std::net::TcpStream::connect(front).is_err() {
            assert!(Instant::now() < deadline, "nginx does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self {
            origin: format!("http://{front}"),
            secure,
            issued,
            _directory: directory,
            _process: process,
        }
    }
}
