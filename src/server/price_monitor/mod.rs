//! The embedded price monitor. The rest of the program reaches it over REST and Socket.IO only, like an external one.
//!
//! ```text
//! upload ──► uploads directory ──► queue ──► import (product_feed ► store) ──► announcer ──► sockets
//! ```
//!
//! File and job are on disk before an upload is answered. An unfinished job continues at the next start after its last
//! committed batch. On PostgreSQL, processes that share the uploads directory share the work and take over each other's
//! imports.

mod announcer;
mod approval;
mod beginning;
mod changes;
mod controls;
mod corrections;
mod import;
mod indexing;
mod message;
mod missing;
mod pace;
mod queue;
mod readers;
mod reading;
mod reasons;
mod retries;
pub mod sample;
mod seen;
mod service;
mod socket_io;
mod undo;
mod upload;
mod uploads;
mod websocket;
mod workers;

use std::{
    io,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use product_feed::Limits;
use secrecy::SecretString;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    announcer::Announcer,
    import::Importer,
    queue::Queue,
    readers::Readers,
    uploads::Uploads,
    workers::{Word, Workers},
};
use crate::server::{
    config::{Config, Retention, SafetyLimits, SpaceLimits},
    error::advice,
    http::connection::{
        limits::MostConnections,
        listen::{self, ListenOptions},
    },
    store::{
        Store,
        janitor::{self, Chores, ago},
    },
    telemetry::Metrics,
    uploads::space::Space,
};

const CLOSING: Duration = Duration::from_secs(5);

const CONNECTIONS: usize = 1024;

/// Maximum connections without a request; the oldest are closed.
const SILENT: usize = 64;

const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

const TIDYING: Duration = Duration::from_secs(60);

const ANSWERED_WITHIN: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Settings of the embedded price monitor.
#[derive(Clone, Debug)]
pub struct PriceMonitorOptions {
    /// Key required of every client.
    pub api_key: SecretString,
    /// The directory of uploads; created if missing.
    pub uploads_dir: PathBuf,
    /// Maximum bytes of a file, and of its unpacked content.
    pub max_upload: u64,
    /// Metrics of the service.
    pub metrics: Metrics,
    /// Maximum running imports per user.
    pub imports_per_user: usize,
    /// Maximum rows per second of one import; unlimited if `None`.
    pub rows_per_second: Option<NonZeroU32>,
    /// Maximum waiting and running imports per user.
    pub queued_per_user: u64,
    /// Space for the files.
    pub space: Space,
    /// Retention of imports and files.
    pub retention: Retention,
    /// Default safety limits.
    pub safety: SafetyLimits,
}

impl PriceMonitorOptions {
    /// Takes the options from the settings.
    #[must_use]
    pub fn new(config: &Config, api_key: SecretString, metrics: Metrics, space: Space) -> Self {
        Self {
            api_key,
            uploads_dir: config.data_dir.join("uploads"),
            max_upload: config.imports.max_upload,
            metrics,
            imports_per_user: config.imports.per_user,
            rows_per_second: config.imports.max_rate,
            queued_per_user: config.imports.queued_per_user,
            space,
            retention: config.retention,
            safety: config.safety,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            max_unpacked: self.max_upload,
        }
    }
}

/// The directory of uploads is not usable.
#[derive(Debug, Error)]
#[error("{} cannot be written: {error}{}", path.display(), advice::about_file(error))]
pub struct UploadsError {
    path: PathBuf,
    error: io::Error,
}

/// Creates the directory of uploads if missing, and checks that it is writable.
pub async fn make_uploads_dir(path: &Path) -> Result<(), UploadsError> {
    let probed = async {
        let limits = SpaceLimits {
            of_user: 0,
            of_all: 0,
            free: 0,
        };
        let uploads = Uploads::open(path, Space::new(path, limits)).await?;
        uploads.begin(None).await.map(drop)
    };
    probed.await.map_err(|error| UploadsError {
        path: path.to_owned(),
        error,
    })
}

#[derive(Debug)]
struct Service {
    store: Store,
    options: PriceMonitorOptions,
    uploads: Uploads,
    readers: Readers,
    /// Held while an import is recorded, so that a user's imports are counted correctly.
    recording: tokio::sync::Mutex<()>,
    announcer: Arc<Announcer>,
    queue: Queue,
    workers: Workers,
    shutdown: CancellationToken,
    /// Owns tasks that outlive a request: imports, sockets, the end of an upload.
    tasks: TaskTracker,
}

