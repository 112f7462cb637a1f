//! Streams a product file to the price monitor, up to its maximum length.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;

use super::Imports;
use crate::{
    model::{changes::MARK, import_options::Instructions, job::JobId},
    server::{
        identity::user::UserId,
        uploads::{file_name, upload_error::UploadError},
    },
};

const MAX_FILENAME: usize = 200;

impl Imports {
    /// Streams a file to the price monitor; returns the import and the filename. Fails if the file breaks off, exceeds
    /// `max`, or is rejected.
    pub(crate) async fn take_in(
        &self,
        user: &UserId,
        what: Instructions,
        key: Option<String>,
        given: &str,
        max: u64,
        whole: impl Stream<Item = Result<Bytes, UploadError>> + Send + 'static,
    ) -> Result<(JobId, String), UploadError> {
        let fault = Fault::default();
        let file = Measured {
            inner: Box::pin(whole),
            left: max,
            max,
            fault: fault.clone(),
        };
        let filename = clean_filename(given);
        let created = self.create(user, what, key, filename.clone(), file).await;
        match fault.take() {
            Some(fault) => Err(fault),
            None => created
                .map(|id| (id, filename))
                .map_err(UploadError::NotTaken),
        }
    }
}

/// Keeps the last part of a name, without invisible characters and the mark of undos.
pub(crate) fn clean_filename(given: &str) -> String {
    file_name::plain(&given.replace(MARK, ""), MAX_FILENAME)
}

/// The error of reading the file, as opposed to the price monitor's.
#[derive(Clone, Debug, Default)]
struct Fault(Arc<Mutex<Option<UploadError>>>);

impl Fault {
    fn set(&self, error: UploadError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn take(&self) -> Option<UploadError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A stream that fails when the file gets too large.
struct Measured {
    inner: Pin<Box<dyn Stream<Item = Result<Bytes, UploadError>> + Send>>,
    left: u64,
    max: u64,
    fault: Fault,
}

impl Stream for Measured {
    type Item = Result<Bytes, UploadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = std::task::ready!(self.inner.as_mut().poll_next(cx));
        let fault = match chunk {
            None => return Poll::Ready(None),
            Some(Ok(chunk)) => match self.left.checked_sub(chunk.len() as u64) {
                Some(left) => {
                    self.left = left;
                    return Poll::Ready(Some(Ok(chunk)));
                }
                None => UploadError::TooLarge(self.max),
            },
            Some(Err(fault)) => fault,
        };
        self.fault.set(fault.clone());
        Poll::Ready(Some(Err(fault)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_not_named_like_an_undo() {
        for given in ["↶ shop.csv", "C:\\feeds\\↶↶ shop.csv", "↶shop.csv"] {
            assert_eq!(clean_filename(given), "shop.csv");
        }
    }
}
