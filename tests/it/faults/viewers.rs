//! Subscribers of one job that check the guarantees. Of five, one has a stream of many jobs, and one uses HTTP/2.

use std::time::Duration;

use serde_json::Value;

use crate::support::app::App;
use test_support::events::{Event, Events};

/// Longer than a job may be silent before REST is polled.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Viewers(Vec<Viewer>);

struct Viewer {
    events: Events,
    newest: u64,
}

impl Viewers {
    pub(crate) async fn watch(app: &App, job: &str, count: usize) -> Self {
        let mut viewers = Vec::new();
        for number in 0..count {
            let one = format!("/api/jobs/{job}/progress");
            let response = match number % 5 {
                3 => app.get(&format!("/api/jobs/progress?ids={job}")).await,
                4 => app.get_by_http2(&one).await,
                _ => app.get(&one).await,
            };
            viewers.push(Viewer {
                events: Events::new(response),
                newest: 0,
            });
        }
        Self(viewers)
    }

    /// Waits until all subscribers have seen a number of products.
    pub(crate) async fn until_processed(&mut self, processed: u64) {
        for viewer in &mut self.0 {
            while viewer.newest < processed {
                let state = viewer.state().await.expect("the stream goes on");
                assert_eq!(state["status"], "PENDING");
            }
        }
    }

    pub(crate) async fn until_upstream(&mut self, state: &str) {
        for viewer in &mut self.0 {
            loop {
                let event = viewer.events.next().await.expect("the stream goes on");
                if event.name.as_deref() == Some("upstream")
                    && event.data.is_some_and(|data| data["state"] == state)
                {
                    break;
                }
            }
        }
    }

    /// Waits for the end of all streams: one final state, as the last event.
    pub(crate) async fn all_end(self, processed: u64, status: &str) {
        for mut viewer in self.0 {
            let mut ends = Vec::new();
            while let Some(state) = viewer.state().await {
                assert!(ends.is_empty(), "{state} after {ends:?}");
                if state["status"] != "PENDING" {
                    ends.push(state);
                }
            }
            assert_eq!(ends.len(), 1, "each viewer sees one end");
            assert_eq!(ends[0]["status"], status);
            assert_eq!(ends[0]["processedProducts"], processed);
        }
    }
}

impl Viewer {
    /// Returns the next state, after checking that it is not older than the last.
    async fn state(&mut self) -> Option<Value> {
        tokio::time::timeout(PATIENCE, self.next_state())
            .await
            .expect("a state comes in time")
    }

    async fn next_state(&mut self) -> Option<Value> {
        loop {
            let Event { name, data, .. } = self.events.next().await?;
            let Some(state) = data.filter(|_| name.is_none()) else {
                continue;
            };
            let processed = state["processedProducts"].as_u64().unwrap();
            assert!(processed >= self.newest, "counts never go backwards");
            self.newest = processed;
            return Some(state);
        }
    }
}
