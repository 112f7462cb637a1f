//! A supplier's server on loopback with TLS: serves a file, or 304 for the known one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
    server::TlsStream,
};

use crate::certificates;

#[derive(Clone, Debug, Default)]
pub struct Feed {
    pub body: String,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    /// Statuses of the next answers instead of the file.
    pub statuses: VecDeque<u16>,
    /// Redirect target of `/moved`.
    pub location: String,
    /// Permits for sending the second half of a file.
    pub hold: Option<Arc<Semaphore>>,
}

pub struct FeedServer {
    pub port: u16,
    /// The certificate to trust, as PEM.
    pub authority: String,
    feed: Arc<Mutex<Feed>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl FeedServer {
    pub async fn start(body: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let issued = certificates::issue(&["localhost", "127.0.0.1"]);
        let tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(issued.certificate)],
                PrivateKeyDer::try_from(issued.key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let feed = Arc::new(Mutex::new(Feed {
            body: body.to_owned(),
            ..Feed::default()
        }));
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let (answers, heard) = (feed.clone(), requests.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(
                    acceptor.clone(),
                    socket,
                    answers.clone(),
                    heard.clone(),
                ));
            }
        });
        Self {
            port,
            authority: issued.authority.pem(),
            feed,
            requests,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    pub fn set(&self, change: impl FnOnce(&mut Feed)) {
        change(&mut self.feed.lock().unwrap());
    }

    /// Returns the heads of all requests, in lower case.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(
    acceptor: TlsAcceptor,
    socket: TcpStream,
    feed: Arc<Mutex<Feed>>,
    requests: Arc<Mutex<Vec<String>>>,
) {
    let Ok(mut tls) = acceptor.accept(socket).await else {
        return;
    };
    let Some(head) = head_of(&mut tls).await else {
        return;
    };
    requests.lock().unwrap().push(head.clone());
    let (answer, rest, hold) = {
        let mut feed = feed.lock().unwrap();
        let (head, body) = answer(&mut feed, &head);
        let half = body.len() / 2;
        let (first, rest) = body.split_at(half);
        (format!("{head}{first}"), rest.to_owned(), feed.hold.clone())
    };
    let _ = tls.write_all(answer.as_bytes()).await;
    let _ = tls.flush().await;
    if let Some(hold) = hold {
        // Once per file.
        hold.acquire().await.unwrap().forget();
    }
    let _ = tls.write_all(rest.as_bytes()).await;
    let _ = tls.shutdown().await;
}

fn answer(feed: &mut Feed, head: &str) -> (String, String) {
    let says = |name: &str, value: &Option<String>| {
        let value = value.as_ref().map(|value| value.to_lowercase());
        value.is_some_and(|value| head.contains(&format!("\r\n{name}: {value}\r\n")))
    };
    let empty = |status: u16| {
        let head =
            format!("HTTP/1.1 {status} It\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        (head, String::new())
    };
    if let Some(status) = feed.statuses.pop_front() {
        return empty(status);
    }
    if head.starts_with("get /moved ") {
        let location = &feed.location;
        let head =
            format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        return (head, String::new());
    }
    if says("if-none-match", &feed.etag)
        || feed.etag.is_none() && says("if-modified-since", &feed.last_modified)
    {
        return empty(304);
    }
    let mut head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\nconnection: close\r\ncontent-length: {}\r\n",
        feed.body.len()
    );
    for (name, value) in [("etag", &feed.etag), ("last-modified", &feed.last_modified)] {
        if let Some(value) = value {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str("\r\n");
    (head, feed.body.clone())
}

async fn head_of(tls: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tls.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).ok()?.to_lowercase())
}
