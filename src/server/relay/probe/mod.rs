//! Tests a price monitor against docs/protocol.md, call by call, with the relay's own requests and parsers.
//!
//! Imports nothing unless a file is given. Prints neither the key nor reported values.

mod calls;
mod following;
mod socket;

use std::time::Duration;

use bytes::Bytes;
use price_monitor_wire::{Reading, Report, Service};
use tokio_util::task::TaskTracker;

use self::socket::Opened;
use super::{diagnosis::Diagnosis, rest_client::RestClient, skips::Skips, snapshot::Snapshot};
use crate::{
    model::{clock::now, job::JobId},
    server::{
        config::{Config, MonitorEndpoint},
        telemetry::Metrics,
    },
};

/// What to test.
#[derive(Clone, Debug)]
pub struct Trial {
    /// A file to import.
    pub upload: Option<Upload>,
    /// An import of the price monitor to follow.
    pub job: Option<JobId>,
    /// Timeout of each call.
    pub timeout: Duration,
}

/// A file to import.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its name.
    pub name: String,
    /// Its content.
    pub content: Bytes,
}

/// The result of a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The call.
    pub call: &'static str,
    /// Whether it conforms.
    pub mark: Mark,
    /// The finding, as a sentence.
    pub sentence: String,
}

/// Whether a call conforms to the protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    /// Conforms.
    Fits,
    /// Optional, or not testable.
    Note,
    /// Does not conform.
    Misfit,
}

/// The result of all calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The price monitor conforms.
    Fits,
    /// The number of calls that do not conform.
    Misfits(usize),
    /// It did not answer.
    Untried,
}

impl Finding {
    fn fits(call: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(call, Mark::Fits, sentence)
    }

    fn note(call: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(call, Mark::Note, sentence)
    }

    fn misfit(call: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(call, Mark::Misfit, sentence)
    }

    fn new(call: &'static str, mark: Mark, sentence: impl Into<String>) -> Self {
        Self {
            call,
            mark,
            sentence: sentence.into(),
        }
    }
}

/// Tests all calls and reports each finding at once.
///
/// # Errors
///
/// If TLS cannot be set up.
pub async fn walk(
    config: &Config,
    endpoint: &MonitorEndpoint,
    trial: Trial,
    mut tell: impl FnMut(&Finding),
) -> Result<Verdict, reqwest::Error> {
    let metrics = Metrics::default();
    let probe = Probe {
        rest: RestClient::new(
            endpoint,
            &config.relay,
            Skips::new(metrics.clone()),
            Diagnosis::default(),
            metrics,
            TaskTracker::new(),
        )?,
        service: endpoint.into(),
        max_message: config.relay.max_message,
        trial,
    };
    let mut findings = Vec::new();
    let mut add = |found: Vec<Finding>| {
        for mut finding in found {
            finding.sentence = probe.rest.without_key(&finding.sentence);
            tell(&finding);
            findings.push(finding);
        }
    };
    let health = probe.health().await;
    let was_reached = health.is_ok();
    add(vec![health.unwrap_or_else(|finding| finding)]);
    let progress = probe.key_and_progress().await;
    let is_reached = was_reached || progress.is_ok();
    add(progress.unwrap_or_else(|finding| vec![finding]));
    if !is_reached {
        return Ok(Verdict::Untried);
    }
    let (found, opened) = probe.open().await;
    add(found);
    let (found, job) = match opened {
        Opened::Yes(connection) => probe.follow(*connection).await,
        Opened::No => probe.follow_by_rest().await,
    };
    add(found);
    if let Some(job) = job {
        add(vec![probe.further_calls(&job).await]);
    }
    let count = |mark| findings.iter().filter(|it| it.mark == mark).count();
    Ok(match count(Mark::Misfit) {
        // Any web server answers 404 to everything.
        0 if !findings.iter().any(is_proof) => {
            let sentence = "Nothing in the responses shows that this is a price monitor.";
            tell(&Finding::misfit("the address", sentence));
            Verdict::Misfits(1)
        }
        0 => Verdict::Fits,
        misfits => Verdict::Misfits(misfits),
    })
}

/// Returns whether only a price monitor gives such an answer.
fn is_proof(finding: &Finding) -> bool {
    finding.mark == Mark::Fits && finding.call != calls::HEALTH
}

struct Probe {
    rest: RestClient,
    service: Service,
    max_message: usize,
    trial: Trial,
}

#[derive(Default)]
struct Heard {
    reports: usize,
    /// Fields of the first report without known ones.
    unknown: Option<Vec<String>>,
    /// Unknown fields beside known ones.
    ignored: Vec<String>,
    unreadable: Option<String>,
    state: Snapshot,
}

impl Heard {
    fn report(&mut self, reading: Reading) {
        self.reports += 1;
        if !reading.is_known {
            self.unknown.get_or_insert(reading.unknown);
            return;
        }
        for name in reading.unknown {
            if !self.ignored.contains(&name) {
                self.ignored.push(name);
            }
        }
        self.take(reading.report);
    }

    fn take(&mut self, report: Report) {
        if let Some(newer) = self.state.after(report, now()) {
            self.state = newer;
        }
    }

    fn fault(&self) -> Option<String> {
        if let Some(reason) = &self.unreadable {
            return Some(format!("Cannot be read: {reason}."));
        }
        let fields = self.unknown.as_ref()?;
        Some(match fields.is_empty() {
            true => "It has no fields.".to_owned(),
            false => format!(
                "It has none of the fields of a report. Its fields are: {}.",
                fields.join(", ")
            ),
        })
    }

    fn standing(&self) -> String {
        let event = &self.state.event;
        let ignored = match self.ignored.is_empty() {
            true => String::new(),
            false => format!(" Ignored fields: {}.", self.ignored.join(", ")),
        };
        format!(
            "{} of {} products imported, {} failed, {}.{ignored}",
            event.processed_products,
            event.total_products,
            event.failed_products,
            event.status.as_str(),
        )
    }
}
