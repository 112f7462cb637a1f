//! Measures event streams: N subscribers × J jobs × U updates per second, with the same load on Import Relay, on a bare
//! loop of `write`, and on peers.
//!
//! The load generator has two threads for price monitor and subscribers; each server is a process, whose CPU time and
//! memory come from the kernel.

mod http;
mod load;
mod monitor;
mod process;
mod servers;
mod table;
mod timeline;
mod viewers;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

use self::{
    load::{Load, Measured},
    monitor::Monitor,
    servers::ServerKind,
    timeline::Timeline,
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures event streams under load.
#[derive(Parser)]
struct Args {
    /// The servers to measure, one after the other.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "relay,floor,nchan,relay-listed,floor-listed,nchan-listed"
    )]
    servers: Vec<ServerKind>,
    /// How many viewers there are.
    #[arg(long, default_value_t = 1000)]
    viewers: usize,
    /// How many jobs they look at, evenly spread.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Updates of each job in a second.
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// How long is measured, after two seconds to warm up.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// How many idle viewers are connected to find what one costs; 0 to leave that out.
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// How long the idle viewers stay: longer than a heartbeat.
    #[arg(long, default_value_t = 14)]
    idle_seconds: u64,
    /// The release binary of Import Relay.
    #[arg(long, default_value = "target/release/import-relay")]
    binary: PathBuf,
    /// The directory of the peers' programs.
    #[arg(long, default_value = "benches/fan_out/peers")]
    peers: PathBuf,
    /// Restarts each server, has all viewers come within so many seconds, and measures when each has its
    /// first state.
    #[arg(long)]
    come_back: Option<u64>,
    /// Is the floor, on this address.
    #[arg(long, hide = true)]
    floor: Option<SocketAddr>,
    /// Where the table goes besides standard output.
    #[arg(long)]
    write: Option<PathBuf>,
}

/// Where the machine limits sockets per process, the Node peer has fewer subscribers: it opens a socket to the price
/// monitor for each.
const MOST_IDLE_NODE: usize = 1000;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fan-out: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    if let Some(address) = args.floor {
        return servers::floor::serve(address);
    }
    let load = Load {
        viewers: args.viewers,
        jobs: args.jobs,
        rate: args.rate,
        seconds: args.seconds,
    };
    let timeline = Timeline::new(load.jobs, load.updates());
    let monitor = Monitor::start(timeline.clone())?;
    if let Some(seconds) = args.come_back {
        let within = Duration::from_secs(seconds);
        let mut rows = Vec::new();
        for kind in &args.servers {
            eprintln!("{kind}: starting");
            let mut server = kind.start(&monitor, &args.binary, &args.peers)?;
            let row = load::come_back(*kind, &mut *server, &monitor, &timeline, &load, within)?;
            eprintln!("{}", table::return_row(&row));
            rows.push(row);
        }
        let table = table::return_table(&load, seconds, &rows);
        println!("{table}");
        if let Some(path) = &args.write {
            table::write(
                path,
                &format!("back-{}x{}", load.viewers, load.jobs),
                &table,
            )?;
        }
        return Ok(());
    }
    let mut rows: Vec<Measured> = Vec::new();
    for kind in &args.servers {
        eprintln!("{kind}: starting");
        let mut server = kind.start(&monitor, &args.binary, &args.peers)?;
        let idle_viewers = match kind {
            ServerKind::Next | ServerKind::Node => args.idle.min(MOST_IDLE_NODE),
            _ => args.idle,
        };
        // First, so that the load's memory is not counted for idle subscribers or reused by them.
        let idle = (idle_viewers > 0 && !kind.is_floor())
            .then(|| {
                load::idle(
                    &mut *server,
                    &monitor,
                    idle_viewers,
                    Duration::from_secs(args.idle_seconds),
                )
            })
            .transpose()?;
        let loaded = load::run(&mut *server, &monitor, &timeline, &load)?;
        rows.push(Measured {
            kind: *kind,
            idle,
            loaded,
        });
        eprintln!("{}", table::row(rows.last().ok_or("no row")?));
    }
    let table = table::table(&load, &rows);
    println!("{table}");
    if let Some(path) = &args.write {
        let name = format!("{}x{}x{}", load.viewers, load.jobs, load.rate);
        table::write(path, &name, &table)?;
    }
    Ok(())
}
