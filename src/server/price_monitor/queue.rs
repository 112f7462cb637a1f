//! Runs imports in the order in which they came, so many of one user at once.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{import::Importer, workers::Workers};
use crate::server::store::leases::Claim;

/// How many imports run at once, whoever's they are: more would only wait for the database.
const RUNNING: usize = 4;

/// The imports that wait or run. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    importer: Arc<Importer>,
    workers: Workers,
    imports: Arc<Mutex<Imports>>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// Who waits and who runs (pure).
#[derive(Debug)]
struct Imports {
    /// The most of one user that run.
    per_user: usize,
    waiting: VecDeque<Entry>,
    running: HashMap<String, Running>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Entry {
    id: String,
    owner: String,
}

#[derive(Debug)]
struct Running {
    owner: String,
    stop: CancellationToken,
}

/// What became of the wish to cancel an import.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cancelled {
    /// It was running and stops.
    Running,
    /// It was waiting and is out of the queue.
    Waiting,
    /// It neither waits nor runs here.
    Unknown,
}

impl Queue {
    /// Makes a queue that runs at most `per_user` imports of one user at once; `tasks` owns them.
    pub(super) fn new(
        importer: Importer,
        workers: Workers,
        per_user: usize,
        tasks: &TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            importer: Arc::new(importer),
            workers,
            imports: Arc::new(Mutex::new(Imports::new(per_user))),
            tasks: tasks.clone(),
            shutdown,
        }
    }

    /// Appends an import that neither waits nor runs here. After shutdown it stays for the next start.
    pub(super) fn push(&self, id: String, owner: Option<String>) {
        let owner = owner.unwrap_or_default();
        self.imports().add(Entry { id, owner });
        self.start_next();
    }

    /// Returns how many imports go before this one and their own, from 1; `None` when it does not wait.
    pub(super) fn place(&self, id: &str) -> Option<u64> {
        let imports = self.imports();
        let index = imports.waiting.iter().position(|entry| entry.id == id)?;
        Some(index as u64 + 1)
    }

    /// Makes an import stop, or end before it has begun.
    pub(super) async fn cancel(&self, id: &str) -> Cancelled {
        let cancelled = self.imports().cancel(id);
        match cancelled {
            // Should this process end before the import does, whoever goes on with it knows.
            Cancelled::Running => self.workers.note_unwanted(id).await,
            Cancelled::Waiting => self.finish_cancelled(id).await,
            Cancelled::Unknown => {}
        }
        cancelled
    }

    /// Ends an import that no worker is at, because its user wants it no more. It is out of the queue, so
    /// that this is done whether or not somebody waits for it.
    pub(super) async fn finish_cancelled(&self, id: &str) {
        let (importer, id) = (Arc::clone(&self.importer), id.to_owned());
        let ending = self
            .tasks
            .spawn(async move { importer.finish_cancelled(&id).await });
        // Should it panic, that is logged where it happens.
        let _ = ending.await;
    }

    fn start_next(&self) {
        if self.shutdown.is_cancelled() {
            return;
        }
        loop {
            let stop = self.shutdown.child_token();
            let Some(entry) = self.imports().start_one(&stop) else {
                return;
            };
            let queue = self.clone();
            self.tasks.spawn(async move {
                let claimed = queue.workers.claim(&entry.id).await;
                match claimed {
                    Claim::Mine => queue.importer.run(&entry.id, &stop).await,
                    Claim::Unwanted => queue.importer.finish_cancelled(&entry.id).await,
                    Claim::Refused => {}
                }
                if claimed != Claim::Refused {
                    queue.workers.release(&entry.id).await;
                }
                queue.imports().running.remove(&entry.id);
                queue.start_next();
            });
        }
    }

    fn imports(&self) -> MutexGuard<'_, Imports> {
        self.imports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Imports {
    fn new(per_user: usize) -> Self {
        Self {
            per_user,
            waiting: VecDeque::new(),
            running: HashMap::new(),
        }
    }

    fn add(&mut self, entry: Entry) {
        let waits = self.waiting.iter().any(|other| other.id == entry.id);
        if !waits && !self.running.contains_key(&entry.id) {
            self.waiting.push_back(entry);
        }
    }

    /// Moves the first import that may run from those that wait to those that run.
    fn start_one(&mut self, stop: &CancellationToken) -> Option<Entry> {
        if self.running.len() >= RUNNING {
            return None;
        }
        let may_run = |entry: &Entry| {
            let theirs = self
                .running
                .values()
                .filter(|other| other.owner == entry.owner);
            theirs.count() < self.per_user
        };
        let index = self.waiting.iter().position(may_run)?;
        let entry = self.waiting.remove(index)?;
        self.running.insert(
            entry.id.clone(),
            Running {
                owner: entry.owner.clone(),
                stop: stop.clone(),
            },
        );
        Some(entry)
    }

    fn cancel(&mut self, id: &str) -> Cancelled {
        if let Some(running) = self.running.get(id) {
            running.stop.cancel();
            return Cancelled::Running;
        }
        let before = self.waiting.len();
        self.waiting.retain(|entry| entry.id != id);
        if self.waiting.len() < before {
            Cancelled::Waiting
        } else {
            Cancelled::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(waiting: &[(&str, &str)]) -> Imports {
        let mut imports = Imports::new(2);
        imports.waiting = waiting
            .iter()
            .map(|(id, owner)| Entry {
                id: (*id).to_owned(),
                owner: (*owner).to_owned(),
            })
            .collect();
        imports
    }

    fn start_all(imports: &mut Imports) -> Vec<String> {
        let stop = CancellationToken::new();
        std::iter::from_fn(|| imports.start_one(&stop).map(|entry| entry.id)).collect()
    }

    #[test]
    fn one_user_s_imports_wait_for_each_other_and_for_nobody_else_s() {
        let mut imports = imports(&[
            ("1", "ada"),
            ("2", "ada"),
            ("3", "ada"),
            ("4", "bob"),
            ("5", "ada"),
            ("6", "eve"),
            ("7", "eve"),
        ]);
        assert_eq!(start_all(&mut imports), ["1", "2", "4", "6"]);
        imports.running.remove("4");
        assert_eq!(start_all(&mut imports), ["7"]);
        imports.running.remove("1");
        assert_eq!(start_all(&mut imports), ["3"]);
        assert_eq!(imports.waiting.len(), 1);
    }

    #[test]
    fn an_import_that_is_found_again_is_not_run_twice() {
        let mut imports = imports(&[("1", "ada")]);
        let again = |imports: &mut Imports| {
            imports.add(Entry {
                id: "1".to_owned(),
                owner: "ada".to_owned(),
            });
        };
        again(&mut imports);
        assert_eq!(start_all(&mut imports), ["1"]);
        again(&mut imports);
        assert!(start_all(&mut imports).is_empty());
    }

    #[test]
    fn an_import_is_cancelled_wherever_it_is() {
        let mut imports = imports(&[("1", "ada"), ("2", "ada"), ("3", "ada")]);
        start_all(&mut imports);
        assert_eq!(imports.cancel("1"), Cancelled::Running);
        assert!(imports.running["1"].stop.is_cancelled());
        assert_eq!(imports.cancel("3"), Cancelled::Waiting);
        assert_eq!(imports.cancel("3"), Cancelled::Unknown);
        assert!(start_all(&mut imports).is_empty());
    }
}
