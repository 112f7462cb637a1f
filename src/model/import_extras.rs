//! What a price monitor may say and do of an import beyond its progress.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{changes::OverLimit, import_options::ImportOptions};

use crate::{
    i18n::messages::Params,
    model::{
        job::{JobId, Question},
        page::Page,
        reason::Reason,
    },
};

/// What a price monitor says of an import beyond its progress.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportExtras {
    /// `check` for one that writes no products.
    pub mode: String,
    /// Products that were not there before.
    pub added_products: u64,
    /// Products that are not as before.
    pub updated_products: u64,
    /// Products that are as before.
    pub unchanged_products: u64,
    /// Rows that a later row of the file replaced: with the three above, the imported ones.
    pub replaced_rows: u64,
    /// Rows that are no product.
    pub passed_over_rows: u64,
    /// How many of these there are, by the code of the reason.
    pub passed_over: BTreeMap<String, u64>,
    /// Rows of the file so far: imported, failed, and passed over.
    pub rows_read: u64,
    /// Values that were left out of rows that are in.
    pub warnings: u64,
    /// How many imports go first, with this one, while it waits.
    pub queue_position: Option<u64>,
    /// Whether it waits because the disk is full.
    pub waits_for_room: bool,
    /// Whether it ended because somebody cancelled it.
    pub cancelled: bool,
    /// What it asked for in vain.
    pub problem: Option<Question>,
    /// What has to be said for it to go on.
    pub needs: Option<Question>,
    /// Products that a check is about and that have changed since: a thousand at most.
    pub changed_since: u64,
    /// Which products and values it writes.
    pub options: ImportOptions,
    /// Products that its file lacks, where it is to hold all.
    pub missing_products: u64,
    /// Those of them that were marked as out of stock.
    pub marked_products: u64,
    /// The limit that it goes over.
    pub over_limit: Option<OverLimit>,
    /// Products that are there no more.
    pub removed_products: u64,
    /// The import that it takes back.
    pub undoes: Option<String>,
    /// The last import that took it back, or is about to.
    pub undone_by: Option<String>,
    /// What can be done with it now.
    pub actions: Vec<String>,
}

impl ImportExtras {
    /// Returns whether something can be done with the import now.
    #[must_use]
    pub fn offers(&self, action: &str) -> bool {
        self.actions.iter().any(|offered| offered == action)
    }

    /// Returns whether no product is written.
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

    /// Returns the word for it in addresses and on the wire.
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
    /// Returns the reason, to be said in a language.
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
    /// Its place in the cells of a row.
    pub index: usize,
    /// What it is called.
    pub name: String,
    /// Whether something is read from it.
    pub known: bool,
}

/// A row of a file, cell by cell.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct RowCells {
    /// Which row of the file it is, from 1.
    pub row: u64,
    /// What it holds.
    pub cells: Vec<String>,
    /// What is said of it.
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

/// Cells of rows, by the rows' numbers and the columns' places.
pub type CorrectedCells = BTreeMap<u64, BTreeMap<usize, String>>;

/// The first rows of a file, what its columns are taken for, and what else can be said of it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FileColumns {
    /// What the columns are called.
    pub header: Vec<String>,
    /// What the first rows hold.
    pub rows: Vec<Vec<String>>,
    /// What each column is taken for.
    pub columns: Vec<Option<String>>,
    /// What is said to be before the decimals of prices: `comma` or `point`.
    pub decimal_mark: Option<String>,
    /// The currency that prices are said to be in.
    pub currency: Option<String>,
    /// The sheets that are to be read.
    pub sheets: Vec<String>,
    /// Those that there are, where one has to be chosen.
    pub all_sheets: Vec<String>,
    /// What has to be said.
    pub needs: Option<Question>,
}

/// What somebody says of a file. What is empty is told from the file.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SaidOfFile {
    /// A word for each column; none for one that does not matter.
    pub columns: Vec<String>,
    /// What is before the decimals of prices: `comma` or `point`.
    pub decimal_mark: String,
    /// The currency of prices that do not tell it.
    pub currency: String,
    /// The sheets that are to be read.
    pub sheets: Vec<String>,
}

impl SaidOfFile {
    /// Returns whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a row is when its file's columns hold what somebody says.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct PreviewRow {
    /// The line of the file on which the row begins.
    pub line: u64,
    /// What the product is known by.
    pub sku: Option<String>,
    /// What it is called.
    pub name: Option<String>,
    /// What it costs.
    pub price: Option<String>,
    /// Why it would fail.
    pub error: Option<String>,
    /// The same as a code.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The values in it.
    #[serde(rename = "errorParams", skip_serializing_if = "Params::is_empty")]
    pub error_params: Params,
}

impl PreviewRow {
    /// Returns why it would fail, to be said in a language.
    #[must_use]
    pub fn why(&self) -> Option<Reason> {
        let (code, params) = (self.error_code.clone(), self.error_params.clone());
        Some(Reason::new(self.error.as_deref()?, code, params))
    }
}

/// Returns what a form calls a cell.
#[must_use]
pub fn cell_name(row: u64, column: usize) -> String {
    format!("cells[r{row}][c{column}]")
}

/// Reads cells by what a form calls their rows and columns.
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
