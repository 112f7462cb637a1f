//! The status page.

use crate::{
    model::{error::ApiError, role::Permission, status::ServerStatus},
    server::{
        config::Monitor, http::state::AppState, identity::user::User,
        telemetry::process::ProcessStats,
    },
};

/// Returns [`ApiError::NotFound`] to everyone but the owner.
pub(crate) async fn status(state: &AppState, user: &User) -> Result<ServerStatus, ApiError> {
    if !user.role.may(Permission::Manage) {
        return Err(ApiError::NotFound);
    }
    let monitor = match &state.config.monitor {
        Monitor::Embedded { .. } => None,
        Monitor::External(endpoint) => Some(endpoint.url.host_str().unwrap_or_default().to_owned()),
    };
    Ok(ServerStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime: u64::try_from(state.metrics.uptime().as_millis()).unwrap_or(u64::MAX),
        database: state.store.kind().to_owned(),
        monitor,
        upstream: state.relay.upstream_state(),
        upstream_problems: state.relay.upstream_problems(),
        viewers: state.metrics.viewers(),
        followed_jobs: state.relay.followed_jobs() as u64,
        memory: ProcessStats::read().resident_bytes,
        disk_free: state.space.free(),
        waits_for_room: state.metrics.imports_wait_for_room(),
        imports: state.store.count_jobs().await?,
        last_hour: state.metrics.last_hour(),
    })
}
