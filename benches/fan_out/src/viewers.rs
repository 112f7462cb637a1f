//! The subscribers: all sockets in one thread, read into a shared buffer and searched for one number, so that the load
//! generator is not the bottleneck.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use memchr::memmem;
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use crate::{Failure, timeline::Timeline};

const BUFFER: usize = 64 << 10;
/// Default maximum of connections that wait for their first event.
const BATCH: usize = 200;
/// Sleep between polls. Waiting for events instead would make the kernel wake this thread on the server's CPU time,
/// which a server with remote subscribers does not spend.
const TICK: Duration = Duration::from_micros(500);
const CONNECT_PATIENCE: Duration = Duration::from_secs(60);
const NEEDLE: &[u8] = b"\"processedProducts\":";

/// A subscriber's request.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    pub(crate) cookie: String,
    /// Number of its job in the timeline.
    pub(crate) job: usize,
}

#[derive(Default)]
pub(crate) struct Seen {
    /// Nanoseconds from send to receipt, one per measured event.
    pub(crate) latencies: Vec<u64>,
    /// Nanoseconds from connecting to the first state, one per subscriber.
    pub(crate) first: Vec<u64>,
    /// Events received out of order or twice.
    pub(crate) wrong: usize,
    /// Subscribers that received the final event, each once.
    pub(crate) ended: usize,
    /// Connections that broke or ended early.
    pub(crate) lost: usize,
}

pub(crate) struct Viewers {
    stop: Arc<AtomicBool>,
    connected: Arc<AtomicUsize>,
    thread: JoinHandle<Result<Seen, Failure>>,
}

/// The measured updates.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Viewers {
    /// Connects subscribers, evenly `within` a time or in batches, and waits until each has its first event.
    pub(crate) fn connect(
        targets: Vec<Target>,
        timeline: Timeline,
        window: Window,
        within: Option<Duration>,
    ) -> Result<Self, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let connected = Arc::new(AtomicUsize::new(0));
        let wanted = targets.len();
        let crowd = Crowd {
            poll: Poll::new()?,
            viewers: Vec::with_capacity(wanted),
            timeline,
            window,
            seen: Seen::default(),
            connected: connected.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("viewers".to_owned())
            .spawn({
                let stop = stop.clone();
                move || crowd.watch(targets, within, &stop)
            })?;
        let viewers = Self {
            stop,
            connected,
            thread,
        };
        let deadline = Instant::now() + CONNECT_PATIENCE;
        while viewers.connected.load(Ordering::Relaxed) < wanted {
            if viewers.thread.is_finished() || Instant::now() > deadline {
                let connected = viewers.connected.load(Ordering::Relaxed);
                viewers.finish()?;
                return Err(format!("only {connected} of {wanted} viewers were served").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(viewers)
    }

    /// Disconnects them. Returns what they received.
    pub(crate) fn finish(self) -> Result<Seen, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the viewers panicked")?
    }
}

struct Viewer {
    socket: TcpStream,
    job: usize,
    newest: usize,
    state: State,
    /// The start of a number that a read has split.
    rest: Vec<u8>,
    request: Vec<u8>,
    began: u64,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    Waiting,
    /// The head was read, but no state.
    Connected,
    Watching,
    Gone,
}

struct Crowd {
    poll: Poll,
    viewers: Vec<Viewer>,
    timeline: Timeline,
    window: Window,
    seen: Seen,
    connected: Arc<AtomicUsize>,
}

impl Crowd {
    fn watch(
        mut self,
        targets: Vec<Target>,
        within: Option<Duration>,
        stop: &AtomicBool,
    ) -> Result<Seen, Failure> {
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; BUFFER];
        let wanted = targets.len();
        let mut targets = targets.into_iter();
        let start = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let due = match within {
                Some(within) => {
                    let part = start.elapsed().as_secs_f64() / within.as_secs_f64();
                    (wanted as f64 * part) as usize
                }
                None => self.connected.load(Ordering::Relaxed) + BATCH,
            };
            while self.viewers.len() < due
                && let Some(target) = targets.next()
            {
                self.add(&target)?;
            }
            match self.poll.poll(&mut events, Some(Duration::ZERO)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if events.is_empty() {
                std::thread::sleep(TICK);
            }
            for event in &events {
                let index = event.token().0;
                if event.is_writable() {
                    self.ask(index);
                }
                self.read(index, &mut buffer);
            }
        }
        Ok(self.seen)
    }

    fn add(&mut self, target: &Target) -> Result<(), Failure> {
        let Target {
            address,
            path,
            cookie,
            job,
        } = target;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\ncookie: {cookie}\r\n\r\n"
        );
        let mut socket = TcpStream::connect(*address)?;
        let token = Token(self.viewers.len());
        self.poll.registry().register(
            &mut socket,
            token,
            Interest::READABLE.add(Interest::WRITABLE),
        )?;
        self.viewers.push(Viewer {
            socket,
            job: *job,
            newest: 0,
            state: State::Waiting,
            rest: Vec::new(),
            request: request.into_bytes(),
            began: self.timeline.now(),
        });
        Ok(())
    }

    /// Sends a subscriber's request once connected.
    fn ask(&mut self, index: usize) {
        let viewer = &mut self.viewers[index];
        if viewer.request.is_empty() {
            return;
        }
        // It is shorter than any buffer.
        match viewer.socket.write(&viewer.request) {
            Ok(_) => viewer.request.clear(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.gone(index),
        }
    }

    fn read(&mut self, index: usize, buffer: &mut [u8]) {
        let viewer = &mut self.viewers[index];
        loop {
            match viewer.socket.read(buffer) {
                Ok(0) => return self.gone(index),
                Ok(length) => {
                    if viewer.state == State::Waiting {
                        if !buffer.starts_with(b"HTTP/1.1 200") {
                            eprintln!("{}", String::from_utf8_lossy(&buffer[..length.min(300)]));
                            return self.gone(index);
                        }
                        viewer.state = State::Connected;
                    }
                    let had_state = viewer.state == State::Watching;
                    look(
                        viewer,
                        &buffer[..length],
                        &self.timeline,
                        self.window,
                        &mut self.seen,
                    );
                    if !had_state && viewer.state == State::Watching {
                        self.connected.fetch_add(1, Ordering::Relaxed);
                    }
                    // Edge-triggered: a short read has emptied the socket (epoll(7)).
                    if length < buffer.len() {
                        return;
                    }
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected
                    ) =>
                {
                    return;
                }
                Err(_) => return self.gone(index),
            }
        }
    }

    fn gone(&mut self, index: usize) {
        let viewer = &mut self.viewers[index];
        if viewer.state != State::Gone {
            viewer.state = State::Gone;
            let _ = self.poll.registry().deregister(&mut viewer.socket);
            if viewer.newest <= self.window.last {
                self.seen.lost += 1;
            }
        }
    }
}

