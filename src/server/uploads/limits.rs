//! Limits of uploads: minimum pace, maximum bytes before the file, maximum concurrent uploads per user.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use thiserror::Error;
use tokio::time::Instant;

use crate::server::{identity::user::UserId, limits::counts::Counts};

#[derive(Clone, Copy, Debug)]
struct PaceLimits {
    /// Maximum time without data.
    stall: Duration,
    /// Interval of the check.
    window: Duration,
    /// Minimum bytes per interval.
    least: u64,
    /// Maximum time of the request.
    longest: Duration,
}

/// 1 KiB/s is a tenth of the slowest connection on which anyone uploads.
const LIMITS: PaceLimits = PaceLimits {
    stall: Duration::from_secs(60),
    window: Duration::from_secs(60),
    least: 60 << 10,
    longest: Duration::from_secs(2 * 3600),
};
const MOST_OF_USER: usize = 8;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum Slow {
    #[error("nothing comes any more")]
    Stalled,
    #[error("data arrives too slowly")]
    Trickle,
    #[error("it takes too long")]
    TooLong,
}

#[derive(Debug)]
struct Pace {
    limits: PaceLimits,
    began: Instant,
    window: Instant,
    bytes: u64,
}

impl Pace {
    fn new(limits: PaceLimits) -> Self {
        let now = Instant::now();
        Self {
            limits,
            began: now,
            window: now,
            bytes: 0,
        }
    }

    fn came(&mut self, bytes: usize) -> Result<(), Slow> {
        let now = Instant::now();
        self.bytes += bytes as u64;
        if now - self.began > self.limits.longest {
            return Err(Slow::TooLong);
        }
        if now - self.window >= self.limits.window {
            if self.bytes < self.limits.least {
                return Err(Slow::Trickle);
            }
            self.window = now;
            self.bytes = 0;
        }
        Ok(())
    }
}

