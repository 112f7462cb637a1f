//! An event stream as received by a client.

use reqwest::Response;
use serde_json::Value;

use crate::DEADLINE;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    pub id: Option<String>,
    pub name: Option<String>,
    pub retry: Option<u64>,
    pub data: Option<Value>,
}

/// Parses events (WHATWG HTML, section 9.2.6, as far as the server uses it).
pub struct Events {
    response: Response,
    buffer: String,
}

impl Events {
    pub fn new(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(
            response.headers()["cache-control"],
            "no-cache, no-transform"
        );
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        assert!(!response.headers().contains_key("content-encoding"));
        Self {
            response,
            buffer: String::new(),
        }
    }

    /// Returns the next event, or `None` at the end.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(DEADLINE, self.read())
            .await
            .expect("something is sent in time")
    }

    /// Returns the data of the next state, skipping heartbeats.
    pub async fn state(&mut self) -> Option<Value> {
        loop {
            let event = self.next().await?;
            if event.name.is_none() && event.data.is_some() {
                return event.data;
            }
        }
    }

    pub async fn last(&mut self) -> Event {
        let mut last = Event::default();
        while let Some(event) = self.next().await {
            if event.name.is_none() && event.data.is_some() {
                last = event;
            }
        }
        last
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let event = parse(block);
                self.buffer = rest.to_owned();
                return Some(event);
            }
            let chunk = self.response.chunk().await.ok()??;
            self.buffer
                .push_str(std::str::from_utf8(&chunk).expect("frames are whole"));
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines() {
        let (field, value) = line.split_once(": ").expect("a field and a value");
        match field {
            "id" => event.id = Some(value.to_owned()),
            "event" => event.name = Some(value.to_owned()),
            "retry" => event.retry = Some(value.parse().unwrap()),
            "data" => event.data = Some(serde_json::from_str(value).unwrap()),
            other => panic!("unknown field {other}"),
        }
    }
    event
}
