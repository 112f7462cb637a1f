//! Follows an import to its end, by events and by REST.

use std::time::Duration;

use price_monitor_wire::{Incoming, JOIN};
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::{Finding, Heard, Probe, calls::PROGRESS};
use crate::{
    model::job::JobId,
    server::relay::upstream::{Connection, ConnectionError},
};

const EVENTS: &str = "import-job-{id}";
const END: &str = "the end";
const POLL_INTERVAL: Duration = Duration::from_secs(1);
const AFTER_JOIN: Duration = Duration::from_millis(500);
/// An import is followed for this many call timeouts.
const CALLS: u32 = 3;

struct Followed {
    job: JobId,
    until: Instant,
    events: Heard,
    answers: Result<Heard, String>,
    /// Whether it had ended at the first call.
    was_over: bool,
}

impl Followed {
    fn is_over(&self) -> bool {
        self.events.state.is_final() || self.answers.as_ref().is_ok_and(|it| it.state.is_final())
    }
}

impl Probe {
    /// Uploads the file or takes the named import, and follows it. Without either only tests joins and leaves.
    pub(super) async fn follow(&self, mut connection: Connection) -> (Vec<Finding>, Option<JobId>) {
        let mut findings = Vec::new();
        let mut handing_in = std::pin::pin!(self.hand_in());
        let job = loop {
            // Answers heartbeats meanwhile.
            tokio::select! {
                (finding, job) = &mut handing_in => {
                    findings.extend(finding);
                    break job;
                }
                incoming = connection.receive() => if let Err(error) = incoming {
                    findings.push(self.lost("before anything was joined", &error));
                    let (finding, job) = handing_in.as_mut().await;
                    findings.extend(finding);
                    return self.by_rest(findings, job).await;
                },
            }
        };
        match job {
            Some(job) => {
                findings.extend(self.follow_one(&mut connection, &job).await);
                (findings, Some(job))
            }
            None => {
                findings.push(self.join_and_leave(&mut connection).await);
                (findings, None)
            }
        }
    }

    /// Like [`follow`](Self::follow), without a socket.
    pub(super) async fn follow_by_rest(&self) -> (Vec<Finding>, Option<JobId>) {
        let (finding, job) = self.hand_in().await;
        self.by_rest(finding.into_iter().collect(), job).await
    }

    async fn by_rest(
        &self,
        mut findings: Vec<Finding>,
        job: Option<JobId>,
    ) -> (Vec<Finding>, Option<JobId>) {
        if let Some(job) = &job {
            let mut followed = self.begin(job).await;
            while !followed.is_over() && Instant::now() < followed.until {
                tokio::time::sleep(POLL_INTERVAL).await;
                self.poll(&mut followed).await;
            }
            findings.push(of_answers(&followed));
            findings.push(self.end(&followed));
        }
        (findings, job)
    }

    async fn hand_in(&self) -> (Option<Finding>, Option<JobId>) {
        match &self.trial.upload {
            Some(upload) => {
                let (finding, job) = self.upload(upload).await;
                (Some(finding), job)
            }
            None => (None, self.trial.job.clone()),
        }
    }

    fn lost(&self, when: &str, error: &ConnectionError) -> Finding {
        Finding::misfit(self.socket(), format!("Connection lost {when}: {error}."))
    }

    async fn join_and_leave(&self, connection: &mut Connection) -> Finding {
        // A version 4 UUID is a valid job ID.
        let Ok(job) = Uuid::new_v4().to_string().parse::<JobId>() else {
            return Finding::note(JOIN, "No import was joined.");
        };
        let both = async {
            connection.join(&job).await?;
            connection.leave(&job).await?;
            loop {
                connection.receive().await?;
            }
        };
        match tokio::time::timeout(AFTER_JOIN, both).await {
            Ok(Err::<std::convert::Infallible, _>(error)) => {
                self.lost("after join-import-job for a made-up import", &error)
            }
            Err(_) => Finding::note(
                JOIN,
                "A made-up import can be joined and left. To see the events of a real one, use --upload \
                 or --job ID.",
            ),
        }
    }

