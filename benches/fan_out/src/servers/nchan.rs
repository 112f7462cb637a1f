//! nginx with nchan, fed by a bridge that is part of the load generator and so costs nchan nothing.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

use super::Server;
use crate::{Failure, http, monitor::Monitor, process::Process};

pub(super) struct Nchan {
    address: SocketAddr,
    process: Process,
    _directory: tempfile::TempDir,
}

impl Nchan {
    pub(super) fn start(peers: &Path, workers: &str) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let address = http::free_address()?;
        let config = std::fs::read_to_string(peers.join("nchan.conf"))?
            .replace("@ADDRESS@", &address.to_string())
            .replace("@WORKERS@", workers);
        let path = directory.path().join("nginx.conf");
        std::fs::write(&path, config)?;
        let process = Process::start(
            Command::new("nginx")
                .arg("-p")
                .arg(directory.path())
                .arg("-c")
                .arg(&path)
                .stderr(Stdio::null()),
        )?;
        http::until_listening(address)?;
        Ok(Self {
            address,
            process,
            _directory: directory,
        })
    }
}

impl Server for Nchan {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn process(&self) -> &Process {
        &self.process
    }

    fn jobs(&mut self, monitor: &Monitor, count: usize) -> Result<Vec<String>, Failure> {
        (0..count)
            .map(|_| {
                let job = monitor.create_job();
                let first = r#"{"processedProducts":0,"failedProducts":0,"totalProducts":0}"#;
                let path = publish_path(&job);
                http::request(self.address, "POST", &path, &[], first)?;
                let data = monitor.bridge(&job);
                let address = self.address;
                monitor.spawn(async move {
                    if let Err(error) = bridge(address, &path, data).await {
                        eprintln!("the bridge to nchan broke: {error}");
                    }
                });
                Ok(job)
            })
            .collect()
    }

    fn bridges(&self) -> usize {
        1
    }
}

fn publish_path(job: &str) -> String {
    format!("/publish/{job}")
}

/// Publishes everything over one connection that is kept.
async fn bridge(
    address: SocketAddr,
    path: &str,
    mut data: mpsc::UnboundedReceiver<String>,
) -> Result<(), Failure> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let mut buffer = vec![0; 4096];
    while let Some(data) = data.recv().await {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n{data}",
            data.len()
        );
        socket.write_all(request.as_bytes()).await?;
        // The answer is short and comes in one piece.
        if socket.read(&mut buffer).await? == 0 {
            return Err("closed".into());
        }
    }
    Ok(())
}
