//! Reads the sheets of a workbook as one list: those with a known header row, or those named by the user. A
//! sheet without product names that follows one with them describes the same products (special prices, pictures), and
//! is left out.

use std::ops::ControlFlow;

use crate::{
    columns::Meaning,
    header::{self, Header},
    mapping::Mapping,
    reader::{FeedError, FeedRow, PassedOver, RawRow, Reading, Visitor, texts},
    understanding::Understanding,
    workbook::Sheets,
};

/// Reads sheets one after the other.
pub(crate) struct Lists<'a> {
    mapping: Option<&'a Mapping>,
    visitor: Numbered<'a>,
    reading: Reading<'a>,
    /// The most known columns of any row while the header row is sought.
    known: usize,
    has_rows: bool,
    /// Names of all visible sheets.
    names: Vec<String>,
    /// Unread sheets: the error, and their number of known columns.
    unknown: Vec<(FeedError, usize)>,
    lists: usize,
}

impl<'a> Lists<'a> {
    pub(crate) fn new(mapping: Option<&'a Mapping>, visitor: &'a mut dyn Visitor) -> Self {
        Self {
            mapping,
            visitor: Numbered {
                inner: visitor,
                before: 0,
                last: 0,
                sheet: String::new(),
                is_stopped: false,
                has_names: false,
                is_left_out: false,
                leaves_out: mapping.is_none_or(|mapping| mapping.sheets().is_empty()),
            },
            reading: Reading::new(mapping),
            known: 0,
            has_rows: false,
            names: Vec::new(),
            unknown: Vec::new(),
            lists: 0,
        }
    }

    /// Returns the result of the workbook.
    ///
    /// # Errors
    ///
    /// If no sheet, or not every named one, could be read.
    pub(crate) fn finish(mut self) -> Result<(), FeedError> {
        let named = self.mapping.map_or(0, |mapping| mapping.sheets().len());
        if self.lists > 0 && (named == 0 || self.unknown.is_empty()) {
            return Ok(());
        }
        if self.unknown.is_empty() {
            return Err(if named > 0 && !self.names.is_empty() {
                FeedError::UnknownSheet(self.names)
            } else {
                FeedError::Empty
            });
        }
        let best = self.unknown.iter().map(|(_, known)| *known).max();
        let mut of_best = (0..)
            .zip(&self.unknown)
            .filter(|(_, (_, known))| Some(*known) == best);
        let index = of_best.next().map_or(0, |(index, _)| index);
        // The user is asked if no sheet is clearly best.
        let is_told = named > 0 || of_best.next().is_none();
        if is_told {
            Err(self.unknown.swap_remove(index).0)
        } else {
            Err(FeedError::UnknownSheet(self.names))
        }
    }
}

impl Sheets for Lists<'_> {
    fn begin(&mut self, name: &str) -> bool {
        self.names.push(name.to_owned());
        name.clone_into(&mut self.visitor.sheet);
        self.visitor.before = self.visitor.last;
        self.visitor.is_left_out = false;
        self.known = 0;
        self.has_rows = false;
        let sheets = self.mapping.map(Mapping::sheets).unwrap_or_default();
        sheets.is_empty() || sheets.iter().any(|wanted| wanted == name)
    }

    fn row(&mut self, row: RawRow<'_>) -> ControlFlow<()> {
        if self.reading.is_seeking() {
            self.known = self.known.max(header::known_cells(&texts(row)));
        }
        self.has_rows = true;
        self.reading.take(row, &mut self.visitor)
    }

    fn end(&mut self) -> ControlFlow<()> {
        let reading = std::mem::replace(&mut self.reading, Reading::new(self.mapping));
        if self.has_rows {
            match reading.finish(&mut self.visitor) {
                Ok(()) if self.visitor.is_left_out => {
                    self.visitor.inner.sheet_left_out(&self.visitor.sheet);
                }
                Ok(()) => self.lists += 1,
                Err(FeedError::Empty) => {}
                Err(error) => {
                    self.visitor.inner.sheet_left_out(&self.visitor.sheet);
                    self.unknown.push((error, self.known));
                }
            }
        }
        if self.visitor.is_stopped {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Numbers rows across sheets, and adds the sheet's name.
struct Numbered<'a> {
    inner: &'a mut dyn Visitor,
    /// Number of the last row of the previous sheets.
    before: u64,
    last: u64,
    sheet: String,
    /// Whether the visitor stopped.
    is_stopped: bool,
    /// Whether an earlier sheet has names.
    has_names: bool,
    /// Whether this sheet has something else about the products of earlier ones, such as special prices.
    is_left_out: bool,
    /// Whether such sheets are left out.
    leaves_out: bool,
}

impl Numbered<'_> {
    fn number(&mut self, of_sheet: u64) -> u64 {
        self.last = self.before + of_sheet;
        self.last
    }

    fn note(&mut self, flow: ControlFlow<()>) -> ControlFlow<()> {
        self.is_stopped |= flow.is_break();
        flow
    }
}

impl Visitor for Numbered<'_> {
    fn header(&mut self, header: &Header) {
        let has_names = header.has(Meaning::Name);
        self.is_left_out = self.leaves_out && self.has_names && !has_names;
        self.has_names |= has_names;
        if !self.is_left_out {
            self.inner.header(header);
        }
    }

    fn understood(&mut self, understanding: &Understanding) {
        if self.is_left_out {
            return;
        }
        self.inner.understood(&Understanding {
            sheet: Some(self.sheet.clone()),
            ..understanding.clone()
        });
    }

    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        if self.is_left_out {
            return ControlFlow::Continue(());
        }
        let number = self.number(row.number);
        let flow = self.inner.row(FeedRow { number, ..row });
        self.note(flow)
    }

    fn passed_over(&mut self, row: PassedOver) -> ControlFlow<()> {
        if self.is_left_out {
            return ControlFlow::Continue(());
        }
        let number = self.number(row.number);
        let flow = self.inner.passed_over(PassedOver { number, ..row });
        self.note(flow)
    }
}
