//! Batches of rows, prepared for writing.

use sea_orm::DatabaseBackend;

use super::{FailedRow, ImportMode};
use crate::{
    model::{
        clock::now,
        import_options::{ImportOptions, WrittenProducts},
    },
    server::store::{
        changes::ImportNumber,
        products::{DistinctRows, ProductRow, Upsert},
        row_notes::{RowNote, Tally},
    },
};

/// How batches are prepared.
#[derive(Clone, Copy, Debug)]
pub struct BatchKind {
    pub(super) mode: ImportMode,
    pub(super) backend: DatabaseBackend,
    pub(super) number: Option<ImportNumber>,
    pub(super) options: ImportOptions,
}

impl BatchKind {
    /// For SQLite.
    #[cfg(test)]
    pub(crate) fn sqlite(mode: ImportMode) -> Self {
        Self {
            mode,
            backend: DatabaseBackend::Sqlite,
            number: None,
            options: ImportOptions::default(),
        }
    }

    /// Applies the options of an import.
    #[must_use]
    pub fn with(self, options: ImportOptions) -> Self {
        Self { options, ..self }
    }

    /// The number of the change set, if changes are recorded.
    pub(in crate::server::store) fn number(self) -> Option<ImportNumber> {
        self.number
    }

    pub(in crate::server::store) fn options(self) -> ImportOptions {
        self.options
    }

    /// Prepares rows of distinct products.
    pub(in crate::server::store) fn upsert(self, rows: Vec<ProductRow>) -> Upsert {
        Upsert::of_fields(rows, self.backend, now(), self.number, self.options.fields)
    }
}

/// Prepared rows of one import, written in one transaction.
#[derive(Clone, Debug)]
pub struct ImportBatch {
    pub(super) kind: BatchKind,
    pub(super) products: u64,
    pub(super) upsert: Upsert,
    pub(super) checked: DistinctRows,
    /// Rows that the options may exclude.
    pub(super) in_question: Vec<ProductRow>,
    pub(super) failed: Vec<FailedRow>,
    pub(super) notes: Vec<RowNote>,
    pub(super) tally: Tally,
    pub(super) position: u64,
}

impl ImportBatch {
    /// Prepares rows. `position` is the number of rows of the file including these, `tally` their counts.
    #[must_use]
    pub fn new(
        kind: BatchKind,
        products: Vec<ProductRow>,
        failed: Vec<FailedRow>,
        notes: Vec<RowNote>,
        tally: Tally,
        position: u64,
    ) -> Self {
        let mut batch = Self {
            kind,
            products: products.len() as u64,
            upsert: Upsert::default(),
            checked: DistinctRows::default(),
            in_question: Vec::new(),
            failed,
            notes,
            tally,
            position,
        };
        let fields = kind.options.fields;
        match (kind.options.products, kind.mode) {
            (WrittenProducts::New | WrittenProducts::Existing, _) => batch.in_question = products,
            (WrittenProducts::All, ImportMode::Import) => batch.upsert = kind.upsert(products),
            (WrittenProducts::All, ImportMode::Check) => {
                batch.checked = DistinctRows::new(products, fields);
            }
        }
        batch
    }

    /// Returns the number of rows of the file including these.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns the number of products.
    #[must_use]
    pub fn products(&self) -> u64 {
        self.products
    }

    /// Returns the notes of its rows.
    #[must_use]
    pub fn notes(&self) -> &[RowNote] {
        &self.notes
    }

    /// Returns the counts since the first row.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(in crate::server::store) fn kind(&self) -> BatchKind {
        self.kind
    }

    /// Returns the products of a check, without possible exclusions.
    pub(in crate::server::store) fn checked(&self) -> &DistinctRows {
        &self.checked
    }

    /// Returns the rows that the options may exclude.
    pub(in crate::server::store) fn in_question(&self) -> &[ProductRow] {
        &self.in_question
    }

    /// Returns the number of failed rows.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.len() as u64
    }
}
