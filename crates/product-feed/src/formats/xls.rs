//! Reads `.xls` workbooks (MS-XLS in a compound file, MS-CFB).
//!
//! `calamine` holds each sheet as a rectangle of the declared size, so the size is checked first: a few bytes
//! can declare billions of cells.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
    ops::ControlFlow,
};

use calamine::{Data, Reader, SheetVisible, Xls};

use crate::{
    cell_format::Format,
    reader::FeedError,
    source::Source,
    workbook::{MAX_SHEETS, MAX_STYLES, Row, Sheets},
};

/// Maximum bytes of a file, which is held three times.
const MAX_FILE: usize = 12 << 20;

/// Maximum bytes of all rectangles and cell contents.
const MAX_CELLS: u64 = 24 << 20;

/// Bytes of a cell besides its text, and its format.
const CELL: u64 = (size_of::<Data>() + size_of::<(u32, u16)>()) as u64;

/// Reads the visible sheets.
///
/// # Errors
///
/// If the file is unreadable, damaged, protected or too large.
pub(crate) fn walk(source: &Source, sheets: &mut dyn Sheets) -> Result<(), FeedError> {
    let mut bytes = Vec::new();
    source
        .whole()?
        .take(MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(FeedError::from_read)?;
    if bytes.len() > MAX_FILE {
        return Err(FeedError::LargeWorkbook);
    }
    let stream = compound_file::workbook(&bytes).ok_or(FeedError::BrokenWorkbook)?;
    if cells(&stream)
        .saturating_mul(CELL)
        .saturating_add(texts(&stream))
        > MAX_CELLS
    {
        return Err(FeedError::LargeWorkbook);
    }
    let formats = Formats::read(&stream);
    drop(stream);
    let mut book = Xls::new(Cursor::new(bytes)).map_err(|_| FeedError::BrokenWorkbook)?;
    let visible = book
        .sheets_metadata()
        .iter()
        .enumerate()
        .filter(|(_, sheet)| sheet.visible == SheetVisible::Visible)
        .take(MAX_SHEETS)
        .map(|(index, sheet)| (index, sheet.name.clone()));
    let mut row = Row::new(source.limit);
    for (index, name) in visible.collect::<Vec<_>>() {
        // Charts have no cells.
        if sheets.begin(&name)
            && let Ok(range) = book.worksheet_range(&name)
        {
            let merged = book.merge_cells_by_sheet_name(&name).unwrap_or_default();
            let merged = merged.iter().map(|cells| (cells.start, cells.end.0));
            let merged = merged.filter(|(first, last)| *last > first.0).collect();
            walk_sheet(&range, merged, formats.of_sheet(index), &mut row, sheets)?;
        }
        if sheets.end().is_break() {
            break;
        }
    }
    Ok(())
}

fn walk_sheet(
    range: &calamine::Range<Data>,
    merged: HashMap<(u32, u32), u32>,
    formats: SheetFormats<'_>,
    row: &mut Row,
    sheets: &mut dyn Sheets,
) -> Result<(), FeedError> {
    row.begin_sheet(merged);
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut text = String::new();
    for (at, cells) in (first_row..).zip(range.rows()) {
        if row.go_to(at, sheets)?.is_break() {
            return Ok(());
        }
        for (column, cell) in (first_column..).zip(cells) {
            text.clear();
            match (number(cell), formats.of(at, column)) {
                (Some(number), Some(format)) => {
                    format.show(number, formats.all.from_1904, &mut text);
                }
                _ => push(&mut text, cell),
            }
            row.put(column, &text)?;
            if matches!(cell, Data::Float(_)) {
                row.note_number();
            }
        }
    }
    let _: ControlFlow<()> = row.go_to(u32::MAX, sheets)?;
    Ok(())
}

fn number(cell: &Data) -> Option<f64> {
    match cell {
        Data::Float(value) => Some(*value),
        Data::Int(value) => Some(*value as f64),
        Data::DateTime(value) => Some(value.as_f64()),
        _ => None,
    }
}

/// Number formats of cells, which `calamine` does not return.
#[derive(Default)]
struct Formats {
    from_1904: bool,
    /// Indexed by style.
    styles: Vec<Format>,
    /// Style of each formatted number, by position, sorted; one list per sheet.
    sheets: Vec<Vec<(u32, u16)>>,
}

#[derive(Clone, Copy)]
struct SheetFormats<'a> {
    all: &'a Formats,
    cells: &'a [(u32, u16)],
}

