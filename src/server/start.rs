//! Puts the server together from its settings, and runs it.

use std::{io, net::Ipv4Addr, sync::Arc};

use leptos::config::{LeptosOptions, get_configuration};
use secrecy::SecretString;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    config::{Config, Monitor, MonitorEndpoint, SocketProtocol},
    listen::{self, ListenOptions},
    price_monitor::{self, PriceMonitorOptions},
    relay::Relay,
    router::router,
    state::AppState,
    store::{Store, StoreError},
};

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

/// A server that is ready to run.
pub struct Server {
    listener: TcpListener,
    state: AppState,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Server {
    /// Opens the database, the ports and the relay.
    ///
    /// # Errors
    ///
    /// When one of them cannot be had.
    pub async fn bind(config: Config, shutdown: CancellationToken) -> Result<Self, StartError> {
        // Fails only where a provider is installed already, which then serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener =
            TcpListener::bind(config.listen)
                .await
                .map_err(|error| StartError::Listen {
                    address: config.listen.to_string(),
                    error,
                })?;
        let store = Store::open(&config.database).await?;
        let tasks = TaskTracker::new();
        let endpoint = match &config.monitor {
            Monitor::External(endpoint) => endpoint.clone(),
            Monitor::Embedded { api_key } => {
                embed(&config, api_key.clone(), &store, &tasks, &shutdown).await?
            }
        };
        let relay = Relay::start(&config, endpoint, store.clone(), &tasks, &shutdown)?;
        let leptos = leptos_options(&config);
        let state = AppState {
            config: Arc::new(config),
            store,
            relay,
            leptos,
        };
        Ok(Self {
            listener,
            state,
            tasks,
            shutdown,
        })
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
        let options = ListenOptions {
            write_timeout: self.state.config.sse.write_timeout,
            drain: self.state.config.drain,
        };
        let drain = options.drain;
        listen::serve(self.listener, router(self.state), options, self.shutdown).await;
        self.tasks.close();
        if tokio::time::timeout(drain, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("tasks were cut off");
        }
    }
}

/// Starts the embedded price monitor. From here on it is reached over the wire alone.
async fn embed(
    config: &Config,
    api_key: Option<SecretString>,
    store: &Store,
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

/// Says where the site is. `cargo leptos` says so in the environment; a binary that is run by
/// itself finds it as the build leaves it.
fn leptos_options(config: &Config) -> LeptosOptions {
    if std::env::var_os("LEPTOS_OUTPUT_NAME").is_some()
        && let Ok(found) = get_configuration(None)
    {
        return found.leptos_options;
    }
    let site_root = std::env::var("LEPTOS_SITE_ROOT").unwrap_or_else(|_| "target/site".to_owned());
    LeptosOptions::builder()
        .output_name("import-relay")
        .site_root(site_root)
        .site_addr(config.listen)
        .hash_files(true)
        .build()
}
