//! The embedded price monitor: a guest in this process that speaks to the rest only over the wire,
//! REST and Socket.IO, as any other price-monitor service does.
//!
//! ```text
//! upload ──► uploads directory ──► queue ──► import (product_feed ► store) ──► announcer ──► sockets
//! ```
//!
//! An upload is a job as soon as it is answered: the file and the job's row are on disk by then. A
//! job that is not over when the process ends goes on at the next start, from its last committed
//! batch. On PostgreSQL several processes share the work where they share the uploads directory:
//! when one dies, another goes on with its imports.

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
mod patience;
mod queue;
mod readers;
mod reading;
mod reasons;
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

/// How long connections may take to end once they were asked to.
const CLOSING: Duration = Duration::from_secs(5);

/// The most connections.
const CONNECTIONS: usize = 1024;

/// The most connections that have made no request yet; where there are more, the oldest go.
const SILENT: usize = 64;

/// How long what was sent may stay unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The time between two looks for files that no import needs any more.
const TIDYING: Duration = Duration::from_secs(60);

/// How long an import waits for an answer about its file.
const ANSWERED_WITHIN: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What the embedded price monitor needs to know.
#[derive(Clone, Debug)]
pub struct PriceMonitorOptions {
    /// The key that every client must show.
    pub api_key: SecretString,
    /// Where uploads are kept until they are imported. It is made when missing.
    pub uploads_dir: PathBuf,
    /// The largest file that is taken, in bytes, and the most that one unpacks to.
    pub max_upload: u64,
    /// Where the work is counted.
    pub metrics: Metrics,
    /// The most imports of one user that run at once.
    pub imports_per_user: usize,
    /// The most rows that one import writes in a second; any number where there is none.
    pub rows_per_second: Option<NonZeroU32>,
    /// The most imports of one user that wait or run.
    pub queued_per_user: u64,
    /// The room for the files.
    pub space: Space,
    /// How long what is not kept for ever is kept.
    pub retention: Retention,
    /// How much an import may change without being asked about.
    pub safety: SafetyLimits,
}

impl PriceMonitorOptions {
    /// As the settings say.
    #[must_use]
    pub fn new(config: &Config, api_key: SecretString, metrics: Metrics, space: Space) -> Self {
        Self {
            api_key,
            uploads_dir: config.data_dir.join("uploads"),
            max_upload: config.max_upload,
            metrics,
            imports_per_user: config.imports_per_user,
            rows_per_second: config.import_max_rate,
            queued_per_user: config.queued_per_user,
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

/// The directory of uploads cannot be used.
#[derive(Debug, Error)]
#[error("{} cannot be written: {error}{}", path.display(), advice::about_file(error))]
pub struct UploadsError {
    path: PathBuf,
    error: io::Error,
}

/// Makes the directory of uploads, if it is missing, and sees that it can be written.
///
/// # Errors
///
/// When it cannot.
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

/// What all parts of the service share.
#[derive(Debug)]
struct Service {
    store: Store,
    options: PriceMonitorOptions,
    uploads: Uploads,
    readers: Readers,
    /// Held while an import is recorded, so that those of a user are counted one after the other.
    recording: tokio::sync::Mutex<()>,
    announcer: Arc<Announcer>,
    queue: Queue,
    workers: Workers,
    shutdown: CancellationToken,
    /// Owns what outlives a request: imports, sockets, the last step of an upload.
    tasks: TaskTracker,
}

/// Ends imports that nobody answered, and removes the files that no import needs any more, now and again.
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

/// Runs the embedded price monitor on `listener` until `shutdown` is cancelled.
///
/// Then it stops accepting, breaks uploads off, closes the sockets, and lets running imports commit
/// the batch they are at; they go on at the next start. It returns when all of that is done.
///
/// # Errors
///
/// When the uploads directory cannot be made, or the unfinished imports cannot be read.
pub async fn serve(
    listener: TcpListener,
    store: Store,
    options: PriceMonitorOptions,
    shutdown: CancellationToken,
) -> io::Result<()> {
    serve_with(listener, store, options, Router::new(), shutdown).await
}

/// [Serves](serve), and besides what `others` answer, which need no key.
///
/// # Errors
///
/// The same.
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

/// How connections are treated: there are few that mean well, and who means no good is on this machine or in
/// the same network.
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
