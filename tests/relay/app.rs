//! The whole server, started for one test.

#[path = "../support/database.rs"]
mod database;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use import_relay::server::{config::Config, start::Server};
use reqwest::{Client, RequestBuilder, Response, StatusCode, header, multipart, redirect::Policy};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a test waits for what must come.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct App {
    pub(crate) address: SocketAddr,
    pub(crate) http: Client,
    /// The owner's session.
    pub(crate) cookie: String,
    shutdown: CancellationToken,
    server: Option<JoinHandle<()>>,
    database: String,
    _directory: Arc<tempfile::TempDir>,
}

impl App {
    /// Starts a server with these settings and creates the owner's account.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().to_str().unwrap().to_owned();
        let database = database::postgres_database().await;
        let config = Config::read(|name| match name {
            "DATA_DIR" => Some(data.clone()),
            "LISTEN_ADDR" => Some("127.0.0.1:0".to_owned()),
            _ => settings
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
                .or_else(|| database.clone().filter(|_| name == "DATABASE_URL")),
        })
        .unwrap();
        let shutdown = CancellationToken::new();
        let server = Server::bind(config, shutdown.clone()).await.unwrap();
        let address = server.local_addr().unwrap();
        let server = tokio::spawn(server.run());
        let http = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .build()
            .unwrap();
        let mut app = Self {
            address,
            http,
            cookie: String::new(),
            shutdown,
            server: Some(server),
            database: database.unwrap_or_else(|| format!("sqlite:{data}/import-relay.db")),
            _directory: Arc::new(directory),
        };
        app.cookie = app.create_owner().await;
        app
    }

    /// Returns the same server as somebody else sees it.
    pub(crate) fn sharing(app: &Self, cookie: &str) -> Self {
        Self {
            address: app.address,
            http: app.http.clone(),
            cookie: cookie.to_owned(),
            shutdown: app.shutdown.clone(),
            server: None,
            database: app.database.clone(),
            _directory: app._directory.clone(),
        }
    }

    /// Returns the address of the server's database.
    pub(crate) fn database_url(&self) -> String {
        self.database.clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn create_owner(&self) -> String {
        let form = [
            ("name", "Ada"),
            ("email", "ada@example.com"),
            ("password", "correct horse"),
        ];
        let response = self.post_form("/api/create_owner", &form).await;
        session_cookie(&response).expect("the owner's account is made")
    }

    /// Posts a form as nobody.
    pub(crate) async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.form(path, form).send().await.unwrap()
    }

    /// Posts a form as whose session it is.
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

    /// Gets a path as the owner.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http
            .get(self.url(path))
            .header(header::COOKIE, &self.cookie)
            .send()
            .await
            .unwrap()
    }

    /// Hands a file in as the owner, as a script does.
    pub(crate) async fn upload(&self, name: &str, file: &str) -> Response {
        let part = multipart::Part::bytes(file.as_bytes().to_vec()).file_name(name.to_owned());
        self.http
            .post(self.url("/imports"))
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT, "application/json")
            .multipart(multipart::Form::new().part("file", part))
            .send()
            .await
            .unwrap()
    }

    /// Hands a file in and returns its import.
    pub(crate) async fn import(&self, name: &str, file: &str) -> String {
        let response = self.upload(name, file).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let answer: serde_json::Value = response.json().await.unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Stops the server in good order.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        let Some(server) = self.server else { return };
        tokio::time::timeout(DEADLINE, server)
            .await
            .expect("the server stops in time")
            .unwrap();
    }

    /// Tells the server to stop, and does not wait.
    pub(crate) fn begin_to_stop(&self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn session_cookie(response: &Response) -> Option<String> {
    let set = response.headers().get(header::SET_COOKIE)?.to_str().ok()?;
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"));
    Some(set.split(';').next()?.to_owned())
}
