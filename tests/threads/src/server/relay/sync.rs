pub(super) use std::sync::PoisonError;

pub(super) use loom::sync::{
    Arc, Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

/// `tokio::sync::Notify` for one waiting thread.
#[derive(Debug)]
pub(super) struct Notify {
    is_told: Mutex<bool>,
    told: Condvar,
}

impl Notify {
    pub(super) fn new() -> Self {
        Self {
            is_told: Mutex::new(false),
            told: Condvar::new(),
        }
    }

    pub(super) fn notify_one(&self) {
        *self.is_told.lock().unwrap() = true;
        self.told.notify_one();
    }

    pub(super) async fn notified(&self) {
        let mut is_told = self.is_told.lock().unwrap();
        while !*is_told {
            is_told = self.told.wait(is_told).unwrap();
        }
        *is_told = false;
    }
}
