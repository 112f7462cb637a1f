//! A proxy to PostgreSQL that counts statements.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Executions per statement.
pub(crate) type Counts = BTreeMap<String, u64>;

pub(crate) struct CountingProxy {
    /// The database's URL through the proxy.
    pub(crate) database: String,
    counts: Arc<Mutex<Counts>>,
}

impl CountingProxy {
    pub(crate) async fn start(database: &str) -> Self {
        let server = database.split(['@', '/']).nth(3).unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let database = database.replace(&server, &address.to_string());
        let counts = Arc::new(Mutex::new(Counts::new()));
        let counted = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else {
                    continue;
                };
                tokio::spawn(pass_on(client, server, Arc::clone(&counted)));
            }
        });
        Self { database, counts }
    }

    pub(crate) fn take(&self) -> Counts {
        mem::take(&mut self.counts.lock().unwrap())
    }
}

async fn pass_on(client: TcpStream, server: TcpStream, counts: Arc<Mutex<Counts>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let counting = async {
        let (mut messages, mut buffer) = (Messages::default(), [0; 8192]);
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            for statement in messages.executed(&buffer[..length]) {
                *counts.lock().unwrap().entry(statement).or_default() += 1;
            }
            if to_server.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = counting => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}

/// Client messages (PostgreSQL documentation, "Message Formats").
#[derive(Default)]
struct Messages {
    unread: Vec<u8>,
    /// Whether the startup message, which has no type, has passed.
    has_begun: bool,
    prepared: HashMap<String, String>,
}

impl Messages {
    fn executed(&mut self, bytes: &[u8]) -> Vec<String> {
        const PROTOCOL_3: u8 = 3;
        self.unread.extend_from_slice(bytes);
        let mut executed = Vec::new();
        loop {
            let tag = usize::from(self.has_begun);
            let Some(length) = self.unread.get(tag..tag + 4) else {
                return executed;
            };
            let length = u32::from_be_bytes(length.try_into().unwrap());
            let end = tag + usize::try_from(length).unwrap();
            if self.unread.len() < end {
                return executed;
            }
            let message: Vec<u8> = self.unread.drain(..end).collect();
            let body = &message[tag + 4..];
            let mut texts = body
                .split(|byte| *byte == 0)
                .map(|text| String::from_utf8_lossy(text).into_owned());
            let mut next = || texts.next().unwrap_or_default();
            match message[0] {
                // A request for encryption may come first.
                _ if !self.has_begun => self.has_begun = body[1] == PROTOCOL_3,
                b'Q' => executed.push(next()),
                b'P' => {
                    let (name, statement) = (next(), next());
                    self.prepared.insert(name, statement);
                }
                b'B' => {
                    let (_portal, name) = (next(), next());
                    executed.extend(self.prepared.get(&name).cloned());
                }
                _ => {}
            }
        }
    }
}

#[test]
fn statements_are_counted_wherever_the_bytes_part() {
    let message = |tag: &[u8], body: &[u8]| {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [tag, &length, body].concat()
    };
    let bytes = [
        message(b"", &80_877_103_u32.to_be_bytes()),
        message(b"", b"\0\x03\0\0user\0relay\0\0"),
        message(b"Q", b"BEGIN\0"),
        message(b"P", b"one\0SELECT 1\0\0\0"),
        message(b"B", b"\0one\0\0\0\0\0\0\0"),
        message(b"E", b"\0\0\0\0\0"),
        message(b"S", b""),
        message(b"B", b"\0one\0\0\0\0\0\0\0"),
    ]
    .concat();
    for size in 1..bytes.len() {
        let mut messages = Messages::default();
        let executed: Vec<_> = bytes
            .chunks(size)
            .flat_map(|some| messages.executed(some))
            .collect();
        assert_eq!(executed, ["BEGIN", "SELECT 1", "SELECT 1"], "{size}");
    }
}