impl Formats {
    /// Reads the formats of a workbook stream. Versions before Excel 97 have none.
    fn read(stream: &[u8]) -> Self {
        let mut formats = Self::default();
        let mut codes = HashMap::<u16, Format>::new();
        let mut starts = Vec::new();
        for (kind, data) in records(stream) {
            match kind {
                // BOF, starting with the version
                0x0809 if data.get(..2) != Some(&[0, 6]) => return Self::default(),
                // DATEMODE
                0x0022 => formats.from_1904 = data.first() == Some(&1),
                // FORMAT
                0x041E if codes.len() < MAX_STYLES => {
                    if let (Some(number), Some(code)) = (short(data, 0), long_text(data, 2)) {
                        codes.insert(number, Format::of_code(&code));
                    }
                }
                // XF
                0x00E0 if formats.styles.len() < MAX_STYLES => {
                    let number = short(data, 2).unwrap_or_default();
                    let format = codes.get(&number).cloned();
                    let format = format.unwrap_or_else(|| Format::built_in(number.into()));
                    formats.styles.push(format);
                }
                // BOUNDSHEET
                0x0085 if starts.len() < MAX_SHEETS => {
                    let start = data.first_chunk().map(|start| u32::from_le_bytes(*start));
                    starts.push(start.and_then(|start| usize::try_from(start).ok()));
                }
                // EOF
                0x000A => break,
                _ => {}
            }
        }
        let sheets = starts.into_iter().map(|start| {
            let sheet = start.and_then(|start| stream.get(start..));
            sheet.map_or_else(Vec::new, |sheet| formats.cells(sheet))
        });
        formats.sheets = sheets.collect();
        formats
    }

    fn cells(&self, sheet: &[u8]) -> Vec<(u32, u16)> {
        let mut cells = Vec::new();
        let mut note = |row: Option<u16>, column: Option<u16>, style: Option<u16>| {
            if let (Some(row), Some(column), Some(style)) = (row, column, style)
                && let Some(format) = self.styles.get(usize::from(style))
                && *format != Format::General
            {
                cells.push((place(row.into(), column.into()), style));
            }
        };
        // Charts can be nested in a sheet.
        let mut depth = 0_usize;
        for (kind, data) in records(sheet) {
            match kind {
                0x0809 => depth += 1,
                0x000A if depth <= 1 => break,
                0x000A => depth -= 1,
                // NUMBER, RK, FORMULA
                0x0203 | 0x027E | 0x0006 => note(short(data, 0), short(data, 2), short(data, 4)),
                // MULRK: styles and numbers of adjacent cells, then the last column
                0x00BD => {
                    let row = short(data, 0);
                    let first = short(data, 2).unwrap_or_default();
                    let count = data.len().saturating_sub(6) / 6;
                    for (index, column) in (0..count).zip(first..) {
                        note(row, Some(column), short(data, 4 + 6 * index));
                    }
                }
                _ => {}
            }
        }
        cells.sort_unstable();
        cells.shrink_to_fit();
        cells
    }

    fn of_sheet(&self, index: usize) -> SheetFormats<'_> {
        SheetFormats {
            all: self,
            cells: self.sheets.get(index).map_or(&[], Vec::as_slice),
        }
    }
}