    async fn follow_one(&self, connection: &mut Connection, job: &JobId) -> Vec<Finding> {
        if let Err(error) = connection.join(job).await {
            return vec![self.lost("at join-import-job", &error)];
        }
        let mut followed = self.begin(job).await;
        let lost = self.listen(connection, &mut followed).await.err();
        self.poll(&mut followed).await;
        let mut findings = Vec::new();
        if let Some(error) = lost {
            findings.push(self.lost("after join-import-job", &error));
        } else if let Err(error) = connection.leave(job).await {
            findings.push(self.lost("at leave-import-job", &error));
        }
        findings.push(of_events(&followed));
        findings.push(of_answers(&followed));
        findings.push(self.end(&followed));
        findings
    }

    async fn listen(
        &self,
        connection: &mut Connection,
        followed: &mut Followed,
    ) -> Result<(), ConnectionError> {
        let mut ticks = tokio::time::interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        while !followed.events.state.is_final() && Instant::now() < followed.until {
            tokio::select! {
                incoming = connection.receive() => match incoming? {
                    Incoming::Report { job, reading } if job == followed.job.as_str() => {
                        followed.events.report(reading);
                    }
                    Incoming::Skipped(skipped)
                        if skipped.job.as_deref().is_none_or(|job| job == followed.job.as_str()) =>
                    {
                        followed.events.unreadable.get_or_insert(skipped.reason);
                    }
                    _ => {}
                },
                _ = ticks.tick() => {
                    // If REST knew it, the event would have arrived by now.
                    if followed.is_over() {
                        return Ok(());
                    }
                    self.poll(followed).await;
                }
                () = tokio::time::sleep_until(followed.until) => {}
            }
        }
        Ok(())
    }

    async fn begin(&self, job: &JobId) -> Followed {
        let answers = self.progress(job).await;
        Followed {
            job: job.clone(),
            until: Instant::now() + self.trial.timeout * CALLS,
            events: Heard::default(),
            was_over: answers.as_ref().is_ok_and(|it| it.state.is_final()),
            answers,
        }
    }

    async fn poll(&self, followed: &mut Followed) {
        followed.answers = self.progress(&followed.job).await;
    }

    fn end(&self, followed: &Followed) -> Finding {
        let by_rest = followed.answers.as_ref().ok().map(|heard| &heard.state);
        let ended = [Some(&followed.events.state), by_rest];
        match ended.into_iter().flatten().find(|state| state.is_final()) {
            Some(state) => {
                let status = state.event.status.as_str();
                Finding::fits(END, format!("The import finished as {status}."))
            }
            None => {
                let timeout = humantime::format_duration(self.trial.timeout * CALLS);
                Finding::note(END, format!("The import did not finish within {timeout}."))
            }
        }
    }
}

fn of_events(followed: &Followed) -> Finding {
    let heard = &followed.events;
    if let Some(fault) = heard.fault() {
        return Finding::misfit(EVENTS, fault);
    }
    if heard.reports > 0 {
        let sentence = format!(
            "{} received. By the last one {}",
            heard.reports,
            heard.standing()
        );
        return Finding::fits(EVENTS, sentence);
    }
    match &followed.answers {
        _ if followed.was_over => Finding::note(
            EVENTS,
            "None received: the import had finished before its room was joined.",
        ),
        Ok(answers) if answers.state.event.progress().done() > 0 || answers.state.is_final() => {
            Finding::misfit(
                EVENTS,
                "None received, but according to REST the import made progress. Are events sent to \
                clients that sent join-import-job?",
            )
        }
        _ => Finding::note(
            EVENTS,
            "None received, and according to REST the import made no progress.",
        ),
    }
}

fn of_answers(followed: &Followed) -> Finding {
    match &followed.answers {
        Err(why) => Finding::misfit(PROGRESS, why.clone()),
        Ok(heard) => match heard.fault() {
            Some(fault) => Finding::misfit(PROGRESS, fault),
            None => Finding::fits(PROGRESS, format!("By the last answer {}", heard.standing())),
        },
    }
}
