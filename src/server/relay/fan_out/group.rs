//! The viewers of a job that one task serves.

use std::sync::Arc;

use futures_util::{StreamExt, stream::FuturesUnordered};
use slab::Slab;
use tokio::sync::watch;

use super::{
    Door, FanOut, Newcomer,
    readiness::{SeatGone, Writable},
    seat::{Seat, Taken, Tally},
};
use crate::{
    job::JobId,
    server::{
        relay::{
            frame::{Frame, chunk},
            pulse::Pulse,
        },
        telemetry::Metrics,
    },
};

/// The viewers that one task serves.
pub(super) struct Group {
    door: Arc<Door>,
    frames: watch::Receiver<Arc<Frame>>,
    pulse: watch::Receiver<Pulse>,
    metrics: Metrics,
    /// The frame that all have been sent, or will be when they take it.
    current: Arc<Frame>,
    seats: Slab<Seat>,
    /// One for each seat: resolves, to the seat, when the viewer is gone. Only then is a seat freed.
    gone: FuturesUnordered<SeatGone>,
    /// Seats that wait for their socket to take more.
    writable: FuturesUnordered<Writable>,
}

impl Group {
    pub(super) fn new(
        door: Arc<Door>,
        mut frames: watch::Receiver<Arc<Frame>>,
        pulse: watch::Receiver<Pulse>,
        metrics: Metrics,
    ) -> Self {
        let current = frames.borrow_and_update().clone();
        Self {
            door,
            frames,
            pulse,
            metrics,
            current,
            seats: Slab::new(),
            gone: FuturesUnordered::new(),
            writable: FuturesUnordered::new(),
        }
    }

    /// Serves until the last viewer is gone or the server stops.
    pub(super) async fn run(mut self, fan_out: FanOut, job: JobId) {
        self.let_in();
        let is_job_there = loop {
            tokio::select! {
                changed = self.frames.changed() => match changed {
                    Ok(()) => self.send_newest(),
                    Err(_) => break false,
                },
                changed = self.pulse.changed() => {
                    if changed.is_err() || *self.pulse.borrow_and_update() == Pulse::Drain {
                        break true;
                    }
                    self.give_signs();
                }
                () = self.door.entered() => self.let_in(),
                Some(seat) = self.writable.next(), if !self.writable.is_empty() => {
                    self.send_rest(seat);
                }
                Some(seat) = self.gone.next(), if !self.gone.is_empty() => {
                    self.seats.remove(seat);
                    self.door.left();
                    if self.seats.is_empty() && fan_out.close_if_empty(&job, &self.door) {
                        return;
                    }
                }
            }
        };
        // Nobody enters any more, and whoever has entered is told what there is. What is written
        // still goes out when the sockets are closed.
        fan_out.close(&job, &self.door);
        self.let_in();
        if is_job_there {
            self.give_signs();
        } else {
            // There is no such job any more, which those who come back are told.
            self.end();
        }
    }

    /// Opens the streams of those who have entered: when to come back, and the newest state.
    fn let_in(&mut self) {
        let newcomers = self.door.newcomers();
        let mut tally = Tally::default();
        // Whoever is here already gets it first, so that nobody gets it twice.
        if self.frames.has_changed().unwrap_or_default() {
            self.send_newest();
        }
        for newcomer in newcomers {
            let Newcomer {
                socket,
                viewer,
                mut lifeline,
            } = newcomer;
            let (first, last) = lifeline.opening();
            let mut opening = chunk(&first);
            opening.extend_from_slice(&self.current.chunk);
            if !self.current.is_final {
                opening.extend_from_slice(&chunk(&last));
            }
            let index = self.seats.vacant_key();
            self.gone.push(SeatGone::new(index, socket.clone()));
            let mut seat = Seat::new(socket, viewer, lifeline);
            if self.current.is_final {
                seat.finished();
            }
            let taken = seat.say(opening.into(), self.current.is_final, &mut tally);
            if taken == Taken::NotAll {
                self.writable.push(Writable::new(index, &seat.socket));
            }
            self.seats.insert(seat);
        }
        self.count(&tally);
    }

    fn send_newest(&mut self) {
        self.current = self.frames.borrow_and_update().clone();
        let mut tally = Tally::default();
        for (index, seat) in &mut self.seats {
            if seat.show(&self.current, &mut tally) == Taken::NotAll {
                self.writable.push(Writable::new(index, &seat.socket));
            }
        }
        self.count(&tally);
    }

    /// Goes on where a socket had not taken all.
    fn send_rest(&mut self, index: usize) {
        // The seat may be another's by now: then it has nothing unsent, or will be looked at twice.
        let Some(seat) = self.seats.get_mut(index) else {
            return;
        };
        let mut tally = Tally::default();
        if seat.send_rest(&self.current, &mut tally) == Taken::NotAll {
            self.writable.push(Writable::new(index, &seat.socket));
        }
        self.count(&tally);
    }

    /// Looks what the clock means for each viewer.
    fn give_signs(&mut self) {
        let mut tally = Tally::default();
        for (index, seat) in &mut self.seats {
            if seat.give_sign(&mut tally) == Taken::NotAll {
                self.writable.push(Writable::new(index, &seat.socket));
            }
        }
        self.count(&tally);
    }

    fn end(&mut self) {
        let mut tally = Tally::default();
        for (_, seat) in &mut self.seats {
            seat.end(&mut tally);
        }
        self.count(&tally);
    }

    fn count(&self, tally: &Tally) {
        self.metrics.frames_sent(tally.frames, tally.bytes);
    }
}
