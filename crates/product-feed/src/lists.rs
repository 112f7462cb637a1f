//! Reads the rows of a file without sheets, by its format.

use std::ops::ControlFlow;

use crate::{
    delimited, merchant,
    reader::{FeedError, RawRow},
    source::{Kind, List, Source},
};

/// Reads rows until `visit` breaks.
///
/// # Errors
///
/// If the file is unreadable or damaged.
pub(crate) fn walk(
    parts: &[Source],
    visit: &mut dyn FnMut(RawRow<'_>) -> ControlFlow<()>,
) -> Result<(), FeedError> {
    // Only text comes in several parts.
    let [source] = parts else {
        return delimited::walk(parts, visit);
    };
    match source.kind {
        Kind::List(List::Xml) => merchant::walk(source, visit),
        // The sheets of workbooks are read by `workbook::walk`.
        Kind::List(List::Delimited) | Kind::Workbook(_) => delimited::walk(parts, visit),
    }
}
