//! Addresses of progress streams, and the state of the connection to the price monitor.

use serde::{Deserialize, Serialize};

use super::{base_path::address, job::JobId};

/// Returns the address of a job's event stream: `GET /api/jobs/{jobId}/progress`.
#[must_use]
pub fn progress_url(job: &JobId) -> String {
    address(&progress_path(job))
}

/// Returns the path of a job's event stream below that of the app.
pub(crate) fn progress_path(job: &JobId) -> String {
    format!("/api/jobs/{job}/progress")
}

/// Returns the address of one event stream of these jobs: `GET /api/jobs/progress?ids=a,b,c`. Each
/// state carries its `jobId`.
#[must_use]
pub fn jobs_progress_url(jobs: &[JobId]) -> String {
    address(&jobs_progress_path(jobs))
}

pub(crate) fn jobs_progress_path(jobs: &[JobId]) -> String {
    let ids: Vec<_> = jobs.iter().map(JobId::as_str).collect();
    format!("/api/jobs/progress?ids={}", ids.join(","))
}

/// Returns the address of one event stream of these jobs, and of the user's other unfinished ones,
/// new ones as they start.
#[must_use]
pub fn new_jobs_progress_url(jobs: &[JobId]) -> String {
    address(&new_jobs_progress_path(jobs))
}

pub(crate) fn new_jobs_progress_path(jobs: &[JobId]) -> String {
    if jobs.is_empty() {
        return "/api/jobs/progress".to_owned();
    }
    format!("{}&unfinished=true", jobs_progress_path(jobs))
}

/// Returns the address of the newest states of these jobs.
#[must_use]
pub fn job_states_url(jobs: &[JobId]) -> String {
    address(&job_states_path(jobs))
}

pub(crate) fn job_states_path(jobs: &[JobId]) -> String {
    // Their characters need no escape.
    let ids: Vec<_> = jobs
        .iter()
        .enumerate()
        .map(|(index, id)| format!("ids[{index}]={id}"))
        .collect();
    format!("/api/job_states?{}", ids.join("&"))
}

/// The most jobs that one stream takes: every page says it in a `meta` element, for the hooks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct JobsPerStream(pub usize);

impl JobsPerStream {
    /// The name of the `meta` element.
    pub const NAME: &'static str = "jobs-per-stream";
}

impl Default for JobsPerStream {
    /// What holds where the server does not say otherwise.
    fn default() -> Self {
        Self(200)
    }
}

/// How the server stands to the price monitor, as the named event `upstream` of a progress stream
/// tells it. A stream begins with one only where there is something to tell.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpstreamState {
    /// The first connection is being made.
    #[default]
    Connecting,
    /// The socket is open: news comes at once.
    Connected,
    /// There is no socket; the price monitor is asked every few seconds.
    Polling,
    /// The price monitor does not accept this server's key.
    Refused,
}

impl UpstreamState {
    /// Every state there is.
    pub const ALL: [Self; 4] = [
        Self::Connecting,
        Self::Connected,
        Self::Polling,
        Self::Refused,
    ];

    /// Returns the state's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Polling => "polling",
            Self::Refused => "refused",
        }
    }

    /// Returns whether a viewer may notice anything of it: there is no live connection.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Polling | Self::Refused)
    }
}

/// The data of the event `upstream`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct UpstreamEvent {
    /// How the server stands to the price monitor.
    pub state: UpstreamState,
}
