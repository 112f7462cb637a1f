//! Fuzzes small files that are large inside: what is read, held and shown stays within the budgets, which
//! `src/budget.rs` explains.
#![no_main]

use std::{
    io::{Cursor, Write},
    ops::ControlFlow,
};

use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;
use product_feed::{FeedRow, Input, Limits, Understanding, Visitor, count, first_rows, read};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Of reading, beside the file itself.
const MOST_BYTES: usize = 64 << 20;
const MOST_COLUMNS: usize = 1000;
/// Of a row, and of a preview.
const MOST_CELLS: usize = 100_000;
const LONGEST_ROW: usize = 1 << 20;
const LONGEST_NAME: usize = 200;
const LONGEST_SHOWN: usize = 1000;

const UNPACKED: u64 = 8 << 20;

const WORKBOOK: &[u8] =
    b"<workbook><sheets><sheet name='S' sheetId='1' r:id='r1'/></sheets></workbook>";
const RELATIONS: &[u8] =
    b"<Relationships><Relationship Id='r1' Type='x/worksheet' Target='worksheets/s.xml'/></Relationships>";

struct Watch;

fn row_is_bounded(cells: &[String]) {
    assert!(cells.len() <= MOST_COLUMNS, "{} columns", cells.len());
    let bytes: usize = cells.iter().map(String::len).sum();
    assert!(bytes <= 4 * LONGEST_ROW, "{bytes} bytes of a row");
}

impl Visitor for Watch {
    fn understood(&mut self, understanding: &Understanding) {
        row_is_bounded(&understanding.header);
        assert!(understanding.columns.len() <= MOST_COLUMNS);
        let names = understanding.header.iter();
        let longest = names.map(|name| name.chars().count()).max();
        assert!(longest.unwrap_or_default() <= LONGEST_NAME, "{longest:?}");
    }

    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        match &row.outcome {
            Ok(product) => row_is_bounded(&product.cells),
            Err(failure) => row_is_bounded(&failure.cells),
        }
        ControlFlow::Continue(())
    }
}

/// Repeats a beginning or an end, up to a size.
fn grown(how: u8, part: &[u8]) -> Vec<u8> {
    let times = 1_usize << (how % 20);
    let most = (UNPACKED as usize) / part.len().max(1);
    let (once, again) = part.split_at(part.len() * usize::from(how >> 5) / 8);
    [once, &again.repeat(times.min(most))].concat()
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).ok()?;
    packed.finish().ok()
}

fn archive(parts: &[(&str, &[u8])]) -> Option<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1));
    for (name, bytes) in parts {
        archive.start_file(*name, options).ok()?;
        archive.write_all(bytes).ok()?;
    }
    Some(archive.finish().ok()?.into_inner())
}

fn workbook(strings: &[u8], sheet: &[u8]) -> Option<Vec<u8>> {
    archive(&[
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("xl/sharedStrings.xml", strings),
        ("xl/worksheets/s.xml", sheet),
    ])
}

fuzz_target!(|bytes: &[u8]| {
    let Some(([kind, how], part)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let large = grown(*how, part);
    let file = match kind % 9 {
        0 => Some(large),
        1 => gzip(&large),
        2 => archive(&[("list.csv", &large)]),
        3 => workbook(b"<sst><si><t>a</t></si></sst>", &large),
        4 => workbook(
            &large,
            b"<worksheet><sheetData><row><c t='s'><v>0</v></c></row></sheetData></worksheet>",
        ),
        5 => archive(&[("content.xml", &large)]),
        6 => gzip(&[b"<rss><item><g:id>1</g:id><price>1</price></item>", &*large].concat()),
        7 => workbook(b"", &large).and_then(|book| gzip(&book)),
        _ => gzip(&[b"sku,name,price\n", &*large].concat()),
    };
    let Some(file) = file else { return };
    let limits = Limits {
        max_unpacked: UNPACKED,
    };
    let input = Input::from(file.as_slice());
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let _ = read(input.clone(), &limits, None, &mut Watch);
    let _ = count(input.clone(), &limits, None);
    if let Ok(rows) = first_rows(input, &limits, 20) {
        assert!(rows.len() <= 20);
        let cells: usize = rows.iter().map(Vec::len).sum();
        assert!(cells <= MOST_CELLS, "{cells} cells");
        for row in &rows {
            assert!(row.len() <= MOST_COLUMNS, "{} columns", row.len());
            let longest = row.iter().map(|cell| cell.chars().count()).max();
            assert!(longest.unwrap_or_default() <= LONGEST_SHOWN, "{longest:?}");
        }
    }
    let took = MEMORY.peak_usage().saturating_sub(before);
    assert!(took <= MOST_BYTES, "{} KiB", took >> 10);
});
