use proptest::prelude::*;

use std::collections::BTreeMap;

use super::*;
use crate::model::{
    job::{ImportStatus, ProgressEvent},
    refusal::Elsewhere,
};

fn id(name: &str) -> JobId {
    name.parse().unwrap()
}

fn job(name: &str) -> ProductImportJob {
    ProductImportJob {
        filename: "shop.csv".to_owned(),
        total_products: Some(10),
        processed_products: 2,
        ..ProductImportJob::pending(id(name))
    }
}

fn state(processed: u64, status: ImportStatus) -> ProgressEvent {
    ProgressEvent {
        processed_products: processed,
        total_products: 10,
        status,
        ..ProgressEvent::default()
    }
}

fn message(processed: u64, status: ImportStatus) -> Event {
    Event::Stream(StreamEvent::Message {
        job: Some(id("7")),
        text: serde_json::to_string(&state(processed, status)).unwrap(),
    })
}

/// A state as a stream of many jobs brings it.
fn tagged(job: &str, processed: u64, status: ImportStatus) -> Event {
    let mut text = serde_json::to_value(state(processed, status)).unwrap();
    text["jobId"] = job.into();
    Event::Stream(StreamEvent::Message {
        job: None,
        text: text.to_string(),
    })
}

fn opened() -> Event {
    Event::Stream(StreamEvent::Opened)
}

fn new_follower() -> Follower {
    Follower::new(Timing::of(&UseProgressOptions::default()))
}

fn open() -> Follower {
    let mut follower = new_follower();
    assert_eq!(follower.follow(&job("7"), 0.0), Action::Open);
    follower.step(opened(), 1.0, 0.0);
    follower
}

fn views(follower: &Follower, now: Millis) -> BTreeMap<JobId, View> {
    let shown = follower.views(now);
    shown.map(|(id, view)| (id.clone(), view)).collect()
}

fn view(follower: &Follower, now: Millis) -> View {
    follower.view(&id("7"), now).unwrap()
}

#[test]
fn it_is_loading_until_the_first_state() {
    let mut follower = open();
    assert!(view(&follower, 1.0).loading);
    assert_eq!(view(&follower, 1.0).progress.processed_products, 2);
    follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
    let view = view(&follower, 2.0);
    assert!(!view.loading);
    assert_eq!(
        (view.progress.processed_products, view.connection),
        (3, Connection::Open)
    );
}

#[test]
fn a_final_state_closes_the_stream() {
    let mut follower = open();
    let action = follower.step(message(10, ImportStatus::Success), 2.0, 0.0);
    assert_eq!(action, Action::Close);
    assert_eq!(view(&follower, 2.0).connection, Connection::Closed);
    let given_up = Event::Stream(StreamEvent::GivenUp);
    assert_eq!(follower.step(given_up, 3.0, 0.0), Action::Wait);
}

#[test]
fn a_lost_connection_is_not_a_failed_job() {
    let mut follower = open();
    follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
    let interrupted = Event::Stream(StreamEvent::Interrupted);
    assert_eq!(follower.step(interrupted, 1_000.0, 0.0), Action::Wait);
    let at_once = view(&follower, 3_900.0);
    assert_eq!(
        (at_once.error, at_once.connection),
        (None, Connection::Open)
    );
    let later = view(&follower, 4_000.0);
    assert_eq!(later.error, Some(ProgressError::Connection));
    assert_eq!(later.connection, Connection::Reconnecting);
    assert_eq!(later.status, ImportStatus::Pending);
    // What only opens may be a proxy's own answer.
    follower.step(opened(), 5_000.0, 0.0);
    assert_eq!(
        view(&follower, 5_000.0).connection,
        Connection::Reconnecting
    );
    follower.step(Event::Stream(StreamEvent::Heartbeat), 5_001.0, 0.0);
    assert_eq!(view(&follower, 5_001.0).error, None);
    assert_eq!(view(&follower, 5_001.0).connection, Connection::Open);
}

#[test]
fn unreadable_data_says_so_until_the_next_state() {
    let mut follower = open();
    let unreadable = Event::Stream(StreamEvent::Message {
        job: Some(id("7")),
        text: "{".to_owned(),
    });
    follower.step(unreadable, 2.0, 0.0);
    assert_eq!(view(&follower, 2.0).error, Some(ProgressError::Unreadable));
    follower.step(message(3, ImportStatus::Pending), 3.0, 0.0);
    assert_eq!(view(&follower, 3.0).error, None);
}