/// Ends unanswered imports and removes unneeded files.
async fn tidy(store: Store, uploads: Uploads, queue: Queue, retention: Duration) {
    loop {
        if let Err(error) = queue.give_unanswered_up(ago(ANSWERED_WITHIN)).await {
            tracing::warn!(%error, "cannot look for imports that need input");
        }
        if let Err(error) = uploads.tidy(&store, ago(retention)).await {
            tracing::warn!(%error, "cannot clean up the uploads directory");
        }
        tokio::time::sleep(TIDYING).await;
    }
}

/// Runs the embedded price monitor until `shutdown` is cancelled.
///
/// Then it stops accepting, aborts uploads, closes sockets, waits for running imports to commit their batch, and
/// returns.
///
/// # Errors
///
/// If the uploads directory cannot be created or the unfinished imports cannot be read.
pub async fn serve(
    listener: TcpListener,
    store: Store,
    options: PriceMonitorOptions,
    shutdown: CancellationToken,
) -> io::Result<()> {
    serve_with(listener, store, options, Router::new(), shutdown).await
}

/// Like [`serve`], with additional routes that need no key.
pub async fn serve_with(
    listener: TcpListener,
    store: Store,
    options: PriceMonitorOptions,
    others: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let uploads = Uploads::open(&options.uploads_dir, options.space.clone()).await?;
    let tasks = TaskTracker::new();
    let (socket_layer, io) = socket_io::layer();
    let workers = Workers::new(store.clone(), uploads.clone(), options.imports_per_user);
    workers.enter().await.map_err(io::Error::other)?;
    let announcer = Arc::new(Announcer::new(store.clone(), io.clone(), workers.clone()));
    let readers = Readers::default();
    let importer = Importer::new(
        store.clone(),
        uploads.clone(),
        readers.clone(),
        Arc::clone(&announcer),
        &options,
        shutdown.clone(),
        tasks.clone(),
    );
    let queue = Queue::new(
        importer,
        workers.clone(),
        options.metrics.clone(),
        &tasks,
        shutdown.clone(),
    );
    queue.start();
    workers.run(
        {
            let (announcer, queue) = (Arc::clone(&announcer), queue.clone());
            move |id, word| {
                let (announcer, queue) = (Arc::clone(&announcer), queue.clone());
                async move {
                    match word {
                        Word::Cancel => drop(queue.stop(&id)),
                        word => announcer.hear(&id, word).await,
                    }
                }
            }
        },
        &tasks,
        &shutdown,
    );
    let tidying = tidy(
        store.clone(),
        uploads.clone(),
        queue.clone(),
        options.retention.uploads,
    );
    let cleaning = janitor::run(store.clone(), options.retention, Chores::PriceMonitor);
    let indexing = indexing::keep(store.clone());
    let upkeep = async { tokio::join!(tidying, cleaning, indexing) };
    let upkeep = shutdown.clone().run_until_cancelled_owned(upkeep);
    tasks.spawn(async move {
        upkeep.await;
    });
    let service = Arc::new(Service {
        store,
        options,
        uploads,
        readers,
        recording: tokio::sync::Mutex::default(),
        announcer,
        queue,
        workers,
        shutdown: shutdown.clone(),
        tasks: tasks.clone(),
    });
    socket_io::listen(&io, &service);
    let router = service::router(service).merge(others).layer(socket_layer);
    let serving = listen::serve(listener, router, listening(), shutdown.clone());
    let closing = async {
        shutdown.cancelled().await;
        io.close().await;
        tokio::time::sleep(CLOSING).await;
    };
    tokio::select! {
        () = serving => {}
        () = closing => {}
    }
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// The service has few clients, on this machine or network.
fn listening() -> ListenOptions {
    ListenOptions {
        most: MostConnections {
            of_all: CONNECTIONS,
            of_address: CONNECTIONS,
            exempt: Vec::new(),
        },
        write_timeout: WRITE_TIMEOUT,
        drain: CLOSING,
        max_silent: SILENT,
    }
}