pub(crate) fn watched<E>(
    body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static
where
    E: Into<Failure> + 'static,
{
    watched_with(body, LIMITS)
}

fn watched_with<E>(
    body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
    limits: PaceLimits,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static
where
    E: Into<Failure> + 'static,
{
    stream::unfold(Some((body, Pace::new(limits))), |body| async {
        let (mut body, mut pace) = body?;
        match tokio::time::timeout(pace.limits.stall, body.next()).await {
            Ok(Some(Ok(chunk))) => match pace.came(chunk.len()) {
                Ok(()) => Some((Ok(chunk), Some((body, pace)))),
                Err(slow) => Some((Err(slow.into()), None)),
            },
            Ok(Some(Err(error))) => Some((Err(error.into()), None)),
            Ok(None) => None,
            Err(_) => Some((Err(Slow::Stalled.into()), None)),
        }
    })
}

#[derive(Clone, Copy, Debug, Error)]
#[error("too much data before the file")]
pub(crate) struct TooMuch;

/// Bytes of a form that may still be read; shared with the [`Metered`] form.
#[derive(Clone, Debug)]
pub(crate) struct Allowance(Arc<Left>);

#[derive(Debug)]
struct Left {
    bytes: AtomicU64,
    /// Whether the reader was polled once after the limit, to search what it has.
    is_used_up: AtomicBool,
}

impl Allowance {
    /// Allows this many bytes from now on; the rest of a received piece is not counted.
    pub(crate) fn allow(&self, bytes: u64) {
        self.0.bytes.store(bytes, Ordering::Relaxed);
        self.0.is_used_up.store(false, Ordering::Relaxed);
    }
}

/// A form's bytes up to the allowance: the parser buffers a field without end.
pub(crate) struct Metered<S> {
    inner: Pin<Box<S>>,
    left: Allowance,
}

impl<S> Metered<S> {
    pub(crate) fn new(inner: S, bytes: u64) -> (Self, Allowance) {
        let left = Allowance(Arc::new(Left {
            bytes: AtomicU64::new(bytes),
            is_used_up: AtomicBool::new(false),
        }));
        let metered = Self {
            inner: Box::pin(inner),
            left: left.clone(),
        };
        (metered, left)
    }
}

impl<S: Stream<Item = Result<Bytes, Failure>>> Stream for Metered<S> {
    type Item = Result<Bytes, Failure>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Left { bytes, is_used_up } = &*this.left.0;
        let left = bytes.load(Ordering::Relaxed);
        if left == 0 {
            // The parser reads all available bytes before it searches them. It may find its field there; only if it
            // polls again there is none.
            if is_used_up.swap(true, Ordering::Relaxed) {
                return Poll::Ready(Some(Err(TooMuch.into())));
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let chunk = std::task::ready!(this.inner.as_mut().poll_next(cx));
        if let Some(Ok(chunk)) = &chunk {
            bytes.store(left.saturating_sub(chunk.len() as u64), Ordering::Relaxed);
        }
        Poll::Ready(chunk)
    }
}

/// Counts incoming uploads by user. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct UploadSlots(Arc<Mutex<Counts<UserId>>>);

/// A permit for one upload; released on drop.
#[derive(Debug)]
pub(crate) struct UploadSlot {
    slots: UploadSlots,
    user: UserId,
}

impl UploadSlots {
    /// Returns `None` at the user's limit.
    pub(crate) fn take(&self, user: &UserId) -> Option<UploadSlot> {
        let mut taken = self.taken();
        if taken.of(user) >= MOST_OF_USER {
            return None;
        }
        taken.add(user.clone());
        Some(UploadSlot {
            slots: self.clone(),
            user: user.clone(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, Counts<UserId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UploadSlot {
    fn drop(&mut self) {
        self.slots.taken().remove(&self.user);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const MILLI: Duration = Duration::from_millis(1);
    const HOUR: Duration = Duration::from_secs(3600);
    const ENDLESS: PaceLimits = PaceLimits {
        stall: HOUR,
        window: HOUR,
        least: 1000,
        longest: HOUR,
    };

    /// Reads a body of pieces with a size and interval. Returns how it ends.
    async fn read(
        limits: PaceLimits,
        (pieces, bytes, apart): (usize, usize, Duration),
    ) -> Result<usize, String> {
        let body = stream::unfold(0, move |count| async move {
            tokio::time::sleep(apart).await;
            let piece = Ok::<_, Infallible>(Bytes::from(vec![b'x'; bytes]));
            (count < pieces).then_some((piece, count + 1))
        });
        let mut body = Box::pin(watched_with(Box::pin(body), limits));
        let mut got = 0;
        while let Some(piece) = body.next().await {
            got += piece.map_err(|error| error.to_string())?.len();
        }
        Ok(got)
    }

    #[tokio::test]
    async fn what_comes_at_a_decent_pace_comes_in_whole() {
        assert_eq!(read(ENDLESS, (100, 1, MILLI)).await, Ok(100));
        let looked_at_often = PaceLimits {
            window: MILLI,
            ..ENDLESS
        };
        let all = read(looked_at_often, (20, 5000, 3 * MILLI)).await;
        assert_eq!(all, Ok(100_000));
    }

    #[tokio::test]
    async fn a_trickle_a_stall_and_what_never_ends_are_cut_off() {
        let looked_at_often = PaceLimits {
            window: 30 * MILLI,
            ..ENDLESS
        };
        let trickle = read(looked_at_often, (10_000, 1, 5 * MILLI)).await;
        assert_eq!(trickle, Err(Slow::Trickle.to_string()));
        let impatient = PaceLimits {
            stall: 5 * MILLI,
            ..ENDLESS
        };
        let stall = read(impatient, (1, 1, HOUR)).await;
        assert_eq!(stall, Err(Slow::Stalled.to_string()));
        let short = PaceLimits {
            longest: 30 * MILLI,
            ..ENDLESS
        };
        let endless = read(short, (10_000, 5000, MILLI)).await;
        assert_eq!(endless, Err(Slow::TooLong.to_string()));
    }

    #[tokio::test]
    async fn a_form_is_read_as_far_as_it_is_allowed() {
        let pieces = stream::iter((0..10).map(|_| Ok(Bytes::from_static(b"1234567890"))));
        let (mut form, left) = Metered::new(pieces, 25);
        for _ in 0..3 {
            assert!(form.next().await.unwrap().is_ok());
        }
        assert!(form.next().await.unwrap().is_err());
        left.allow(u64::MAX);
        assert_eq!(form.filter_map(|it| async { it.ok() }).count().await, 7);
    }

    /// The file's header arrives in one piece with its beginning, after another field.
    #[tokio::test]
    async fn a_form_whose_file_begins_in_a_large_piece_is_read() {
        let head =
            |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        let piece = format!("{}\r\n{}{}", head("check"), head("file"), "y".repeat(1000));
        let pieces = [piece, "z".repeat(1000), "\r\n--x--\r\n".to_owned()];
        let pieces = stream::iter(pieces.map(|piece| Ok(Bytes::from(piece))));
        let (form, left) = Metered::new(pieces, 10);
        let mut form = multer::Multipart::new(form, "x");
        let first = form.next_field().await.unwrap().unwrap();
        assert_eq!(first.name(), Some("check"));
        drop(first);
        left.allow(10);
        let file = form.next_field().await.unwrap().unwrap();
        assert_eq!(file.name(), Some("file"));
        left.allow(u64::MAX);
        assert_eq!(file.bytes().await.unwrap().len(), 2000);
    }

    #[test]
    fn one_user_does_not_take_the_uploads_of_the_others() {
        let slots = UploadSlots::default();
        let [ada, bob] = ["ada", "bob"].map(UserId::new);
        let taken: Vec<_> = (0..MOST_OF_USER)
            .map(|_| slots.take(&ada).unwrap())
            .collect();
        assert!(slots.take(&ada).is_none());
        assert!(slots.take(&bob).is_some());
        drop(taken);
        assert!(slots.take(&ada).is_some());
        assert!(slots.taken().is_empty());
    }
}
