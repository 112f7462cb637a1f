//! Details of an import beyond its progress.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{changes::OverLimit, import_options::ImportOptions, imports_filter::ImportNote};

use crate::{
    i18n::messages::Params,
    model::{
        job::{JobId, Question},
        page::Page,
        reason::Reason,
    },
};

/// Details of an import, from the price monitor.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportExtras {
    /// `check` for a dry run.
    pub mode: String,
    /// New products.
    pub added_products: u64,
    /// Changed products.
    pub updated_products: u64,
    /// Unchanged products.
    pub unchanged_products: u64,
    /// Rows replaced by a later row of the file. With the three above these are the imported rows.
    pub replaced_rows: u64,
    /// Skipped rows.
    pub passed_over_rows: u64,
    /// Number of skipped rows by the code of the reason.
    pub passed_over: BTreeMap<String, u64>,
    /// Rows read so far: imported, failed and skipped.
    pub rows_read: u64,
    /// Values that were left out of imported rows.
    pub warnings: u64,
    /// Position in the queue, from 1.
    pub queue_position: Option<u64>,
    /// Whether it waits because the disk is full.
    pub waits_for_room: bool,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// The question that it failed with.
    pub problem: Option<Question>,
    /// The question to answer before it can continue.
    pub needs: Option<Question>,
    /// Products of a dry run that have changed since; at most 1,000.
    pub changed_since: u64,
    /// Which products and values it writes.
    pub options: ImportOptions,
    /// Products missing from a full file.
    pub missing_products: u64,
    /// Those of them that were marked as out of stock.
    pub marked_products: u64,
    /// The limit that it exceeds.
    pub over_limit: Option<OverLimit>,
    /// Removed products.
    pub removed_products: u64,
    /// ID of the import that it undoes.
    pub undoes: Option<String>,
    /// ID of the last import that undid or will undo it.
    pub undone_by: Option<String>,
    /// Actions that are possible now.
    pub actions: Vec<String>,
}

impl ImportExtras {
    /// Returns whether an action is possible now.
    #[must_use]
    pub fn offers(&self, action: &str) -> bool {
        self.actions.iter().any(|offered| offered == action)
    }

    /// Returns what its status does not say.
    #[must_use]
    pub fn note(&self) -> Option<ImportNote> {
        let undone = self.undone_by.as_ref().map(|_| ImportNote::Undone);
        self.needs.map(ImportNote::Asks).or(undone)
    }

    /// Returns whether it is a dry run.
    #[must_use]
    pub fn is_check(&self) -> bool {
        self.mode == "check"
    }
}

/// Kind of a listed row.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum RowKind {
    /// Rows that could not be imported.
    #[default]
    Failed,
    /// Imported rows with a value that was left out.
    Warning,
    /// Rows replaced by a later row for the same product.
    Replaced,
    /// Skipped rows: those that are not products, or that the import may not write.
    PassedOver,
    /// Products that are not in the file.
    Missing,
}

impl RowKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Failed,
        Self::Missing,
        Self::Warning,
        Self::Replaced,
        Self::PassedOver,
    ];

    /// Returns its name in URLs and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Warning => "warning",
            Self::Replaced => "replaced",
            Self::PassedOver => "passed-over",
            Self::Missing => "missing",
        }
    }
}

impl FromStr for RowKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or(())
    }
}

/// A row of a file and the reason it is listed.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema), schema(as = Row))]
pub struct ImportRow {
    /// Line of the file where the row starts, from 1.
    #[cfg_attr(feature = "ssr", schema(required = true))]
    pub line: u64,
    /// SKU of the product.
    #[cfg_attr(feature = "ssr", schema(required = true))]
    pub sku: String,
    /// Why the row failed or what was left out, as a sentence; for a skipped row, a word for the reason.
    #[cfg_attr(feature = "ssr", schema(required = true))]
    pub reason: String,
    /// Code of the reason; null for rows reported by an external price monitor or an earlier version.
    pub code: Option<String>,
    /// Parameters of the code.
    #[cfg_attr(feature = "ssr", schema(required = true, value_type = Object))]
    pub params: Params,
    /// Column that the reason is about.
    pub column: Option<String>,
    /// Value in that column.
    pub value: Option<String>,
    /// Line of the row that replaced it.
    pub by_line: Option<u64>,
}