impl<'a> SheetFormats<'a> {
    fn of(self, row: u32, column: u32) -> Option<&'a Format> {
        let place = place(row, column);
        let found = self.cells.binary_search_by_key(&place, |(place, _)| *place);
        let (_, style) = self.cells.get(found.ok()?)?;
        self.all.styles.get(usize::from(*style))
    }
}

/// Encodes row and column, two bytes each.
fn place(row: u32, column: u32) -> u32 {
    row << 16 | column
}

fn short(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

/// Reads a string with a two-byte length (MS-XLS, 2.5.294).
fn long_text(data: &[u8], at: usize) -> Option<String> {
    let length = usize::from(short(data, at)?);
    let characters = data.get(at + 3..)?;
    if data.get(at + 2)? & 1 == 0 {
        let bytes = characters.get(..length)?;
        return Some(bytes.iter().copied().map(char::from).collect());
    }
    let pairs = characters.get(..2 * length)?.as_chunks::<2>().0;
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    Some(String::from_utf16_lossy(&units))
}

/// Writes a cell as text, without its number format.
fn push(text: &mut String, cell: &Data) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = match cell {
        Data::Empty => Ok(()),
        Data::String(value) | Data::DateTimeIso(value) | Data::DurationIso(value) => {
            text.write_str(value)
        }
        Data::Int(value) => write!(text, "{value}"),
        Data::Float(value) => {
            Format::General.show(*value, false, text);
            Ok(())
        }
        Data::Bool(value) => text.write_str(if *value { "TRUE" } else { "FALSE" }),
        Data::DateTime(value) => {
            let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
            let time = format!("{hour:02}:{minute:02}:{second:02}");
            match value.as_f64() {
                number if value.is_duration() || number < 1.0 => text.write_str(&time),
                number if number.fract() == 0.0 => write!(text, "{year:04}-{month:02}-{day:02}"),
                _ => write!(text, "{year:04}-{month:02}-{day:02} {time}"),
            }
        }
        Data::Error(error) => write!(text, "{error}"),
    };
}

/// Counts the cells of all rectangles, by declaration and by position.
fn cells(stream: &[u8]) -> u64 {
    let mut all = 0_u64;
    let mut sheet = Rectangle::default();
    for (kind, data) in records(stream) {
        match kind {
            // BOF of any version starts a sheet.
            0x0009 | 0x0209 | 0x0409 | 0x0809 => {
                all = all.saturating_add(std::mem::take(&mut sheet).cells());
            }
            // DIMENSIONS
            0x0200 | 0x0000 => sheet.said = sheet.said.max(said(data)),
            // MULRK and MULBLANK: first column, and last column at the end.
            0x00BD | 0x00BE => {
                sheet.hold(data, 0);
                sheet.hold(data, data.len().saturating_sub(4));
            }
            // FORMULA, BLANK, NUMBER, LABEL, BOOLERR, RSTRING, LABELSST, RK and older variants
            0x0001..=0x0006 | 0x0201..=0x0206 | 0x00D6 | 0x00FD | 0x027E | 0x0406 => {
                sheet.hold(data, 0);
            }
            // SST: number of strings, of at least three bytes each.
            0x00FC => {
                let texts = data.get(4..8).and_then(|bytes| bytes.try_into().ok());
                let texts = texts.map_or(0, u32::from_le_bytes);
                if u64::from(texts) > stream.len() as u64 / 3 {
                    return u64::MAX;
                }
            }
            _ => {}
        }
    }
    all.saturating_add(sheet.cells())
}

