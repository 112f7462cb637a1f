//! Fuzzes sheets and shared strings of workbooks, within a valid archive. The first byte selects the format.
//! Seeds are unpacked `tests/feeds/workbook*`.
#![no_main]

use std::{
    io::{Cursor, Write},
    ops::ControlFlow,
};

use product_feed::{FeedRow, Input, Limits, Visitor, count, read};
use libfuzzer_sys::fuzz_target;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const WORKBOOK: &[u8] = b"<workbook><sheets><sheet name='S' sheetId='1' r:id='r1'/></sheets></workbook>";
const RELATIONS: &[u8] =
    b"<Relationships><Relationship Id='r1' Type='x/worksheet' Target='worksheets/s.xml'/></Relationships>";

const EXCEL_2003: &[u8] =
    b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'><Worksheet>";

struct Count(u64);

impl Visitor for Count {
    fn row(&mut self, _: FeedRow) -> ControlFlow<()> {
        self.0 += 1;
        ControlFlow::Continue(())
    }
}

fn archive(parts: &[(&str, &[u8])]) -> Option<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in parts {
        archive.start_file(*name, options).ok()?;
        archive.write_all(bytes).ok()?;
    }
    Some(archive.finish().ok()?.into_inner())
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let half = rest.len() / 2;
    let book = match kind % 4 {
        0 => archive(&[("content.xml", rest)]),
        1 => archive(&[
            ("xl/workbook.xml", WORKBOOK),
            ("xl/_rels/workbook.xml.rels", RELATIONS),
            ("xl/sharedStrings.xml", &rest[..half]),
            ("xl/styles.xml", &rest[..half]),
            ("xl/worksheets/s.xml", &rest[half..]),
        ]),
        2 => Some([b"<html><table><tr><td>SKU<td>Price<tr>", rest].concat()),
        _ => Some([EXCEL_2003, rest].concat()),
    };
    let Some(book) = book else { return };
    let limits = Limits {
        max_unpacked: 1 << 20,
    };
    let mut rows = Count(0);
    let input = Input::from(book.as_slice());
    if read(input.clone(), &limits, None, &mut rows).is_ok() {
        assert_eq!(count(input, &limits, None).map(|counted| counted.products).ok(), Some(rows.0));
    }
});
