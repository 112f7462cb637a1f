//! By `serde_json`.

use serde::Deserialize;

use crate::model::{
    job::{JobId, ProgressEvent},
    progress::{UpstreamEvent, UpstreamState},
    refusal::Refusal,
};

/// Returns which job the data of an event is of, where it says so.
pub(in crate::hooks) fn job_of(text: &str) -> Option<JobId> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Tag {
        job_id: JobId,
    }
    serde_json::from_str::<Tag>(text).ok().map(|tag| tag.job_id)
}

/// Reads the state of a job.
pub(in crate::hooks) fn state(text: &str) -> Option<ProgressEvent> {
    serde_json::from_str(text).ok()
}

/// Reads the states of jobs, as the server answers with them.
pub(in crate::hooks) fn states(text: &str) -> Option<Vec<(JobId, ProgressEvent)>> {
    serde_json::from_str(text).ok()
}

/// Reads how the server stands to the price monitor.
pub(in crate::hooks) fn upstream(text: &str) -> Option<UpstreamState> {
    let event: UpstreamEvent = serde_json::from_str(text).ok()?;
    Some(event.state)
}

/// Reads why the server does not answer.
pub(in crate::hooks) fn refusal(text: &str) -> Option<Refusal> {
    serde_json::from_str(text).ok()
}
