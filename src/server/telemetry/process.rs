//! Reads process statistics.

use std::fs;

/// Statistics of this process; 0 if unavailable.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ProcessStats {
    pub(crate) resident_bytes: u64,
    pub(crate) open_files: u64,
    pub(crate) tasks: u64,
}

impl ProcessStats {
    pub(crate) fn read() -> Self {
        Self {
            resident_bytes: resident_bytes().unwrap_or_default(),
            open_files: fs::read_dir("/proc/self/fd").map_or(0, |open| open.count() as u64),
            tasks: tokio::runtime::Handle::try_current()
                .map_or(0, |runtime| runtime.metrics().num_alive_tasks() as u64),
        }
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_knows_this_process() {
        let alive = tokio::spawn(std::future::pending::<()>());
        let stats = ProcessStats::read();
        assert!(
            stats.resident_bytes > 1 << 20 && stats.open_files > 2,
            "{stats:?}"
        );
        assert!(stats.tasks >= 1, "{stats:?}");
        alive.abort();
    }
}
