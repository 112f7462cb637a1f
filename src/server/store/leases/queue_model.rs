//! Compares the queue with a model of it, after any order of events.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use proptest::prelude::*;

use super::{
    tests::{LEASE, PER_USER, add, worker},
    *,
};
use crate::server::store::{entity::monitor_directory, test_database::TestDatabase};

/// Events; indices are taken modulo the number of workers.
#[derive(Clone, Debug)]
enum Step {
    Add {
        owner: usize,
        directory: usize,
    },
    Claim(usize),
    Renew(usize),
    Die(usize),
    /// A worker finishes its nth import.
    Finish(usize, usize),
    /// A worker releases its nth import unfinished.
    Release(usize, usize),
    Cancel(usize),
    Serve(usize),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3_usize, 0..2_usize).prop_map(|(owner, directory)| Step::Add { owner, directory }),
        6 => (0..4_usize).prop_map(Step::Claim),
        3 => (0..4_usize).prop_map(Step::Renew),
        1 => (0..4_usize).prop_map(Step::Die),
        2 => (0..4_usize, 0..3_usize).prop_map(|(worker, nth)| Step::Finish(worker, nth)),
        1 => (0..4_usize, 0..3_usize).prop_map(|(worker, nth)| Step::Release(worker, nth)),
        1 => (0..20_usize).prop_map(Step::Cancel),
        2 => (0..4_usize).prop_map(Step::Serve),
        2 => prop_oneof![0..5_000_i64, 10_000..40_000_i64, 500_000..700_000_i64].prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..60)
}

#[derive(Debug)]
struct Import {
    owner: usize,
    directory: usize,
    created_at: i64,
    is_over: bool,
    is_unwanted: bool,
}

#[derive(Debug, Default)]
struct Model {
    now: i64,
    imports: BTreeMap<String, Import>,
    /// Process and expiry per import.
    leases: BTreeMap<String, (String, i64)>,
    seen: BTreeMap<usize, i64>,
}

impl Model {
    fn holds(&self, id: &str) -> bool {
        self.leases
            .get(id)
            .is_some_and(|(_, until)| *until > self.now)
    }

    fn next(&self, directory: usize, but_not: &[String]) -> Option<String> {
        let theirs = |owner: usize| {
            let runs = |(id, import): &(&String, &Import)| {
                import.owner == owner && !import.is_over && self.holds(id)
            };
            self.imports.iter().filter(runs).count()
        };
        let may = |(id, import): &(&String, &Import)| {
            let seen = self.seen.get(&import.directory).copied();
            let is_lost = seen.unwrap_or(import.created_at) < self.now - LOST_AFTER;
            !import.is_over
                && !self.holds(id)
                && !but_not.contains(id)
                && (import.is_unwanted
                    || (import.directory == directory || is_lost)
                        && theirs(import.owner) < PER_USER)
        };
        self.imports.iter().find(may).map(|(id, _)| id.clone())
    }
}

struct Process {
    worker: Worker,
    running: Vec<String>,
}

struct Scene {
    store: Store,
    time: Arc<AtomicI64>,
    model: Model,
    processes: Vec<Process>,
}

impl Scene {
    async fn set(store: &Store) -> Self {
        monitor_import::Entity::delete_many()
            .exec(&store.db)
            .await
            .unwrap();
        monitor_directory::Entity::delete_many()
            .exec(&store.db)
            .await
            .unwrap();
        let now = 1_700_000_000_000;
        let mut scene = Self {
            store: store.clone(),
            time: Arc::new(AtomicI64::new(now)),
            model: Model {
                now,
                ..Model::default()
            },
            processes: Vec::new(),
        };
        for index in 0..4 {
            let process = scene.process(index);
            scene.processes.push(process);
        }
        scene
    }

    fn process(&self, index: usize) -> Process {
        let worker = Worker {
            clock: Clock::Set(self.time.clone()),
            ..worker(&(index % 2).to_string())
        };
        Process {
            worker,
            running: Vec::new(),
        }
    }

    fn wait(&mut self, millis: i64) {
        self.model.now += millis;
        self.time.store(self.model.now, Ordering::SeqCst);
    }