impl ImportRow {
    /// Returns the reason.
    #[must_use]
    pub fn why(&self, kind: RowKind) -> Reason {
        let code = match kind {
            RowKind::PassedOver => Some(&self.reason),
            _ => self.code.as_ref(),
        };
        Reason::new(&*self.reason, code.cloned(), self.params.clone())
    }
}

/// A page of rows.
pub type ImportRows = Page<ImportRow>;

/// A column of a file whose rows can be corrected.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct RowColumn {
    /// Index in the cells of a row.
    pub index: usize,
    /// Name.
    pub name: String,
    /// Whether it is read.
    pub known: bool,
}

/// A row of a file, cell by cell.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct RowCells {
    /// Number of the row in the file, from 1.
    pub row: u64,
    /// Cells.
    pub cells: Vec<String>,
    /// Why it is listed.
    pub notes: Vec<ImportRow>,
}

/// A page of rows that can be corrected.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct RowsToCorrect {
    /// The columns of the file.
    pub columns: Vec<RowColumn>,
    /// The rows, in file order.
    pub items: Vec<RowCells>,
    /// The page's number, from 1.
    pub page: u64,
    /// Number of pages, at least 1.
    pub pages: u64,
    /// Number of rows on all pages.
    pub total: u64,
}

/// Cells by row number and column index.
pub type CorrectedCells = BTreeMap<u64, BTreeMap<usize, String>>;

/// The first rows of a file and how it is read.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FileColumns {
    /// Column names.
    pub header: Vec<String>,
    /// First rows.
    pub rows: Vec<Vec<String>>,
    /// Meaning of each column.
    pub columns: Vec<Option<String>>,
    /// Decimal mark of prices: `comma` or `point`.
    pub decimal_mark: Option<String>,
    /// Currency of prices without one.
    pub currency: Option<String>,
    /// Sheets to read.
    pub sheets: Vec<String>,
    /// All sheets, if sheets have to be chosen.
    pub all_sheets: Vec<String>,
    /// The question to answer.
    pub needs: Option<Question>,
}

/// How to read a file. What is empty is detected.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FileMapping {
    /// Meaning of each column; empty for ignored ones.
    pub columns: Vec<String>,
    /// Decimal mark of prices: `comma` or `point`.
    pub decimal_mark: String,
    /// Currency of prices without one.
    pub currency: String,
    /// Sheets to read.
    pub sheets: Vec<String>,
}

impl FileMapping {
    /// Returns whether everything is detected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A row as it would be imported.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct PreviewRow {
    /// Line of the file where the row starts.
    pub line: u64,
    /// SKU.
    pub sku: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Price.
    pub price: Option<String>,
    /// Why it would fail, in English.
    pub error: Option<String>,
    /// Code of the reason.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Parameters of the code.
    #[serde(rename = "errorParams", skip_serializing_if = "Params::is_empty")]
    pub error_params: Params,
}

impl PreviewRow {
    /// Returns why it would fail.
    #[must_use]
    pub fn why(&self) -> Option<Reason> {
        let (code, params) = (self.error_code.clone(), self.error_params.clone());
        Some(Reason::new(self.error.as_deref()?, code, params))
    }
}

/// Returns the name of a cell's form field.
#[must_use]
pub fn cell_name(row: u64, column: usize) -> String {
    format!("cells[r{row}][c{column}]")
}

/// Reads cells from the fields of a form.
#[must_use]
pub fn named_cells(cells: BTreeMap<String, BTreeMap<String, String>>) -> Option<CorrectedCells> {
    let rows = cells.into_iter().map(|(row, cells)| {
        let row = row.strip_prefix('r')?.parse().ok()?;
        let cells = cells.into_iter().map(|(column, text)| {
            let column = column.strip_prefix('c')?.parse().ok()?;
            Some((column, text))
        });
        Some((row, cells.collect::<Option<_>>()?))
    });
    rows.collect()
}

/// Returns the path of the page on which rows of an import are corrected.
#[must_use]
pub fn correct_path(job: &JobId, kind: RowKind) -> String {
    format!("/imports/{job}/correct?rows={}", kind.as_str())
}

/// Returns the path of an import's failed rows as a file.
#[must_use]
pub fn failed_rows_path(job: &JobId) -> String {
    format!("/imports/{job}/failed-rows.csv")
}

/// Returns the path of an import's rows of a kind as a file.
#[must_use]
pub fn rows_path(job: &JobId, kind: RowKind) -> String {
    match kind {
        RowKind::Failed => failed_rows_path(job),
        _ => format!("/imports/{job}/rows.csv?kind={}", kind.as_str()),
    }
}
