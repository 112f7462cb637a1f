//! Limits of connections and their idle time.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use ipnet::IpNet;
use tokio::sync::watch;

use crate::server::{identity::client_address::network, limits::counts::Counts};

/// Maximum connections.
#[derive(Clone, Debug)]
pub struct MostConnections {
    /// In total.
    pub of_all: usize,
    /// Per address, or per IPv6 network.
    pub of_address: usize,
    /// Addresses without the per-address limit: reverse proxies. Includes this machine.
    pub exempt: Vec<IpNet>,
}

/// Counts open connections. Clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: MostConnections,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: Counts<IpAddr>,
}

/// A permit for one connection; released on drop.
#[derive(Debug)]
pub(crate) struct Admitted {
    connections: Connections,
    address: IpAddr,
}

impl Connections {
    pub(crate) fn new(most: MostConnections) -> Self {
        Self(Arc::new(Shared {
            most,
            open: Mutex::default(),
        }))
    }

    /// Admits a connection; `None` at a limit.
    pub(crate) fn admit(&self, peer: IpAddr) -> Option<Admitted> {
        let (address, counted) = (peer.to_canonical(), network(peer));
        let MostConnections {
            of_all,
            of_address,
            exempt,
        } = &self.0.most;
        let is_exempt =
            address.is_loopback() || exempt.iter().any(|network| network.contains(&address));
        let mut open = self.open();
        let here = open.by_address.of(&counted);
        if open.total >= *of_all || here >= *of_address && !is_exempt {
            return None;
        }
        open.total += 1;
        open.by_address.add(counted);
        Some(Admitted {
            connections: self.clone(),
            address: counted,
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.total = open.total.saturating_sub(1);
        open.by_address.remove(&self.address);
    }
}

/// Number of requests in flight on an HTTP/2 connection; `None` before the first.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<watch::Sender<Option<usize>>>);

impl Default for Activity {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

#[derive(Debug)]
pub(crate) struct InFlight(Activity);

impl Activity {
    pub(crate) fn begin(&self) -> InFlight {
        self.0
            .send_modify(|count| *count = Some(count.unwrap_or_default() + 1));
        InFlight(self.clone())
    }

    /// Resolves when there has been no request for this long; never before the first.
    pub(crate) async fn idle_for(&self, longest: Duration) {
        let mut count = self.0.subscribe();
        loop {
            let is_idle = *count.borrow_and_update() == Some(0);
            tokio::select! {
                () = tokio::time::sleep(longest), if is_idle => return,
                // The sender is `self`, so it exists.
                _ = count.changed() => {}
            }
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0
            .0
            .send_modify(|count| *count = Some(count.unwrap_or_default().saturating_sub(1)));
    }
}

impl InFlight {
    /// Extends the request until the body is sent.
    pub(crate) fn with(self, body: Body) -> Body {
        Body::new(Lasting {
            body,
            _in_flight: self,
        })
    }
}

struct Lasting {
    body: Body,
    _in_flight: InFlight,
}

impl http_body::Body for Lasting {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn one_address_does_not_take_the_connections_of_the_others() {
        let connections = Connections::new(MostConnections {
            of_all: 4,
            of_address: 1,
            exempt: vec!["10.0.0.0/8".parse().unwrap()],
        });
        let admit = |peer: &str| connections.admit(peer.parse().unwrap());
        let first = admit("192.0.2.1").unwrap();
        assert!(admit("192.0.2.1").is_none());
        assert!(admit("::ffff:192.0.2.1").is_none(), "it is the same");
        let _second = admit("192.0.2.2").unwrap();
        let _proxy = [
            admit("10.0.0.1").unwrap(),
            admit("::ffff:10.0.0.1").unwrap(),
        ];
        assert!(admit("127.0.0.1").is_none(), "there are as many as may be");
        drop(first);
        assert!(admit("127.0.0.1").is_some());
        assert!(admit("192.0.2.1").is_some());
    }

    #[tokio::test]
    async fn a_connection_is_idle_when_its_last_request_has_been_over_for_long() {
        let longest = Duration::from_millis(20);
        let activity = Activity::default();
        let long = || tokio::time::sleep(5 * longest);
        let mut idle = Box::pin(activity.idle_for(longest));
        tokio::select! {
            () = &mut idle => panic!("there was no request yet"),
            () = long() => {}
        }
        let (one, other) = (activity.begin(), activity.begin());
        drop(one);
        tokio::select! {
            () = &mut idle => panic!("a request is in flight"),
            () = long() => {}
        }
        let body = other.with(Body::empty());
        assert!((&mut idle).now_or_never().is_none());
        drop(body);
        idle.await;
    }
}
