//! Writes a stream of its own to one viewer's socket.

use std::{io, net::Shutdown, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::Stream;
use socket2::SockRef;
use tokio::net::TcpStream;

use super::{
    fan_out::{Gone, prepare},
    frame::{LAST_CHUNK, chunk},
    pieces::{Patience, Pieces},
    sse::ViewerStream,
};

/// How long a viewer may take to close its connection when all is said.
const LINGER: Duration = Duration::from_secs(2);

/// A stream that is like no other viewer's, and who owns the task that writes it.
pub(crate) struct Piped<P> {
    pub(super) pieces: P,
    pub(super) patience: Patience,
}

impl<P: Pieces> ViewerStream for Piped<P> {
    fn into_stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        self.patience.body(self.pieces)
    }

    fn write_to(self, socket: Arc<TcpStream>) {
        prepare(&socket);
        self.patience.tasks.spawn(async move {
            let mut gone = Gone::new(socket.clone());
            tokio::select! {
                () = &mut gone => {}
                written = write(self.pieces, &socket) => match written {
                    // To close it all could take the end back (`fan_out` does the same).
                    Ok(()) => drop(tokio::time::timeout(LINGER, gone).await),
                    Err(error) => tracing::debug!(%error, "a viewer is gone"),
                },
            }
        });
    }
}

/// Writes all of a stream and ends the body. The socket's being full holds the stream up, which
/// skips to the newest states meanwhile; but not the end that the server, or the clock, may put to it.
async fn write(mut pieces: impl Pieces, socket: &TcpStream) -> io::Result<()> {
    while let Some(bytes) = pieces.next().await {
        let chunk = chunk(&bytes);
        tokio::select! {
            biased;
            written = write_all(socket, &chunk) => written?,
            () = pieces.lifeline().must_end() => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it did not read in time"));
            }
        }
    }
    // What the stream held is free before the viewer closes the connection.
    drop(pieces);
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
