//! Prints results as a table.

use std::{fmt::Write as _, fs, path::Path};

use crate::{
    Failure,
    load::{Load, Measured, Return},
    servers::ServerKind,
};

const BEGIN: &str = "<!-- begin:";
const END: &str = "<!-- end:";

const HEAD: &str = "\
| server | delivered | events per CPU second | latency p50 | latency p99 | CPU seconds | RSS an idle viewer (viewers) | RSS under load | sockets upstream | lost, wrong, endless |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

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

/// All rows, and a comparison of the servers.
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
    for (relay, others) in [
        (
            ServerKind::Relay,
            &[
                ServerKind::Floor,
                ServerKind::Nchan,
                ServerKind::NchanAuto,
                ServerKind::Next,
                ServerKind::Node,
            ][..],
        ),
        (
            ServerKind::RelayListed,
            &[ServerKind::FloorListed, ServerKind::NchanListed],
        ),
    ] {
        let Some(relay) = of(relay) else { continue };
        for other in others.iter().filter_map(|kind| of(*kind)) {
            let ratio = relay.loaded.events_per_cpu_second / other.loaded.events_per_cpu_second;
            // Writing to a `String` cannot fail.
            let _ = write!(
                table,
                "\nEvents per CPU second, {} to {}: **{ratio:.2}**.",
                relay.kind, other.kind
            );
        }
    }
    table.push('\n');
    table
}

const RETURN_HEAD: &str = "\
| server | first state p50 | p99 | the last | CPU seconds till then | lost, endless |
| --- | ---: | ---: | ---: | ---: | ---: |
";

/// A server's row for reconnections.
pub(crate) fn return_row(back: &Return) -> String {
    let Return {
        kind,
        p50,
        p99,
        last,
        cpu_seconds,
        lost,
        without_end,
    } = back;
    let [p50, p99, last] = [p50, p99, last].map(|time| time.as_secs_f64() * 1000.0);
    format!(
        "| {kind} | {p50:.1} ms | {p99:.1} ms | {last:.1} ms | {cpu_seconds:.2} | {lost}, {without_end} |"
    )
}

/// All rows for reconnections.
pub(crate) fn return_table(load: &Load, seconds: u64, rows: &[Return]) -> String {
    let mut table = format!(
        "{} viewers of {} jobs within {seconds} s of a restart:\n\n{RETURN_HEAD}",
        load.viewers, load.jobs
    );
    for back in rows {
        table.push_str(&return_row(back));
        table.push('\n');
    }
    table
}

/// Writes the table between its marks in a document.
pub(crate) fn write(path: &Path, name: &str, table: &str) -> Result<(), Failure> {
    let name = format!("{name} -->");
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
