//! Synchronization primitives, replaced by loom's in `tests/threads`.

pub(super) use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};
pub(super) use tokio::sync::Notify;
