//! Products of rows, and what becomes of several rows of one product.

use super::{FieldMask, NewProduct};
use crate::model::{import_options::ChosenFields, job::UnixMillis};

/// A product of a row.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProductRow {
    /// The product.
    pub product: NewProduct,
    /// Which values the row sets.
    pub mask: FieldMask,
    /// Whether an earlier row has its identity.
    pub is_repeat: bool,
    /// Row number, from 1.
    pub row: u64,
    /// First line of the row.
    pub line: u64,
    /// Creation time of a restored product.
    pub created_at: Option<UnixMillis>,
}

impl ProductRow {
    /// Merges a later row of the same product: the result is the same as writing one after the other. Values that are
    /// not overwritten come from the first row if the product is new.
    fn replace(&mut self, later: Self, only: ChosenFields) {
        let (old, mask) = (std::mem::take(&mut self.product), self.mask);
        let mut new = later.product;
        new.keep_unset(old, mask, later.mask, only);
        self.product = new;
        self.row = later.row;
        self.line = later.line;
        self.mask = mask.or(later.mask);
    }
}

/// Rows of distinct products, ordered by identity.
#[derive(Clone, Debug, Default)]
pub(in crate::server::store) struct DistinctRows {
    pub(in crate::server::store) rows: Vec<ProductRow>,
    /// Rows merged into others.
    pub(in crate::server::store) replaced: u64,
}

impl DistinctRows {
    pub(in crate::server::store) fn new(mut rows: Vec<ProductRow>, only: ChosenFields) -> Self {
        let all = rows.len();
        // A stable sort keeps rows of one product in file order.
        rows.sort_by(|one, two| one.product.identity.cmp(&two.product.identity));
        let mut distinct: Vec<ProductRow> = Vec::with_capacity(all);
        for row in rows {
            match distinct.last_mut() {
                Some(last) if last.product.identity == row.product.identity => {
                    last.replace(row, only)
                }
                _ => distinct.push(row),
            }
        }
        Self {
            replaced: (all - distinct.len()) as u64,
            rows: distinct,
        }
    }
}