/// Counts the bytes of shared strings per use, because `calamine` copies them.
fn texts(stream: &[u8]) -> u64 {
    let mut lengths = Vec::new();
    let mut all = 0_u64;
    let mut parts = Vec::new();
    for (kind, data) in records(stream) {
        match kind {
            // SST and its continuations
            0x00FC => parts = vec![data],
            0x003C if !parts.is_empty() => parts.push(data),
            // LABELSST
            0x00FD => {
                if !parts.is_empty() {
                    lengths = shared_lengths(&std::mem::take(&mut parts));
                }
                let index = data.get(6..10).and_then(|bytes| bytes.try_into().ok());
                let index = index.and_then(|bytes| usize::try_from(u32::from_le_bytes(bytes)).ok());
                let length = index.and_then(|index| lengths.get(index));
                all = all.saturating_add(length.map_or(0, |length| u64::from(*length)));
            }
            _ if !parts.is_empty() => lengths = shared_lengths(&std::mem::take(&mut parts)),
            _ => {}
        }
    }
    all
}

/// Iterates over the records of a stream.
fn records(mut stream: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (header, rest) = stream.split_first_chunk::<4>()?;
        let kind = u16::from_le_bytes([header[0], header[1]]);
        let length = usize::from(u16::from_le_bytes([header[2], header[3]]));
        let data = rest.get(..length).unwrap_or(rest);
        stream = rest.get(length..).unwrap_or_default();
        Some((kind, data))
    })
}

/// Returns the maximum UTF-8 length of each shared string. `parts` are the table and its continuations; a
/// string that continues repeats its flags.
fn shared_lengths(parts: &[&[u8]]) -> Vec<u32> {
    let mut lengths = Vec::new();
    let mut parts = parts.iter();
    let mut rest = parts
        .next()
        .and_then(|first| first.get(8..))
        .unwrap_or_default();
    loop {
        if rest.is_empty() {
            match parts.next() {
                Some(next) => rest = next,
                None => return lengths,
            }
        }
        let Some((head, behind)) = rest.split_first_chunk::<3>() else {
            return lengths;
        };
        let count = u16::from_le_bytes([head[0], head[1]]);
        let mut skipped = 0_usize;
        rest = behind;
        if head[2] & 8 != 0 {
            let runs = rest
                .get(..2)
                .map_or(0, |runs| u16::from_le_bytes([runs[0], runs[1]]));
            skipped += 4 * usize::from(runs);
            rest = rest.get(2..).unwrap_or_default();
        }
        if head[2] & 4 != 0 {
            let more = rest.get(..4).and_then(|more| more.try_into().ok());
            let more = more.map_or(0, u32::from_le_bytes);
            skipped = skipped.saturating_add(usize::try_from(more).unwrap_or(usize::MAX));
            rest = rest.get(4..).unwrap_or_default();
        }
        lengths.push(3 * u32::from(count));
        let mut left = usize::from(count);
        let mut width = 1 + usize::from(head[2] & 1);
        loop {
            let here = left.min(rest.len() / width);
            left -= here;
            rest = rest.get(here * width..).unwrap_or_default();
            if left == 0 {
                break;
            }
            let Some((flags, next)) = parts.next().and_then(|next| next.split_first()) else {
                return lengths;
            };
            width = 1 + usize::from(flags & 1);
            rest = next;
        }
        while skipped > rest.len() {
            skipped -= rest.len();
            match parts.next() {
                Some(next) => rest = next,
                None => return lengths,
            }
        }
        rest = rest.get(skipped..).unwrap_or_default();
    }
}

/// Returns the cells declared by a DIMENSIONS record.
fn said(data: &[u8]) -> u64 {
    let long = |at: usize| {
        let bytes = data.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        u64::from(bytes.map_or(0, u32::from_le_bytes))
    };
    let short = |at: usize| {
        let bytes = data.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
        u64::from(bytes.map_or(0, u16::from_le_bytes))
    };
    let (rows, columns) = match data.len() {
        10 => (
            short(2).saturating_sub(short(0)),
            short(6).saturating_sub(short(4)),
        ),
        _ => (
            long(4).saturating_sub(long(0)),
            short(10).saturating_sub(short(8)),
        ),
    };
    // Some programs declare an empty sheet with its end before its start.
    (rows + 1).saturating_mul(columns + 1)
}

