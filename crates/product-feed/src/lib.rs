//! Product files, read row by row: bytes in, products and failed rows out.
//!
//! ```text
//! input ─► source (container, kind of file) ─► delimited | workbook | merchant (rows of cells)
//!                                                     │
//!                    header (which column is what) ◄──┴──► row (product, failure, or neither)
//! ```
//!
//! Everything is decided by what a file holds, never by what it is called. Nothing here knows of a
//! database, a job or a network, and nothing waits: a file is read on a thread of its own.

mod archive;
mod budget;
mod cell_format;
mod cells;
mod checks;
mod columns;
mod currency;
mod delimited;
mod dialect;
mod encoding;
mod excel_2003;
mod failed_rows;
mod first_rows;
mod foreign;
mod header;
mod html;
mod identity;
mod input;
mod legacy;
mod lines;
mod mapping;
mod merchant;
mod ods;
mod price;
mod quotes;
mod reader;
mod row;
mod sheets;
mod source;
mod suggest;
mod understanding;
mod workbook;
mod xls;
mod xlsx;
mod xml;

pub use checks::GtinError;
pub use columns::Meaning;
pub use failed_rows::FailedRowsFile;
pub use first_rows::{first_rows, first_rows_of};
pub use foreign::Foreign;
pub use header::{Header, HeaderError, Shape, UnknownShape};
pub use input::{Input, nameless};
pub use mapping::{Mapping, UnknownCurrency};
pub use price::{DecimalMark, UnknownDecimalMark};
pub use reader::{
    Counted, FeedError, FeedRow, Limits, PassedOver, PassedOverReason, Question, Visitor, check,
    check_mapping, count, guess, read, read_rows,
};
pub use row::{FeedProduct, RowError, RowFailure, RowWarning};
pub use suggest::suggest;
pub use understanding::Understanding;
