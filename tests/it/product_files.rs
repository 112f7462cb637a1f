//! Product files through the whole server: resumable uploads and actions on imports.

use reqwest::{Method, RequestBuilder, Response, header};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::Instant};

use test_support::DEADLINE;

use crate::support::app::App;

const FILE: &str = "sku,name,price\nA,One,1\nB,Two,2\nC,Three,\n";

fn tus(app: &App, method: &str, path: &str) -> RequestBuilder {
    let method: Method = method.parse().unwrap();
    app.http
        .request(method, app.url(path))
        .header(header::COOKIE, &app.cookie)
        .header("Tus-Resumable", "1.0.0")
}

fn text<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

async fn begun(app: &App, length: usize) -> String {
    let response = tus(app, "POST", "/uploads")
        .header("Upload-Length", length)
        .header("Upload-Metadata", "filename bGlzdC5jc3Y=")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    text(&response, "location").to_owned()
}

async fn append(app: &App, upload: &str, offset: usize, bytes: &str) -> Response {
    tus(app, "PATCH", upload)
        .header("Upload-Offset", offset)
        .header(header::CONTENT_TYPE, "application/offset+octet-stream")
        .body(bytes.to_owned())
        .send()
        .await
        .unwrap()
}

async fn offset(app: &App, upload: &str) -> usize {
    let response = tus(app, "HEAD", upload).send().await.unwrap();
    assert_eq!(response.status(), 200);
    text(&response, "upload-offset").parse().unwrap()
}

async fn finished(app: &App, id: &str) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let state = app.get(&format!("/api/get_import?id={id}")).await;
        let state: Value = state.json().await.unwrap();
        if state["status"] != "PENDING" {
            return state;
        }
        assert!(Instant::now() < deadline, "not over: {state}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_upload_in_parts_says_what_is_written() {
    let app = App::start(&[]).await;
    let begin = async |metadata: &str| {
        let request = tus(&app, "POST", "/uploads").header("Upload-Length", FILE.len());
        let request = request.header("Upload-Metadata", metadata);
        request.send().await.unwrap()
    };
    // products=some
    let refused = begin("filename bGlzdC5jc3Y=,products c29tZQ==").await;
    assert_eq!(refused.status(), 422);
    let refused: Value = refused.json().await.unwrap();
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("It takes all, new, existing."), "{error}");
    // products=existing, fields=price,stock
    let metadata = "filename bGlzdC5jc3Y=,products ZXhpc3Rpbmc=,fields cHJpY2Usc3RvY2s=";
    let upload = text(&begin(metadata).await, "location").to_owned();
    let done = append(&app, &upload, 0, FILE).await;
    let job = text(&done, "import-job").to_owned();
    finished(&app, &job).await;
    let path = format!("/api/import_extras?id={job}");
    let extras: Value = app.get(&path).await.json().await.unwrap();
    let expected = serde_json::json!({
        "products": "existing", "fields": ["price", "stock"], "missing": "keep",
    });
    assert_eq!(extras["options"], expected);
    assert_eq!(extras["addedProducts"], 0);
    app.stop().await;
}

#[tokio::test]
async fn an_upload_in_parts_becomes_an_import() {
    let app = App::start(&[]).await;
    let options = tus(&app, "OPTIONS", "/uploads").send().await.unwrap();
    assert_eq!(text(&options, "tus-version"), "1.0.0");
    assert!(text(&options, "tus-extension").contains("creation"));

    let upload = begun(&app, FILE.len()).await;
    let first = append(&app, &upload, 0, &FILE[..20]).await;
    assert_eq!(
        (first.status().as_u16(), text(&first, "upload-offset")),
        (204, "20")
    );
    assert_eq!(text(&first, "import-job"), "");
    let wrong = append(&app, &upload, 10, &FILE[10..]).await;
    assert_eq!(wrong.status(), 409);
    assert_eq!(offset(&app, &upload).await, 20);
    let last = append(&app, &upload, 20, &FILE[20..]).await;
    assert_eq!(last.status(), 204);
    let job = text(&last, "import-job").to_owned();
    let over = finished(&app, &job).await;
    assert_eq!(
        (&over["processedProducts"], &over["failedProducts"]),
        (&2.into(), &1.into())
    );

    // A lost last response does not lose the import.
    let asked = tus(&app, "HEAD", &upload).send().await.unwrap();
    assert_eq!(text(&asked, "import-job"), job);
    assert_eq!(text(&asked, "upload-offset"), FILE.len().to_string());
    app.stop().await;
}

