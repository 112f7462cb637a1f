//! Writes a stream of its own to one viewer's socket.

use std::{io, net::Shutdown, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

use super::{
    fan_out::{Gone, prepare},
    frame::{LAST_CHUNK, chunk},
    sse::ViewerStream,
};

/// How long a viewer may take to close its connection when all is said.
const LINGER: Duration = Duration::from_secs(2);

/// A stream that is like no other viewer's, and who owns the task that writes it.
pub(crate) struct Piped<S> {
    pub(super) stream: S,
    pub(super) tasks: TaskTracker,
}

impl<S> ViewerStream for Piped<S>
where
    S: Stream<Item = Bytes> + Send + 'static,
{
    fn into_stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        self.stream
    }

    fn write_to(self, socket: Arc<TcpStream>) {
        prepare(&socket);
        self.tasks.spawn(async move {
            let mut gone = Gone::new(socket.clone());
            tokio::select! {
                () = &mut gone => {}
                written = write(self.stream, &socket) => match written {
                    // To close it all could take the end back (`fan_out` does the same).
                    Ok(()) => drop(tokio::time::timeout(LINGER, gone).await),
                    Err(error) => tracing::debug!(%error, "a viewer is gone"),
                },
            }
        });
    }
}

/// Writes all of a stream and ends the body. The socket's being full holds the stream up, which
/// skips to the newest states meanwhile.
async fn write(stream: impl Stream<Item = Bytes>, socket: &TcpStream) -> io::Result<()> {
    {
        let mut stream = std::pin::pin!(stream);
        while let Some(bytes) = stream.next().await {
            write_all(socket, &chunk(&bytes)).await?;
        }
        // What the stream held is free before the viewer closes the connection.
    }
    write_all(socket, LAST_CHUNK).await?;
    SockRef::from(socket).shutdown(Shutdown::Write)
}

async fn write_all(socket: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        socket.writable().await?;
        match socket.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
