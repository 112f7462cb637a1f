//! What was measured, as a table.

use std::{fmt::Write as _, fs, path::Path};

use crate::{
    Failure,
    load::{Load, Measured},
    servers::ServerKind,
};

const BEGIN: &str = "<!-- begin:";
const END: &str = "<!-- end:";

const HEAD: &str = "\
| server | delivered | events per CPU second | latency p50 | latency p99 | CPU seconds | RSS an idle viewer (viewers) | RSS under load | sockets upstream | lost, wrong, endless |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

/// One server's row.
pub(crate) fn row(measured: &Measured) -> String {
    let loaded = &measured.loaded;
    let idle = measured.idle.as_ref().map_or_else(
        || "-".to_owned(),
        |idle| format!("{:.1} KiB ({})", idle.kib_each, idle.viewers),
    );
    format!(
        "| {} | {:.1} % | {:.0} | {:.1} ms | {:.1} ms | {:.2} | {idle} | {:.0} MiB | {} | {}, {}, {} |",
        measured.kind,
        loaded.delivered * 100.0,
        loaded.events_per_cpu_second,
        loaded.p50.as_secs_f64() * 1000.0,
        loaded.p99.as_secs_f64() * 1000.0,
        loaded.cpu_seconds,
        loaded.rss_mib,
        loaded.upstream_sockets,
        loaded.lost,
        loaded.wrong,
        loaded.without_end,
    )
}

/// All rows, and how the servers compare.
pub(crate) fn table(load: &Load, rows: &[Measured]) -> String {
    let Load {
        viewers,
        jobs,
        rate,
        seconds,
    } = load;
    let mut table = format!(
        "{viewers} viewers × {jobs} job{} × {rate} updates a second, {seconds} s:\n\n{HEAD}",
        if *jobs == 1 { "" } else { "s" },
    );
    for measured in rows {
        table.push_str(&row(measured));
        table.push('\n');
    }
    let of = |kind| rows.iter().find(|row| row.kind == kind);
    if let Some(relay) = of(ServerKind::Relay) {
        for kind in [
            ServerKind::Nchan,
            ServerKind::NchanAuto,
            ServerKind::Next,
            ServerKind::Node,
        ] {
            let Some(peer) = of(kind) else { continue };
            let ratio = relay.loaded.events_per_cpu_second / peer.loaded.events_per_cpu_second;
            // Writing to a String does not fail.
            let _ = write!(
                table,
                "\nEvents per CPU second, Import Relay to {kind}: **{ratio:.2}**."
            );
        }
        table.push('\n');
    }
    table
}

/// Puts the table into a document, in the place that is marked for this load.
pub(crate) fn write(path: &Path, load: &Load, table: &str) -> Result<(), Failure> {
    let name = format!("{}x{}x{} -->", load.viewers, load.jobs, load.rate);
    let text = fs::read_to_string(path)?;
    let (begin, end) = (format!("{BEGIN}{name}\n"), format!("{END}{name}"));
    let (before, rest) = text
        .split_once(&begin)
        .ok_or_else(|| format!("{} has no line {begin}", path.display()))?;
    let (_, after) = rest
        .split_once(&end)
        .ok_or_else(|| format!("{} has no line {end}", path.display()))?;
    fs::write(path, format!("{before}{begin}{table}{end}{after}"))?;
    Ok(())
}
