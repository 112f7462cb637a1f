//! The program with the embedded site, in an empty directory. `IMPORT_RELAY_ONE_FILE` is its path: another build of the program
//! than that of all other tests.

use std::collections::BTreeSet;

use crate::support::process::{self, Directory, Process};

const PROGRAM: &str = "IMPORT_RELAY_ONE_FILE";

#[tokio::test]
#[ignore = "needs the program with the embedded site"]
async fn one_file_is_the_whole_installation() {
    let directory = Directory::new();
    let program = directory.path().join("import-relay");
    std::fs::copy(std::env::var_os(PROGRAM).unwrap(), &program).unwrap();
    let mut command = tokio::process::Command::new(&program);
    command
        .current_dir(directory.path())
        .env_clear()
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .kill_on_drop(true);
    let server = Process::start(command).await;
    let origin = format!("http://{}", server.address);
    let http = process::client();
    // The first page of a new installation.
    let page = http.get(format!("{origin}/sign-in")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap().replace("&quot;", "\"");
    let files: BTreeSet<_> = page
        .split(['"', '\''])
        .filter(|word| word.starts_with("/pkg/"))
        .collect();
    for kind in [".css", ".js", ".wasm"] {
        assert!(
            files.iter().any(|file| file.ends_with(kind)),
            "{kind}: {files:?}"
        );
    }
    for file in files {
        let url = format!("{origin}{file}");
        let plain = http.get(&url).send().await.unwrap();
        assert_eq!(plain.status(), 200, "{file}");
        assert!(plain.headers().get("content-encoding").is_none());
        let cached = "public, max-age=31536000, immutable";
        assert_eq!(plain.headers()["cache-control"], cached, "{file}");
        let length = plain.bytes().await.unwrap().len();
        let brotli = http.get(&url).header("accept-encoding", "gzip, br");
        let brotli = brotli.send().await.unwrap();
        assert_eq!(brotli.headers()["content-encoding"], "br", "{file}");
        assert_eq!(brotli.headers()["vary"], "accept-encoding", "{file}");
        let compressed = brotli.bytes().await.unwrap().len();
        assert!(
            compressed > 0 && compressed < length,
            "{file}: {compressed} of {length}"
        );
    }
    let missing = http.get(format!("{origin}/pkg/none.js")).send().await;
    assert_eq!(missing.unwrap().status(), 404);
    assert_eq!(server.terminate().await, Some(0));
}
