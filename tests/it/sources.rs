//! Sources of the running program, by API and forms, with a supplier's server on loopback.

use reqwest::{Method, Response, multipart};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::process::Relay;
use test_support::{DEADLINE, feed_server::FeedServer};

const FILE: &str = "sku,name,price\na,A,1.00\nb,B,2.00\nc,C,oops\n";

struct Setup {
    relay: Relay,
    cookie: String,
    supplier: FeedServer,
    _directory: tempfile::TempDir,
}

impl Setup {
    async fn new(hosts: &str) -> Self {
        let supplier = FeedServer::start(FILE).await;
        let directory = tempfile::tempdir().unwrap();
        let authority = directory.path().join("authority.pem");
        std::fs::write(&authority, &supplier.authority).unwrap();
        let relay = Relay::start(&[
            ("IMPORT_URL_HOSTS", hosts),
            ("MAX_UPLOAD_SIZE", "64KiB"),
            // With PostgreSQL there is no key file.
            ("ENCRYPTION_KEY", "a key for tests"),
            ("SOURCE_FAILURES_TOLD", "2"),
            ("RELAY_UNWATCHED_INTERVAL", "1s"),
            ("SSL_CERT_FILE", authority.to_str().unwrap()),
        ])
        .await;
        let cookie = relay.create_owner().await;
        Self {
            relay,
            cookie,
            supplier,
            _directory: directory,
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.relay.http.request(method, self.relay.url(path));
        let request = request.header("cookie", &self.cookie);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, None).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    async fn create(&self, body: Value) -> String {
        let answer = self.ask(Method::POST, "/api/sources", Some(body)).await;
        assert_eq!(answer.status(), 201);
        let source: Value = answer.json().await.unwrap();
        source["id"].as_str().unwrap().to_owned()
    }

    /// Runs a source until it has a number of ended runs.
    async fn run(&self, id: &str, runs: usize) -> Value {
        let path = format!("/api/sources/{id}/run");
        let answer = self.ask(Method::POST, &path, None).await;
        assert_eq!(answer.status(), 202);
        self.until_over(id, runs).await
    }

    async fn until_over(&self, id: &str, runs: usize) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let page = self.json(&format!("/api/sources/{id}/runs")).await;
            let items = page["items"].as_array().unwrap();
            if items.len() == runs && items.iter().all(|run| run["endedAt"].is_i64()) {
                return items[0].clone();
            }
            assert!(Instant::now() < deadline, "{page}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    async fn page(&self, path: &str) -> String {
        let request = self.relay.http.get(self.relay.url(path));
        let request = request.header("cookie", &self.cookie);
        request.send().await.unwrap().text().await.unwrap()
    }

    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let fields = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self.relay.http.post(self.relay.url(path));
        let request = request
            .header("cookie", &self.cookie)
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded");
        request.body(fields).send().await.unwrap()
    }
}

