//! A rolling update.

use std::path::PathBuf;

use super::{BAD, ROWS, file};
use crate::support::{
    cluster::{Cluster, Member},
    process::{self, binary},
};

/// `IMPORT_RELAY_BEFORE` names a program of an earlier version; by default every process is replaced by the same
/// program.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and nginx: scripts/test.sh runs it"]
async fn an_update_of_one_process_after_the_other_loses_nothing() {
    let before = std::env::var_os("IMPORT_RELAY_BEFORE").map_or_else(binary, PathBuf::from);
    println!("from {}", before.display());
    let mut cluster = Cluster::start_of(before).await;
    let cookie = cluster.create_owner(&cluster.http).await;
    cluster.program = binary();
    let mut viewers = Vec::new();
    // Before the first, between any two, and after the last.
    for (round, member) in (0..).zip(Member::ALL.map(Some).into_iter().chain([None])) {
        for import in 0..2 {
            let name = format!("round{round}import{import}");
            let (http, origin) = (&cluster.http, &cluster.origin);
            let file = file(&name);
            let job = process::import(http, origin, &cookie, &format!("{name}.csv"), &file).await;
            for _ in 0..4 {
                viewers.push((job.clone(), cluster.watch(&cookie, &job)));
            }
        }
        let Some(member) = member else { break };
        cluster.until_underway(&viewers[viewers.len() - 4..]).await;
        cluster.replace(member).await;
    }
    let imports = viewers.len() / 4;
    for (job, viewer) in viewers {
        let last = viewer.last().await;
        let failed = ROWS.div_ceil(BAD);
        assert_eq!(last["status"], "PARTIAL_SUCCESS", "{job}: {last}");
        assert_eq!(last["processedProducts"], ROWS - failed, "{job}");
        assert_eq!(last["failedProducts"], failed, "{job}");
        let recorded = cluster.recorded(&cookie, &job).await;
        assert_eq!(recorded["status"], "PARTIAL_SUCCESS", "{job}");
        assert_eq!(recorded["processedProducts"], ROWS - failed, "{job}");
    }
    let each = ROWS - ROWS.div_ceil(BAD);
    let products = cluster.products().await;
    assert_eq!(products, (each * imports) as u64);
    println!("{imports} imports, {products} products");
}
