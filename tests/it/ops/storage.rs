//! Storage problems: a second process, a damaged file, a restore, a read-only disk.

use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use crate::support::process::{self, Directory, Process, Relay};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn of_two_processes_on_one_sqlite_file_the_second_says_so_and_stops() {
    let first = Relay::start(&[]).await;
    if test_support::database::postgres_database().await.is_some() {
        return; // there any number of them share one
    }
    for args in [&[][..], &["price-monitor", "--listen", "127.0.0.1:0"]] {
        let second = first
            .directory
            .run(args, &[("LISTEN_ADDR", "127.0.0.1:0")])
            .await;
        let said = text(&second.stderr);
        assert!(!second.status.success(), "{said}");
        assert!(
            said.contains("is in use by another import-relay (process ")
                && said.contains("DATA_DIR"),
            "{said}"
        );
    }
    assert_eq!(first.get("/health/ready").await.status(), 200);
    // Other commands may run beside it.
    first.directory.says_with(&["backup", "copy.db"], &[]).await;
    first.directory.says_with(&["migrate"], &[]).await;
    let (directory, _) = first.stop_and_keep().await;
    let next = Process::start(directory.command(&[], &[("LISTEN_ADDR", "127.0.0.1:0")])).await;
    next.kill().await;
}

#[tokio::test]
async fn a_damaged_database_is_found_by_the_check() {
    let directory = Directory::new();
    let settings = [
        ("LISTEN_ADDR", "127.0.0.1:0"),
        ("DATABASE_URL", "sqlite:shop.db"),
    ];
    directory.says_with(&["migrate"], &settings).await;
    // A backup is one file, without a write-ahead log.
    directory.says_with(&["backup", "copy.db"], &settings).await;
    let settings = [settings[0], ("DATABASE_URL", "sqlite:copy.db")];
    let path = directory.path().join("copy.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // Every page except the first ones, which the schema needs.
    let page = 4096;
    assert!(bytes.len() > page * 10, "{}", bytes.len());
    for at in (page * 8..bytes.len()).step_by(page) {
        bytes[at..at + 64].fill(0xa5);
    }
    std::fs::write(&path, bytes).unwrap();
    let checked = directory.run(&["check"], &settings).await;
    let said = text(&checked.stdout);
    assert!(!checked.status.success(), "{said}");
    assert!(
        said.contains("FAILED  database: ") && said.contains("import-relay restore"),
        "{said}"
    );
}

#[tokio::test]
async fn an_import_goes_on_from_a_backup_that_is_restored() {
    let directory = Directory::new();
    let settings = [("LISTEN_ADDR", "127.0.0.1:0")];
    // A minute passes after each of its twenty batches.
    let slow = [settings[0], ("IMPORT_MAX_RATE", "1")];
    let relay = Process::start(directory.command(&[], &slow)).await;
    let origin = format!("http://{}", relay.address);
    let http = process::client();
    let cookie = process::create_owner(&http, &origin, None).await;
    let rows: String = (0..40_000).map(|row| format!("s{row},N,1\n")).collect();
    let file = format!("sku,name,price\n{rows}");
    let job = process::import(&http, &origin, &cookie, "long.csv", &file).await;
    let progress = async |origin: &str| -> serde_json::Value {
        let url = format!("{origin}/api/get_import?id={job}");
        let answer = http
            .get(url)
            .header("cookie", &cookie)
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    };
    let deadline = tokio::time::Instant::now() + test_support::DEADLINE;
    while progress(&origin).await["processedProducts"].as_u64() < Some(1) {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let said = directory.says_with(&["backup", "copy.db"], &settings).await;
    assert!(
        said.contains("Unfinished imports: 1.") && said.contains("uploads"),
        "{said}"
    );
    let refused = directory.run(&["restore", "copy.db"], &settings).await;
    assert!(
        text(&refused.stderr).contains("another import-relay"),
        "{refused:?}"
    );
    relay.kill().await;
    for name in [
        "import-relay.db",
        "import-relay.db-wal",
        "import-relay.db-shm",
    ] {
        let _ = std::fs::remove_file(directory.path().join("data").join(name));
    }
    let said = directory
        .says_with(&["restore", "copy.db"], &settings)
        .await;
    assert!(said.contains("continue on the next start: 1."), "{said}");
    let relay = Process::start(directory.command(&[], &settings)).await;
    let origin = format!("http://{}", relay.address);
    let deadline = tokio::time::Instant::now() + test_support::DEADLINE * 2;
    let over = loop {
        let state = progress(&origin).await;
        if state["status"] != "PENDING" {
            break state;
        }
        assert!(tokio::time::Instant::now() < deadline, "{state}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        (&over["status"], &over["processedProducts"]),
        (&"SUCCESS".into(), &40_000.into())
    );
    relay.kill().await;
}

/// Returns whether permissions do not apply to this process.
fn is_root(directory: &Path) -> bool {
    let probe = directory.join("probe");
    std::fs::create_dir(&probe).unwrap();
    std::fs::set_permissions(&probe, std::fs::Permissions::from_mode(0o500)).unwrap();
    std::fs::write(probe.join("file"), "").is_ok()
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_said_with_what_to_do() {
    let directory = Directory::new();
    let settings = [("LISTEN_ADDR", "127.0.0.1:0"), ("DATA_DIR", "place")];
    // A file in the place of a directory.
    std::fs::write(directory.path().join("place"), "").unwrap();
    let refused = directory.run(&[], &settings).await;
    let said = text(&refused.stderr);
    assert!(!refused.status.success());
    assert!(said.contains("move it away, or set DATA_DIR"), "{said}");
    if is_root(directory.path()) {
        return;
    }
    let closed = directory.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    let settings = [("LISTEN_ADDR", "127.0.0.1:0"), ("DATA_DIR", "closed")];
    for args in [
        &[][..],
        &["price-monitor", "--listen", "127.0.0.1:0"],
        &["migrate"],
        &["check"],
    ] {
        let refused = directory.run(args, &settings).await;
        let said = text(&refused.stderr) + &text(&refused.stdout);
        assert!(!refused.status.success(), "{args:?}: {said}");
        assert!(said.contains("chown"), "{args:?}: {said}");
    }
}

/// Whatever the shell, the unit or the archive of a backup left open.
#[tokio::test]
async fn what_is_stored_is_for_its_user_alone() {
    let relay = Relay::start_after(
        "umask 000; mkdir -m 700 data; mkdir -m 777 data/uploads data/parts",
        &[],
    )
    .await;
    let cookie = relay.create_owner().await;
    let part = reqwest::multipart::Part::text("sku,name,price\nA,One,1\n").file_name("list.csv");
    let sent = relay
        .http
        .post(relay.url("/imports"))
        .header("cookie", &cookie)
        .header("accept", "application/json")
        .multipart(reqwest::multipart::Form::new().part("file", part));
    assert_eq!(sent.send().await.unwrap().status(), 201);
    let begun = relay
        .http
        .post(relay.url("/uploads"))
        .header("cookie", &cookie)
        .header("tus-resumable", "1.0.0")
        .header("upload-length", "12");
    assert_eq!(begun.send().await.unwrap().status(), 201);
    let mut found = Vec::new();
    let mut waiting = vec![relay.directory.path().join("data")];
    while let Some(path) = waiting.pop() {
        let kept = std::fs::metadata(&path).unwrap();
        if kept.is_dir() {
            waiting.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        found.push((path, kept.permissions().mode()));
    }
    assert!(found.len() >= 5, "{found:?}");
    found.retain(|(_, mode)| mode & 0o077 != 0);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(relay.terminate().await, Some(0));
}
