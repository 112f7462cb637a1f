//! The floor: writes Import Relay's bytes to the sockets, one `write` each, and does nothing else. A server's further
//! cost is its own.
//!
//! It is this program as a separate process: `fan-out --floor ADDRESS`.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::io::AsyncWriteExt;

use super::{Server, first_data};
use crate::{Failure, http, monitor::Monitor, process::Process};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n\
                    x-accel-buffering: no\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
/// Start of an event in a stream of listed jobs.
const LISTED: &str = "id: 0.811c9dc5.\ndata: {\"jobId\":\"@\",";

pub(super) struct Floor {
    address: SocketAddr,
    process: Process,
    path: &'static str,
}

impl Floor {
    pub(super) fn start(path: &'static str) -> Result<Self, Failure> {
        let address = http::free_address()?;
        let process = Process::start(
            Command::new(std::env::current_exe()?)
                .arg("--floor")
                .arg(address.to_string()),
        )?;
        http::until_listening(address)?;
        Ok(Self {
            address,
            process,
            path,
        })
    }
}

impl Server for Floor {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn process(&self) -> Result<&Process, Failure> {
        Ok(&self.process)
    }

    fn jobs(&mut self, monitor: &Monitor, count: usize) -> Result<Vec<String>, Failure> {
        let jobs: Vec<_> = (0..count).map(|_| monitor.create_job()).collect();
        for job in &jobs {
            let mut data = monitor.bridge(job);
            let mut socket = TcpStream::connect(self.address)?;
            socket.write_all(format!("{job}\n").as_bytes())?;
            socket.set_nonblocking(true)?;
            monitor.spawn(async move {
                let Ok(mut socket) = tokio::net::TcpStream::from_std(socket) else {
                    return;
                };
                while let Some(data) = data.recv().await {
                    let _ = socket.write_all(format!("{data}\n").as_bytes()).await;
                }
            });
        }
        Ok(jobs)
    }

    fn path(&self, job: &str) -> String {
        self.path.replace('@', job)
    }

    fn bridges(&self) -> usize {
        1
    }
}

/// A job's sockets, and whether each has a stream of listed jobs.
type Sockets = Arc<Mutex<HashMap<String, Vec<(TcpStream, bool)>>>>;

pub(crate) fn serve(address: SocketAddr) -> Result<(), Failure> {
    let listener = TcpListener::bind(address)?;
    let sockets = Sockets::default();
    loop {
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        let mut lines = BufReader::new(socket.try_clone()?);
        let mut first = String::new();
        lines.read_line(&mut first)?;
        let Some(path) = first.strip_prefix("GET ") else {
            let sockets = sockets.clone();
            let job = first.trim().to_owned();
            std::thread::spawn(move || publish(&job, lines, &sockets));
            continue;
        };
        let mut header = first.clone();
        while header.trim() != "" {
            header.clear();
            if lines.read_line(&mut header)? == 0 {
                break;
            }
        }
        let path = path.split(' ').next().unwrap_or_default();
        let (job, is_listed) = match path.strip_prefix("/api/jobs/progress?ids=") {
            Some(jobs) => (jobs.split(',').next().unwrap_or_default(), true),
            None => (
                path.trim_start_matches("/api/jobs/")
                    .trim_end_matches("/progress"),
                false,
            ),
        };
        let mut socket = socket;
        socket.write_all(HEAD.as_bytes())?;
        socket.write_all(event(job, &first_data(), 1, is_listed).as_bytes())?;
        socket.set_nonblocking(true)?;
        let mut sockets = sockets.lock().unwrap_or_else(PoisonError::into_inner);
        sockets
            .entry(job.to_owned())
            .or_default()
            .push((socket, is_listed));
    }
}

fn publish(job: &str, lines: impl BufRead, sockets: &Sockets) {
    for (number, data) in lines.lines().map_while(Result::ok).enumerate() {
        let [one, listed] = [false, true].map(|is_listed| event(job, &data, number + 2, is_listed));
        let mut sockets = sockets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sockets) = sockets.get_mut(job) else {
            continue;
        };
        sockets.retain_mut(|(socket, is_listed)| {
            let event = if *is_listed { &listed } else { &one };
            // Skips a full socket.
            match socket.write(event.as_bytes()) {
                Ok(_) => true,
                Err(error) => error.kind() == io::ErrorKind::WouldBlock,
            }
        });
    }
}

fn event(job: &str, data: &str, number: usize, is_listed: bool) -> String {
    let fields = data.trim_start_matches('{').trim_end_matches('}');
    let head = if is_listed {
        LISTED.replace('@', job)
    } else {
        format!("id: {number}\ndata: {{")
    };
    let event = format!("{head}{fields},\"status\":\"PENDING\"}}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len())
}