/// The extent of a sheet's cells.
#[derive(Default)]
struct Rectangle {
    corners: Option<[u64; 4]>,
    /// The declared number of cells.
    said: u64,
}

impl Rectangle {
    /// Extends the area by a cell: row at the start of the record, column two bytes behind `at`.
    fn hold(&mut self, data: &[u8], at: usize) {
        let (Some(row), Some(column)) = (data.get(..2), data.get(at + 2..at + 4)) else {
            return;
        };
        let row = u64::from(u16::from_le_bytes([row[0], row[1]]));
        let column = u64::from(u16::from_le_bytes([column[0], column[1]]));
        let [top, left, bottom, right] = self.corners.unwrap_or([row, column, row, column]);
        self.corners = Some([
            top.min(row),
            left.min(column),
            bottom.max(row),
            right.max(column),
        ]);
    }

    fn cells(self) -> u64 {
        let there = self.corners.map_or(0, |[top, left, bottom, right]| {
            (bottom - top + 1) * (right - left + 1)
        });
        there.max(self.said)
    }
}

/// Reads streams of a compound file (MS-CFB).
mod compound_file {
    /// Special sector numbers.
    const NO_SECTOR: u32 = 0xFFFF_FFFA;

    /// Returns the workbook stream.
    pub(crate) fn workbook(file: &[u8]) -> Option<Vec<u8>> {
        let file = File::open(file)?;
        let directory = file.chain(file.directory, u64::MAX)?;
        let entry = |names: &[&str]| {
            directory
                .as_chunks::<128>()
                .0
                .iter()
                .map(Entry)
                .find(|entry| names.iter().any(|name| entry.is_called(name)))
        };
        let book = entry(&["Workbook"]).or_else(|| entry(&["Book"]))?;
        if book.size() >= u64::from(file.cutoff) {
            return file.chain(book.start(), book.size());
        }
        // Small streams are in the root's mini stream.
        let root = Entry(directory.first_chunk::<128>()?);
        let container = file.chain(root.start(), root.size())?;
        let small = file.chain(file.small_table, u64::MAX)?;
        let mut sectors = Chain::new(&small, book.start());
        let mut stream = Vec::new();
        for sector in &mut sectors {
            let start = usize::try_from(sector).ok()?.checked_mul(64)?;
            stream.extend_from_slice(container.get(start..container.len().min(start + 64))?);
            if stream.len() as u64 >= book.size() {
                break;
            }
        }
        stream.truncate(usize::try_from(book.size()).ok()?);
        Some(stream)
    }

