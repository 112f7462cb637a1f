//! When what is to be done may be done.

use std::task::Waker;

/// So long, in milliseconds, things are done in one go: half of what a picture lasts on most screens.
const SLICE: f64 = 8.0;
/// Where nothing was done for so long, in milliseconds, the browser has had its turn.
const REST: f64 = 2.0;

/// Lets things be done for the length of a slice, and then has them wait until the browser had its turn.
#[derive(Debug, Default)]
pub(super) struct Gate {
    is_held: bool,
    is_called: bool,
    slice_began: f64,
    last_done: f64,
    waiting: Vec<Waker>,
}

/// What the gate says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pass {
    Go,
    /// Wait until woken.
    Wait,
    /// The same, and see that the gate is opened in the browser's next task.
    WaitAndCall,
}

impl Gate {
    /// Lets nothing through until it is released.
    pub(super) fn hold(&mut self) {
        self.is_held = true;
    }

    pub(super) fn release(&mut self) {
        self.is_held = false;
    }

    /// Says whether something may be done now. `waker` is kept if not.
    pub(super) fn ask(&mut self, now: f64, waker: &Waker) -> Pass {
        if !self.is_held && !self.is_called {
            if now - self.last_done > REST {
                self.slice_began = now;
            }
            if now - self.slice_began < SLICE {
                return Pass::Go;
            }
        }
        self.waiting.push(waker.clone());
        if self.is_held || std::mem::replace(&mut self.is_called, true) {
            Pass::Wait
        } else {
            Pass::WaitAndCall
        }
    }

    /// Returns how long this slice has lasted, in milliseconds.
    pub(super) fn slice_lasts(&self, now: f64) -> f64 {
        now - self.slice_began
    }

    /// Notes that something is done without being asked for, in a task of its own.
    pub(super) fn begin(&mut self, now: f64) {
        self.slice_began = now;
        self.last_done = now;
    }

    /// Notes that what was let through, or begun, is done.
    pub(super) fn done(&mut self, now: f64) {
        self.last_done = now;
    }

    /// Begins a slice, and returns who waits, in the order in which they asked.
    pub(super) fn open(&mut self, now: f64) -> Vec<Waker> {
        self.is_called = false;
        self.begin(now);
        if self.is_held {
            return Vec::new();
        }
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        task::Wake,
    };

    use proptest::prelude::*;

    use super::*;

    struct Named(usize, Arc<Mutex<Vec<usize>>>);

    impl Wake for Named {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    fn waker() -> Waker {
        Waker::noop().clone()
    }

    #[test]
    fn a_slice_is_full_after_its_time_and_a_new_one_begins_after_a_rest() {
        let mut gate = Gate::default();
        assert_eq!(gate.ask(100.0, &waker()), Pass::Go);
        gate.done(107.0);
        assert_eq!(gate.ask(107.5, &waker()), Pass::Go);
        gate.done(130.0);
        assert_eq!(gate.ask(130.5, &waker()), Pass::WaitAndCall);
        assert_eq!(gate.ask(131.0, &waker()), Pass::Wait);
        assert_eq!(gate.open(140.0).len(), 2);
        assert_eq!(gate.ask(141.0, &waker()), Pass::Go);
        gate.done(141.0);
        assert_eq!(gate.ask(200.0, &waker()), Pass::Go);
    }

    #[test]
    fn a_gate_that_is_held_lets_nothing_through_until_it_is_released() {
        let mut gate = Gate::default();
        gate.hold();
        assert_eq!(gate.ask(100.0, &waker()), Pass::Wait);
        // Somebody called before it was held.
        assert!(gate.open(150.0).is_empty());
        gate.release();
        assert_eq!(gate.open(200.0).len(), 1);
        assert_eq!(gate.ask(200.0, &waker()), Pass::Go);
    }

    #[test]
    fn what_was_done_without_being_asked_for_fills_its_slice_too() {
        let mut gate = Gate::default();
        gate.begin(100.0);
        assert_eq!(gate.slice_lasts(120.0), 20.0);
        gate.done(120.0);
        assert_eq!(gate.ask(120.5, &waker()), Pass::WaitAndCall);
    }

    proptest! {
        /// Whatever is asked for when: who waits is woken in the end, once for each time, in order.
        #[test]
        fn nobody_waits_for_ever(steps in prop::collection::vec((0_u8..5, 0.0..20.0_f64), 0..200)) {
            let mut gate = Gate::default();
            let (mut now, mut asked, mut calls) = (0.0, 0, 0);
            let woken = Arc::new(Mutex::new(Vec::new()));
            let mut expected = Vec::new();
            let wake = |gate: &mut Gate, now| gate.open(now).into_iter().for_each(Waker::wake);
            for (step, passed) in steps {
                now += passed;
                match step {
                    0 => gate.hold(),
                    1 => {
                        gate.release();
                        wake(&mut gate, now);
                        // The call that is under way comes nevertheless.
                    }
                    2 if calls > 0 => {
                        calls -= 1;
                        wake(&mut gate, now);
                    }
                    _ => {
                        let waker = Waker::from(Arc::new(Named(asked, Arc::clone(&woken))));
                        let pass = gate.ask(now, &waker);
                        match pass {
                            Pass::Go => gate.done(now + passed),
                            Pass::Wait => expected.push(asked),
                            Pass::WaitAndCall => {
                                expected.push(asked);
                                calls += 1;
                            }
                        }
                        asked += 1;
                    }
                }
                let waiting = expected.len() - woken.lock().unwrap().len();
                prop_assert!(waiting == 0 || calls > 0 || gate.is_held);
            }
            gate.release();
            wake(&mut gate, now);
            prop_assert_eq!(&*woken.lock().unwrap(), &expected);
        }
    }
}
