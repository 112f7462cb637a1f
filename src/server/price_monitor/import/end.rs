//! Ends an import: determines its status, records and announces it.

use std::{
    collections::HashSet,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use backon::BackoffBuilder;

use super::{ImportError, Importer, Outcome};
use crate::{
    i18n::messages::ErrorCode,
    model::{
        activity::ActivityKind,
        job::{ImportProgress, ImportStatus, UnixMillis},
        reason::Reason,
    },
    server::{
        config::LimitAction,
        price_monitor::retries::{LONGEST_WAIT, waits},
        store::{
            StoreError,
            monitor_imports::{ImportMode, MonitorImport, Question},
        },
    },
};

/// Attempts to record an end before it is sent anyway.
const TRIES_TO_END: usize = 3;

pub(super) enum End {
    /// All rows are processed; the counts decide the status.
    Through,
    Cancelled,
    /// Failed; with the question that was not answered.
    Failed(Reason, Option<Question>),
    /// Not ended: waiting for an answer.
    Asks(Question),
}

impl End {
    /// Returns the reason to send for an end that cannot be recorded. [`Self::Through`] is sent only once recorded.
    fn reason(&self) -> Option<Reason> {
        match self {
            Self::Through | Self::Asks(_) => None,
            Self::Cancelled => Some(ErrorCode::Cancelled.into()),
            Self::Failed(error, _) => Some(error.clone()),
        }
    }
}

impl Importer {
    /// Returns the end of an import, if it ends.
    pub(super) fn end(&self, id: &str, result: Result<Outcome, ImportError>) -> Option<End> {
        match result {
            Ok(Outcome::Through) => Some(End::Through),
            Ok(Outcome::Stopped) | Err(ImportError::Stopped) if self.shutdown.is_cancelled() => {
                tracing::info!(id, "Import stopped; it continues on the next start");
                None
            }
            Ok(Outcome::Stopped) | Err(ImportError::Stopped) => Some(End::Cancelled),
            Ok(Outcome::Superseded) => {
                tracing::warn!(id, "Import left to another process that is running it");
                None
            }
            // The import continues after its last committed batch when the database is back.
            Err(ImportError::Store(error)) if error.is_passing() => {
                tracing::warn!(id, %error, "Import postponed until the database is back");
                None
            }
            Err(ImportError::OverLimit(over, LimitAction::Ask)) => {
                tracing::info!(id, %over, "Import waits for approval");
                Some(End::Asks(Question::Approval))
            }
            Err(error) => Some(match error.question() {
                Some(question) => {
                    tracing::info!(id, needs = question.as_str(), "Import needs input");
                    End::Asks(question)
                }
                None => {
                    tracing::warn!(id, ?error, "Import failed");
                    End::Failed(error.reason(), None)
                }
            }),
        }
    }

    pub(in crate::server::price_monitor) async fn give_unanswered_up(
        self: &Arc<Self>,
        before: UnixMillis,
    ) -> Result<(), StoreError> {
        for import in self.store.unanswered_monitor_imports(before).await? {
            let (error, problem) = match import.needs {
                Some(Question::Approval) => (ErrorCode::ApprovalExpired, None),
                needs => (ErrorCode::InputExpired, needs),
            };
            let end = Some(End::Failed(error.into(), problem));
            self.finish_unless_stopped(&import.id, end, import.progress)
                .await;
        }
        Ok(())
    }

    pub(in crate::server::price_monitor) async fn finish_cancelled(self: &Arc<Self>, id: &str) {
        let end = Some(End::Cancelled);
        self.finish_unless_stopped(id, end, ImportProgress::default())
            .await;
    }

    /// Records and sends the end of an import. If it cannot be recorded, for example on a full disk, it is sent anyway,
    /// and recording is retried until the service stops; then the next start continues the import.
    pub(super) async fn finish_unless_stopped(
        self: &Arc<Self>,
        id: &str,
        end: Option<End>,
        progress: ImportProgress,
    ) {
        let Some(end) = end else { return };
        let few = waits().with_max_times(TRIES_TO_END);
        let recording = self.record_and_tell(id, &end, few.build());
        let recorded = self.shutdown.run_until_cancelled(recording).await;
        if recorded != Some(false) {
            return;
        }
        if let Some(error) = end.reason() {
            self.announcer.failed(id, progress, error).await;
        }
        self.ending().insert(id.to_owned());
        let (importer, id) = (Arc::clone(self), id.to_owned());
        self.tasks.spawn(async move {
            let lasting = waits().without_max_times().build();
            let lasting = lasting.chain(std::iter::repeat(LONGEST_WAIT));
            let recording = importer.record_and_tell(&id, &end, lasting);
            importer.shutdown.run_until_cancelled(recording).await;
            importer.ending().remove(&id);
        });
    }

    async fn record_and_tell(
        &self,
        id: &str,
        end: &End,
        mut waits: impl Iterator<Item = Duration>,
    ) -> bool {
        let ended = loop {
            match self.record_end(id, end).await {
                Ok(ended) => break ended,
                Err(error) => {
                    let wait = waits.next();
                    tracing::error!(id, %error, ?wait, "cannot record the end of an import yet");
                    let Some(wait) = wait else { return false };
                    tokio::time::sleep(wait).await;
                }
            }
        };
        if let Some(ended) = ended {
            if let Some(question) = ended.needs {
                let kind = match question {
                    Question::Approval => ActivityKind::NeedsApproval,
                    _ => ActivityKind::NeedsInput,
                };
                self.store.try_note_activity(id, kind.into()).await;
                self.announcer.asks(&ended).await;
                return true;
            }
            tracing::info!(id, status = %ended.status, progress = ?ended.progress, "Import finished");
            if let Err(error) = self.announcer.finished(&ended).await {
                tracing::error!(id, %error, "cannot announce the end of an import");
            }
        }
        true
    }

    /// Returns ended imports whose end is not recorded yet.
    pub(in crate::server::price_monitor) fn ends_to_record(&self) -> Vec<String> {
        self.ending().iter().cloned().collect()
    }

    pub(super) fn ending(&self) -> MutexGuard<'_, HashSet<String>> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn record_end(&self, id: &str, end: &End) -> Result<Option<MonitorImport>, StoreError> {
        let (status, error, problem) = match end {
            End::Asks(question) => return self.store.ask_monitor_import(id, *question).await,
            End::Failed(error, problem) => (ImportStatus::Error, Some(error.clone()), *problem),
            End::Through | End::Cancelled => {
                let Some(import) = self.store.monitor_import(id).await? else {
                    return Ok(None);
                };
                let (status, error) = match end {
                    End::Cancelled => (ImportStatus::Error, Some(cancelled(&import).into())),
                    _ => {
                        let (said, error) = verdict(&import);
                        let done = import.progress.done();
                        if said != ImportStatus::Error && import.progress.total_products != done {
                            self.store.correct_monitor_import_total(id, done).await?;
                        }
                        (said, error)
                    }
                };
                (status, error, None)
            }
        };
        self.store
            .finish_monitor_import(id, status, error.as_ref(), problem)
            .await
    }
}

