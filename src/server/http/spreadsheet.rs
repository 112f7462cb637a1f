//! Writes a workbook (`.xlsx`) row by row, as a stream.

use std::{
    fmt::Write as _,
    io::{self, Write},
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use zip::{
    ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

const ROWS: u32 = 1_048_576;

const CELL: usize = 32_767;

const DIGITS: usize = 15;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// Bytes written but not yet taken.
#[derive(Clone, Debug, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A workbook of one table, which continues on further sheets if necessary. No cell is a formula.
pub(crate) struct Spreadsheet {
    file: Option<ZipWriter<StreamWriter<Pipe>>>,
    written: Pipe,
    name: &'static str,
    head: String,
    sheets: u32,
    rows: u32,
}

impl Spreadsheet {
    /// `name` is the name of its sheets.
    pub(crate) fn new(name: &'static str) -> io::Result<Self> {
        let written = Pipe::default();
        let mut sheet = Self {
            file: Some(ZipWriter::new_stream(written.clone())),
            written,
            name,
            head: String::new(),
            sheets: 0,
            rows: 0,
        };
        sheet.begin_sheet()?;
        Ok(sheet)
    }

    pub(crate) fn head(&mut self, names: &[&str]) -> io::Result<()> {
        self.head = cells(names.iter().map(|name| (*name, false)));
        self.write_head()
    }

    /// Writes a row: values, and whether a decimal number is one there. Everything else is text.
    pub(crate) fn row<'a>(
        &mut self,
        values: impl Iterator<Item = (&'a str, bool)>,
    ) -> io::Result<()> {
        if self.rows == ROWS {
            self.end_sheet()?;
            self.begin_sheet()?;
            self.write_head()?;
        }
        self.rows += 1;
        let row = cells(values);
        self.write(&row)
    }

    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.end_sheet()?;
        let (mut types, mut sheets, mut relations) = (String::new(), String::new(), String::new());
        for number in 1..=self.sheets {
            let name = match number {
                1 => self.name.to_owned(),
                _ => format!("{} {number}", self.name),
            };
            let _ = write!(
                types,
                "<Override PartName=\"/xl/worksheets/sheet{number}.xml\" ContentType=\"application/\
                 vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>"
            );
            let _ = write!(
                sheets,
                "<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>"
            );
            let _ = write!(
                relations,
                "<Relationship Id=\"rId{number}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
                 relationships/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>"
            );
        }
        for (path, content) in [
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
                     xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">\
                     <sheets>{sheets}</sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                     {relations}</Relationships>"
                ),
            ),
            (
                "_rels/.rels",
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                 <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
                 relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                    .to_owned(),
            ),
            (
                "[Content_Types].xml",
                format!(
                    "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
                     <Default Extension=\"rels\" ContentType=\"application/\
                     vnd.openxmlformats-package.relationships+xml\"/>\
                     <Override PartName=\"/xl/workbook.xml\" ContentType=\"application/\
                     vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>{types}</Types>"
                ),
            ),
        ] {
            self.begin(path)?;
            self.write(XML)?;
            self.write(&content)?;
        }
        match self.file.take() {
            Some(file) => file.finish().map(|_| ()).map_err(io::Error::other),
            None => Ok(()),
        }
    }

    /// Returns the bytes written since the last call.
    pub(crate) fn take(&mut self) -> Bytes {
        let mut written = self
            .written
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *written).into()
    }

    fn begin(&mut self, path: &str) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file
                .start_file(path, SimpleFileOptions::default())
                .map_err(io::Error::other),
            None => Ok(()),
        }
    }

    fn begin_sheet(&mut self) -> io::Result<()> {
        self.sheets += 1;
        self.rows = 0;
        self.begin(&format!("xl/worksheets/sheet{}.xml", self.sheets))?;
        self.write(XML)?;
        self.write(
            "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetViews>\
             <sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" state=\"frozen\"/>\
             </sheetView></sheetViews><sheetData>",
        )
    }

    fn write_head(&mut self) -> io::Result<()> {
        self.rows += 1;
        let head = mem::take(&mut self.head);
        let written = self.write(&head);
        self.head = head;
        written
    }

    fn end_sheet(&mut self) -> io::Result<()> {
        self.write("</sheetData></worksheet>")
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(text.as_bytes()),
            None => Ok(()),
        }
    }
}

fn cells<'a>(values: impl Iterator<Item = (&'a str, bool)>) -> String {
    let mut row = String::from("<row>");
    for (value, may_be_number) in values {
        if value.is_empty() {
            row.push_str("<c/>");
        } else if may_be_number && is_number(value) {
            let _ = write!(row, "<c><v>{value}</v></c>");
        } else {
            row.push_str("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
            push_escaped(&mut row, value);
            row.push_str("</t></is></c>");
        }
    }
    row.push_str("</row>");
    row
}

/// Returns whether a spreadsheet program keeps a number exactly.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(decimals) && digits.len() <= DIGITS
}

/// Appends text to XML, without characters that XML cannot represent.
fn push_escaped(xml: &mut String, text: &str) {
    for character in text.chars().take(CELL) {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\r' => xml.push_str("&#13;"),
            '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                xml.push(character);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;

    fn part(file: &[u8], path: &str) -> String {
        let mut archive = zip::ZipArchive::new(Cursor::new(file)).unwrap();
        let mut text = String::new();
        archive
            .by_name(path)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn rows_are_handed_out_while_they_are_written_and_read_back() {
        let mut sheet = Spreadsheet::new("Products").unwrap();
        sheet.head(&["SKU", "Price"]).unwrap();
        let mut file = Vec::new();
        for number in 0..5_000 {
            let sku = format!("=<{number}>&\u{1}\"");
            sheet
                .row([(sku.as_str(), false), ("12.50", true)].into_iter())
                .unwrap();
            file.extend(sheet.take());
        }
        assert!(!file.is_empty(), "something is there before the end");
        sheet
            .row([("007", false), ("12345678901234.56", true)].into_iter())
            .unwrap();
        sheet.row([("", false), ("", true)].into_iter()).unwrap();
        sheet.finish().unwrap();
        file.extend(sheet.take());
        let text = part(&file, "xl/worksheets/sheet1.xml");
        assert_eq!(text.matches("<row>").count(), 5_003);
        assert!(text.contains("=&lt;4999&gt;&amp;\"</t></is></c><c><v>12.50</v></c></row>"));
        // A number that would lose digits is text, and so is one in another column.
        assert!(text.contains(">007</t></is></c><c t=\"inlineStr\">"));
        assert!(text.ends_with("<row><c/><c/></row></sheetData></worksheet>"));
        assert!(part(&file, "xl/workbook.xml").contains("<sheet name=\"Products\" sheetId=\"1\""));
    }

    #[test]
    fn what_does_not_fit_on_a_sheet_goes_on_on_the_next_one() {
        let mut sheet = Spreadsheet::new("Products").unwrap();
        sheet.head(&["SKU"]).unwrap();
        sheet.rows = ROWS - 1;
        for sku in ["A", "B"] {
            sheet.row([(sku, false)].into_iter()).unwrap();
        }
        sheet.finish().unwrap();
        let file = sheet.take();
        let second = part(&file, "xl/worksheets/sheet2.xml");
        assert_eq!(second.matches("<row>").count(), 2);
        assert!(second.contains(">SKU<") && second.contains(">B<"));
        assert!(part(&file, "[Content_Types].xml").contains("sheet2.xml"));
    }
}
