//! The servers under test: each takes the same requests and sends the same data.

pub(crate) mod floor;
mod nchan;
mod node;
mod relay;

use std::{fmt, net::SocketAddr, path::Path};

use clap::ValueEnum;

use crate::{Failure, load::Load, monitor::Monitor, process::Process};

pub(crate) trait Server {
    fn address(&self) -> SocketAddr;
    fn process(&self) -> Result<&Process, Failure>;
    fn jobs(&mut self, monitor: &Monitor, count: usize) -> Result<Vec<String>, Failure>;

    fn path(&self, job: &str) -> String {
        format!("/api/jobs/{job}/progress")
    }

    fn cookie(&self) -> &str {
        ""
    }

    /// Restarts the process on the same address.
    fn restart(&mut self) -> Result<(), Failure> {
        Err("it is not measured with a restart".into())
    }

    /// Returns the number of room memberships caused by the load.
    fn listeners(&self, load: &Load) -> usize {
        load.jobs
    }

    /// Returns the number of bridges in place of sockets to the price monitor.
    fn bridges(&self) -> usize {
        0
    }
}

/// The data of a job before its first update.
pub(crate) fn first_data() -> String {
    r#"{"processedProducts":0,"failedProducts":0,"totalProducts":0}"#.to_owned()
}

/// Path of the stream of one job.
const ONE: &str = "/api/jobs/@/progress";
/// Path of the stream of listed jobs.
const LISTED: &str = "/api/jobs/progress?ids=@";

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ServerKind {
    /// Import Relay, stream of one job.
    Relay,
    /// Import Relay, stream of listed jobs, which pages use.
    RelayListed,
    /// A bare loop of `write`, stream of one job.
    Floor,
    /// A bare loop of `write`, stream of listed jobs.
    FloorListed,
    /// nginx with nchan, one worker process.
    Nchan,
    /// nginx with nchan, multiplexed channels.
    NchanListed,
    /// nginx with nchan, one worker process per CPU, Debian's default.
    NchanAuto,
    /// A Next.js route with a socket per subscriber.
    Next,
    /// The same route in bare Node.js.
    Node,
}

impl ServerKind {
    /// Returns whether it is a floor, of which only the load is measured.
    pub(crate) fn is_floor(self) -> bool {
        matches!(self, Self::Floor | Self::FloorListed)
    }

    pub(crate) fn start(
        self,
        monitor: &Monitor,
        binary: &Path,
        peers: &Path,
    ) -> Result<Box<dyn Server>, Failure> {
        Ok(match self {
            Self::Relay => Box::new(relay::Relay::start(monitor, binary, ONE)?),
            Self::RelayListed => Box::new(relay::Relay::start(monitor, binary, LISTED)?),
            Self::Floor => Box::new(floor::Floor::start(ONE)?),
            Self::FloorListed => Box::new(floor::Floor::start(LISTED)?),
            Self::Nchan => Box::new(nchan::Nchan::start(peers, "1", ONE)?),
            Self::NchanListed => Box::new(nchan::Nchan::start(peers, "1", LISTED)?),
            Self::NchanAuto => Box::new(nchan::Nchan::start(peers, "auto", ONE)?),
            Self::Next => Box::new(node::Node::start(
                monitor,
                peers,
                "next/.next/standalone/server.js",
            )?),
            Self::Node => Box::new(node::Node::start(monitor, peers, "node.mjs")?),
        })
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relay => "Import Relay",
            Self::RelayListed => "Import Relay, stream of listed jobs",
            Self::Floor => "the floor: a bare loop of `write`",
            Self::FloorListed => "the floor, stream of listed jobs",
            Self::Nchan => "nginx + nchan, 1 worker",
            Self::NchanListed => "nginx + nchan, multiplexed channels",
            Self::NchanAuto => "nginx + nchan, auto workers",
            Self::Next => "Next.js, a socket a viewer",
            Self::Node => "bare Node, a socket a viewer",
        })
    }
}
