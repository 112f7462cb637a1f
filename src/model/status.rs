//! The status page.

use serde::{Deserialize, Serialize};

use crate::model::progress::UpstreamState;

/// The server's status.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ServerStatus {
    /// Its version.
    pub version: String,
    /// Its uptime in milliseconds.
    pub uptime: u64,
    /// The database's product name.
    pub database: String,
    /// The price monitor's host, unless it is the embedded one.
    pub monitor: Option<String>,
    /// The connection to it.
    pub upstream: UpstreamState,
    /// Known problems of the price monitor.
    #[serde(default)]
    pub upstream_problems: Vec<UpstreamProblem>,
    /// Open progress streams.
    pub viewers: u64,
    /// Followed jobs.
    pub followed_jobs: u64,
    /// Resident memory in bytes.
    pub memory: u64,
    /// Free bytes on the disk of product files, if known.
    #[serde(default)]
    pub disk_free: Option<u64>,
    /// Whether imports wait because the disk is full.
    #[serde(default)]
    pub waits_for_room: bool,
    /// Imports of all users.
    pub imports: ImportCounts,
    /// The minutes of the last hour, the oldest first. The last one is not over.
    #[serde(default)]
    pub last_hour: Vec<Minute>,
}

/// What this server did in a minute.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Minute {
    /// Open progress streams at its end.
    pub viewers: u64,
    /// Events that were sent.
    pub events: u64,
    /// Imports that ended.
    pub imports: u64,
}

/// A problem of the price monitor.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "code", content = "detail", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpstreamProblem {
    /// It speaks Socket.IO 2 or older.
    OldSocketIo,
    /// The namespace does not exist.
    UnknownNamespace(String),
    /// It rejects sockets, with this message.
    Rejected(String),
    /// Its reports have no known field.
    UnknownFields {
        /// The source of these reports.
        source: ReportSource,
        /// The fields of the first one.
        fields: Vec<String>,
    },
}

/// The source of reports.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReportSource {
    /// Events on the socket.
    Events,
    /// Answers of `GET /api/products/imports/{id}/progress`.
    Answers,
}

/// Number of imports by status.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImportCounts {
    /// Waiting or running.
    pub pending: u64,
    /// Fully imported.
    pub success: u64,
    /// Partially imported.
    pub partial_success: u64,
    /// Failed.
    pub error: u64,
}
