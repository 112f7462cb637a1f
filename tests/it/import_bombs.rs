//! Files that would use much memory, with default settings: the process stays below 256 MiB, for each file by a limit
//! that the system enforces.

use std::{
    io::{Cursor, Write},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use futures_util::future::join_all;
use process::Relay;
use reqwest::{Client, StatusCode, multipart};
use serde_json::Value;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::support::process;

/// Maximum anonymous memory; pages of the program file do not count.
const MOST: u64 = 256 << 20;

/// The limit of all memory that the process may write, in KiB, as `ulimit` takes it: also stacks of threads and what an
/// allocator keeps, used or not. Without it the process ends.
const LIMITED: &str = "ulimit -d 262144";

const DEADLINE: Duration = Duration::from_secs(240);

/// Samples a process's memory. Returns the maximum.
struct Watch {
    most: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    looking: JoinHandle<()>,
}

impl Watch {
    fn of(process: u32) -> Self {
        let (most, is_over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let looking = std::thread::spawn({
            let (most, is_over) = (Arc::clone(&most), Arc::clone(&is_over));
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
                    let status = status.unwrap_or_default();
                    let own = status
                        .lines()
                        .find_map(|line| line.strip_prefix("RssAnon:"))
                        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
                    most.fetch_max(own.unwrap_or_default() << 10, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        });
        Self {
            most,
            is_over,
            looking,
        }
    }

    fn most(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.looking.join().unwrap();
        self.most.load(Ordering::Relaxed)
    }
}

fn gzipped(write: impl FnOnce(&mut dyn Write)) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    write(&mut gzip);
    gzip.finish().unwrap()
}

fn repeat(out: &mut dyn Write, text: &str, times: usize) {
    let block = text.repeat(1000);
    for _ in 0..times / 1000 {
        out.write_all(block.as_bytes()).unwrap();
    }
    out.write_all(text.repeat(times % 1000).as_bytes()).unwrap();
}

fn commas() -> Vec<u8> {
    gzipped(|out| {
        for _ in 0..31 {
            repeat(out, ",", 7 << 20);
            out.write_all(b"\n").unwrap();
        }
    })
}

fn commas_behind_a_header() -> Vec<u8> {
    gzipped(|out| {
        out.write_all(b"sku,name,price\n").unwrap();
        for row in 0..31 {
            write!(out, "S-{row},One,1").unwrap();
            repeat(out, ",", 7 << 20);
            out.write_all(b"\n").unwrap();
        }
    })
}

fn large_rows_that_fail() -> Vec<u8> {
    gzipped(|out| {
        out.write_all(b"sku,name,price\n").unwrap();
        for row in 0..31 {
            write!(out, "S-{row},").unwrap();
            repeat(out, "x", 7 << 20);
            out.write_all(b",none\n").unwrap();
        }
    })
}

fn names() -> Vec<u8> {
    gzipped(|out| {
        out.write_all(b"sku,name,price").unwrap();
        repeat(out, ",column", 1_000_000);
        out.write_all(b"\nA,One,1\n").unwrap();
    })
}

/// A workbook whose sheet and strings are much larger than the archive.
fn workbook() -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let options = options.large_file(false).compression_level(Some(1));
    let mut file = |name: &str, write: &dyn Fn(&mut dyn Write)| {
        archive.start_file(name, options).unwrap();
        write(&mut archive);
    };
    let text =
        |text: &'static str| move |out: &mut dyn Write| out.write_all(text.as_bytes()).unwrap();
    file(
        "[Content_Types].xml",
        &text("<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"),
    );
    file(
        "xl/workbook.xml",
        &text(
            "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
             xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets>\
             <sheet name=\"One\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>",
        ),
    );
    file(
        "xl/_rels/workbook.xml.rels",
        &text(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" \
             Target=\"worksheets/sheet1.xml\"/></Relationships>",
        ),
    );
    file("xl/sharedStrings.xml", &|out| {
        out.write_all(b"<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">")
            .unwrap();
        repeat(
            out,
            "<si><t>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</t></si>",
            1_200_000,
        );
        out.write_all(b"</sst>").unwrap();
    });
    file("xl/worksheets/sheet1.xml", &|out| {
        out.write_all(
            b"<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>",
        )
        .unwrap();
        for _ in 0..40 {
            out.write_all(b"<row>").unwrap();
            repeat(out, "<c t=\"s\"><v>1</v></c>", 16_384);
            out.write_all(b"</row>").unwrap();
        }
        out.write_all(b"</sheetData></worksheet>").unwrap();
    });
    archive.finish().unwrap().into_inner()
}

fn workbook_in_gzip() -> Vec<u8> {
    let workbook = workbook();
    gzipped(|out| out.write_all(&workbook).unwrap())
}

/// An archive with a million entries, all of the same file.
fn entries() -> Vec<u8> {
    const ENTRIES: u32 = 1_000_000;
    let mut file = [&b"PK\x03\x04\x14"[..], &[0; 21], b"\x01\0\0\0a"].concat();
    let directory = file.len() as u64;
    for entry in 0..ENTRIES {
        let name = format!("{entry:08}");
        file.extend(b"PK\x01\x02\x14\0\x14\0");
        file.extend([0; 20]);
        file.extend([8, 0]);
        file.extend([0; 16]);
        file.extend(name.as_bytes());
    }
    let size = file.len() as u64 - directory;
    // The 64-bit end of the directory, its locator, and the end (APPNOTE 4.3.14 to 4.3.16).
    let end = file.len() as u64;
    file.extend(b"PK\x06\x06");
    file.extend(44_u64.to_le_bytes());
    file.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(u64::from(ENTRIES).to_le_bytes());
    file.extend(u64::from(ENTRIES).to_le_bytes());
    file.extend(size.to_le_bytes());
    file.extend(directory.to_le_bytes());
    file.extend(b"PK\x06\x07\0\0\0\0");
    file.extend(end.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    file.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    file
}

fn nested_names() -> Vec<u8> {
    gzipped(|out| {
        out.write_all(b"<?xml version=\"1.0\"?><rss><channel>")
            .unwrap();
        for _ in 0..20 {
            out.write_all(b"<").unwrap();
            repeat(out, "n", (8 << 20) - 100);
            out.write_all(b">").unwrap();
        }
    })
}

type Bomb = (&'static str, fn() -> Vec<u8>);

const BOMBS: [Bomb; 8] = [
    ("commas.csv.gz", commas),
    ("commas-behind-a-header.csv.gz", commas_behind_a_header),
    ("large-rows.csv.gz", large_rows_that_fail),
    ("names.csv.gz", names),
    ("workbook.xlsx", workbook),
    ("workbook.xlsx.gz", workbook_in_gzip),
    ("entries.zip", entries),
    ("names.xml.gz", nested_names),
];

/// Uploads a file. Returns its import unless rejected.
async fn send(relay: &Relay, cookie: &str, name: &str, file: &[u8]) -> Option<String> {
    let part = multipart::Part::bytes(file.to_vec()).file_name(name.to_owned());
    let request = relay
        .http
        .post(relay.url("/imports"))
        .header("cookie", cookie)
        .header("accept", "application/json")
        .multipart(multipart::Form::new().part("file", part));
    let answer = request.send().await.unwrap();
    let is_taken = answer.status() == StatusCode::CREATED;
    assert!(
        is_taken || answer.status().is_client_error(),
        "{name}: {answer:?}"
    );
    let answer: Value = answer.json().await.unwrap();
    is_taken.then(|| answer["id"].as_str().unwrap().to_owned())
}

/// A client without timeout, because a development build on a busy machine is slow.
fn patient() -> &'static Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        let client = Client::builder().no_proxy().timeout(DEADLINE);
        client.build().unwrap()
    });
    &CLIENT
}

async fn get(relay: &Relay, cookie: &str, path: &str) -> StatusCode {
    let request = patient().get(relay.url(path)).header("cookie", cookie);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let _ = answer.bytes().await;
    status
}

async fn preview(relay: &Relay, cookie: &str, import: &str) -> StatusCode {
    let request = patient().post(relay.url("/api/preview_columns"));
    let request = request
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!(
            "id={import}&columns%5B0%5D=sku&columns%5B1%5D=name&columns%5B2%5D=price"
        ));
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let _ = answer.bytes().await;
    status
}

