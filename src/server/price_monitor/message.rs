//! JSON messages of the REST API and the sockets.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use price_monitor_wire::EVENT_PREFIX;
use serde::Serialize;

use crate::{
    i18n::messages::Params,
    model::{
        changes::OverLimit,
        import_options::ImportOptions,
        job::{ImportProgress, ImportStatus, UnixMillis},
        reason::Reason,
    },
    server::store::{
        monitor_imports::{FailedRow, FailedRowsPage, ImportMode, MonitorImport, Question},
        row_notes::{PassedOverCounts, RowNote, RowNotesPage},
        undo::Undone,
    },
};

pub(super) const MAX_FAILED: u64 = 1000;

/// An error: `error` in English, and the same as a code with parameters.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorFields {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(skip_serializing_if = "Params::is_empty")]
    error_params: Params,
}

impl ErrorFields {
    pub(super) fn of(reason: Reason) -> Self {
        Self {
            error: reason.to_string(),
            error_code: reason.code().map(str::to_owned),
            error_params: reason.params().clone(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum MaybeError {
    Some(ErrorFields),
    None { error: () },
}

impl From<Option<Reason>> for MaybeError {
    fn from(reason: Option<Reason>) -> Self {
        match reason {
            Some(reason) => Self::Some(ErrorFields::of(reason)),
            None => Self::None { error: () },
        }
    }
}

/// A job's state in an event. Fields of a finished job are absent before its end.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProgressMessage {
    #[serde(flatten)]
    progress: ImportProgress,
    status: ImportStatus,
    #[serde(flatten)]
    error: Option<ErrorFields>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cancelled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_product_skus: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<Question>,
}

impl ProgressMessage {
    pub(super) fn pending(progress: ImportProgress) -> Self {
        Self {
            progress: unfinished(progress),
            status: ImportStatus::Pending,
            error: None,
            cancelled: false,
            failed_product_skus: None,
            completed_at: None,
            needs: None,
        }
    }

    /// A failed job whose end is not recorded yet.
    pub(super) fn failed(progress: ImportProgress, error: Reason) -> Self {
        Self {
            progress,
            status: ImportStatus::Error,
            cancelled: error.is_cancelled(),
            error: Some(ErrorFields::of(error)),
            failed_product_skus: None,
            completed_at: None,
            needs: None,
        }
    }

    pub(super) fn recorded(import: &MonitorImport, failed: Vec<FailedRow>) -> Self {
        if !import.status.is_final() {
            return Self {
                needs: import.needs,
                ..Self::pending(import.told_progress())
            };
        }
        Self {
            progress: import.told_progress(),
            status: import.status,
            error: import.error.clone().map(ErrorFields::of),
            cancelled: import.is_cancelled(),
            failed_product_skus: Some(skus(failed)),
            completed_at: import.completed_at.map(rfc3339),
            needs: None,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobBody {
    id: String,
    filename: String,
    status: ImportStatus,
    #[serde(flatten)]
    error: MaybeError,
    #[serde(flatten)]
    progress: ImportProgress,
    failed_product_skus: Vec<String>,
    created_at: String,
    updated_at: String,
    completed_at: Option<String>,
    problem: Option<Question>,
    needs: Option<Question>,
}

impl From<MonitorImport> for JobBody {
    fn from(import: MonitorImport) -> Self {
        Self {
            progress: import.told_progress(),
            id: import.id,
            filename: import.filename,
            status: import.status,
            error: import.error.into(),
            failed_product_skus: Vec::new(),
            created_at: rfc3339(import.created_at),
            updated_at: rfc3339(import.updated_at),
            completed_at: import.completed_at.map(rfc3339),
            problem: import.problem,
            needs: import.needs,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProgressBody {
    #[serde(flatten)]
    progress: ImportProgress,
    is_completed: bool,
    completed_at: Option<String>,
    status: ImportStatus,
    #[serde(flatten)]
    error: MaybeError,
    cancelled: bool,
    failed_product_skus: Vec<String>,
}

impl ProgressBody {
    pub(super) fn new(import: MonitorImport, failed: Vec<FailedRow>) -> Self {
        let is_completed = import.status.is_final();
        Self {
            progress: if is_completed {
                import.told_progress()
            } else {
                unfinished(import.told_progress())
            },
            is_completed,
            completed_at: import.completed_at.map(rfc3339),
            status: import.status,
            cancelled: import.is_cancelled(),
            error: import.error.into(),
            failed_product_skus: skus(failed),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowBody {
    line: u64,
    sku: String,
    /// A sentence; for a skipped row, the code of the reason.
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Params::is_empty")]
    params: Params,
    column: Option<String>,
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_line: Option<u64>,
}

impl From<FailedRow> for RowBody {
    fn from(row: FailedRow) -> Self {
        Self {
            line: row.line,
            sku: row.sku,
            reason: row.reason.to_string(),
            code: row.reason.code().map(str::to_owned),
            params: row.reason.params().clone(),
            column: row.column,
            value: row.value,
            by_line: None,
        }
    }
}

impl From<RowNote> for RowBody {
    fn from(note: RowNote) -> Self {
        Self {
            line: note.line,
            sku: note.label,
            reason: note.reason.to_string(),
            code: note.reason.code().map(str::to_owned),
            params: note.reason.params().clone(),
            column: note.column,
            value: note.value,
            by_line: note.by_line,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct RowsBody {
    items: Vec<RowBody>,
    page: u64,
    pages: u64,
    total: u64,
}

impl From<FailedRowsPage> for RowsBody {
    fn from(page: FailedRowsPage) -> Self {
        Self {
            items: page.rows.into_iter().map(RowBody::from).collect(),
            page: page.page,
            pages: page.pages,
            total: page.total,
        }
    }
}

impl From<RowNotesPage> for RowsBody {
    fn from(page: RowNotesPage) -> Self {
        Self {
            items: page.notes.into_iter().map(RowBody::from).collect(),
            page: page.page,
            pages: page.pages,
            total: page.total,
        }
    }
}

/// An import with its available actions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportBody {
    #[serde(flatten)]
    job: JobBody,
    mode: &'static str,
    added_products: u64,
    updated_products: u64,
    unchanged_products: u64,
    /// Rows replaced by later rows. With the three counts above, this is the processed products.
    replaced_rows: u64,
    passed_over_rows: u64,
    passed_over: PassedOverCounts,
    /// Processed, failed and skipped rows so far.
    rows_read: u64,
    warnings: u64,
    /// Position in the queue from 1, while it waits.
    queue_position: Option<u64>,
    waits_for_room: bool,
    cancelled: bool,
    /// Products of a check that have changed since, up to 1000.
    changed_since: u64,
    #[serde(skip_serializing_if = "ImportOptions::is_default")]
    options: ImportOptions,
    /// Products missing in a full file, and those of them marked as out of stock.
    missing_products: u64,
    marked_products: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    over_limit: Option<OverLimit>,
    removed_products: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<String>,
    /// The last import that undid this one, or will.
    #[serde(skip_serializing_if = "Option::is_none")]
    undone_by: Option<String>,
    actions: Vec<Action>,
}

/// An available action, by the last path segment of its call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    Cancel,
    /// Import the file again, or after a check.
    Again,
    Retry,
    /// Correct and import rows that failed or have warnings.
    Correct,
    Columns,
    Failures,
    Changes,
    /// Restore the products' previous values.
    Undo,
    /// Continue despite an exceeded limit.
    Approve,
    Delete,
}

pub(super) struct Place {
    pub(super) position: Option<u64>,
    /// No import can start because the disk is full.
    pub(super) waits_for_room: bool,
    /// The running import waits for disk space.
    pub(super) stands_still: bool,
}

pub(super) struct Kept {
    pub(super) file: bool,
    pub(super) rows: bool,
    pub(super) changes: bool,
    /// The last import that undid this one, or will.
    pub(super) undone: Option<Undone>,
    /// Products of a check that have changed since.
    pub(super) changed_since: u64,
}

impl ImportBody {
    pub(super) fn new(import: MonitorImport, place: Place, kept: Kept) -> Self {
        let mut actions = Vec::new();
        if import.status.is_final() {
            if kept.file {
                actions.push(Action::Again);
                actions.push(Action::Columns);
            }
            if kept.rows && import.progress.failed_products > 0 {
                actions.push(Action::Failures);
                if import.mode == ImportMode::Import && import.undoes.is_none() {
                    actions.push(Action::Retry);
                }
            }
            let has_correctable = import.progress.failed_products > 0 || import.tally.warnings > 0;
            if kept.rows && has_correctable && import.header.is_some() && import.undoes.is_none() {
                actions.push(Action::Correct);
            }
            if kept.changes {
                actions.push(Action::Changes);
                let is_left = kept.undone.as_ref().is_none_or(|undone| undone.left > 0);
                if import.mode == ImportMode::Import && is_left {
                    actions.push(Action::Undo);
                }
            }
            actions.push(Action::Delete);
        } else {
            actions.push(Action::Cancel);
            if kept.changes {
                actions.push(Action::Changes);
            }
            match import.needs {
                Some(Question::Approval) => actions.extend([Action::Approve, Action::Delete]),
                Some(_) => actions.extend([Action::Columns, Action::Delete]),
                None => {}
            }
        }
        Self {
            mode: import.mode.as_str(),
            added_products: import.written.added,
            updated_products: import.written.updated,
            unchanged_products: import.written.unchanged,
            replaced_rows: import.written.replaced,
            passed_over_rows: import.tally.passed_over.total(),
            passed_over: import.tally.passed_over.clone(),
            rows_read: import.tally.rows_read,
            warnings: import.tally.warnings,
            queue_position: place.position,
            waits_for_room: place.stands_still || place.position.is_some() && place.waits_for_room,
            cancelled: import.is_cancelled(),
            changed_since: kept.changed_since,
            options: import.options,
            missing_products: import.missing.products,
            marked_products: import.missing.marked,
            over_limit: import.over_limit,
            removed_products: import.written.removed,
            undoes: import.undoes.as_ref().map(|undo| undo.import.clone()),
            undone_by: kept.undone.map(|undone| undone.by),
            actions,
            job: import.into(),
        }
    }
}

/// Holds the last product back until the end is committed, because complete counts end a job for subscribers, before
/// status and failed rows are known.
fn unfinished(progress: ImportProgress) -> ImportProgress {
    let ImportProgress {
        processed_products,
        failed_products,
        total_products,
    } = progress;
    if total_products == 0 || progress.done() < total_products {
        return progress;
    }
    let one = u64::from(processed_products > 0);
    ImportProgress {
        processed_products: processed_products - one,
        failed_products: failed_products.saturating_sub(1 - one),
        total_products,
    }
}

pub(super) fn event_name(id: &str) -> String {
    format!("{EVENT_PREFIX}{id}")
}

fn skus(failed: Vec<FailedRow>) -> Vec<String> {
    failed.into_iter().map(|row| row.sku).collect()
}

fn rfc3339(time: UnixMillis) -> String {
    let since_epoch = Duration::from_millis(u64::try_from(time).unwrap_or_default());
    let time = UNIX_EPOCH
        .checked_add(since_epoch)
        .unwrap_or(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {

    use serde_json::json;

    use super::*;

    fn import(status: ImportStatus, completed_at: Option<UnixMillis>) -> MonitorImport {
        MonitorImport {
            id: "1".to_owned(),
            filename: "a.csv".to_owned(),
            stored_as: "1.upload".to_owned(),
            status,
            error: None,
            progress: ImportProgress {
                processed_products: 1,
                failed_products: 1,
                total_products: 2,
            },
            position: 0,
            created_at: 0,
            updated_at: 0,
            completed_at,
            owner: None,
            mode: ImportMode::Import,
            problem: None,
            header: None,
            ..MonitorImport::default()
        }
    }

    #[test]
    fn an_event_says_no_more_than_is_known_and_does_not_end_a_job_by_its_counts() {
        let running = ProgressMessage::recorded(&import(ImportStatus::Pending, None), Vec::new());
        let expected = json!({
            "processedProducts": 0, "failedProducts": 1, "totalProducts": 2, "status": "PENDING",
        });
        assert_eq!(serde_json::to_value(running).unwrap(), expected);
    }

    #[test]
    fn the_final_event_names_the_failed_products_and_the_time() {
        let failed = FailedRow {
            row: 2,
            line: 3,
            sku: "A-2".to_owned(),
            reason: Reason::words("The price is missing."),
            column: None,
            value: None,
            cells: Vec::new(),
        };
        let over = ProgressMessage::recorded(
            &import(ImportStatus::PartialSuccess, Some(1_700_000_000_123)),
            vec![failed],
        );
        let expected = json!({
            "processedProducts": 1, "failedProducts": 1, "totalProducts": 2,
            "status": "PARTIAL_SUCCESS", "failedProductSkus": ["A-2"],
            "completedAt": "2023-11-14T22:13:20.123Z",
        });
        assert_eq!(serde_json::to_value(over).unwrap(), expected);
    }
}