#[test]
fn many_jobs_share_a_stream_until_the_last_is_over() {
    let mut follower = open();
    assert_eq!(follower.follow(&job("8"), 2.0), Action::Open);
    assert_eq!(follower.follow(&job("8"), 2.0), Action::Wait);
    assert_eq!(follower.wanted(), (vec![id("7"), id("8")], false));
    let action = follower.step(tagged("7", 10, ImportStatus::Success), 3.0, 0.0);
    assert_eq!(action, Action::Wait);
    assert_eq!(follower.wanted(), (vec![id("8")], false));
    assert_eq!(view(&follower, 3.0).status, ImportStatus::Success);
    let action = follower.step(tagged("8", 10, ImportStatus::Success), 3.0, 0.0);
    assert_eq!(action, Action::Close);
}

#[test]
fn a_job_that_nobody_follows_any_more_closes_the_stream() {
    let mut follower = open();
    follower.follow(&job("8"), 2.0);
    assert_eq!(follower.unfollow(&id("7")), Action::Wait);
    assert_eq!(follower.unfollow(&id("8")), Action::Close);
    assert_eq!(follower.follow(&job("8"), 3.0), Action::Open);
}

#[test]
fn new_jobs_are_let_in_where_they_are_wanted() {
    let mut follower = new_follower();
    assert_eq!(follower.want_new(true, 0.0), Action::Open);
    follower.step(opened(), 1.0, 0.0);
    follower.step(tagged("9", 4, ImportStatus::Pending), 2.0, 0.0);
    assert_eq!(
        views(&follower, 2.0)[&id("9")].progress.processed_products,
        4
    );
    let action = follower.step(tagged("9", 10, ImportStatus::Success), 3.0, 0.0);
    assert_eq!(action, Action::Wait, "others may come");
    assert_eq!(follower.want_new(false, 4.0), Action::Close);
}

