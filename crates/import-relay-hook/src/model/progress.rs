//! URLs of progress streams, and the state of the connection to the price monitor.

use serde::{Deserialize, Serialize};

use super::{base_path::address, job::JobId};

/// Returns the URL of a job's event stream: `GET /api/jobs/{jobId}/progress`.
#[must_use]
pub fn progress_url(job: &JobId) -> String {
    address(&progress_path(job))
}

/// Returns the path of a job's event stream inside the app.
pub(crate) fn progress_path(job: &JobId) -> String {
    format!("/api/jobs/{job}/progress")
}

/// Returns the URL of the event stream of these jobs: `GET /api/jobs/progress?ids=a,b,c`. Each state has its `jobId`.
#[must_use]
pub fn jobs_progress_url(jobs: &[JobId]) -> String {
    address(&jobs_progress_path(jobs))
}

pub(crate) fn jobs_progress_path(jobs: &[JobId]) -> String {
    let ids: Vec<_> = jobs.iter().map(JobId::as_str).collect();
    format!("/api/jobs/progress?ids={}", ids.join(","))
}

/// Returns the URL of the event stream of these jobs and the user's other unfinished ones, new ones included.
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

/// Returns the URL of the newest states of these jobs.
#[must_use]
pub fn job_states_url(jobs: &[JobId]) -> String {
    address(&job_states_path(jobs))
}

pub(crate) fn job_states_path(jobs: &[JobId]) -> String {
    // Job IDs need no escaping.
    let ids: Vec<_> = jobs
        .iter()
        .enumerate()
        .map(|(index, id)| format!("ids[{index}]={id}"))
        .collect();
    format!("/api/job_states?{}", ids.join("&"))
}

/// Maximum jobs of one stream. Every page has it in a `meta` element, for the hooks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct JobsPerStream(pub usize);

impl JobsPerStream {
    /// The name of the `meta` element.
    pub const NAME: &'static str = "jobs-per-stream";
}

impl Default for JobsPerStream {
    /// The server's default.
    fn default() -> Self {
        Self(200)
    }
}

/// The state of the server's connection to the price monitor, sent as the event `upstream` of a progress stream. A stream
/// starts with one only if it is not connected.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpstreamState {
    /// Connecting for the first time.
    #[default]
    Connecting,
    /// The socket is open.
    Connected,
    /// There is no socket; the price monitor is polled every few seconds.
    Polling,
    /// The price monitor rejects the server's key.
    Refused,
}

impl UpstreamState {
    /// All states.
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

    /// Returns whether there is no live connection.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Polling | Self::Refused)
    }
}

/// The data of the event `upstream`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct UpstreamEvent {
    /// The state.
    pub state: UpstreamState,
}
