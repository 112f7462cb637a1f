//! What a stream says, piece by piece, and who writes it where the HTTP machinery asks for it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::lifeline::Lifeline;

/// What one viewer is told.
pub(super) trait Pieces: Send + 'static {
    /// Returns what is to be said next, `None` at the end.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;

    /// Returns what minds the clock for it.
    fn lifeline(&mut self) -> &mut Lifeline;
}

/// How long a viewer may take nothing of a body that the HTTP machinery sends.
///
/// Over HTTP/2 a viewer can stop one stream by keeping its window closed, of which the kernel knows
/// nothing; and the machinery does not ask a body for more meanwhile, so that it could not even end.
/// Therefore what says the pieces is a task of its own.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    pub(super) longest: Duration,
    pub(super) tasks: TaskTracker,
}

impl Patience {
    /// Makes a body's stream. Dropping it is leaving.
    pub(super) fn body(
        self,
        mut pieces: impl Pieces,
    ) -> impl Stream<Item = Bytes> + Send + 'static {
        let (sender, receiver) = mpsc::channel(1);
        let longest = self.longest;
        self.tasks.spawn(async move {
            loop {
                let next = tokio::select! {
                    next = pieces.next() => next,
                    () = sender.closed() => return,
                };
                let Some(bytes) = next else { return };
                tokio::select! {
                    biased;
                    place = sender.reserve() => match place {
                        Ok(place) => place.send(bytes),
                        Err(_) => return, // the viewer has left
                    },
                    () = pieces.lifeline().must_end() => return,
                    () = tokio::time::sleep(longest) => {
                        tracing::debug!("a viewer takes nothing any more");
                        return;
                    }
                }
            }
        });
        stream::unfold(receiver, |mut receiver| async {
            let bytes = receiver.recv().await?;
            Some((bytes, receiver))
        })
    }
}