#[tokio::test]
async fn what_arrived_before_a_connection_broke_stays() {
    let app = App::start(&[]).await;
    let upload = begun(&app, FILE.len()).await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
         Content-Type: application/offset+octet-stream\r\nContent-Length: {}\r\n\r\n{}",
        app.address,
        app.cookie,
        FILE.len(),
        &FILE[..30]
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let deadline = Instant::now() + DEADLINE;
    while offset(&app, &upload).await < 30 {
        assert!(Instant::now() < deadline, "the part does not arrive");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    drop(stream);
    // The interrupted request may still hold the upload.
    let last = loop {
        let last = append(&app, &upload, 30, &FILE[30..]).await;
        if last.status() != 423 {
            break last;
        }
        assert!(Instant::now() < deadline, "the upload stays locked");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(last.status(), 204);
    let over = finished(&app, text(&last, "import-job")).await;
    assert_eq!(over["totalProducts"], 3);
    app.stop().await;
}

#[tokio::test]
async fn an_upload_whose_last_answer_nobody_hears_is_imported_once() {
    abandoned_when_it_is_here(FILE.len()).await;
}

#[tokio::test]
async fn an_upload_whose_last_part_breaks_off_once_it_is_here_is_imported_once() {
    // The server still waits for the rest of the part when the connection ends.
    abandoned_when_it_is_here(FILE.len() + 1).await;
}

/// Disconnects when everything has arrived, with a longer part announced.
async fn abandoned_when_it_is_here(announced: usize) {
    let app = App::start(&[]).await;
    let upload = begun(&app, FILE.len()).await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    let request = format!(
        "PATCH {upload} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
         Content-Type: application/offset+octet-stream\r\nContent-Length: {announced}\r\n\r\n{FILE}",
        app.address, app.cookie,
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let deadline = Instant::now() + DEADLINE;
    while offset(&app, &upload).await < FILE.len() {
        assert!(Instant::now() < deadline, "the file does not arrive");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    drop(stream);
    let job = loop {
        let asked = tus(&app, "HEAD", &upload).send().await.unwrap();
        let job = text(&asked, "import-job").to_owned();
        if !job.is_empty() {
            break job;
        }
        assert!(Instant::now() < deadline, "the upload becomes no import");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    finished(&app, &job).await;
    let jobs = app.get("/api/list_imports?page=1").await;
    let jobs: Value = jobs.json().await.unwrap_or_default();
    if let Some(total) = jobs["total"].as_u64() {
        assert_eq!(total, 1);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_part_says_that_it_is_one() {
    let app = App::start(&[]).await;
    let upload = begun(&app, FILE.len()).await;
    let answer = tus(&app, "PATCH", &upload)
        .header("Upload-Offset", 0)
        .header(header::CONTENT_TYPE, "text/csv")
        .body(FILE)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 415);
    assert_eq!(offset(&app, &upload).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn an_upload_is_refused_in_a_sentence() {
    let app = App::start(&[("MAX_UPLOAD_SIZE", "1KiB")]).await;
    for (length, version, status) in [
        ("0", "1.0.0", 400),
        ("2000", "1.0.0", 413),
        ("x", "1.0.0", 400),
        ("5", "0.2.2", 412),
    ] {
        let response = app
            .http
            .post(app.url("/uploads"))
            .header(header::COOKIE, &app.cookie)
            .header("Tus-Resumable", version)
            .header("Upload-Length", length)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{length} {version}");
        let body: Value = response.json().await.unwrap();
        assert!(body["error"].as_str().unwrap().ends_with('.'), "{body}");
    }
    let stranger = app
        .http
        .post(app.url("/uploads"))
        .header("Upload-Length", 5)
        .send();
    assert_eq!(stranger.await.unwrap().status(), 401);

    let upload = begun(&app, 12).await;
    let bad = append(&app, &upload, 0, "<html></html").await;
    assert_eq!(bad.status(), 422);
    assert_eq!(
        tus(&app, "HEAD", &upload).send().await.unwrap().status(),
        404
    );

    let upload = begun(&app, 12).await;
    assert_eq!(
        tus(&app, "DELETE", &upload).send().await.unwrap().status(),
        204
    );
    assert_eq!(
        tus(&app, "HEAD", &upload).send().await.unwrap().status(),
        404
    );
    for _ in 0..10 {
        begun(&app, 12).await;
    }
    let eleventh = tus(&app, "POST", "/uploads")
        .header("Upload-Length", 5)
        .send();
    assert_eq!(eleventh.await.unwrap().status(), 429);
    app.stop().await;
}

#[tokio::test]
async fn what_can_be_done_with_an_import_goes_through_the_app() {
    let app = App::start(&[]).await;
    let id = app.import("list.csv", FILE).await;
    finished(&app, &id).await;
    let extras = app.get(&format!("/api/import_extras?id={id}")).await;
    let extras: Value = extras.json().await.unwrap();
    assert_eq!(extras["addedProducts"], 2);
    let rows = app
        .get(&format!(
            "/api/import_rows?id={id}&kind=failed&page=1&search="
        ))
        .await;
    let rows: Value = rows.json().await.unwrap();
    assert_eq!(rows["items"][0]["sku"], "C");
    let csv = app.get(&format!("/imports/{id}/failed-rows.csv")).await;
    assert!(text(&csv, "content-disposition").starts_with("attachment"));
    assert!(
        csv.text()
            .await
            .unwrap()
            .contains("C,Three,,The price is missing.")
    );
    let page = app
        .get(&format!("/imports/{id}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(page.contains("The price is missing.") && page.contains("Import again"));

    let nobody = app
        .http
        .get(app.url(&format!("/imports/{id}/failed-rows.csv")))
        .send();
    assert_eq!(nobody.await.unwrap().status(), 401);

    let act = async |action: &str, id: &str| {
        app.http
            .post(app.url(&format!("/api/{action}")))
            .header(header::COOKIE, &app.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "text/html")
            .body(format!("id={id}"))
            .send()
            .await
            .unwrap()
    };
    let again = act("import_again", &id).await;
    let new = text(&again, "location")
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    assert_ne!(new, id);
    assert_eq!(finished(&app, &new).await["processedProducts"], 2);
    let activity = async |id: &str| {
        let path = format!("/api/import_activity?id={id}");
        let activity: Value = app.get(&path).await.json().await.unwrap();
        let entries = activity.as_array().unwrap().iter();
        let mut entries: Vec<_> = entries
            .map(|entry| {
                let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
                (word("kind"), word("who"), word("about"))
            })
            .collect();
        entries.sort();
        entries
    };
    let entry =
        |kind: &str, who: &str, about: &str| (kind.to_owned(), who.to_owned(), about.to_owned());
    let (queued, started) = (entry("queued", "", ""), entry("started", "", ""));
    let retried = entry("retried", "Ada", &new);
    let uploaded = entry("uploaded", "Ada", "");
    assert_eq!(
        activity(&id).await,
        [queued.clone(), retried, started.clone(), uploaded]
    );
    let again = entry("started-again", "Ada", &id);
    assert_eq!(activity(&new).await, [queued, started, again]);
    act("delete_import", &id).await;
    assert_eq!(app.get(&format!("/imports/{id}")).await.status(), 404);
    assert_eq!(app.get(&format!("/imports/{new}")).await.status(), 200);
    app.stop().await;
}

fn padded(bytes: usize) -> String {
    let mut file = "sku,name,price\nA,One,1\n".to_owned();
    file.push_str(&"\n".repeat(bytes - file.len()));
    file
}

#[tokio::test]
async fn of_many_uploads_in_parts_that_begin_at_once_as_many_are_taken_as_may_be() {
    let app = App::start(&[]).await;
    let begin = (0..60).map(|_| {
        tus(&app, "POST", "/uploads")
            .header("Upload-Length", 12)
            .send()
    });
    let begun = futures_util::future::join_all(begin).await;
    let taken = begun
        .into_iter()
        .filter(|it| it.as_ref().unwrap().status() == 201);
    assert_eq!(taken.count(), 10);
    app.stop().await;
}

#[tokio::test]
async fn one_user_has_so_many_imports_under_way() {
    let app = App::start(&[("QUEUED_IMPORTS_PER_USER", "3"), ("IMPORTS_PER_USER", "1")]).await;
    let first = app.import("list.csv", FILE).await;
    finished(&app, &first).await;
    // Long enough to still run when the last one is uploaded.
    let mut long = "sku,name,price\n".to_owned();
    for row in 0..60_000 {
        long.push_str(&format!("S-{row},One,1\n"));
    }
    app.import("long.csv", &long).await;
    let form = [("id", &*first)];
    let again = (0..40).map(|_| app.post_as("/api/import_again", &form));
    let asked = futures_util::future::join_all(again).await;
    let taken = asked
        .iter()
        .filter(|answer| answer.status().is_success() || answer.status() == 302);
    assert!(taken.count() <= 3, "{asked:?}");
    let refused = asked.into_iter().find(|answer| answer.status() == 429);
    let said = refused.expect("some are refused").text().await.unwrap();
    assert!(said.contains("limit of unfinished imports"), "{said}");
    app.stop().await;
}

async fn by_every_way(app: &App, file: &str) -> Vec<(&'static str, u16, String)> {
    let said =
        async |way, answer: Response| (way, answer.status().as_u16(), answer.text().await.unwrap());
    let mut answers = vec![said("script", app.upload("list.csv", file).await).await];
    let token = app
        .post_as(
            "/api/create_token",
            &[
                ("name", "t"),
                ("scope", "imports:write"),
                ("lifetime", "month"),
            ],
        )
        .await;
    let token: Value = token.json().await.unwrap();
    let part = reqwest::multipart::Part::text(file.to_owned()).file_name("list.csv");
    let rest = app
        .http
        .post(app.url("/api/imports"))
        .bearer_auth(token["token"].as_str().unwrap())
        .multipart(reqwest::multipart::Form::new().part("file", part));
    answers.push(said("REST", rest.send().await.unwrap()).await);
    let parts = tus(app, "POST", "/uploads")
        .header("Upload-Length", file.len())
        .send();
    answers.push(said("parts", parts.await.unwrap()).await);
    answers
}

/// A form redirects to the page with the error.
async fn by_form(app: &App, file: &str) -> String {
    let part = reqwest::multipart::Part::text(file.to_owned()).file_name("list.csv");
    let answer = app
        .http
        .post(app.url("/imports"))
        .header(header::COOKIE, &app.cookie)
        .header(header::ACCEPT, "text/html")
        .multipart(reqwest::multipart::Form::new().part("file", part))
        .send()
        .await
        .unwrap();
    let set = text(&answer, "set-cookie").to_owned();
    let why = set.split(';').next().unwrap();
    let page = app
        .http
        .get(app.url("/imports"))
        .header(header::COOKIE, format!("{}; {why}", app.cookie))
        .header(header::ACCEPT, "text/html")
        .send();
    page.await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn what_there_is_no_room_for_is_refused_on_every_way_in() {
    for (name, value, why) in [
        ("UPLOAD_SPACE_PER_USER", "100KiB", "Your storage is full"),
        ("UPLOAD_SPACE", "100KiB", "storage is full. Contact"),
        ("MIN_FREE_SPACE", "1PiB", "almost full"),
    ] {
        let app = App::start(&[(name, value)]).await;
        let file = padded(200 << 10);
        for (way, status, said) in by_every_way(&app, &file).await {
            assert_eq!(status, 507, "{name} {way}: {said}");
            assert!(said.contains(why), "{name} {way}: {said}");
        }
        let page = by_form(&app, &file).await;
        assert!(page.contains(why), "{name}: {page}");
        let deadline = Instant::now() + DEADLINE;
        loop {
            let kept = std::fs::read_dir(app.data().join("uploads")).unwrap();
            let kept = kept.map(|entry| entry.unwrap().file_name());
            // The directory's marker file.
            let kept: Vec<_> = kept.filter(|name| name != ".directory").collect();
            if kept.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "{name}: {kept:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        app.stop().await;
    }
}

#[tokio::test]
async fn room_that_is_given_back_can_be_taken_again() {
    let app = App::start(&[("UPLOAD_SPACE_PER_USER", "300KiB")]).await;
    let file = padded(200 << 10);
    let first = app.import("list.csv", &file).await;
    finished(&app, &first).await;
    assert_eq!(app.upload("list.csv", &file).await.status(), 507);
    // Incomplete uploads use space too.
    let upload = begun(&app, 80 << 10).await;
    assert_eq!(
        app.upload("small.csv", &padded(60 << 10)).await.status(),
        507
    );
    let ended = tus(&app, "DELETE", &upload).send().await.unwrap();
    assert_eq!(ended.status(), 204);
    let second = app.import("small.csv", &padded(60 << 10)).await;
    finished(&app, &second).await;
    app.post_as("/api/delete_import", &[("id", &*first)]).await;
    // A resumable upload is counted once, not twice.
    let upload = begun(&app, file.len()).await;
    let last = append(&app, &upload, 0, &file).await;
    assert_eq!(last.status(), 204);
    finished(&app, text(&last, "import-job")).await;
    app.stop().await;
}

#[tokio::test]
async fn the_columns_are_shown_from_the_rows_that_the_import_began_with() {
    let app = App::start(&[]).await;
    let file = "Art;Was;Kostet\nA-1;Hemd;1.234,50\nB;Hose;12,00\n";
    let id = app.import("list.csv", file).await;
    let deadline = Instant::now() + DEADLINE;
    loop {
        let import = app.get(&format!("/api/imports/{id}")).await;
        let import: Value = import.json().await.unwrap();
        if import["details"]["needs"] == "columns" || import["needs"] == "columns" {
            break;
        }
        assert!(Instant::now() < deadline, "it does not ask: {import}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // It would be visible if the file were read.
    for entry in std::fs::read_dir(app.data().join("uploads")).unwrap() {
        std::fs::write(entry.unwrap().path(), "x;y;z\n1;2;3\n").unwrap();
    }
    let columns = app.get(&format!("/api/file_columns?id={id}")).await;
    let columns: Value = columns.json().await.unwrap();
    assert_eq!(
        columns["header"],
        serde_json::json!(["Art", "Was", "Kostet"])
    );
    assert_eq!(columns["rows"].as_array().unwrap().len(), 2);
    let form = [
        ("id", &*id),
        ("columns[0]", "sku"),
        ("columns[1]", "name"),
        ("columns[2]", "price"),
    ];
    let preview = app.post_as("/api/preview_columns", &form).await;
    let preview: Value = preview.json().await.unwrap();
    assert_eq!(preview[0]["sku"], "A-1");
    assert_eq!(preview[0]["price"], "1234.50");
    app.stop().await;
}
