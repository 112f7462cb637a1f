//! A disk that is actually full.

use serde_json::Value;

use crate::support::process::{Directory, Process, client, create_owner, import};
use test_support::small_disk::SmallDisk;

#[tokio::test]
async fn a_server_on_a_full_disk_says_what_to_do_and_goes_on_once_there_is_room() {
    if test_support::database::postgres_database().await.is_some() {
        return; // its disk is another one
    }
    let Some(disk) = SmallDisk::mount("24m") else {
        return;
    };
    let directory = Directory::new();
    let data = disk.path().join("data").display().to_string();
    let settings = [
        ("LISTEN_ADDR", "127.0.0.1:0"),
        ("DATA_DIR", data.as_str()),
        // Otherwise its limit would reject first.
        ("MIN_FREE_SPACE", "1B"),
    ];
    let relay = Process::start(directory.command(&[], &settings)).await;
    let (http, origin) = (client(), format!("http://{}", relay.address));
    let cookie = create_owner(&http, &origin, None).await;
    let get = async |path: &str| {
        let request = http.get(format!("{origin}{path}"));
        request.header("cookie", &cookie).send().await.unwrap()
    };
    let before = import(&http, &origin, &cookie, "a.csv", super::FILE).await;
    let is_over = async |job: &str| {
        let deadline = tokio::time::Instant::now() + test_support::DEADLINE;
        loop {
            let state: Value = get(&format!("/api/get_import?id={job}"))
                .await
                .json()
                .await
                .unwrap();
            if state["status"] != "PENDING" {
                return state;
            }
            assert!(tokio::time::Instant::now() < deadline, "{state}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    is_over(&before).await;

    disk.fill();
    let part = reqwest::multipart::Part::bytes(vec![b'x'; 1 << 20]).file_name("b.csv");
    let refused = http
        .post(format!("{origin}/imports"))
        .header("cookie", &cookie)
        .header("accept", "application/json")
        .multipart(reqwest::multipart::Form::new().part("file", part))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 507);
    let said = refused.text().await.unwrap();
    assert!(said.contains("disk is almost full"), "{said}");
    // Existing data can be read.
    for path in ["/imports", "/products", "/health/ready"] {
        assert_eq!(get(path).await.status(), 200, "{path}");
    }

    // A killed process restarts, or prints advice.
    relay.kill().await;
    let copy = disk.path().join("copy.db").display().to_string();
    for args in [&[][..], &["migrate"], &["backup", &copy], &["check"]] {
        let tried = directory.command(args, &settings).output();
        let tried = tokio::time::timeout(test_support::DEADLINE / 6, tried).await;
        let Ok(tried) = tried else { continue };
        let tried = tried.unwrap();
        let said = [tried.stderr, tried.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        println!("{args:?}: {said}");
        let does = tried.status.success();
        assert!(does || said.contains("free up space"), "{args:?}: {said}");
    }

    disk.make_room();
    let checked = directory.run(&["check"], &settings).await;
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{said}");
    let relay = Process::start(directory.command(&[], &settings)).await;
    let origin = format!("http://{}", relay.address);
    let after = import(&http, &origin, &cookie, "c.csv", super::FILE).await;
    for job in [&before, &after] {
        let url = format!("{origin}/api/jobs/{job}/progress");
        let stream = http.get(url).header("cookie", &cookie).send().await;
        let told = stream.unwrap().text().await.unwrap();
        assert!(told.contains("PARTIAL_SUCCESS"), "{told}");
    }
    assert_eq!(relay.terminate().await, Some(0));
}
