//! The state of the server, for its owner.

use serde::{Deserialize, Serialize};

use crate::model::progress::UpstreamState;

/// How the server is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ServerStatus {
    /// The version that runs.
    pub version: String,
    /// How long it has been running, in milliseconds.
    pub uptime: u64,
    /// What the database is.
    pub database: String,
    /// Where the price monitor is.
    pub monitor: String,
    /// How the server stands to it.
    pub upstream: UpstreamState,
    /// What is wrong with the price monitor, where more is known.
    #[serde(default)]
    pub upstream_problems: Vec<UpstreamProblem>,
    /// The progress streams that are open here.
    pub viewers: u64,
    /// The jobs that are followed here.
    pub followed_jobs: u64,
    /// Memory in use, in bytes.
    pub memory: u64,
    /// What is free of the disk of product files, in bytes, where that is known.
    #[serde(default)]
    pub disk_free: Option<u64>,
    /// Whether no import can begin because the disk is full.
    #[serde(default)]
    pub waits_for_room: bool,
    /// The imports of everybody.
    pub imports: ImportCounts,
}

/// What is wrong with the price monitor.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "code", content = "detail", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpstreamProblem {
    /// The service speaks Socket.IO 2 or older.
    OldSocketIo,
    /// The service has no namespace of this name.
    UnknownNamespace(String),
    /// The service lets no socket in, in these words.
    Rejected(String),
    /// Its reports hold no field that is known.
    UnknownFields {
        /// The reports that hold none.
        source: ReportSource,
        /// The names of the fields that the first one held.
        fields: Vec<String>,
    },
}

/// Where reports on imports come from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReportSource {
    /// The events on the socket.
    Events,
    /// The answers to `GET /api/products/imports/{id}/progress`.
    Answers,
}

/// How many imports there are of each status.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImportCounts {
    /// That run or wait.
    pub pending: u64,
    /// Of which all products are in.
    pub success: u64,
    /// Of which some products are in.
    pub partial_success: u64,
    /// That failed.
    pub error: u64,
}