    async fn claim(&mut self, index: usize) -> Option<String> {
        let Process { worker, running } = &mut self.processes[index];
        let claimed = self
            .store
            .claim_next_monitor_import(worker, running)
            .await
            .unwrap();
        let expected = self.model.next(index % 2, running);
        assert_eq!(
            claimed.as_ref().map(|claimed| &claimed.id),
            expected.as_ref()
        );
        let claimed = claimed?;
        let import = &self.model.imports[&claimed.id];
        assert_eq!(claimed.is_unwanted, import.is_unwanted);
        let until = self.model.now + millis(LEASE);
        self.model
            .leases
            .insert(claimed.id.clone(), (worker.name.clone(), until));
        running.push(claimed.id.clone());
        Some(claimed.id)
    }

    async fn give_back(&mut self, index: usize, nth: usize, finished: bool) {
        let Process { worker, running } = &mut self.processes[index];
        if running.is_empty() {
            return;
        }
        let id = running.remove(nth % running.len());
        if finished {
            let ended = self
                .store
                .finish_monitor_import(&id, ImportStatus::Success, None, None)
                .await
                .unwrap();
            let import = self.model.imports.get_mut(&id).unwrap();
            assert_eq!(ended.is_some(), !import.is_over, "it ends once");
            import.is_over = true;
        }
        self.store
            .release_monitor_import(worker, &id)
            .await
            .unwrap();
        if self
            .model
            .leases
            .get(&id)
            .is_some_and(|(of, _)| *of == worker.name)
        {
            self.model.leases.remove(&id);
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Add { owner, directory } => {
                let id = format!("{:03}", self.model.imports.len());
                let owners = [None, Some("ada"), Some("eve")];
                add(&self.store, &id, owners[owner], &directory.to_string()).await;
                monitor_import::Entity::update_many()
                    .col_expr(
                        monitor_import::Column::CreatedAt,
                        Expr::value(self.model.now),
                    )
                    .filter(monitor_import::Column::Id.eq(&id))
                    .exec(&self.store.db)
                    .await
                    .unwrap();
                let import = Import {
                    owner,
                    directory,
                    created_at: self.model.now,
                    is_over: false,
                    is_unwanted: false,
                };
                self.model.imports.insert(id, import);
            }
            Step::Claim(index) => drop(self.claim(index).await),
            Step::Renew(index) => {
                let Process { worker, running } = &self.processes[index];
                let unwanted = self.store.renew_leases(worker, running).await.unwrap();
                for id in &unwanted {
                    assert!(self.model.imports[id].is_unwanted && running.contains(id));
                }
                let until = self.model.now + millis(LEASE);
                for id in running {
                    if let Some(lease) = self.model.leases.get_mut(id)
                        && lease.0 == worker.name
                    {
                        lease.1 = until;
                    }
                }
            }
            Step::Die(index) => self.processes[index] = self.process(index),
            Step::Finish(index, nth) => self.give_back(index, nth, true).await,
            Step::Release(index, nth) => self.give_back(index, nth, false).await,
            Step::Cancel(nth) => {
                let count = self.model.imports.len().max(1);
                if let Some((id, import)) = self.model.imports.iter_mut().nth(nth % count) {
                    self.store.want_monitor_import_cancelled(id).await.unwrap();
                    import.is_unwanted |= !import.is_over;
                }
            }
            Step::Serve(index) => {
                let worker = &self.processes[index].worker;
                self.store.serve_directory(worker).await.unwrap();
                self.model.seen.insert(index % 2, self.model.now);
            }
            Step::Wait(millis) => self.wait(millis),
        }
    }

    /// After any events, live workers finish every import.
    async fn all_end(&mut self) {
        for index in 0..4 {
            self.processes[index] = self.process(index);
        }
        self.wait(millis(LEASE) + 1);
        let unfinished = |model: &Model| model.imports.values().any(|import| !import.is_over);
        while unfinished(&self.model) {
            let mut got_any = false;
            for index in 0..4 {
                while self.claim(index).await.is_some() {
                    got_any = true;
                }
            }
            assert!(got_any, "it stands still: {:?}", self.model);
            for index in 0..4 {
                while !self.processes[index].running.is_empty() {
                    self.give_back(index, 0, true).await;
                }
            }
        }
    }
}

#[test]
fn whatever_happens_the_queue_gives_what_it_is_to_give_and_comes_to_its_end() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_database, store) = runtime.block_on(TestDatabase::opened());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let mut scene = Scene::set(&store).await;
            for step in steps {
                scene.take(step).await;
            }
            scene.all_end().await;
        });
        Ok(())
    });
    outcome.unwrap();
}
