//! Encodes snapshots as Server-Sent Events (WHATWG HTML, section 9.2.6), once for all subscribers (pure).

use std::{sync::OnceLock, time::Duration};

use bytes::Bytes;

use super::snapshot::Snapshot;
use crate::model::{
    job::{ImportStatus, JobId},
    progress::{UpstreamEvent, UpstreamState},
};

#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Increases with every state of the job.
    pub(crate) revision: u64,
    /// The event with `id:` and closing blank line.
    pub(crate) bytes: Bytes,
    pub(crate) is_final: bool,
    /// Offset of the JSON fields after the opening brace.
    fields: usize,
    /// The event with `jobId`, encoded on first use.
    tagged: OnceLock<Bytes>,
}

/// A heartbeat. Named, so that `onmessage` ignores it but clients can listen; clients do not see comments or events
/// without data.
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b"event: heartbeat\ndata: {}\n\n");

/// Ends a stream of listed jobs. Its `id:` returns as `Last-Event-ID`.
pub(crate) const END: Bytes = Bytes::from_static(b"event: end\nid: end\ndata: {}\n\n");

pub(crate) fn has_seen_all(last_event_id: &str) -> bool {
    last_event_id == "end"
}

impl Frame {
    pub(crate) fn new(revision: u64, snapshot: &Snapshot) -> Self {
        let event = snapshot.told();
        // Serializing numbers and strings cannot fail.
        let data = serde_json::to_string(&event).unwrap_or_default();
        let id = EventId {
            revision,
            status: event.status,
        };
        let head = format!("id: {id}\ndata: {{");
        Self {
            revision,
            fields: head.len(),
            bytes: format!("id: {id}\ndata: {data}\n\n").into(),
            is_final: snapshot.is_final(),
            tagged: OnceLock::new(),
        }
    }

    /// Returns the event with `jobId` in its data. Job IDs need no JSON escaping.
    pub(crate) fn tagged(&self, job: &JobId) -> &Bytes {
        let tag = || {
            let head = format!("data: {{\"jobId\":\"{job}\",");
            [head.as_bytes(), &self.bytes[self.fields..]]
                .concat()
                .into()
        };
        self.tagged.get_or_init(tag)
    }
}

pub(crate) fn upstream(state: UpstreamState) -> Bytes {
    let data = serde_json::to_string(&UpstreamEvent { state }).unwrap_or_default();
    Bytes::from(format!("event: upstream\ndata: {data}\n\n"))
}

pub(crate) fn not_found(job: &JobId) -> Bytes {
    Bytes::from(format!(
        "event: not-found\ndata: {{\"jobId\":\"{job}\"}}\n\n"
    ))
}

pub(crate) fn retry(after: Duration) -> Bytes {
    Bytes::from(format!("retry: {}\n\n", after.as_millis()))
}

/// The `id:` of a state: revision, and the status if final, so that any instance recognises a client that has the end.
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

/// Returns whether a client with this `Last-Event-ID` has this final state.
pub(crate) fn has_seen(last_event_id: &str, status: ImportStatus) -> bool {
    let seen = last_event_id
        .split_once('-')
        .and_then(|(_, status)| status.parse().ok());
    status.is_final() && seen == Some(status)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{job::ProgressEvent, reason::Reason};

    fn snapshot(status: ImportStatus, error: Option<&str>) -> Snapshot {
        let event = ProgressEvent {
            processed_products: 120,
            failed_products: 3,
            total_products: 500,
            status,
            error: error.map(Reason::words),
            ..ProgressEvent::default()
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
    fn a_stream_of_many_jobs_gets_the_same_state_with_its_job() {
        let frame = Frame::new(7, &snapshot(ImportStatus::Pending, None));
        let expected = "data: {\"jobId\":\"a-1\",\"processedProducts\":120,\"failedProducts\":3,\
                        \"totalProducts\":500,\"status\":\"PENDING\"}\n\n";
        assert_eq!(frame.tagged(&"a-1".parse().unwrap()), expected);
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

    /// Parses events (WHATWG HTML, section 9.2.6). Returns the last `id:` and all data.
    fn read(stream: &[u8]) -> (Option<String>, Vec<String>) {
        let text = std::str::from_utf8(stream).unwrap();
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let (mut id, mut all, mut data) = (None, Vec::new(), String::new());
        for line in text.split('\n') {
            match line.split_once(": ") {
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("data", value)) => data += &format!("{value}\n"),
                Some(_) => {}
                None if line.is_empty() && !data.is_empty() => {
                    all.push(std::mem::take(&mut data).trim_end_matches('\n').to_owned());
                }
                None => {}
            }
        }
        (id, all)
    }

    fn any_status() -> impl Strategy<Value = ImportStatus> {
        prop_oneof![
            Just(ImportStatus::Pending),
            Just(ImportStatus::Success),
            Just(ImportStatus::PartialSuccess),
            Just(ImportStatus::Error),
        ]
    }

    proptest! {
        #[test]
        fn whatever_a_state_holds_it_reads_back(
            revision: u64,
            counts: [u32; 3],
            status in any_status(),
            error: Option<String>,
        ) {
            let event = ProgressEvent {
                processed_products: counts[0].into(),
                failed_products: counts[1].into(),
                total_products: counts[2].into(),
                status,
                error: error.map(Reason::words),
                ..ProgressEvent::default()
            };
            let snapshot = Snapshot { event: event.clone(), ..Snapshot::default() };
            let frame = Frame::new(revision, &snapshot);
            let (id, data) = read(&frame.bytes);
            prop_assert_eq!(data.len(), 1);
            prop_assert_eq!(&serde_json::from_str::<ProgressEvent>(&data[0]).unwrap(), &event);
            prop_assert_eq!(has_seen(&id.unwrap(), status), status.is_final());
            prop_assert_eq!((frame.revision, frame.is_final), (revision, status.is_final()));
            let (_, data) = read(frame.tagged(&"a-1".parse().unwrap()));
            let tagged: serde_json::Value = serde_json::from_str(&data[0]).unwrap();
            prop_assert_eq!(&tagged["jobId"], "a-1");
            prop_assert_eq!(&serde_json::from_str::<ProgressEvent>(&data[0]).unwrap(), &event);
        }
    }
}
