//! Synchronization primitives: the standard library's and tokio's, or loom's.

#[cfg(feature = "loom")]
pub(crate) use self::modelled::*;
#[cfg(not(feature = "loom"))]
pub(crate) use self::native::*;

#[cfg(not(feature = "loom"))]
mod native {
    pub(crate) use std::sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    };
    pub(crate) use tokio::sync::Notify;
}

#[cfg(feature = "loom")]
mod modelled {
    pub(crate) use std::sync::PoisonError;

    pub(crate) use loom::sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    };

    /// `tokio::sync::Notify` for one waiting thread.
    #[derive(Debug)]
    pub(crate) struct Notify {
        is_told: Mutex<bool>,
        told: Condvar,
    }

    impl Notify {
        pub(crate) fn new() -> Self {
            Self {
                is_told: Mutex::new(false),
                told: Condvar::new(),
            }
        }

        fn lock(&self) -> MutexGuard<'_, bool> {
            self.is_told.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn notify_one(&self) {
            *self.lock() = true;
            self.told.notify_one();
        }

        pub(crate) async fn notified(&self) {
            let mut is_told = self.lock();
            while !*is_told {
                is_told = self
                    .told
                    .wait(is_told)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            *is_told = false;
        }
    }
}
