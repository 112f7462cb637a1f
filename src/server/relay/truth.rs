//! Model test of a service, two instances of the relay and their database: whatever happens to messages, a job ends
//! with the service's last report.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use price_monitor_wire::{EndStatus, Reading, Report, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    rooms::{Rooms, Write},
    snapshot::Snapshot,
};
use crate::model::{
    job::{ImportStatus, JobId, ProductImportJob},
    job_state::JobState,
};

const GRACE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
struct Service {
    said: Vec<Value>,
}

impl Service {
    fn report(&self, at: usize) -> Report {
        let said = self.said[at].to_string();
        Reading::from_slice(said.as_bytes()).unwrap().report
    }

    /// Returns the expected end, from the last report's counts.
    fn end(&self) -> (ImportStatus, [u64; 3]) {
        let last = self.report(self.said.len() - 1);
        let counts = [last.processed, last.failed, last.total];
        let [processed, failed, total] = counts;
        let status = match last.verdict {
            Verdict::Failed(_) | Verdict::Ended(EndStatus::Error | EndStatus::Cancelled) => {
                ImportStatus::Error
            }
            _ if processed == 0 => ImportStatus::Error,
            _ if failed == 0 && processed >= total => ImportStatus::Success,
            _ => ImportStatus::PartialSuccess,
        };
        (status, counts)
    }
}

/// Generates growing counts and any kind of last report. If that has all counts, failures may have been retried
/// successfully.
fn any_service() -> impl Strategy<Value = Service> {
    let total = 2..40u64;
    let last = 0..9u8;
    let steps = proptest::collection::vec((0..9u64, 0..3u64), 0..8);
    (total, last, steps).prop_map(|(total, last, steps)| {
        let (mut processed, mut failed) = (0, 0);
        let mut said = Vec::new();
        let word = |processed: u64, failed: u64| {
            json!({
                "processedProducts": processed, "failedProducts": failed, "totalProducts": total,
            })
        };
        for (more, worse) in steps {
            if processed + more + failed + worse < total {
                (processed, failed) = (processed + more, failed + worse);
            }
            said.push(word(processed, failed));
        }
        let with = |mut said: Value, name: &str, value: Value| {
            said[name] = value;
            said
        };
        let rest = total - processed - failed;
        said.push(match last {
            0 => word(processed + rest, failed),
            1 => word(processed, failed + rest),
            2 => word(total, 0),
            3 => with(word(total, 0), "status", json!("SUCCESS")),
            4 => with(word(processed, failed), "isCompleted", json!(true)),
            5 => with(word(processed, failed), "status", json!("success")),
            6 => with(word(processed, failed), "error", json!("no header")),
            7 => with(word(processed, failed), "completedAt", json!("soon")),
            _ => with(word(processed, failed), "status", json!("CANCELED")),
        });
        Service { said }
    })
}

#[derive(Clone, Debug)]
enum Step {
    Say,
    Break(bool),
    Reconnect(bool),
    /// An old message is replayed after a reconnect.
    Replay(bool, usize),
    /// A REST call, answered later.
    Ask(bool),
    Answer(bool),
    Write(bool),
    Written(bool, bool),
    Sweep(bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let which = any::<bool>();
    prop_oneof![
        3 => Just(Step::Say),
        1 => which.prop_map(Step::Break),
        1 => which.prop_map(Step::Reconnect),
        2 => (which, 0..9usize).prop_map(|(which, at)| Step::Replay(which, at)),
        2 => which.prop_map(Step::Ask),
        2 => which.prop_map(Step::Answer),
        2 => which.prop_map(Step::Write),
        2 => (which, any::<bool>()).prop_map(|(which, well)| Step::Written(which, well)),
        2 => which.prop_map(Step::Sweep),
    ]
}

/// An instance of the relay with a subscriber.
struct Instance {
    rooms: Rooms,
    is_connected: bool,
    answers: VecDeque<Report>,
    writes: VecDeque<Write>,
}

impl Instance {
    fn new(job: &JobId) -> Self {
        let mut rooms = Rooms::new(9, 0, GRACE);
        rooms.enter(job, Snapshot::default()).unwrap();
        Self {
            rooms,
            is_connected: true,
            answers: VecDeque::new(),
            writes: VecDeque::new(),
        }
    }
}

/// The database, as written by `store::jobs`.
struct Database {
    row: ProductImportJob,
    ends: u32,
}

impl Database {
    fn count(&mut self, state: &JobState) {
        let row = &mut self.row;
        if row.status.is_final() {
            return;
        }
        let is_late = row.progress().done() > state.processed_products + state.failed_products;
        row.processed_products = row.processed_products.max(state.processed_products);
        row.failed_products = row.failed_products.max(state.failed_products);
        if state.total_products > 0 && !(is_late && row.total_products.is_some()) {
            row.total_products = Some(state.total_products);
        }
    }

