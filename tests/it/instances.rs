//! Three relays and two workers behind nginx on PostgreSQL: each process is killed in turn while imports run, and every
//! subscriber sees every import end correctly.

mod counting_proxy;
mod queue;
mod rolling_update;
mod workers;

use std::time::Duration;

use serde_json::Value;

use crate::support::{
    cluster::{Cluster, Member, VISITOR},
    process,
};

const ROWS: usize = 20_000;
const MANY: usize = 6;
/// Every `BAD`th row has no price.
const BAD: usize = 100;

fn file(name: &str) -> String {
    let mut file = "sku,name,price\n".to_owned();
    for row in 0..ROWS {
        let price = if row % BAD == 0 { "none" } else { "9.90" };
        file.push_str(&format!("{name}-{row},Product {row},{price}\n"));
    }
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and nginx: scripts/test.sh runs it"]
async fn whoever_dies_every_import_ends_right_and_every_viewer_sees_it() {
    let mut cluster = Cluster::start().await;
    let cookie = cluster.create_owner(&Cluster::visitor()).await;
    // The proxy is trusted.
    assert_eq!(cluster.address_of_the_session().await, VISITOR.to_string());
    let mut imports = 0;
    for (round, member) in Member::ALL.into_iter().enumerate() {
        let mut viewers = Vec::new();
        // Enough for the worker to be busy when it is killed.
        let mut is_at_work = false;
        for import in 0..MANY {
            let name = format!("round{round}import{import}");
            let file = file(&name);
            let (http, origin) = (&cluster.http, &cluster.origin);
            let job = process::import(http, origin, &cookie, &format!("{name}.csv"), &file).await;
            // More than there are relays, so that each serves one.
            for _ in 0..4 {
                viewers.push((job.clone(), cluster.watch(&cookie, &job)));
            }
            imports += 1;
            cluster.until_underway(&viewers[viewers.len() - 4..]).await;
            // Later the proxy may still avoid a killed one.
            if round == 0 {
                cluster.until_all_relays_serve().await;
                cluster.until_each_relay_holds_one_socket().await;
            }
            is_at_work = import > 0 && cluster.is_at_work(member).await;
            if is_at_work {
                break;
            }
        }
        assert!(is_at_work, "{member:?} has nothing to do");
        cluster.kill(member).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.restart(member).await;
        for (job, viewer) in viewers {
            let last = viewer.last().await;
            let failed = ROWS.div_ceil(BAD);
            assert_eq!(
                last["status"], "PARTIAL_SUCCESS",
                "{member:?} {job}: {last}"
            );
            assert_eq!(last["processedProducts"], ROWS - failed, "{member:?} {job}");
            assert_eq!(last["failedProducts"], failed, "{member:?} {job}");
            let recorded = cluster.recorded(&cookie, &job).await;
            assert_eq!(recorded["status"], "PARTIAL_SUCCESS", "{member:?} {job}");
            assert_eq!(recorded["processedProducts"], ROWS - failed);
            let failed_skus = recorded["failedProductSkus"].as_array().map(Vec::len);
            assert!(failed_skus.is_some_and(|skus| skus > 0), "{recorded}");
        }
    }
    let products: Value = cluster.products().await;
    let each = ROWS - ROWS.div_ceil(BAD);
    assert_eq!(products, (each * imports) as u64);
}
