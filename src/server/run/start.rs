//! Builds the server from its settings and runs it.

use std::{io, net::Ipv4Addr, sync::Arc};

use axum::Router;
use secrecy::SecretString;
use thiserror::Error;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::pages::PAGES;
use crate::{
    model::error::ApiError,
    server::{
        auth::{Auth, first_owner, oidc::ProviderError},
        config::{Config, Monitor, MonitorEndpoint, SocketProtocol},
        encryption::KeyFileError,
        http::{
            connection::{
                limits::MostConnections,
                listen::{self, ListenOptions},
            },
            router::router,
            state::{AppParts, AppState},
        },
        imports::{self, Imports},
        notifications::{Notifications, NotificationsError},
        price_monitor::{self, PriceMonitorOptions, UploadsError},
        relay::Relay,
        share_links::ShareLinks,
        site,
        sources::Sources,
        store::{
            Store, StoreError,
            janitor::{self, Chores},
        },
        telemetry::Metrics,
        uploads::{limits::UploadSlots, remote_file::RemoteFiles, space::Space},
    },
};

/// Maximum connections besides streams.
const OTHER_CONNECTIONS: usize = 16_384;
/// Maximum connections per address besides streams.
const OTHER_CONNECTIONS_OF_ADDRESS: usize = 512;