    fn end(&mut self, snapshot: &Snapshot) {
        if !self.row.status.is_final() {
            snapshot.over(&self.row.clone()).show_in(&mut self.row);
            self.ends += 1;
        }
    }
}

struct World {
    job: JobId,
    service: Service,
    said: usize,
    instances: [Instance; 2],
    database: Database,
}

impl World {
    fn new(service: Service) -> Self {
        let job: JobId = "a".parse().unwrap();
        let row = ProductImportJob::pending(job.clone());
        Self {
            instances: [Instance::new(&job), Instance::new(&job)],
            job,
            service,
            said: 0,
            database: Database { row, ends: 0 },
        }
    }

    fn take(&mut self, step: &Step) {
        let job = &self.job;
        match *step {
            Step::Say => {
                if self.said == self.service.said.len() {
                    return;
                }
                let report = self.service.report(self.said);
                self.said += 1;
                for instance in self.instances.iter_mut().filter(|it| it.is_connected) {
                    instance.rooms.report(job, report.clone(), 7);
                }
            }
            Step::Break(which) => self.instances[usize::from(which)].is_connected = false,
            Step::Reconnect(which) => self.instances[usize::from(which)].is_connected = true,
            Step::Replay(which, at) => {
                if at < self.said {
                    let report = self.service.report(at);
                    self.instances[usize::from(which)]
                        .rooms
                        .report(job, report, 7);
                }
            }
            Step::Ask(which) => {
                if let Some(last) = self.said.checked_sub(1) {
                    let answer = self.service.report(last);
                    self.instances[usize::from(which)].answers.push_back(answer);
                }
            }
            Step::Answer(which) => {
                let instance = &mut self.instances[usize::from(which)];
                if let Some(answer) = instance.answers.pop_front() {
                    instance.rooms.report(job, answer, 7);
                }
            }
            Step::Write(which) => {
                let instance = &mut self.instances[usize::from(which)];
                instance.writes.extend(instance.rooms.next_write());
            }
            Step::Written(which, is_well) => {
                let instance = &mut self.instances[usize::from(which)];
                let Some(write) = instance.writes.pop_front() else {
                    return;
                };
                match write {
                    Write::End(_, _, _) if !is_well => instance.writes.push_front(write),
                    Write::End(job, room, snapshot) => {
                        self.database.end(&snapshot);
                        let recorded = Snapshot::from(&self.database.row);
                        instance.rooms.end_recorded(&job, room, recorded);
                    }
                    Write::Details(job, room, _) => instance.rooms.written(&job, room, is_well),
                    Write::Counts(batch) => {
                        for (job, room, counts) in batch {
                            if is_well {
                                self.database.count(&JobState::from(&counts));
                            }
                            instance.rooms.written(&job, room, is_well);
                        }
                    }
                }
            }
            Step::Sweep(which) => {
                self.instances[usize::from(which)]
                    .rooms
                    .sweep(Instant::now());
            }
        }
    }

    /// The service emits the rest, REST answers, and the database works.
    fn settle(&mut self) {
        while self.said < self.service.said.len() {
            self.take(&Step::Say);
        }
        for which in [false, true] {
            self.take(&Step::Ask(which));
            for _ in 0..200 {
                self.take(&Step::Answer(which));
                self.take(&Step::Sweep(which));
                self.take(&Step::Write(which));
                self.take(&Step::Written(which, true));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_job_ends_as_the_service_s_last_word_says(
        service in any_service(),
        steps in proptest::collection::vec(any_step(), 0..60),
    ) {
        let (status, counts) = service.end();
        let mut world = World::new(service);
        for step in &steps {
            world.take(step);
        }
        world.settle();
        let row = &world.database.row;
        let recorded = row.progress();
        prop_assert_eq!(row.status, status);
        let recorded = [recorded.processed_products, recorded.failed_products, recorded.total_products];
        prop_assert_eq!(recorded, counts);
        prop_assert_eq!(world.database.ends, 1, "an end is recorded once");
        for instance in &world.instances {
            let told = instance.rooms.snapshot(&world.job).unwrap();
            prop_assert_eq!(told.event.status, status, "viewers are told what is recorded");
            prop_assert_eq!(told.event.progress(), row.progress());
            prop_assert!(instance.rooms.is_written());
        }
    }
}
