//! A TCP proxy with faults.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::Instant,
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    /// Sends the server's data byte by byte, in separate segments.
    OneByte,
    /// Like [`OneByte`](Self::OneByte), after the first response head.
    OneByteAfterHead,
    Latency(Duration),
    /// Answers WebSocket upgrades with 503, and forwards others.
    NoUpgrade,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Blow {
    None,
    /// Forwards nothing, and closes nothing.
    Silence,
    /// Cuts the server's next data and resets the connection.
    Reset,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    fault: Mutex<Fault>,
    blow: watch::Sender<(u64, Blow)>,
    refused: AtomicUsize,
}

impl Proxy {
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            fault: Mutex::new(Fault::None),
            blow: watch::Sender::new((0, Blow::None)),
            refused: AtomicUsize::new(0),
        });
        tokio::spawn({
            let shared = shared.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(shared.clone().pass(client));
                }
            }
        });
        Self { address, shared }
    }

    pub(crate) fn set_target(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap() = target;
    }

    pub(crate) fn set_fault(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = fault;
    }

    pub(crate) fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Stops forwarding on open connections without closing them.
    pub(crate) fn silence(&self) {
        self.strike(Blow::Silence);
    }

    /// Resets open connections within the server's next data.
    pub(crate) fn reset_in_mid_frame(&self) {
        self.strike(Blow::Reset);
    }

    fn strike(&self, blow: Blow) {
        self.shared.blow.send_modify(|(count, now)| {
            *count += 1;
            *now = blow;
        });
    }
}

impl Shared {
    async fn pass(self: Arc<Self>, mut client: TcpStream) {
        let mut blows = self.blow.subscribe();
        blows.borrow_and_update();
        let fault = *self.fault.lock().unwrap();
        let target = *self.target.lock().unwrap();
        client.set_nodelay(true).unwrap();
        let mut first = vec![0; 16 << 10];
        let Ok(length @ 1..) = client.read(&mut first).await else {
            return;
        };
        let request = String::from_utf8_lossy(&first[..length]).to_ascii_lowercase();
        if fault == Fault::NoUpgrade && request.contains("upgrade: websocket") {
            self.refused.fetch_add(1, Ordering::SeqCst);
            let refused = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
            let _ = client.write_all(refused.as_bytes()).await;
            return;
        }
        let Ok(mut server) = TcpStream::connect(target).await else {
            return;
        };
        server.set_nodelay(true).unwrap();
        if server.write_all(&first[..length]).await.is_err() {
            return;
        }
        let (client_in, client_out) = client.into_split();
        let (server_in, server_out) = server.into_split();
        let up = forward(client_in, server_out, Way::Up, blows.clone());
        let down = forward(server_in, client_out, Way::Down(fault), blows);
        tokio::select! {
            () = up => {}
            () = down => {}
        }
    }
}

/// Direction of data. Faults affect the server's.
#[derive(Clone, Copy)]
enum Way {
    Up,
    Down(Fault),
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    mut blows: watch::Receiver<(u64, Blow)>,
) {
    let mut buffer = vec![0; 16 << 10];
    let mut late: std::collections::VecDeque<(Instant, Vec<u8>)> =
        std::collections::VecDeque::new();
    let mut blow = Blow::None;
    let (mut has_begun, mut has_ended) = (false, false);
    loop {
        let due = late.front().map(|(at, _)| *at);
        tokio::select! {
            changed = blows.changed() => {
                if changed.is_err() {
                    return;
                }
                blow = blows.borrow_and_update().1;
                if blow == Blow::Silence {
                    // Held open during the test.
                    std::future::pending::<()>().await;
                }
            }
            read = from.read(&mut buffer), if !has_ended => {
                let Ok(length @ 1..) = read else {
                    has_ended = true;
                    if late.is_empty() {
                        return;
                    }
                    continue;
                };
                let bytes = &buffer[..length];
                let Way::Down(fault) = way else {
                    if to.write_all(bytes).await.is_err() {
                        return;
                    }
                    continue;
                };
                if blow == Blow::Reset {
                    let _ = to.write_all(&bytes[..length / 2]).await;
                    let _ = SockRef::from(to.as_ref()).set_linger(Some(Duration::ZERO));
                    return;
                }
                match fault {
                    Fault::OneByte | Fault::OneByteAfterHead => {
                        let is_head = fault == Fault::OneByteAfterHead && !has_begun;
                        has_begun = true;
                        let head = bytes.windows(4).position(|end| end == b"\r\n\r\n");
                        let whole = head.filter(|_| is_head).map_or(0, |end| end + 4);
                        if to.write_all(&bytes[..whole]).await.is_err() {
                            return;
                        }
                        for byte in &bytes[whole..] {
                            if to.write_all(&[*byte]).await.is_err() {
                                return;
                            }
                            tokio::task::yield_now().await;
                        }
                    }
                    Fault::Latency(by) => late.push_back((Instant::now() + by, bytes.to_vec())),
                    Fault::None | Fault::NoUpgrade => {
                        if to.write_all(bytes).await.is_err() {
                            return;
                        }
                    }
                }
            }
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if let Some((_, bytes)) = late.pop_front()
                    && to.write_all(&bytes).await.is_err()
                {
                    return;
                }
                if has_ended && late.is_empty() {
                    return;
                }
            }
        }
    }
}
