//! A server under test, with its kernel statistics (`proc(5)`).

use std::{
    fs,
    process::{Child, Command},
};

use crate::Failure;

/// `USER_HZ`, the unit of CPU time in `/proc/PID/stat`: 100 on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process that is killed on drop, with its children.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failure> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .map_err(|error| format!("{name} cannot be started: {error}"))?;
        Ok(Self(child))
    }

    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        self.sum(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
            // The second field is the name in brackets, which may contain anything.
            let (_, rest) = stat.rsplit_once(')').ok_or("unreadable stat")?;
            let mut fields = rest.split_ascii_whitespace().skip(11);
            let mut ticks =
                || -> Result<f64, Failure> { Ok(fields.next().ok_or("short stat")?.parse()?) };
            Ok((ticks()? + ticks()?) / TICKS_PER_SECOND)
        })
    }

    /// Returns the resident memory in KiB.
    pub(crate) fn rss_kib(&self) -> Result<f64, Failure> {
        self.sum(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmRSS:"))
                .ok_or("no VmRSS")?;
            Ok(line.trim().trim_end_matches(" kB").parse()?)
        })
    }

    fn sum(&self, of: impl Fn(u32) -> Result<f64, Failure>) -> Result<f64, Failure> {
        let own = self.0.id();
        let path = format!("/proc/{own}/task/{own}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        let children = children.split_ascii_whitespace().flat_map(str::parse);
        std::iter::once(own).chain(children).map(of).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nginx's master stops its workers on graceful signals only.
        let pid = self.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        for _ in 0..100 {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