#[test]
fn how_the_server_stands_to_the_price_monitor_is_shown() {
    let mut follower = open();
    let upstream =
        |state: &str| Event::Stream(StreamEvent::Upstream(format!(r#"{{"state":"{state}"}}"#)));
    follower.step(upstream("POLLING"), 2.0, 0.0);
    assert_eq!(view(&follower, 2.0).connection, Connection::Polling);
    assert_eq!(view(&follower, 2.0).error, None);
    follower.step(upstream("REFUSED"), 3.0, 0.0);
    assert!(view(&follower, 3.0).error.is_some());
    follower.step(upstream("CONNECTED"), 4.0, 0.0);
    assert_eq!(view(&follower, 4.0).error, None);
    assert_eq!(view(&follower, 4.0).connection, Connection::Open);
}

#[test]
fn a_refused_stream_is_asked_about_and_opened_again() {
    let mut follower = open();
    let given_up = Event::Stream(StreamEvent::GivenUp);
    assert_eq!(follower.step(given_up, 10.0, 0.0), Action::Ask);
    let answer = answered(Ok(vec![(id("7"), state(4, ImportStatus::Pending))]));
    assert_eq!(follower.step(answer, 20.0, 1.0), Action::Wait);
    assert_eq!(view(&follower, 20.0).progress.processed_products, 4);
    assert_eq!(follower.step(Event::Tick, 1_000.0, 0.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 1_020.0, 0.0), Action::Open);
}

fn answered(answer: Answer) -> Event {
    Event::Answered {
        asked: vec![id("7")],
        answer,
    }
}

fn give_up(follower: &mut Follower, now: Millis, answer: Answer) -> Action {
    follower.step(Event::Stream(StreamEvent::GivenUp), now, 0.0);
    follower.step(answered(answer), now, 1.0)
}

#[test]
fn the_delays_grow_and_end_at_once_when_the_browser_wakes() {
    let mut follower = open();
    let mut now = 0.0;
    for expected in [
        1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0, 30_000.0, 30_000.0,
    ] {
        give_up(&mut follower, now, Err(Refusal::Connection));
        assert_eq!(
            follower.step(Event::Tick, now + expected - 1.0, 0.0),
            Action::Wait
        );
        now += expected;
        assert_eq!(follower.step(Event::Tick, now, 0.0), Action::Open);
    }
    give_up(&mut follower, now, Err(Refusal::Connection));
    assert_eq!(follower.step(Event::Awake, now + 1.0, 0.0), Action::Open);
}

#[test]
fn a_finished_a_missing_job_and_a_lost_session_are_ends() {
    let mut follower = open();
    let finished = Ok(vec![(id("7"), state(10, ImportStatus::Success))]);
    assert_eq!(give_up(&mut follower, 1.0, finished), Action::Close);
    assert_eq!(view(&follower, 2.0).status, ImportStatus::Success);
    for (answer, error) in [
        (Ok(Vec::new()), Refusal::NotFound),
        (Err(Refusal::SignedOut), Refusal::SignedOut),
        (
            Err(Refusal::Elsewhere(Elsewhere::Unreadable)),
            Refusal::Elsewhere(Elsewhere::Unreadable),
        ),
    ] {
        let mut follower = open();
        assert_eq!(give_up(&mut follower, 1.0, answer), Action::Close);
        let view = view(&follower, 2.0);
        assert_eq!(view.error, Some(ProgressError::Refused(error)));
        assert_eq!(view.connection, Connection::Refused);
    }
}

#[test]
fn a_server_that_does_not_say_what_is_the_matter_is_not_waited_for() {
    let mut follower = open();
    let given_up = Event::Stream(StreamEvent::GivenUp);
    assert_eq!(follower.step(given_up, 10.0, 0.0), Action::Ask);
    assert_eq!(follower.step(Event::Tick, 10_009.0, 1.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 10_010.0, 1.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 11_010.0, 1.0), Action::Open);
    // What comes late changes nothing.
    let late = answered(Ok(Vec::new()));
    assert_eq!(follower.step(late, 12_000.0, 0.0), Action::Wait);
    assert_eq!(view(&follower, 12_000.0).status, ImportStatus::Pending);
}

#[test]
fn a_browser_that_wakes_does_not_wait_for_an_answer() {
    let mut follower = open();
    follower.step(Event::Stream(StreamEvent::GivenUp), 10.0, 0.0);
    assert_eq!(follower.step(Event::Awake, 20.0, 0.0), Action::Open);
}

#[test]
fn a_job_that_came_while_the_server_was_asked_is_not_missed_in_its_answer() {
    let mut follower = open();
    follower.step(Event::Stream(StreamEvent::GivenUp), 10.0, 0.0);
    follower.follow(&job("8"), 15.0);
    let answer = answered(Ok(vec![(id("7"), state(4, ImportStatus::Pending))]));
    follower.step(answer, 20.0, 0.0);
    assert_eq!(follower.view(&id("8"), 20.0).unwrap().error, None);
    assert_eq!(follower.wanted().0, [id("7"), id("8")]);
}

#[test]
fn a_planned_end_of_the_stream_is_not_seen() {
    let mut follower = open();
    follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
    for round in 1..9 {
        let now = 10_000.0 * f64::from(round);
        follower.step(Event::Stream(StreamEvent::Interrupted), now, 0.0);
        assert_eq!(view(&follower, now + 2_000.0).connection, Connection::Open);
        follower.step(opened(), now + 2_500.0, 0.0);
        follower.step(Event::Stream(StreamEvent::Heartbeat), now + 2_510.0, 0.0);
        assert_eq!(view(&follower, now + 9_000.0).connection, Connection::Open);
    }
}

#[test]
fn counts_do_not_go_backwards_while_a_job_runs() {
    let mut follower = open();
    follower.step(message(6, ImportStatus::Pending), 2.0, 0.0);
    follower.step(message(4, ImportStatus::Pending), 3.0, 0.0);
    assert_eq!(view(&follower, 3.0).progress.processed_products, 6);
    // An end is told as it is recorded.
    follower.step(message(5, ImportStatus::Error), 4.0, 0.0);
    assert_eq!(view(&follower, 4.0).progress.processed_products, 5);
}

#[test]
fn a_job_that_is_followed_by_name_no_more_is_still_one_of_the_new_ones() {
    let mut follower = open();
    follower.want_new(true, 2.0);
    assert_eq!(follower.unfollow(&id("7")), Action::Wait);
    assert!(views(&follower, 3.0).contains_key(&id("7")));
    assert_eq!(follower.want_new(false, 4.0), Action::Close);
    assert!(views(&follower, 5.0).is_empty(), "nobody wants it any more");
}

#[test]
fn jobs_that_were_let_in_are_not_kept_for_ever() {
    let mut follower = open();
    follower.want_new(true, 2.0);
    for number in 0..KEPT_ENDS + 50 {
        let name = format!("new-{number}");
        follower.step(tagged(&name, 4, ImportStatus::Pending), 3.0, 0.0);
        follower.step(tagged(&name, 10, ImportStatus::Success), 3.0, 0.0);
    }
    let views = views(&follower, 4.0);
    assert_eq!(views.len(), KEPT_ENDS + 1);
    assert!(views.contains_key(&id("7")), "it is followed by name");
    assert!(views.contains_key(&id("new-149")) && !views.contains_key(&id("new-49")));
}

#[test]
fn silence_is_asked_about_but_a_browser_that_retries_is_left_alone() {
    let mut follower = open();
    let heartbeat = Event::Stream(StreamEvent::Heartbeat);
    follower.step(heartbeat, 30_000.0, 0.0);
    assert_eq!(follower.step(Event::Tick, 67_000.0, 0.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 67_500.0, 0.0), Action::Ask);
    let mut follower = open();
    for second in 0..100 {
        let now = f64::from(second) * 1_000.0;
        let interrupted = Event::Stream(StreamEvent::Interrupted);
        assert_eq!(follower.step(interrupted, now, 0.0), Action::Wait);
        assert_eq!(follower.step(Event::Tick, now, 0.0), Action::Wait);
    }
}

#[test]
fn how_patient_it_is_can_be_chosen() {
    use std::time::Duration;

    let options = UseProgressOptions::default()
        .reconnect(Duration::from_secs(5), Duration::from_secs(6))
        .stale_after(Duration::from_secs(90));
    let mut follower = Follower::new(Timing::of(&options));
    follower.follow(&job("7"), 0.0);
    follower.step(opened(), 0.0, 0.0);
    follower.step(message(3, ImportStatus::Pending), 0.0, 0.0);
    assert_eq!(follower.step(Event::Tick, 89_999.0, 0.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 90_000.0, 0.0), Action::Ask);
    let mut now = 90_000.0;
    for expected in [5_000.0, 6_000.0, 6_000.0] {
        give_up(&mut follower, now, Err(Refusal::Connection));
        assert_eq!(
            follower.step(Event::Tick, now + expected - 1.0, 0.0),
            Action::Wait
        );
        now += expected;
        assert_eq!(follower.step(Event::Tick, now, 0.0), Action::Open);
    }
}

#[test]
fn a_page_that_was_put_aside_opens_its_stream_when_it_is_back() {
    let mut follower = open();
    assert_eq!(follower.step(Event::Frozen, 2.0, 0.0), Action::Close);
    assert_eq!(follower.step(Event::Tick, 90_000.0, 0.0), Action::Open);
}

#[test]
fn a_stream_that_opens_and_says_nothing_is_asked_in_the_place_of() {
    let mut follower = open();
    assert_eq!(follower.step(Event::Tick, 3_000.0, 0.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 3_001.0, 0.0), Action::Poll);
    assert_eq!(view(&follower, 3_001.0).connection, Connection::Polling);
    // One question at a time.
    assert_eq!(follower.step(Event::Tick, 6_001.0, 0.0), Action::Wait);
    let answer = answered(Ok(vec![(id("7"), state(4, ImportStatus::Pending))]));
    assert_eq!(follower.step(answer.clone(), 6_500.0, 0.0), Action::Wait);
    let shown = view(&follower, 6_500.0);
    assert_eq!((shown.progress.processed_products, shown.error), (4, None));
    assert_eq!(follower.step(Event::Tick, 7_001.0, 0.0), Action::Poll);
    // Where the server cannot be asked either, that is said.
    let failed = answered(Err(Refusal::Connection));
    assert_eq!(follower.step(failed, 7_100.0, 0.0), Action::Wait);
    assert_eq!(
        view(&follower, 10_100.0).connection,
        Connection::Reconnecting
    );
    assert_eq!(follower.step(Event::Tick, 10_001.0, 0.0), Action::Poll);
    follower.step(answer, 10_200.0, 0.0);
    assert_eq!(view(&follower, 10_200.0).connection, Connection::Polling);
    // Another stream is tried now and then, and believed when it speaks.
    assert_eq!(follower.step(Event::Tick, 13_001.0, 0.0), Action::Renew);
    assert_eq!(follower.step(opened(), 13_100.0, 0.0), Action::Wait);
    assert_eq!(view(&follower, 13_100.0).connection, Connection::Polling);
    assert_eq!(follower.step(Event::Tick, 14_001.0, 0.0), Action::Poll);
    follower.step(message(5, ImportStatus::Pending), 14_100.0, 0.0);
    assert_eq!(view(&follower, 14_100.0).connection, Connection::Open);
    assert_eq!(follower.step(Event::Tick, 20_000.0, 0.0), Action::Wait);
}

#[test]
fn a_stream_that_does_not_even_open_is_asked_in_the_place_of() {
    let mut follower = new_follower();
    follower.follow(&job("7"), 0.0);
    assert_eq!(follower.step(Event::Tick, 4_999.0, 0.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 5_000.0, 0.0), Action::Poll);
    // One that the browser is getting back is left alone.
    let mut follower = open();
    follower.step(Event::Stream(StreamEvent::Interrupted), 10.0, 0.0);
    assert_eq!(follower.step(Event::Tick, 20_000.0, 0.0), Action::Wait);
}

#[test]
fn a_stream_that_speaks_in_bursts_is_not_believed() {
    let mut follower = open();
    follower.step(Event::Tick, 4_000.0, 0.0);
    // Late, and too soon after the first try.
    let action = follower.step(message(5, ImportStatus::Pending), 6_000.0, 0.0);
    assert_eq!(action, Action::Wait);
    assert_eq!(view(&follower, 6_000.0).progress.processed_products, 5);
    assert_eq!(view(&follower, 6_000.0).connection, Connection::Polling);
    let action = follower.step(message(6, ImportStatus::Pending), 9_000.0, 0.0);
    assert_eq!(action, Action::Renew, "its successor may be well");
    follower.step(opened(), 9_100.0, 0.0);
    let action = follower.step(message(7, ImportStatus::Pending), 15_000.0, 0.0);
    assert_eq!(action, Action::Wait, "it has twice as long");
    assert_eq!(view(&follower, 15_000.0).connection, Connection::Polling);
}

#[test]
fn a_refused_stream_whose_server_answers_is_asked_in_the_place_of() {
    let mut follower = open();
    let pending = |count| Ok(vec![(id("7"), state(count, ImportStatus::Pending))]);
    for (round, delay) in [(0, 1_000.0), (1, 2_000.0), (2, 4_000.0)] {
        let now = f64::from(round) * 10_000.0;
        give_up(&mut follower, now, pending(3));
        if delay > POLL {
            assert_eq!(follower.step(Event::Tick, now + 2_999.0, 0.0), Action::Poll);
            follower.step(answered(pending(9)), now + 3_000.0, 0.0);
            assert_eq!(
                view(&follower, now + 3_000.0).progress.processed_products,
                9
            );
        }
        assert_eq!(follower.step(Event::Tick, now + delay, 0.0), Action::Open);
    }
}

#[test]
fn what_is_told_again_is_as_old_as_the_stream_itself() {
    let mut follower = open();
    let repeated = |event, age| Event::Repeated { event, age };
    let told = StreamEvent::Heartbeat;
    follower.step(repeated(told.clone(), 0.0), 10_000.0, 0.0);
    follower.step(repeated(told.clone(), 20_000.0), 30_000.0, 0.0);
    follower.step(repeated(told, 30_000.0), 40_000.0, 0.0);
    assert_eq!(follower.step(Event::Tick, 47_499.0, 0.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 47_500.0, 0.0), Action::Ask);
    // One that was opened long ago and has said nothing is held back.
    let mut follower = new_follower();
    follower.follow(&job("7"), 0.0);
    follower.step(repeated(StreamEvent::Opened, 5_000.0), 100.0, 0.0);
    assert_eq!(follower.step(Event::Tick, 200.0, 0.0), Action::Poll);
}

#[test]
fn that_the_browser_is_offline_is_believed_at_once() {
    let mut follower = open();
    follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
    assert_eq!(follower.step(Event::Offline, 10.0, 0.0), Action::Wait);
    assert_eq!(view(&follower, 10.0).connection, Connection::Reconnecting);
    // The connection may be gone and nobody knows: a new one is made.
    assert_eq!(follower.step(Event::Awake, 5_000.0, 0.0), Action::Renew);
    follower.step(opened(), 5_010.0, 0.0);
    follower.step(message(3, ImportStatus::Pending), 5_010.0, 0.0);
    assert_eq!(view(&follower, 5_010.0).connection, Connection::Open);
    // What still comes, from this machine itself, is worth more than what the browser says.
    follower.step(Event::Offline, 6_000.0, 0.0);
    follower.step(message(4, ImportStatus::Pending), 6_010.0, 0.0);
    assert_eq!(view(&follower, 6_010.0).connection, Connection::Open);
    assert_eq!(follower.step(Event::Awake, 7_000.0, 0.0), Action::Wait);
}

#[test]
fn a_hidden_page_that_gives_its_stream_up_asks_now_and_then() {
    let mut follower = open();
    follower.step(message(3, ImportStatus::Pending), 2.0, 0.0);
    assert_eq!(follower.step(Event::Hidden, 10.0, 0.0), Action::Close);
    assert_eq!(follower.follow(&job("8"), 20.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 1_000.0, 0.0), Action::Poll);
    let answer = answered(Ok(vec![(id("7"), state(9, ImportStatus::Pending))]));
    follower.step(answer, 1_100.0, 0.0);
    assert_eq!(view(&follower, 1_100.0).progress.processed_products, 9);
    assert_eq!(follower.step(Event::Tick, 15_999.0, 0.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 16_000.0, 0.0), Action::Poll);
    assert_eq!(follower.step(Event::Awake, 17_000.0, 0.0), Action::Open);
    assert_eq!(follower.wanted().0, [id("7"), id("8")]);
    // And one that was opened in the background has none to begin with.
    let mut follower = new_follower();
    follower.step(Event::Hidden, 0.0, 0.0);
    assert_eq!(follower.follow(&job("7"), 0.0), Action::Wait);
    assert_eq!(follower.step(Event::Tick, 1_000.0, 0.0), Action::Poll);
    assert_eq!(follower.step(Event::Awake, 2_000.0, 0.0), Action::Open);
}

/// How a stream fares on its way.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// What is sent comes.
    Clear,
    /// It opens, and nothing comes.
    HeldBack,
    /// It does not open.
    Shut,
    /// It opens, and what is sent comes once in so many steps.
    InBursts(u32),
    /// It is refused.
    Refused,
}

fn any_way() -> impl Strategy<Value = Way> {
    prop_oneof![
        Just(Way::Clear),
        Just(Way::HeldBack),
        Just(Way::Shut),
        (35..300u32).prop_map(Way::InBursts),
        Just(Way::Refused),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let answer = |processed, status| Ok(vec![(id("7"), state(processed, status))]);
    prop_oneof![
        Just(opened()),
        (0..10u64).prop_map(|n| message(n, ImportStatus::Pending)),
        (0..10u64).prop_map(|n| tagged("7", n, ImportStatus::Pending)),
        Just(message(10, ImportStatus::Success)),
        ".{0,5}".prop_map(|text| Event::Stream(StreamEvent::Message { job: None, text })),
        Just(Event::Stream(StreamEvent::Heartbeat)),
        Just(Event::Stream(StreamEvent::Interrupted)),
        Just(Event::Stream(StreamEvent::GivenUp)),
        Just(Event::Stream(StreamEvent::End)),
        Just(answered(answer(5, ImportStatus::Pending))),
        Just(answered(Err(Refusal::Connection))),
        Just(answered(Err(Refusal::SignedOut))),
        Just(Event::Tick),
        Just(Event::Awake),
        Just(Event::Frozen),
        Just(Event::Offline),
        Just(Event::Hidden),
        (0.0..60_000.0).prop_map(|age| Event::Repeated {
            event: StreamEvent::Opened,
            age
        }),
        (0.0..60_000.0).prop_map(|age| Event::Repeated {
            event: StreamEvent::Heartbeat,
            age
        }),
    ]
}

/// Drives a follower on streams that fare so, one after the other, for two minutes in steps of a tenth
/// of a second. The server counts one product a step, and answers questions within `latency` steps.
/// Returns how old the counts that were shown were at the most, in steps.
fn oldest_shown(ways: &[Way], latency: u32) -> u64 {
    const STEPS: u32 = 1_200;
    let mut follower = new_follower();
    let mut ways = ways.iter().copied().cycle();
    let (mut way, mut opened_at): (Option<Way>, u32) = (None, 0);
    let mut answer_at: Option<u32> = None;
    let mut oldest = 0;
    let state_at = |step: u32| {
        let mut state = state(u64::from(step), ImportStatus::Pending);
        state.total_products = 100_000;
        state
    };
    let mut action = follower.follow(&job("7"), 0.0);
    for step in 0..STEPS {
        let now = f64::from(step) * 100.0;
        let mut events = Vec::new();
        if answer_at == Some(step) {
            answer_at = None;
            events.push(answered(Ok(vec![(id("7"), state_at(step))])));
        }
        if step % 10 == 0 {
            events.push(Event::Tick);
        }
        match way {
            Some(Way::Refused) if step == opened_at => {
                way = None;
                events.push(Event::Stream(StreamEvent::GivenUp));
            }
            Some(Way::Clear | Way::HeldBack | Way::InBursts(_)) if step == opened_at => {
                events.push(opened());
            }
            _ => {}
        }
        let since = step.checked_sub(opened_at);
        let speaks = match (way, since) {
            (Some(Way::Clear), Some(_)) => true,
            (Some(Way::InBursts(every)), Some(since)) => since > 0 && since % every == 0,
            _ => false,
        };
        if speaks {
            let text = serde_json::to_string(&state_at(step)).unwrap();
            let job = Some(id("7"));
            events.push(Event::Stream(StreamEvent::Message { job, text }));
        }
        let mut actions = vec![std::mem::replace(&mut action, Action::Wait)];
        for event in events {
            // A stream that has been given up in this very step is not heard any more.
            let is_given_up = actions
                .iter()
                .any(|it| *it != Action::Wait && *it != Action::Poll);
            if is_given_up && matches!(event, Event::Stream(_)) {
                continue;
            }
            actions.push(follower.step(event, now, 0.5));
        }
        for action in actions {
            match action {
                Action::Open | Action::Renew => {
                    way = ways.next();
                    opened_at = step + 1;
                }
                Action::Ask => {
                    way = None;
                    answer_at.get_or_insert(step + latency);
                }
                Action::Poll => {
                    answer_at.get_or_insert(step + latency);
                }
                Action::Close => way = None,
                Action::Wait => {}
            }
        }
        let shown = view(&follower, now);
        // The first question is asked when the stream has had its time.
        if step > 70 {
            oldest = oldest.max(u64::from(step) - shown.progress.processed_products);
        }
    }
    oldest
}

proptest! {
    #[test]
    fn however_streams_fare_the_counts_are_never_older_than_five_seconds(
        ways in proptest::collection::vec(any_way(), 1..8),
        latency in 1..8u32,
    ) {
        let oldest = oldest_shown(&ways, latency);
        prop_assert!(oldest <= 50, "{oldest} tenths of a second");
    }

    #[test]
    fn whatever_happens_it_never_stops_short_of_an_end(
        events in proptest::collection::vec((any_event(), 0.0..5_000.0), 0..60),
    ) {
        let mut follower = new_follower();
        follower.follow(&job("7"), 0.0);
        let mut now = 0.0;
        for (event, passed) in events {
            now += passed;
            follower.step(event, now, 0.5);
            // An unfinished job always has a stream, or something that will open one.
            let connection = view(&follower, now).connection;
            let is_over = matches!(connection, Connection::Closed | Connection::Refused);
            let wanted = !follower.wanted().0.is_empty();
            prop_assert_eq!(is_over, !wanted);
            let waits = matches!(
                follower.phase,
                Phase::Streaming(_)
                    | Phase::Asking { .. }
                    | Phase::Waiting { .. }
                    | Phase::Aside
            );
            prop_assert_eq!(waits, wanted);
        }
    }
}