/// Finds the counts in a read and records their age.
fn look(viewer: &mut Viewer, read: &[u8], timeline: &Timeline, window: Window, seen: &mut Seen) {
    let joined;
    let mut bytes = if viewer.rest.is_empty() {
        read
    } else {
        joined = [std::mem::take(&mut viewer.rest).as_slice(), read].concat();
        &joined
    };
    let now = timeline.now();
    while let Some(at) = memmem::find(bytes, NEEDLE) {
        let digits = &bytes[at + NEEDLE.len()..];
        let end = digits.iter().position(|byte| !byte.is_ascii_digit());
        let Some(end) = end else {
            viewer.rest = bytes[at..].to_vec();
            return;
        };
        let number = digits[..end]
            .iter()
            .fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
        bytes = &digits[end..];
        if viewer.state != State::Watching {
            viewer.state = State::Watching;
            seen.first.push(now.saturating_sub(viewer.began));
        }
        note(viewer, number, now, timeline, window, seen);
    }
    // A split pattern begins in the last bytes.
    let tail = bytes.len().saturating_sub(NEEDLE.len() - 1);
    if let Some(quote) = memchr::memrchr(b'"', &bytes[tail..])
        && NEEDLE.starts_with(&bytes[tail + quote..])
    {
        viewer.rest = bytes[tail + quote..].to_vec();
    }
}

fn note(
    viewer: &mut Viewer,
    number: usize,
    now: u64,
    timeline: &Timeline,
    window: Window,
    seen: &mut Seen,
) {
    if number == 0 {
        return; // the state before the first update
    }
    if number <= viewer.newest {
        seen.wrong += 1;
        return;
    }
    viewer.newest = number;
    if number > window.last {
        seen.ended += 1;
    } else if number >= window.first
        && let Some(sent) = timeline.when(viewer.job, number)
    {
        seen.latencies.push(now.saturating_sub(sent));
    }
}
