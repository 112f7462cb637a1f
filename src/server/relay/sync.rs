//! What threads meet at, named in one place: `tests/threads` has a model checker's in its stead.

pub(super) use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};
pub(super) use tokio::sync::Notify;
