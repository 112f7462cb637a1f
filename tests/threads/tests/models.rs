//! Runs the models in every order of threads.

use import_relay_threads::server::relay;

/// Explores all orders with up to three preemptions, which finds what there is to find
/// (<https://docs.rs/loom/0.7/loom/#large-models>) within seconds.
fn model(of: impl Fn() + Send + Sync + 'static) {
    let mut checker = loom::model::Builder::new();
    checker.preemption_bound = Some(3);
    checker.check(of);
}

#[test]
fn streams_stay_within_their_limits() {
    model(relay::streams_stay_within_their_limits);
}

#[test]
fn who_comes_after_a_revocation_stays() {
    model(relay::who_comes_after_a_revocation_stays);
}

#[test]
fn each_connection_is_served() {
    for capacity in [1, 9] {
        model(move || relay::delivery::each_connection_is_served(capacity));
    }
}

#[test]
fn a_connection_that_comes_at_the_end_is_served() {
    model(relay::delivery::a_connection_that_comes_at_the_end_is_served);
}

#[test]
fn a_room_is_joined_while_somebody_is_in_it() {
    model(relay::orders::a_room_is_joined_while_somebody_is_in_it);
}
