//! Reads product files row by row: bytes in, products and failed rows out.
//!
//! ```text
//! input ─► source (container) ─► formats (rows of cells)
//!                                    │
//!         header (column mapping) ◄──┴──► row (product, failure, or skipped)
//! ```
//!
//! The format is detected from the content, never from the file name. The crate is pure: it knows no
//! database, job or network, and reads synchronously, so call it on a thread of its own.
//!
//! # Example
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use product_feed::{FeedError, FeedRow, Input, Limits, Visitor, read};
//!
//! #[derive(Default)]
//! struct Skus(Vec<String>);
//!
//! impl Visitor for Skus {
//!     fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
//!         self.0.extend(row.outcome.ok().and_then(|product| product.sku));
//!         ControlFlow::Continue(())
//!     }
//! }
//!
//! # fn main() -> Result<(), FeedError> {
//! let file = Input::from("sku;price\nA-1;1,99\n".as_bytes());
//! let limits = Limits { max_unpacked: 1 << 30 };
//! let mut skus = Skus::default();
//! read(file, &limits, None, &mut skus)?;
//! assert_eq!(skus.0, ["A-1"]);
//! # Ok(())
//! # }
//! ```

mod archive;
mod budget;
mod cell_format;
mod cells;
mod checks;
mod code_pages;
mod columns;
mod currency;
mod dialect;
mod encoding;
mod entities;
mod failed_rows;
mod first_rows;
mod foreign;
mod formats;
mod grouped;
mod header;
mod identity;
mod input;
mod legacy;
mod lines;
mod mapping;
mod named;
mod parameter;
mod price;
mod quotes;
mod reader;
mod row;
mod sheets;
mod source;
mod suggest;
mod understanding;
mod workbook;
mod xml;

pub use checks::GtinError;
pub use columns::Meaning;
pub use failed_rows::{FailedRowsFile, is_ours};
pub use first_rows::{first_rows, first_rows_of};
pub use foreign::Foreign;
pub use formats::ACCEPT;
pub use header::{Header, HeaderError, Shape, UnknownShape};
pub use input::{Input, nameless};
pub use mapping::{Mapping, UnknownCurrency};
pub use parameter::Parameter;
pub use price::{DecimalMark, UnknownDecimalMark};
pub use reader::{
    Counted, FeedError, FeedRow, Limits, PassedOver, Question, Visitor, check, check_mapping,
    count, guess, read, read_rows,
};
pub use row::{FeedProduct, PassedOverReason, RowError, RowFailure, RowWarning};
pub use suggest::suggest;
pub use understanding::Understanding;