async fn is_over(relay: &Relay, cookie: &str, import: &str) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let path = relay.url(&format!("/api/get_import?id={import}"));
        let answer = patient().get(path).header("cookie", cookie).send().await;
        let state: Value = answer.unwrap().json().await.unwrap();
        if state["status"] != "PENDING" {
            return state;
        }
        assert!(Instant::now() < deadline, "not over: {state}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Requests everything about an import, many times concurrently.
async fn look_at(relay: &Relay, cookie: &str, import: &str) {
    let page = format!("/imports/{import}");
    let columns = format!("/api/file_columns?id={import}");
    let pages = join_all((0..10).map(|_| get(relay, cookie, &page)));
    let columns = join_all((0..20).map(|_| get(relay, cookie, &columns)));
    let previews = join_all((0..20).map(|_| preview(relay, cookie, import)));
    let (pages, columns, previews) = tokio::join!(pages, columns, previews);
    assert!(
        pages.iter().all(|status| *status == StatusCode::OK),
        "{pages:?}"
    );
    for status in columns.into_iter().chain(previews) {
        assert!(
            !status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE,
            "{status}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_takes_the_program_over_its_memory() {
    let mut found = Vec::new();
    for (name, make) in BOMBS {
        let file = make();
        let relay = Relay::start_after(LIMITED, &[]).await;
        let cookie = relay.create_owner().await;
        let watch = Watch::of(relay.id());
        if let Some(import) = send(&relay, &cookie, name, &file).await {
            let _ = is_over(&relay, &cookie, &import).await;
            look_at(&relay, &cookie, &import).await;
        }
        let most = watch.most();
        eprintln!("{name}: {} KiB, {} MiB", file.len() >> 10, most >> 20);
        found.push((name, most));
        assert_eq!(relay.terminate().await, Some(0), "{name}");
    }
    found.retain(|(_, most)| *most > MOST);
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_number_of_files_at_once_takes_the_program_over_its_memory() {
    let files = BOMBS.map(|(name, make)| (name, make()));
    let relay = Relay::start(&[("IMPORTS_PER_USER", "100")]).await;
    let cookie = relay.create_owner().await;
    let watch = Watch::of(relay.id());
    // The maximum concurrent uploads of one user.
    let sent = join_all(
        files
            .iter()
            .map(|(name, file)| send(&relay, &cookie, name, file)),
    )
    .await;
    let imports: Vec<_> = sent.into_iter().flatten().collect();
    join_all(imports.iter().map(|import| async {
        look_at(&relay, &cookie, import).await;
        is_over(&relay, &cookie, import).await;
        look_at(&relay, &cookie, import).await;
    }))
    .await;
    let most = watch.most();
    eprintln!("all at once: {} MiB", most >> 20);
    assert!(most <= MOST, "{} MiB", most >> 20);
    assert_eq!(relay.terminate().await, Some(0));
}
