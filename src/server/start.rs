//! Puts the server together from its settings, and runs it.

use std::{io, net::Ipv4Addr, sync::Arc};

use axum::Router;
use secrecy::SecretString;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    auth::Auth,
    config::{Config, Monitor, MonitorEndpoint, SocketProtocol},
    connections::MostConnections,
    listen::{self, ListenOptions},
    price_monitor::{self, PriceMonitorOptions},
    relay::Relay,
    router::router,
    site,
    state::AppState,
    store::{Store, StoreError},
    telemetry::Metrics,
    upload_limits::UploadSlots,
};

/// The most connections beside those of streams.
const OTHER_CONNECTIONS: usize = 16_384;
/// The same from one address.
const OTHER_CONNECTIONS_OF_ADDRESS: usize = 512;

/// Why the server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error("DATABASE_URL: {0}")]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("LISTEN_ADDR: {address} cannot be listened on: {error}")]
    Listen {
        /// The address.
        address: String,
        /// Why not.
        error: io::Error,
    },
    /// No loopback port can be had for the embedded price monitor.
    #[error("no loopback port for the embedded price monitor: {0}")]
    Loopback(io::Error),
    /// The system has no randomness for the embedded price monitor's key.
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] reqwest::Error),
}

/// The app: what answers requests, and what runs besides.
pub(super) struct App {
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
    /// Opens the database and the relay.
    pub(super) async fn start(
        config: Config,
        shutdown: CancellationToken,
    ) -> Result<Self, StartError> {
        // Fails only where a provider is installed already, which then serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = Store::open(&config.database).await?;
        let tasks = TaskTracker::new();
        let metrics = Metrics::default();
        let endpoint = match &config.monitor {
            Monitor::External(endpoint) => endpoint.clone(),
            Monitor::Embedded { api_key } => {
                embed(
                    &config,
                    api_key.clone(),
                    &store,
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
            store.clone(),
            metrics.clone(),
            &tasks,
            &shutdown,
        )?;
        let leptos = site::options(config.listen);
        let state = AppState {
            auth: Auth::new(&config.auth),
            config: Arc::new(config),
            store,
            relay,
            uploads: UploadSlots::default(),
            metrics,
            leptos,
        };
        Ok(Self {
            state,
            tasks,
            shutdown,
        })
    }

    /// Returns what answers requests.
    pub(super) fn router(&self) -> Router {
        router(self.state.clone())
    }

    /// Ends what runs besides requests, in good order.
    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        self.tasks.close();
        let ended = tokio::time::timeout(self.state.config.drain, self.tasks.wait()).await;
        if ended.is_err() {
            tracing::warn!("tasks were cut off");
        }
    }
}

impl Server {
    /// Opens the database, the ports and the relay.
    ///
    /// # Errors
    ///
    /// When one of them cannot be had.
    pub async fn bind(config: Config, shutdown: CancellationToken) -> Result<Self, StartError> {
        let listener =
            TcpListener::bind(config.listen)
                .await
                .map_err(|error| StartError::Listen {
                    address: config.listen.to_string(),
                    error,
                })?;
        let app = App::start(config, shutdown).await?;
        Ok(Self { listener, app })
    }

    /// Returns the address that the server listens on.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the token given to [`bind`](Self::bind) is cancelled, then ends everything in
    /// good order.
    pub async fn run(self) {
        let config = &self.app.state.config;
        let sse = &config.sse;
        let options = ListenOptions {
            // Beside the streams there are those who ask for something, and those who have not said yet
            // what they want.
            most: MostConnections {
                of_all: sse.max_streams.saturating_add(OTHER_CONNECTIONS),
                of_address: sse
                    .max_streams_per_address
                    .saturating_add(OTHER_CONNECTIONS_OF_ADDRESS),
                exempt: config.trusted_proxies.clone(),
            },
            write_timeout: config.sse.write_timeout,
            drain: config.drain,
        };
        let (router, shutdown) = (self.app.router(), self.app.shutdown.clone());
        listen::serve(self.listener, router, options, shutdown).await;
        self.app.stop().await;
    }
}

/// Starts the embedded price monitor. From here on it is reached over the wire alone.
async fn embed(
    config: &Config,
    api_key: Option<SecretString>,
    store: &Store,
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
    let options = PriceMonitorOptions {
        api_key: api_key.clone(),
        uploads_dir: config.data_dir.join("uploads"),
        max_upload: config.max_upload,
        metrics: metrics.clone(),
        imports_per_user: config.imports_per_user,
        retention: config.upload_retention,
    };
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

/// Makes a key that nobody knows.
///
/// # Errors
///
/// When the system has no randomness.
pub fn random_key() -> Result<SecretString, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes).into())
}