fn cancelled(import: &MonitorImport) -> ErrorCode {
    let (done, total) = (
        import.progress.processed_products,
        import.progress.total_products,
    );
    match (import.mode, done) {
        _ if import.undoes.is_some() => ErrorCode::CancelledUndo { done, total },
        (ImportMode::Check, _) => ErrorCode::CancelledCheck,
        (_, 0) => ErrorCode::CancelledBefore,
        (_, done) => ErrorCode::CancelledAfter { done, total },
    }
}

/// Returns the status and reason of an import whose rows are all processed.
fn verdict(import: &MonitorImport) -> (ImportStatus, Option<Reason>) {
    let failed = |why: ErrorCode| (ImportStatus::Error, Some(why.into()));
    if let Some(mismatch) = import.mismatch() {
        return failed(mismatch);
    }
    let progress = import.progress;
    if import.undoes.is_some() && progress.processed_products == 0 {
        return failed(ErrorCode::NothingUndone);
    }
    match (progress.processed_products, progress.failed_products) {
        // Nothing to do.
        (0, 0) if import.left_alone > 0 => (ImportStatus::Success, None),
        (0, _) if import.left_alone > 0 => failed(ErrorCode::AllFailedOrSkipped),
        (0, 0) => failed(ErrorCode::NoProducts),
        (_, 0) => (ImportStatus::Success, None),
        (0, failures) => failed(ErrorCode::AllFailed { failed: failures }),
        _ => (ImportStatus::PartialSuccess, None),
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::server::store::products::Written;

    fn over(processed: u64, failed: u64, total: u64) -> MonitorImport {
        MonitorImport {
            progress: ImportProgress {
                processed_products: processed,
                failed_products: failed,
                total_products: total,
            },
            written: Written {
                added: processed,
                ..Written::default()
            },
            ..MonitorImport::default()
        }
    }

    #[test]
    fn an_import_that_does_not_add_up_is_no_success() {
        for import in [over(404, 0, 1000), over(1000, 1, 1000), over(0, 0, 5)] {
            let (status, error) = verdict(&import);
            assert_eq!(status, ImportStatus::Error);
            let error = error.unwrap();
            let code = error.code().unwrap();
            assert!(code.starts_with("miscounted-"), "{code}");
        }
    }

    #[test]
    fn the_counts_say_how_an_import_ended() {
        for (processed, failed, status, error) in [
            (3, 0, ImportStatus::Success, None),
            (2, 1, ImportStatus::PartialSuccess, None),
            (
                0,
                3,
                ImportStatus::Error,
                Some("No products were imported: all 3 rows failed."),
            ),
            (
                0,
                0,
                ImportStatus::Error,
                Some("The file has a header row but no products."),
            ),
        ] {
            let (got, sentence) = verdict(&over(processed, failed, processed + failed));
            let sentence = sentence.map(|reason| reason.to_string());
            assert_eq!((got, sentence.as_deref()), (status, error));
        }
    }
}
