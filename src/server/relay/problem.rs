//! What is wrong with the socket to the price monitor, for the owner to read.

use std::sync::{Arc, Mutex, PoisonError};

use crate::api::status::UpstreamProblem;

/// The problem there is, if any. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problem(Arc<Mutex<Option<UpstreamProblem>>>);

impl Problem {
    pub(crate) fn get(&self) -> Option<UpstreamProblem> {
        self.lock().clone()
    }

    pub(super) fn set(&self, problem: UpstreamProblem) {
        *self.lock() = Some(problem);
    }

    /// Notes that rooms can be joined: what is left is what a connection bears.
    pub(super) fn has_connected(&self) {
        let mut problem = self.lock();
        if !matches!(*problem, Some(UpstreamProblem::UnknownNamespace(_))) {
            *problem = None;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<UpstreamProblem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
