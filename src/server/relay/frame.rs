//! Snapshots as bytes of an event stream, encoded once for all viewers (pure).
//!
//! The format is WHATWG HTML, section 9.2.6, "Interpreting an event stream".

use std::time::Duration;

use bytes::Bytes;

use super::snapshot::Snapshot;
use crate::job::ImportStatus;

/// A state as it goes to every viewer.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The event, with its `id:` and its closing blank line.
    pub(crate) bytes: Bytes,
    /// Whether the stream ends after it.
    pub(crate) is_final: bool,
}

/// A named event that says the stream is alive. (`onmessage` does not see it; a comment would be
/// seen by nobody, and an event without data is never dispatched.)
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b"event: heartbeat\ndata: {}\n\n");

impl Frame {
    /// Encodes a state. `revision` grows with every state of a job.
    pub(crate) fn new(revision: u64, snapshot: &Snapshot) -> Self {
        let event = &snapshot.event;
        // Its fields are numbers and text: it always serializes.
        let data = serde_json::to_string(event).unwrap_or_default();
        let id = EventId {
            revision,
            status: event.status,
        };
        Self {
            bytes: Bytes::from(format!("id: {id}\ndata: {data}\n\n")),
            is_final: snapshot.is_final(),
        }
    }
}

/// Says after how long the browser is to come back when the stream ends.
pub(crate) fn retry(after: Duration) -> Bytes {
    Bytes::from(format!("retry: {}\n\n", after.as_millis()))
}

/// The `id:` of a state: its revision, and for a final one its status too, so that any instance
/// can tell, without a history, that a client has the end already.
struct EventId {
    revision: u64,
    status: ImportStatus,
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { revision, status } = self;
        if status.is_final() {
            write!(f, "{revision}-{status}")
        } else {
            write!(f, "{revision}")
        }
    }
}

/// Returns whether a client with this `Last-Event-ID` has this final state already.
pub(crate) fn has_seen(last_event_id: &str, status: ImportStatus) -> bool {
    let seen = last_event_id
        .split_once('-')
        .and_then(|(_, status)| status.parse().ok());
    status.is_final() && seen == Some(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::ProgressEvent;

    fn snapshot(status: ImportStatus, error: Option<&str>) -> Snapshot {
        let event = ProgressEvent {
            processed_products: 120,
            failed_products: 3,
            total_products: 500,
            status,
            error: error.map(str::to_owned),
        };
        Snapshot {
            event,
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_state_is_one_default_event_with_an_id() {
        let frame = Frame::new(7, &snapshot(ImportStatus::Pending, None));
        let expected = "id: 7\ndata: {\"processedProducts\":120,\"failedProducts\":3,\
                        \"totalProducts\":500,\"status\":\"PENDING\"}\n\n";
        assert_eq!(frame.bytes, expected);
        assert!(!frame.is_final);
    }

    #[test]
    fn a_line_break_in_an_error_does_not_break_the_event() {
        let frame = Frame::new(7, &snapshot(ImportStatus::Error, Some("a\n\ndata: b\r")));
        let text = std::str::from_utf8(&frame.bytes).unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
    }

    #[test]
    fn the_id_of_a_final_state_says_so() {
        let frame = Frame::new(9, &snapshot(ImportStatus::Success, None));
        assert!(frame.bytes.starts_with(b"id: 9-SUCCESS\n"));
        assert!(has_seen("9-SUCCESS", ImportStatus::Success));
        assert!(has_seen("1-SUCCESS", ImportStatus::Success));
        for other in ["9", "9-ERROR", "SUCCESS", "", "-", "9-PENDING"] {
            assert!(!has_seen(other, ImportStatus::Success), "{other:?}");
        }
        assert!(!has_seen("9-PENDING", ImportStatus::Pending));
    }
}