/// Why the server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error("DATABASE_URL: {0}")]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("LISTEN_ADDR: cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: String,
        /// The error.
        error: io::Error,
    },
    /// The directory of uploads cannot be used.
    #[error("DATA_DIR: {0}")]
    Uploads(#[from] UploadsError),
    /// There is no loopback port for the embedded price monitor.
    #[error("no loopback port for the embedded price monitor: {0}")]
    Loopback(io::Error),
    /// The system has no randomness for the embedded price monitor's key.
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
    /// The OpenID Connect provider cannot be used.
    #[error("OIDC_ISSUER: {0}")]
    Provider(#[from] ProviderError),
    /// The owner link cannot be created.
    #[error("the owner link cannot be created: {0}")]
    OwnerLink(ApiError),
    /// The encryption key cannot be used.
    #[error("DATA_DIR: {0}")]
    Key(#[from] KeyFileError),
    /// Notifications cannot be set up.
    #[error(transparent)]
    Notifications(#[from] NotificationsError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] reqwest::Error),
}

/// The router with its background tasks.
pub(crate) struct App {
    state: AppState,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// A server that is ready to run.
pub struct Server {
    listener: TcpListener,
    app: App,
}

impl App {
    pub(crate) async fn start(
        config: Config,
        store: Store,
        shutdown: CancellationToken,
    ) -> Result<Self, StartError> {
        // Fails only if a provider is already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tasks = TaskTracker::new();
        let metrics = Metrics::default();
        let space = Space::new(&config.data_dir, config.space);
        let endpoint = match &config.monitor {
            Monitor::External(endpoint) => endpoint.clone(),
            Monitor::Embedded { api_key } => {
                embed(
                    &config,
                    api_key.clone(),
                    &store,
                    &space,
                    &metrics,
                    &tasks,
                    &shutdown,
                )
                .await?
            }
        };
        let relay = Relay::start(
            &config,
            endpoint,
            imports::records(&store, &config),
            metrics.clone(),
            &tasks,
            &shutdown,
        )?;
        let cleaning = janitor::run(store.clone(), config.retention, Chores::App);
        let cleaning = shutdown.clone().run_until_cancelled_owned(cleaning);
        tasks.spawn(async move {
            cleaning.await;
        });
        let counting = metrics.clone().keep_minutes();
        let counting = shutdown.clone().run_until_cancelled_owned(counting);
        tasks.spawn(async move {
            counting.await;
        });
        let notifications = Notifications::start(&config, &store, &metrics, &tasks, &shutdown)?;
        let share_links = ShareLinks::new(&config, store.clone(), relay.clone())?;
        let leptos = site::options(config.listen);
        let imports = Imports::new(store.clone(), relay.clone());
        let remote_files = RemoteFiles::new(config.imports.hosts.clone())?;
        let sources = Sources::new(
            &config,
            imports.clone(),
            remote_files.clone(),
            space.clone(),
            &store,
            &metrics,
        )?;
        sources.start(&tasks, &shutdown);
        let config = Arc::new(config);
        let state = AppState::new(AppParts {
            auth: Auth::new(config.clone(), store.clone(), relay.clone())?,
            imports,
            share_links,
            sources,
            remote_files,
            config,
            store,
            notifications,
            relay,
            uploads: UploadSlots::default(),
            space,
            metrics,
            leptos,
        });
        Ok(Self {
            state,
            tasks,
            shutdown,
        })
    }

    pub(crate) fn router(&self) -> Router {
        router(self.state.clone(), PAGES)
    }

    /// Stops background tasks gracefully.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        let deadline = Instant::now() + self.state.config.http.drain;
        self.stop_by(deadline).await;
    }

    async fn stop_by(self, deadline: Instant) {
        self.tasks.close();
        let ended = tokio::time::timeout_at(deadline, self.tasks.wait()).await;
        if ended.is_err() {
            tracing::warn!("tasks were aborted");
        }
    }
}

impl Server {
    /// Opens the database and the ports, and starts the relay.
    ///
    /// # Errors
    ///
    /// If one of them fails.
    pub async fn bind(config: Config, shutdown: CancellationToken) -> Result<Self, StartError> {
        let listener =
            TcpListener::bind(config.listen)
                .await
                .map_err(|error| StartError::Listen {
                    address: config.listen.to_string(),
                    error,
                })?;
        let store = Store::open_to_hear(&config.database).await?;
        let app = App::start(config, store, shutdown).await?;
        Ok(Self { listener, app })
    }

    /// Creates the owner link if there is no owner.
    ///
    /// # Errors
    ///
    /// If the database fails, or the system provides no randomness or listen address.
    pub async fn owner_link(&self) -> Result<Option<String>, StartError> {
        let config = &self.app.state.config;
        if !config.auth.passwords {
            return Ok(None);
        }
        let origin = if config.is_public_url_set {
            config.public_url.address("")
        } else {
            let address = self.local_addr().map_err(StartError::Loopback)?;
            format!("http://{address}")
        };
        let link = first_owner::make_link(&self.app.state.store, &origin).await;
        link.map_err(StartError::OwnerLink)
    }

    /// Returns the address that the server listens on.
    ///
    /// # Errors
    ///
    /// If the system does not provide it.
    pub fn local_addr(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the token given to [`bind`](Self::bind) is cancelled, then shuts down gracefully.
    pub async fn run(self) {
        let config = &self.app.state.config;
        let sse = &config.sse;
        let options = ListenOptions {
            // Streams, ordinary requests, and connections without a request yet.
            most: MostConnections {
                of_all: sse.max_streams.saturating_add(OTHER_CONNECTIONS),
                of_address: sse
                    .max_streams_per_address
                    .saturating_add(OTHER_CONNECTIONS_OF_ADDRESS),
                exempt: config.http.trusted_proxies.clone(),
            },
            write_timeout: config.sse.write_timeout,
            drain: config.http.drain,
            max_silent: config.http.max_silent,
        };
        let (router, shutdown) = (self.app.router(), self.app.shutdown.clone());
        // Requests and tasks share one deadline.
        let drain = options.drain;
        let deadline = async {
            self.app.shutdown.cancelled().await;
            Instant::now() + drain
        };
        let serving = listen::serve(self.listener, router, options, shutdown);
        let (deadline, ()) = tokio::join!(deadline, serving);
        self.app.stop_by(deadline).await;
    }
}

/// Starts the embedded price monitor, which is reached over the wire only.
async fn embed(
    config: &Config,
    api_key: Option<SecretString>,
    store: &Store,
    space: &Space,
    metrics: &Metrics,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<MonitorEndpoint, StartError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(StartError::Loopback)?;
    let address = listener.local_addr().map_err(StartError::Loopback)?;
    let api_key = match api_key {
        Some(key) => key,
        None => random_key()?,
    };
    let options = PriceMonitorOptions::new(config, api_key.clone(), metrics.clone(), space.clone());
    // Fails here rather than after startup is reported.
    price_monitor::make_uploads_dir(&options.uploads_dir).await?;
    let (store, shutdown) = (store.clone(), shutdown.clone());
    tasks.spawn(async move {
        if let Err(error) = price_monitor::serve(listener, store, options, shutdown).await {
            tracing::error!(%error, "the embedded price monitor stopped");
        }
    });
    let url = url::Url::parse(&format!("http://{address}"))
        .map_err(|error| StartError::Loopback(io::Error::other(error)))?;
    Ok(MonitorEndpoint {
        url,
        protocol: SocketProtocol::SocketIo,
        api_key,
    })
}

/// Generates a random key.
///
/// # Errors
///
/// If the system has no randomness.
pub fn random_key() -> Result<SecretString, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes).into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::{
        body::Body,
        http::{Request, StatusCode},
    };
    use tokio::io::AsyncWriteExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn server(drain: &str) -> (Server, CancellationToken, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().to_str().unwrap().to_owned();
        let config = Config::read(|name| match name {
            "DATA_DIR" => Some(data.clone()),
            "LISTEN_ADDR" => Some("127.0.0.1:0".to_owned()),
            "SHUTDOWN_DRAIN" => Some(drain.to_owned()),
            _ => None,
        });
        let shutdown = CancellationToken::new();
        let server = Server::bind(config.unwrap(), shutdown.clone()).await;
        (server.unwrap(), shutdown, directory)
    }

    #[tokio::test]
    async fn requests_and_tasks_that_do_not_end_are_cut_off_at_one_deadline() {
        let (server, shutdown, _directory) = server("2s").await;
        server.app.tasks.spawn(std::future::pending::<()>());
        let address = server.local_addr().unwrap();
        let running = tokio::spawn(server.run());
        let mut request = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = "POST /api/sign_in HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1";
        request.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let began = Instant::now();
        shutdown.cancel();
        running.await.unwrap();
        let took = began.elapsed();
        assert!(took < Duration::from_millis(3500), "{took:?}");
    }

    #[tokio::test]
    async fn a_server_that_stops_says_so_to_whoever_still_reaches_it() {
        let (server, shutdown, _directory) = server("1s").await;
        let ask = async || {
            let request = Request::get("/health/ready").body(Body::empty());
            let answer = server.app.router().oneshot(request.unwrap()).await.unwrap();
            let status = answer.status();
            let body = axum::body::to_bytes(answer.into_body(), 1000)
                .await
                .unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        assert_eq!(ask().await.0, StatusCode::OK);
        shutdown.cancel();
        // The relay receives it soon.
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut answer = ask().await;
        while answer.0 == StatusCode::OK {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(10)).await;
            answer = ask().await;
        }
        assert_eq!(answer.0, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.1.contains("stopping"), "{answer:?}");
    }
}
