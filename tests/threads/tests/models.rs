//! Every order in which threads can meet, gone through by the model checker.

use import_relay_threads::server::relay;

#[test]
fn streams_stay_within_their_limits() {
    loom::model(relay::streams_stay_within_their_limits);
}

#[test]
fn who_comes_after_a_revocation_stays() {
    loom::model(relay::who_comes_after_a_revocation_stays);
}

#[test]
fn whoever_enters_a_group_is_served() {
    for group_size in [1, 9] {
        loom::model(move || relay::fan_out::whoever_enters_is_served(group_size));
    }
}

#[test]
fn whoever_enters_at_the_end_is_served() {
    loom::model(relay::fan_out::whoever_enters_at_the_end_is_served);
}
