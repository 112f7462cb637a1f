use super::*;
use crate::model::source::RunOutcome;

fn observed(relay: Option<ObservedRelay>) -> Observed {
    Observed {
        relay,
        imports: None,
        deliveries: None,
        connections: Connections { used: 2, idle: 1 },
        disk_free: Some(7),
    }
}

fn has_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            text.lines().any(|it| it == *line),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn what_is_not_known_of_imports_is_not_said() {
    let metrics = Metrics::default();
    let (waiting, running) = (3, 1);
    let known = Observed {
        imports: Some(ImportLoad { waiting, running }),
        ..observed(None)
    };
    let text = metrics.encode(&known);
    has_lines(
        &text,
        &[
            "import_relay_imports{state=\"waiting\"} 3",
            "import_relay_imports{state=\"running\"} 1",
            "import_relay_database_connections{state=\"used\"} 2",
            "import_relay_database_connections{state=\"idle\"} 1",
            "import_relay_disk_free_bytes 7",
        ],
    );
    let text = metrics.encode(&observed(None));
    assert!(!text.contains("import_relay_imports{"), "{text}");
}

#[test]
fn deliveries_are_told_by_channel_and_runs_of_sources_by_outcome() {
    let metrics = Metrics::default();
    metrics.delivery_attempted(Channel::Webhook, Sent::Failed);
    metrics.delivery_attempted(Channel::Webhook, Sent::Delivered);
    metrics.delivery_attempted(Channel::Mail, Sent::GivenUp);
    metrics.source_ran(RunOutcome::Checked);
    let (webhook, mail) = (4, 2);
    let known = Observed {
        deliveries: Some(WaitingDeliveries { webhook, mail }),
        ..observed(None)
    };
    let text = metrics.encode(&known);
    has_lines(
        &text,
        &[
            "import_relay_deliveries_waiting{channel=\"webhook\"} 4",
            "import_relay_deliveries_waiting{channel=\"mail\"} 2",
            "import_relay_delivery_attempts_total{channel=\"webhook\",outcome=\"delivered\"} 1",
            "import_relay_delivery_attempts_total{channel=\"webhook\",outcome=\"failed\"} 1",
            "import_relay_delivery_attempts_total{channel=\"webhook\",outcome=\"given_up\"} 0",
            "import_relay_delivery_attempts_total{channel=\"mail\",outcome=\"given_up\"} 1",
            "import_relay_source_runs_total{outcome=\"checked\"} 1",
            "import_relay_source_runs_total{outcome=\"failed\"} 0",
        ],
    );
    assert!(!text.contains("outcome=\"running\""), "{text}");
    let text = metrics.encode(&observed(None));
    assert!(!text.contains("import_relay_deliveries_waiting{"), "{text}");
}

#[test]
fn a_stream_is_counted_while_it_lives_and_by_its_end() {
    let metrics = Metrics::default();
    let mut finished = metrics.stream_opened();
    let left = metrics.stream_opened();
    metrics.frames_sent(2, 15);
    assert_eq!(metrics.viewers(), 2);
    finished.ends(StreamEnd::Finished);
    drop((finished, left));
    assert_eq!(metrics.viewers(), 0);
    let text = metrics.encode(&observed(None));
    has_lines(
        &text,
        &[
            "import_relay_viewers 0",
            "import_relay_streams_opened_total 2",
            "import_relay_streams_closed_total{cause=\"finished\"} 1",
            "import_relay_streams_closed_total{cause=\"viewer_left\"} 1",
            "import_relay_frames_sent_total 2",
            "import_relay_sent_bytes_total 15",
            "# EOF",
        ],
    );
}

#[test]
fn one_state_of_the_upstream_holds() {
    let metrics = Metrics::default();
    for upstream in [UpstreamState::Polling, UpstreamState::Connected] {
        let text = metrics.encode(&observed(Some(ObservedRelay {
            upstream,
            followed_jobs: 3,
        })));
        for state in UpstreamState::ALL {
            let name = state.as_str();
            let held = u8::from(state == upstream);
            let line = format!("import_relay_upstream_state{{state=\"{name}\"}} {held}");
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
        assert!(text.contains("import_relay_followed_jobs 3"));
    }
}