    struct File<'a> {
        bytes: &'a [u8],
        sector: usize,
        directory: u32,
        cutoff: u32,
        small_table: u32,
        /// The allocation table: the next sector of each.
        table: Vec<u8>,
    }

    impl<'a> File<'a> {
        fn open(bytes: &'a [u8]) -> Option<Self> {
            let shift = u16::from_le_bytes(bytes.get(30..32)?.try_into().ok()?);
            if !(7..=15).contains(&shift) {
                return None;
            }
            let mut file = Self {
                bytes,
                sector: 1 << shift,
                directory: number(bytes, 48)?,
                cutoff: number(bytes, 56)?,
                small_table: number(bytes, 60)?,
                table: Vec::new(),
            };
            let mut tables: Vec<u32> = (0..109)
                .map_while(|index| number(bytes, 76 + 4 * index))
                .collect();
            // More table sectors are listed in a chain of sectors.
            let mut next = number(bytes, 68)?;
            let most = bytes.len() / file.sector;
            for _ in 0..most {
                if next >= NO_SECTOR {
                    break;
                }
                let sector = file.sector_at(next)?;
                let numbers = sector.as_chunks::<4>().0;
                let numbers = numbers.iter().map(|bytes| u32::from_le_bytes(*bytes));
                tables.extend(numbers);
                next = tables.pop()?;
            }
            for sector in tables.into_iter().filter(|sector| *sector < NO_SECTOR) {
                if file.table.len() > bytes.len() + file.sector {
                    return None;
                }
                let part = file.sector_at(sector)?.to_vec();
                file.table.extend_from_slice(&part);
            }
            Some(file)
        }

        fn sector_at(&self, index: u32) -> Option<&'a [u8]> {
            let start = (usize::try_from(index).ok()? + 1).checked_mul(self.sector)?;
            let end = start.checked_add(self.sector)?.min(self.bytes.len());
            self.bytes.get(start..end)
        }

        fn chain(&self, start: u32, size: u64) -> Option<Vec<u8>> {
            let mut stream = Vec::new();
            for sector in Chain::new(&self.table, start) {
                stream.extend_from_slice(self.sector_at(sector)?);
                if stream.len() as u64 >= size || stream.len() > self.bytes.len() {
                    break;
                }
            }
            if let Ok(size) = usize::try_from(size) {
                stream.truncate(size);
            }
            Some(stream)
        }
    }

    /// Iterates over the sectors of a stream.
    struct Chain<'a> {
        table: &'a [u8],
        next: u32,
        left: usize,
    }

    impl<'a> Chain<'a> {
        fn new(table: &'a [u8], start: u32) -> Self {
            Self {
                table,
                next: start,
                // A longer chain would be a cycle.
                left: table.len() / 4,
            }
        }
    }

    impl Iterator for Chain<'_> {
        type Item = u32;

        fn next(&mut self) -> Option<u32> {
            if self.next >= NO_SECTOR || self.left == 0 {
                return None;
            }
            self.left -= 1;
            let sector = self.next;
            let index = usize::try_from(sector).ok()?;
            self.next = number(self.table, 4 * index).unwrap_or(u32::MAX);
            Some(sector)
        }
    }

    struct Entry<'a>(&'a [u8; 128]);

    impl Entry<'_> {
        fn is_called(&self, name: &str) -> bool {
            let length = usize::from(u16::from_le_bytes([self.0[64], self.0[65]]));
            let own = self.0.get(..length.saturating_sub(2)).unwrap_or_default();
            let own = own.as_chunks::<2>().0.iter();
            let own = own.map(|unit| u16::from_le_bytes(*unit));
            char::decode_utf16(own)
                .map(|unit| unit.unwrap_or('\u{fffd}'))
                .eq(name.chars())
        }

        fn start(&self) -> u32 {
            number(self.0, 116).unwrap_or(u32::MAX)
        }

        fn size(&self) -> u64 {
            u64::from(number(self.0, 120).unwrap_or_default())
        }
    }

    fn number(bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap();
        [&kind.to_le_bytes()[..], &length.to_le_bytes()[..], data].concat()
    }

    #[test]
    fn a_few_cells_far_apart_are_many() {
        let corner = record(0x0203, &[0, 0, 0, 0, 0, 0]);
        let far = record(0x0203, &[0xFF, 0xFF, 0xFF, 0, 0, 0]);
        assert_eq!(cells(&[corner, far].concat()), 65_536 * 256);
    }

    #[test]
    fn what_a_sheet_says_of_its_size_counts() {
        let mut data = [0; 14];
        data[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(cells(&record(0x0200, &data)) > MAX_CELLS);
        let texts = [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F];
        assert!(cells(&record(0x00FC, &texts)) > MAX_CELLS);
        assert_eq!(cells(b"\x00"), 0);
    }

    #[test]
    fn anything_is_looked_at_without_a_panic() {
        for seed in 0..2000_u32 {
            let mut bytes = vec![0_u8; 4096];
            let mut state = seed.wrapping_mul(2_654_435_761).max(1);
            for byte in &mut bytes {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                *byte = state.to_le_bytes()[0] & if state & 0x300 == 0 { 0xFF } else { 0x03 };
            }
            bytes[30] = 9;
            let _ = compound_file::workbook(&bytes);
            let _ = cells(&bytes);
        }
    }
}
