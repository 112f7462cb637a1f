//! The embedded price monitor: a guest in this process that speaks to the rest only over the wire,
//! REST and Socket.IO, as any other price-monitor service does.
//!
//! ```text
//! upload ──► uploads directory ──► queue ──► import (feed ► store) ──► announcer ──► sockets
//! ```
//!
//! An upload is a job as soon as it is answered: the file and the job's row are on disk by then. A
//! job that is not over when the process ends goes on at the next start, from its last committed
//! batch. One process is to work on one uploads directory and its database.

mod announcer;
mod feed;
mod import;
mod message;
mod queue;
mod service;
mod socket_io;
mod upload;
mod uploads;
mod websocket;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{announcer::Announcer, import::Importer, queue::Queue, uploads::Uploads};
use crate::server::store::Store;

/// How long connections may take to end once they were asked to.
const CLOSING: Duration = Duration::from_secs(5);

/// What the embedded price monitor needs to know.
#[derive(Clone, Debug)]
pub struct PriceMonitorOptions {
    /// The key that every client must show.
    pub api_key: SecretString,
    /// Where uploads are kept until they are imported. It is made when missing.
    pub uploads_dir: PathBuf,
    /// The largest file that is taken, in bytes.
    pub max_upload: u64,
}

/// What all parts of the service share.
#[derive(Debug)]
struct Service {
    store: Store,
    options: PriceMonitorOptions,
    uploads: Uploads,
    announcer: Arc<Announcer>,
    queue: Queue,
    shutdown: CancellationToken,
    /// Owns what outlives a request: imports, sockets, the last step of an upload.
    tasks: TaskTracker,
}

/// Runs the embedded price monitor on `listener` until `shutdown` is cancelled.
///
/// Then it stops accepting, breaks uploads off, closes the sockets, and lets running imports commit
/// the batch they are at; they go on at the next start. It returns when all of that is done.
///
/// # Errors
///
/// When the uploads directory cannot be made, the unfinished imports cannot be read, or the listener
/// fails.
pub async fn serve(
    listener: TcpListener,
    store: Store,
    options: PriceMonitorOptions,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let uploads = Uploads::open(&options.uploads_dir).await?;
    let unfinished = store
        .unfinished_monitor_imports()
        .await
        .map_err(io::Error::other)?;
    uploads.remove_stale(&unfinished).await;

    let tasks = TaskTracker::new();
    let (socket_layer, io) = socket_io::layer();
    let announcer = Arc::new(Announcer::new(store.clone(), io.clone()));
    let importer = Importer::new(
        store.clone(),
        uploads.clone(),
        Arc::clone(&announcer),
        shutdown.clone(),
    );
    let queue = Queue::start(importer, &tasks, shutdown.clone());
    for import in unfinished {
        queue.push(import.id);
    }
    let service = Arc::new(Service {
        store,
        options,
        uploads,
        announcer,
        queue,
        shutdown: shutdown.clone(),
        tasks: tasks.clone(),
    });
    socket_io::listen(&io, &service);
    let router = service::router(service).layer(socket_layer);

    let serving = axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.clone().cancelled_owned())
        .into_future();
    let closing = async {
        shutdown.cancelled().await;
        io.close().await;
        tokio::time::sleep(CLOSING).await;
    };
    let result = tokio::select! {
        result = serving => result,
        () = closing => Ok(()),
    };
    // A listener that fails ends the imports too.
    shutdown.cancel();
    tasks.close();
    tasks.wait().await;
    result
}
