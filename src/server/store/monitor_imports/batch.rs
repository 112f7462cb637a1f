//! Batches of rows, made ready to be written.

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

/// What batches are made ready for.
#[derive(Clone, Copy, Debug)]
pub struct BatchKind {
    pub(super) mode: ImportMode,
    pub(super) backend: DatabaseBackend,
    pub(super) number: Option<ImportNumber>,
    pub(super) options: ImportOptions,
}

impl BatchKind {
    /// For an SQLite database.
    #[cfg(test)]
    pub(crate) fn sqlite(mode: ImportMode) -> Self {
        Self {
            mode,
            backend: DatabaseBackend::Sqlite,
            number: None,
            options: ImportOptions::default(),
        }
    }

    /// As the options of an import say.
    #[must_use]
    pub fn with(self, options: ImportOptions) -> Self {
        Self { options, ..self }
    }

    /// Returns which products and values are written.
    pub(in crate::server::store) fn options(self) -> ImportOptions {
        self.options
    }

    /// Makes rows of different products ready.
    pub(in crate::server::store) fn upsert(self, rows: Vec<ProductRow>) -> Upsert {
        Upsert::of_fields(rows, self.backend, now(), self.number, self.options.fields)
    }
}

/// Rows of one import that are written together or not at all, made ready for that.
#[derive(Clone, Debug)]
pub struct ImportBatch {
    pub(super) kind: BatchKind,
    pub(super) products: u64,
    pub(super) upsert: Upsert,
    pub(super) checked: DistinctRows,
    /// Rows of which some may have to be left alone.
    pub(super) in_question: Vec<ProductRow>,
    pub(super) failed: Vec<FailedRow>,
    pub(super) notes: Vec<RowNote>,
    pub(super) tally: Tally,
    pub(super) position: u64,
}

impl ImportBatch {
    /// Makes rows ready. `position` is how many rows of the file are through once these are, and `tally`
    /// what was counted of all of them.
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

    /// Returns how many rows of the file are through once these are.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns how many products there are.
    #[must_use]
    pub fn products(&self) -> u64 {
        self.products
    }

    /// Returns the notes on its rows.
    #[must_use]
    pub fn notes(&self) -> &[RowNote] {
        &self.notes
    }

    /// Returns what was counted of the rows from the file's first one on.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Returns how it is written.
    pub(in crate::server::store) fn kind(&self) -> BatchKind {
        self.kind
    }

    /// Returns the products of a check, none of which is to be left alone.
    pub(in crate::server::store) fn checked(&self) -> &DistinctRows {
        &self.checked
    }

    /// Returns rows of which some may have to be left alone.
    pub(in crate::server::store) fn in_question(&self) -> &[ProductRow] {
        &self.in_question
    }

    /// Returns how many rows failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.len() as u64
    }
}
