//! Measures an idle subscriber, a load, and reconnections after a restart.

use std::time::{Duration, Instant};

use crate::{
    Failure,
    monitor::Monitor,
    servers::{Server, ServerKind},
    timeline::Timeline,
    viewers::{Target, Viewers, Window},
};

/// Not measured.
const WARM_UP: Duration = Duration::from_secs(2);
/// Timeout of the last events.
const DRAIN: Duration = Duration::from_secs(2);
/// A server is idle when its memory has not shrunk for this time.
const REST: Duration = Duration::from_secs(3);
/// Timeout of becoming idle.
const REST_PATIENCE: Duration = Duration::from_secs(30);
/// Timeout of joining rooms.
const JOIN_PATIENCE: Duration = Duration::from_secs(20);

/// N subscribers × J jobs × U updates per second.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) viewers: usize,
    pub(crate) jobs: usize,
    pub(crate) rate: u32,
    pub(crate) seconds: u32,
}

impl Load {
    fn warm_up(&self) -> usize {
        (WARM_UP.as_secs() as usize) * self.rate as usize
    }

    fn measured(&self) -> usize {
        self.seconds as usize * self.rate as usize
    }

    /// Returns the number of updates per job.
    pub(crate) fn updates(&self) -> usize {
        self.warm_up() + self.measured()
    }

    fn window(&self) -> Window {
        Window {
            first: self.warm_up() + 1,
            last: self.updates(),
        }
    }
}

pub(crate) struct Measured {
    pub(crate) kind: ServerKind,
    pub(crate) idle: Option<Idle>,
    pub(crate) loaded: Loaded,
}

/// Cost of idle subscribers.
pub(crate) struct Idle {
    pub(crate) viewers: usize,
    pub(crate) kib_each: f64,
}

pub(crate) struct Loaded {
    pub(crate) delivered: f64,
    pub(crate) events_per_cpu_second: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) rss_mib: f64,
    pub(crate) upstream_sockets: usize,
    pub(crate) wrong: usize,
    pub(crate) lost: usize,
    pub(crate) without_end: usize,
}

/// Connects idle subscribers. Measures the growth of the server's memory.
pub(crate) fn idle(
    server: &mut dyn Server,
    monitor: &Monitor,
    viewers: usize,
    stay: Duration,
) -> Result<Idle, Failure> {
    let jobs = server.jobs(monitor, 1)?;
    // The first connections cost more than later ones.
    let first = connect(
        server,
        &jobs,
        10,
        &Timeline::new(1, 0),
        Window { first: 1, last: 1 },
        None,
    )?;
    first.finish()?;
    let before = rss_at_rest(server)?;
    let connected = connect(
        server,
        &jobs,
        viewers,
        &Timeline::new(1, 0),
        Window { first: 1, last: 1 },
        None,
    )?;
    std::thread::sleep(stay);
    let after = server.process()?.rss_kib()?;
    connected.finish()?;
    Ok(Idle {
        viewers,
        kib_each: (after - before) / viewers as f64,
    })
}

/// Returns the server's memory once idle: an allocator returns memory gradually.
fn rss_at_rest(server: &mut dyn Server) -> Result<f64, Failure> {
    let deadline = Instant::now() + REST_PATIENCE;
    let mut least = server.process()?.rss_kib()?;
    let mut since = Instant::now();
    while since.elapsed() < REST && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
        let now = server.process()?.rss_kib()?;
        if now < least * 0.99 {
            (least, since) = (now, Instant::now());
        }
    }
    Ok(least)
}

pub(crate) fn run(
    server: &mut dyn Server,
    monitor: &Monitor,
    timeline: &Timeline,
    load: &Load,
) -> Result<Loaded, Failure> {
    let jobs = server.jobs(monitor, load.jobs)?;
    let viewers = connect(server, &jobs, load.viewers, timeline, load.window(), None)?;
    let deadline = Instant::now() + JOIN_PATIENCE;
    while monitor.listeners(&jobs) < server.listeners(load) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    let upstream_sockets = monitor.sockets().max(server.bridges());
    monitor.play(&jobs, load.rate, load.updates());
    std::thread::sleep(WARM_UP);
    let before = server.process()?.cpu_seconds()?;
    std::thread::sleep(Duration::from_secs(load.seconds.into()) + DRAIN);
    let cpu_seconds = server.process()?.cpu_seconds()? - before;
    let rss_mib = server.process()?.rss_kib()? / 1024.0;
    monitor.end(&jobs, load.updates());
    std::thread::sleep(DRAIN);
    let mut seen = viewers.finish()?;
    seen.latencies.sort_unstable();
    let events = seen.latencies.len();
    let at = |part: f64| {
        let index = (events as f64 * part) as usize;
        Duration::from_nanos(seen.latencies.get(index).copied().unwrap_or_default())
    };
    Ok(Loaded {
        delivered: events as f64 / (load.measured() * load.viewers) as f64,
        events_per_cpu_second: events as f64 / cpu_seconds,
        cpu_seconds,
        p50: at(0.5),
        p99: at(0.99),
        rss_mib,
        upstream_sockets,
        wrong: seen.wrong,
        lost: seen.lost,
        without_end: load.viewers - seen.ended,
    })
}

/// Result of reconnections.
pub(crate) struct Return {
    pub(crate) kind: ServerKind,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) last: Duration,
    pub(crate) cpu_seconds: f64,
    pub(crate) lost: usize,
    pub(crate) without_end: usize,
}

/// Restarts the server, reconnects all subscribers within a time, and sends an update per second and the end.
pub(crate) fn come_back(
    kind: ServerKind,
    server: &mut dyn Server,
    monitor: &Monitor,
    timeline: &Timeline,
    load: &Load,
    within: Duration,
) -> Result<Return, Failure> {
    let jobs = server.jobs(monitor, load.jobs)?;
    server.restart()?;
    let before = server.process()?.cpu_seconds()?;
    let viewers = connect(
        server,
        &jobs,
        load.viewers,
        timeline,
        load.window(),
        Some(within),
    )?;
    let cpu_seconds = server.process()?.cpu_seconds()? - before;
    let deadline = Instant::now() + JOIN_PATIENCE;
    while monitor.listeners(&jobs) < server.listeners(load) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    monitor.play(&jobs, load.rate, load.updates());
    std::thread::sleep(WARM_UP + Duration::from_secs(load.seconds.into()) + DRAIN);
    monitor.end(&jobs, load.updates());
    std::thread::sleep(DRAIN);
    let mut seen = viewers.finish()?;
    seen.first.sort_unstable();
    let at = |part: f64| {
        let index = ((seen.first.len() as f64 * part) as usize).min(seen.first.len() - 1);
        Duration::from_nanos(seen.first[index])
    };
    Ok(Return {
        kind,
        p50: at(0.5),
        p99: at(0.99),
        last: at(1.0),
        cpu_seconds,
        lost: seen.lost,
        without_end: load.viewers - seen.ended,
    })
}

fn connect(
    server: &dyn Server,
    jobs: &[String],
    viewers: usize,
    timeline: &Timeline,
    window: Window,
    within: Option<Duration>,
) -> Result<Viewers, Failure> {
    let (address, cookie) = (server.address(), server.cookie());
    let targets = (0..viewers)
        .map(|viewer| Target {
            address,
            path: server.path(&jobs[viewer % jobs.len()]),
            cookie: cookie.to_owned(),
            job: viewer % jobs.len(),
        })
        .collect();
    Viewers::connect(targets, timeline.clone(), window, within)
}
