//! nginx with nchan, fed by a bridge in the load generator, at no cost to nchan.

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

use super::{Server, first_data};
use crate::{Failure, http, monitor::Monitor, process::Process};

pub(super) struct Nchan {
    address: SocketAddr,
    /// `None` during a restart.
    process: Option<Process>,
    path: &'static str,
    /// A second listed job, so that channels are multiplexed.
    quiet: Option<String>,
    jobs: Vec<String>,
    directory: tempfile::TempDir,
}

impl Nchan {
    pub(super) fn start(peers: &Path, workers: &str, path: &'static str) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let address = http::free_address()?;
        let config = std::fs::read_to_string(peers.join("nchan.conf"))?
            .replace("@ADDRESS@", &address.to_string())
            .replace("@WORKERS@", workers);
        std::fs::write(directory.path().join("nginx.conf"), config)?;
        let mut nchan = Self {
            address,
            process: None,
            path,
            quiet: None,
            jobs: Vec::new(),
            directory,
        };
        nchan.restart()?;
        Ok(nchan)
    }

    /// Publishes the state before the first update.
    fn publish_first(&self, job: &str) -> Result<(), Failure> {
        let path = publish_path(job);
        http::request(self.address, "POST", &path, &[], &first_data())?;
        Ok(())
    }
}

impl Server for Nchan {
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
            Command::new("nginx")
                .arg("-p")
                .arg(directory)
                .arg("-c")
                .arg(directory.join("nginx.conf"))
                .stderr(Stdio::null()),
        )?;
        self.process = Some(process);
        http::until_listening(self.address)?;
        // It keeps messages in memory, so they are lost.
        self.jobs.iter().try_for_each(|job| self.publish_first(job))
    }

    fn path(&self, job: &str) -> String {
        let quiet = self.quiet.as_deref();
        let jobs = quiet.map_or_else(|| job.to_owned(), |quiet| format!("{job},{quiet}"));
        self.path.replace('@', &jobs)
    }

    fn jobs(&mut self, monitor: &Monitor, count: usize) -> Result<Vec<String>, Failure> {
        if self.path.contains("ids=") && self.quiet.is_none() {
            let quiet = monitor.create_job();
            self.publish_first(&quiet)?;
            self.jobs.push(quiet.clone());
            self.quiet = Some(quiet);
        }
        let jobs: Vec<_> = (0..count).map(|_| monitor.create_job()).collect();
        for job in &jobs {
            self.publish_first(job)?;
            let data = monitor.bridge(job);
            let (address, path) = (self.address, publish_path(job));
            monitor.spawn(async move {
                if let Err(error) = bridge(address, &path, data).await {
                    eprintln!("the bridge to nchan broke: {error}");
                }
            });
        }
        self.jobs.extend(jobs.iter().cloned());
        Ok(jobs)
    }

    fn bridges(&self) -> usize {
        1
    }
}

fn publish_path(job: &str) -> String {
    format!("/publish/{job}")
}

/// Publishes everything over one connection.
async fn bridge(
    address: SocketAddr,
    path: &str,
    mut data: mpsc::UnboundedReceiver<String>,
) -> Result<(), Failure> {
    let mut buffer = vec![0; 4096];
    let mut connected = None;
    while let Some(data) = data.recv().await {
        // With the first update: the server may have been restarted before.
        let socket = match &mut connected {
            Some(socket) => socket,
            None => {
                let socket = TcpStream::connect(address).await?;
                socket.set_nodelay(true)?;
                connected.insert(socket)
            }
        };
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n{data}",
            data.len()
        );
        socket.write_all(request.as_bytes()).await?;
        // The answer is short and arrives in one piece.
        if socket.read(&mut buffer).await? == 0 {
            return Err("closed".into());
        }
    }
    Ok(())
}
