//! The whole server, started for one test.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use import_relay::server::{config::Config, run::start::Server};
use reqwest::{Client, RequestBuilder, Response, StatusCode, header, multipart, redirect::Policy};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use test_support::{DEADLINE, database};

pub(crate) struct App {
    pub(crate) address: SocketAddr,
    pub(crate) http: Client,
    http2: Client,
    pub(crate) cookie: String,
    pub(crate) owner_link: Option<String>,
    shutdown: CancellationToken,
    server: Option<JoinHandle<()>>,
    directory: Arc<tempfile::TempDir>,
    settings: Vec<(String, String)>,
    database: String,
}

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    server: JoinHandle<()>,
    owner_link: Option<String>,
}

impl Running {
    async fn launch(
        address: SocketAddr,
        settings: &[(String, String)],
        directory: &tempfile::TempDir,
    ) -> Self {
        let data = directory.path().to_str().unwrap().to_owned();
        let config = Config::read(|name| match name {
            "DATA_DIR" => Some(data.clone()),
            "LISTEN_ADDR" => Some(address.to_string()),
            _ => settings
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.clone()),
        })
        .unwrap();
        let shutdown = CancellationToken::new();
        let server = Server::bind(config, shutdown.clone()).await.unwrap();
        Self {
            address: server.local_addr().unwrap(),
            shutdown,
            owner_link: server.owner_link().await.unwrap(),
            server: tokio::spawn(server.run()),
        }
    }
}

impl App {
    /// Starts a server with settings and creates the owner.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let mut settings: Vec<_> = settings.iter().map(owned).collect();
        let database = match database::postgres_database().await {
            Some(database) => {
                settings.push(("DATABASE_URL".to_owned(), database.clone()));
                database
            }
            None => format!("sqlite:{}/import-relay.db", directory.path().display()),
        };
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = Running::launch(anywhere, &settings, &directory).await;
        let client = || Client::builder().no_proxy().redirect(Policy::none());
        let mut app = Self {
            address: running.address,
            http: client().build().unwrap(),
            http2: client().http2_prior_knowledge().build().unwrap(),
            cookie: String::new(),
            owner_link: running.owner_link,
            shutdown: running.shutdown,
            server: Some(running.server),
            directory: Arc::new(directory),
            settings,
            database,
        };
        app.cookie = app.create_owner().await;
        app
    }

    /// Restarts a stopped server: same address, same data.
    pub(crate) async fn launch(&mut self) {
        let running = Running::launch(self.address, &self.settings, &self.directory).await;
        self.shutdown = running.shutdown;
        self.server = Some(running.server);
        self.owner_link = running.owner_link;
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(set, _)| set != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn sharing(app: &Self, cookie: &str) -> Self {
        Self {
            address: app.address,
            http: app.http.clone(),
            http2: app.http2.clone(),
            cookie: cookie.to_owned(),
            owner_link: None,
            shutdown: app.shutdown.clone(),
            server: None,
            directory: app.directory.clone(),
            settings: Vec::new(),
            database: app.database.clone(),
        }
    }

    pub(crate) fn database_url(&self) -> String {
        self.database.clone()
    }

    pub(crate) fn data(&self) -> &std::path::Path {
        self.directory.path()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn create_owner(&self) -> String {
        let link = self.owner_link.as_deref().unwrap_or_default();
        let setup = link.split_once("setup=").map_or("", |(_, token)| token);
        let form = [
            ("name", "Ada"),
            ("email", "ada@example.com"),
            ("password", "correct horse"),
            ("setup", setup),
        ];
        let response = self.post_form("/api/create_owner", &form).await;
        session_cookie(&response).expect("the owner's account is made")
    }

    pub(crate) async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.form(path, form).send().await.unwrap()
    }

    pub(crate) async fn post_as(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.form(path, form).header(header::COOKIE, &self.cookie);
        request.send().await.unwrap()
    }

    fn form(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        self.http
            .post(self.url(path))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        let request = self.http.get(self.url(path));
        let request = request.header(header::COOKIE, &self.cookie);
        request.send().await.unwrap()
    }

    pub(crate) async fn get_by_http2(&self, path: &str) -> Response {
        let request = self.http2.get(self.url(path));
        let request = request.header(header::COOKIE, &self.cookie);
        request.send().await.unwrap()
    }

    pub(crate) async fn get_again(&self, path: &str, last_event_id: &str) -> Response {
        let request = self.http.get(self.url(path));
        let request = request.header(header::COOKIE, &self.cookie);
        let request = request.header("last-event-id", last_event_id);
        request.send().await.unwrap()
    }

    pub(crate) async fn upload(&self, name: &str, file: impl AsRef<[u8]>) -> Response {
        let part = multipart::Part::bytes(file.as_ref().to_vec()).file_name(name.to_owned());
        self.http
            .post(self.url("/imports"))
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT, "application/json")
            .multipart(multipart::Form::new().part("file", part))
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn import(&self, name: &str, file: impl AsRef<[u8]>) -> String {
        let response = self.upload(name, file).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let answer: serde_json::Value = response.json().await.unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn until_over(&self, job: &str) {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let import = self.get(&format!("/api/imports/{job}")).await;
            let import: serde_json::Value = import.json().await.unwrap();
            if import["status"] != "PENDING" {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{import}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn stop(mut self) {
        self.halt().await;
    }

    /// Stops the server, for another launch.
    pub(crate) async fn halt(&mut self) {
        self.shutdown.cancel();
        let Some(server) = self.server.take() else {
            return;
        };
        tokio::time::timeout(DEADLINE, server)
            .await
            .expect("the server stops in time")
            .unwrap();
    }

    pub(crate) fn begin_to_stop(&self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn session_cookie(response: &Response) -> Option<String> {
    let set = response.headers().get(header::SET_COOKIE)?.to_str().ok()?;
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"));
    Some(set.split(';').next()?.to_owned())
}