#[tokio::test]
async fn a_source_is_created_run_changed_and_deleted_by_the_api() {
    let setup = Setup::new("localhost").await;
    let id = setup
        .create(json!({
            "name": "Supplier",
            "address": setup.supplier.url("/feed.csv"),
            "login": {"user": "ada", "password": "secret"},
            "cron": "0 6 * * 1-5",
            "timeZone": "Europe/Berlin",
            "fields": ["price", "stock"],
            "currency": "EUR",
            "limits": {"failed": 12.5, "action": "refuse"},
        }))
        .await;
    let source = setup.json(&format!("/api/sources/{id}")).await;
    assert_eq!(source["kind"], "address");
    assert_eq!(source["login"], json!({"user": "ada", "header": null}));
    assert_eq!(source["fields"], json!(["price", "stock"]));
    assert_eq!(source["limits"]["failed"], 12.5);
    assert_eq!(source["limits"]["action"], "refuse");
    assert!(source["nextRunAt"].is_i64());
    assert!(!source.to_string().contains("secret"));
    let list = setup.json("/api/sources").await;
    assert_eq!(list["items"][0], source);

    let run = setup.run(&id, 1).await;
    assert_eq!(run["outcome"], "imported", "{run}");
    assert_eq!(run["cause"], "request");
    assert_eq!(
        (&run["processedProducts"], &run["failedProducts"]),
        (&json!(2), &json!(1))
    );
    let import = run["importId"].as_str().unwrap();
    let import = setup.json(&format!("/api/imports/{import}")).await;
    assert_eq!(import["filename"], "feed.csv");
    assert_eq!(
        import["details"]["options"]["fields"],
        json!(["price", "stock"])
    );
    let run = setup.run(&id, 2).await;
    assert_eq!(run["outcome"], "unchanged");
    let head = &setup.supplier.requests()[0];
    assert!(
        head.contains("authorization: basic ywrhonnly3jlda=="),
        "{head}"
    );

    let path = format!("/api/sources/{id}");
    let paused = setup
        .ask(Method::PATCH, &path, Some(json!({"enabled": false})))
        .await;
    let paused: Value = paused.json().await.unwrap();
    assert_eq!(
        (&paused["enabled"], &paused["nextRunAt"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(paused["login"]["user"], "ada", "the rest stays");
    let changed = json!({"name": "Supplier A", "cron": "", "login": {}, "enabled": true});
    let changed = setup.ask(Method::PATCH, &path, Some(changed)).await;
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(changed["name"], "Supplier A");
    assert_eq!(
        (&changed["cron"], &changed["login"]),
        (&Value::Null, &Value::Null)
    );

    assert_eq!(setup.ask(Method::DELETE, &path, None).await.status(), 204);
    assert_eq!(setup.ask(Method::GET, &path, None).await.status(), 404);
    let log = setup.page("/audit").await;
    for words in [
        "created the source",
        "paused the source",
        "changed the source",
        "deleted the source",
        "ran the source",
    ] {
        assert!(log.contains(words), "{words}");
    }
}

#[tokio::test]
async fn what_is_no_source_is_refused_with_the_reason() {
    let setup = Setup::new("localhost").await;
    let address = setup.supplier.url("/feed.csv");
    let valid = json!({"name": "Supplier", "address": address});
    for (change, words) in [
        (json!({"name": ""}), "Names must have 1 to 100 characters."),
        (
            json!({"address": "http://localhost/x"}),
            "must start with https://",
        ),
        (json!({"address": "https://shop.example/x"}), "not allowed"),
        (json!({"cron": "0 6 * *"}), "cron expression of five fields"),
        (json!({"cron": "0 0 31 2 *"}), "This schedule never runs"),
        (
            json!({"cron": "0 6 * * *", "timeZone": "Berlin"}),
            "Unknown time zone",
        ),
        (json!({"kind": "ftp"}), "address or upload"),
        (json!({"mode": ""}), "import or check"),
        (json!({"products": "some"}), "`products` is not valid"),
        (json!({"currency": "EURO"}), "code of three letters"),
        (
            json!({"login": {"user": "ada", "header": "x"}}),
            "user and password, or header",
        ),
        (json!({"limits": {"failed": -1}}), "as a percentage"),
        (json!({"limits": {"failed": 101}}), "100 percent"),
        (json!({"limits": {"action": "wait"}}), "unknown variant"),
        (
            json!({"kind": "upload", "cron": "0 6 * * *"}),
            "can't have a schedule",
        ),
        (json!({"colour": "red"}), "unknown field"),
    ] {
        let mut body = valid.clone();
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let answer = setup.ask(Method::POST, "/api/sources", Some(body)).await;
        assert_eq!(answer.status(), 400, "{change}");
        let answer: Value = answer.json().await.unwrap();
        assert!(
            answer["error"].as_str().unwrap().contains(words),
            "{change}: {answer}"
        );
    }
    assert_eq!(setup.json("/api/sources").await["items"], json!([]));
}

#[tokio::test]
async fn failures_are_shown_with_the_reason() {
    let setup = Setup::new("localhost").await;
    let address = setup.supplier.url("/feed.csv");
    let id = setup
        .create(json!({"name": "Supplier", "address": address, "cron": "0 6 1 1 *"}))
        .await;
    setup.supplier.set(|feed| feed.statuses.push_back(503));
    let run = setup.run(&id, 1).await;
    assert_eq!(
        (&run["code"], &run["status"]),
        (&json!("status"), &json!(503))
    );
    assert_eq!(run["error"], "Status 503");
    setup.supplier.set(|feed| feed.body = "x".repeat(70_000));
    let run = setup.run(&id, 2).await;
    assert_eq!(run["code"], "too-large");
    setup.supplier.set(|feed| feed.body = String::new());
    let run = setup.run(&id, 3).await;
    assert_eq!(run["code"], "empty");
    let page = setup.page(&format!("/sources/{id}")).await;
    assert!(page.contains("The file is too large"), "{page}");
    assert!(page.contains("data-testid=\"runs-chart\""));
    assert!(page.contains("data-testid=\"source-failures\""));
    setup.supplier.set(|feed| feed.body = FILE.to_owned());
    let run = setup.run(&id, 4).await;
    assert_eq!(run["outcome"], "imported");
    assert_eq!(
        setup.json(&format!("/api/sources/{id}")).await["failures"],
        0
    );
}

#[tokio::test]
async fn a_form_creates_a_source_or_comes_back_as_it_was_filled_in() {
    let setup = Setup::new("localhost").await;
    let address = setup.supplier.url("/feed.csv");
    let fields = |cron: &'static str| {
        vec![
            ("name", "Supplier"),
            ("kind", "address"),
            ("address", address.as_str()),
            ("cron", cron),
            ("time_zone", "Europe/Berlin"),
            ("enabled", "true"),
            ("login", "header"),
            ("header", "X-Token"),
            ("value", "hush"),
            ("products", "existing"),
            ("fields", "price"),
            ("fields", "stock"),
            ("missing", ""),
            ("limit_prices", "30"),
            ("limit_action", "refuse"),
        ]
    };
    let refused = setup.form("/sources", &fields("every day")).await;
    assert_eq!(refused.status(), 303);
    let back = refused.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(back, "/sources/new");
    let set = refused.headers()["set-cookie"].to_str().unwrap();
    let reason = set.split(';').next().unwrap();
    let page = setup.relay.http.get(setup.relay.url(&back));
    let page = page.header("cookie", format!("{}; {reason}", setup.cookie));
    let page = page.header("accept", "text/html");
    let page = page.send().await.unwrap().text().await.unwrap();
    for part in [
        "cron expression of five fields",
        "value=\"every day\"",
        "value=\"X-Token\"",
        "value=\"30\"",
        "value=\"refuse\" selected",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let created = setup.form("/sources", &fields("0 6 * * *")).await;
    let place = created.headers()["location"].to_str().unwrap().to_owned();
    let id = place.strip_prefix("/sources/").unwrap();
    let source = setup.json(&format!("/api/sources/{id}")).await;
    assert_eq!(source["products"], "existing");
    assert_eq!(source["fields"], json!(["price", "stock"]));
    assert_eq!(source["login"]["header"], "x-token");
    assert_eq!(source["limits"]["prices"], 30.0);
    assert_eq!(source["limits"]["action"], "refuse");
    let mut weekly = fields("ignored").to_vec();
    weekly.extend([("rhythm", "weekly"), ("weekday", "3"), ("time", "18:30")]);
    assert_eq!(
        setup.form(&place, &weekly).await.headers()["location"],
        place.as_str()
    );
    let source = setup.json(&format!("/api/sources/{id}")).await;
    assert_eq!(source["cron"], "30 18 * * 3");
    let page = setup.page(&place).await;
    assert!(page.contains("Wednesday, 18:30 (Europe/Berlin)"), "{page}");
    assert_eq!(
        setup
            .page(&format!("{place}/edit"))
            .await
            .matches("next-runs")
            .count(),
        2
    );
    weekly.extend([("rhythm", "daily"), ("time", "")]);
    weekly.retain(|pair| !matches!(pair, ("rhythm", "weekly") | ("time", "18:30")));
    assert_ne!(
        setup.form(&place, &weekly).await.headers()["location"],
        place.as_str()
    );
    let daily = setup.form(&place, &fields("0 6 * * *")).await;
    assert_eq!(daily.headers()["location"], place.as_str());
    let edit = setup.page(&format!("{place}/edit")).await;
    assert!(edit.contains("value=\"0 6 * * *\""));
    let changed = setup
        .form(&place, &[("name", "Other"), ("kind", "upload")])
        .await;
    assert_eq!(changed.headers()["location"], place.as_str());
    let list = setup.page("/sources").await;
    assert!(list.contains("Other") && !list.contains("Supplier"));
}

#[tokio::test]
async fn an_upload_to_a_source_is_imported_as_the_source_says() {
    let setup = Setup::new("localhost").await;
    let id = setup
        .create(json!({"name": "By hand", "kind": "upload", "mode": "check"}))
        .await;
    let upload = async |fields: &[(&str, &str)]| {
        let boundary = "x-boundary";
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(&format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str(&format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"hand.csv\"\r\n\r\n{FILE}\r\n--{boundary}--\r\n"
        ));
        let request = setup.relay.http.post(setup.relay.url("/api/imports"));
        let request = request.header("cookie", &setup.cookie).header(
            "content-type",
            format!("multipart/form-data; boundary={boundary}"),
        );
        request.body(body).send().await.unwrap()
    };
    let answer = upload(&[("source", &id)]).await;
    assert_eq!(answer.status(), 201);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["mode"], "check");
    let run = setup.until_over(&id, 1).await;
    assert_eq!(
        (&run["cause"], &run["outcome"]),
        (&json!("upload"), &json!("checked"))
    );
    assert_eq!(run["importId"], answer["id"]);
    for (fields, status) in [
        (vec![("source", "none")], 422),
        (vec![("source", id.as_str()), ("mode", "import")], 201),
        (vec![("source", id.as_str()), ("mode", "check")], 422),
    ] {
        let answer = upload(&fields).await;
        assert_eq!(answer.status(), status, "{fields:?}");
    }
    let path = format!("/api/sources/{id}/run");
    assert_eq!(setup.ask(Method::POST, &path, None).await.status(), 400);
}

#[tokio::test]
async fn a_file_that_is_refused_on_the_page_of_a_source_leads_back_there_with_the_reason() {
    let setup = Setup::new("localhost").await;
    let id = setup
        .create(json!({"name": "By hand", "kind": "upload"}))
        .await;
    let place = format!("/sources/{id}");
    let page = setup.page(&place).await;
    assert!(
        page.contains(&format!("action=\"/imports?source={id}\"")),
        "{page}"
    );
    let upload = async |source: &str, file: String| {
        let part = multipart::Part::text(file).file_name("hand.csv");
        let url = setup.relay.url(&format!("/imports?source={source}"));
        let request = setup.relay.http.post(url);
        let request = request
            .header("cookie", &setup.cookie)
            .header("accept", "text/html")
            .multipart(multipart::Form::new().part("file", part));
        request.send().await.unwrap()
    };
    for (file, words) in [
        (String::new(), "The file is empty"),
        (
            format!("{FILE}{}", "x".repeat(90_000)),
            "The file is too large",
        ),
    ] {
        let refused = upload(&id, file).await;
        assert_eq!(refused.status(), 303);
        assert_eq!(refused.headers()["location"], place.as_str());
        let set = refused.headers()["set-cookie"].to_str().unwrap();
        let reason = set.split(';').next().unwrap();
        let page = setup.relay.http.get(setup.relay.url(&place));
        let page = page.header("cookie", format!("{}; {reason}", setup.cookie));
        let page = page.header("accept", "text/html");
        let page = page.send().await.unwrap().text().await.unwrap();
        assert!(page.contains(words), "{words}");
    }
    let nowhere = upload("none", FILE.to_owned()).await;
    assert_eq!(nowhere.headers()["location"], "/imports");
    let taken = upload(&id, FILE.to_owned()).await;
    let import = taken.headers()["location"].to_str().unwrap();
    assert!(import.starts_with("/imports/"), "{import}");
    let run = setup.until_over(&id, 1).await;
    assert_eq!(run["importId"], import.rsplit('/').next().unwrap());
}

#[tokio::test]
async fn nothing_of_ours_is_asked_where_any_public_host_may_be() {
    let setup = Setup::new("*").await;
    let id = setup
        .create(json!({"name": "Supplier", "address": setup.supplier.url("/feed.csv")}))
        .await;
    let run = setup.run(&id, 1).await;
    assert_eq!(run["code"], "host-not-allowed");
    let address = format!("https://127.0.0.1:{}/feed.csv", setup.supplier.port);
    let body = json!({"name": "Supplier", "address": address});
    let answer = setup.ask(Method::POST, "/api/sources", Some(body)).await;
    assert_eq!(answer.status(), 400);
    assert!(setup.supplier.requests().is_empty());
}

#[tokio::test]
async fn there_are_no_sources_with_an_external_price_monitor() {
    let relay = Relay::start(&[
        ("MONITOR_PRICE_APP_HOST", "http://127.0.0.1:9"),
        ("PRICE_MONITOR_API_KEY", "key"),
    ])
    .await;
    let cookie = relay.create_owner().await;
    let get = async |path: &str| {
        let request = relay.http.get(relay.url(path)).header("cookie", &cookie);
        request.send().await.unwrap()
    };
    assert_eq!(get("/api/sources").await.status(), 503);
    let imports = get("/imports").await.text().await.unwrap();
    assert!(!imports.contains("href=\"/sources\""));
    let sources = get("/sources").await.text().await.unwrap();
    assert!(sources.contains("Sources need the embedded price monitor."));
}
