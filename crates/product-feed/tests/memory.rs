//! Archive bombs and other small files that claim much memory: reading them must take little.
//!
//! One test reads all, because the allocator counts the whole process.
#![allow(missing_docs, clippy::unwrap_used)] // a test may panic

use std::{
    fmt::Write as _,
    fs::File,
    io::{BufWriter, Cursor, Read, Seek, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use peak_alloc::PeakAlloc;
use product_feed::{FeedRow, Input, Limits, Visitor, check, count, first_rows, read};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A file in an archive: name, and parts with repetitions.
type Packed<'a> = (&'a str, &'a [(&'a [u8], usize)]);

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The program's default.
const LIMITS: Limits = Limits {
    max_unpacked: 1 << 30,
};

/// Maximum memory of reading, in MiB.
const MOST: f32 = 64.0;

#[derive(Default)]
struct Rows(u64);

impl Visitor for Rows {
    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        self.0 = row.number;
        ControlFlow::Continue(())
    }
}

/// Writes files to a temporary directory.
struct Bombs {
    directory: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Bombs {
    fn add(&mut self, name: &str) -> BufWriter<File> {
        let path = self.directory.path().join(name);
        self.files.push(path.clone());
        BufWriter::new(File::create(path).unwrap())
    }

    fn gzip(&mut self, name: &str, parts: &[(&[u8], usize)]) {
        let mut packed = GzEncoder::new(self.add(name), Compression::fast());
        write_parts(&mut packed, parts);
        packed.finish().unwrap().flush().unwrap();
    }

    fn zip(&mut self, name: &str, files: &[Packed<'_>]) {
        write_zip(self.add(name), files);
    }
}

/// Writes parts with repetitions.
fn write_parts(to: &mut impl Write, parts: &[(&[u8], usize)]) {
    for (part, times) in parts {
        let at_once = (1 << 20) / part.len().max(1) + 1;
        let block = part.repeat(at_once.min(*times));
        for _ in 0..times / at_once {
            to.write_all(&block).unwrap();
        }
        let rest = if *times < at_once {
            *times
        } else {
            times % at_once
        };
        to.write_all(&part.repeat(rest)).unwrap();
    }
}

fn write_zip<W: Write + Seek>(to: W, files: &[Packed<'_>]) -> W {
    let mut archive = ZipWriter::new(to);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, parts) in files {
        archive.start_file(*name, options).unwrap();
        write_parts(&mut archive, parts);
    }
    archive.finish().unwrap()
}

const WORKBOOK: &[u8] =
    b"<workbook><sheets><sheet name='S' sheetId='1' r:id='r1'/></sheets></workbook>";
const RELATIONS: &[u8] = b"<Relationships><Relationship Id='r1' Type='x/worksheet' \
    Target='worksheets/s.xml'/></Relationships>";
const SHEET: &[u8] = b"<worksheet><sheetData><row><c t='str'><v>SKU</v></c><c t='str'><v>Price</v>\
    </c></row>";

type Parts<'a> = &'a [(&'a [u8], usize)];

fn xlsx<'a>(shared: Parts<'a>, sheet: Parts<'a>) -> [(&'static str, Parts<'a>); 4] {
    [
        ("xl/workbook.xml", &[(WORKBOOK, 1)]),
        ("xl/_rels/workbook.xml.rels", &[(RELATIONS, 1)]),
        ("xl/sharedStrings.xml", shared),
        ("xl/worksheets/s.xml", sheet),
    ]
}

fn delimited(bombs: &mut Bombs) {
    let header: (&[u8], usize) = (b"SKU,Name,Price\n", 1);
    let commas = [&[b','; 7 << 20][..], b"\n"].concat();
    bombs.gzip("commas.csv.gz", &[header, (&commas, 31)]);
    let commas = [&[b','; 900 << 10][..], b"\n"].concat();
    bombs.gzip("shorter-commas.csv.gz", &[header, (&commas, 100)]);
    let filled = [&b"x,".repeat(400 << 10)[..], b"\n"].concat();
    bombs.gzip("filled.csv.gz", &[header, (&filled, 80)]);
    // A long row, and many after it that could keep its capacity.
    let long = [&b"A,"[..], &[b'x'; 1_000_000], b",1\n"].concat();
    bombs.gzip(
        "one-long.csv.gz",
        &[header, (&long, 1), (b"A,B,1\n", 1_000_000)],
    );
    bombs.gzip("long-rows.csv.gz", &[header, (&long, 100)]);
    bombs.gzip("no-lines.csv.gz", &[header, (b"x", 150 << 20)]);
    bombs.gzip("open-quotes.csv.gz", &[header, (b"A,\"x,1,\"y\n", 1 << 20)]);
    bombs.gzip(
        "open-quote.csv.gz",
        &[header, (b"A,\"", 1), (b"x\n", 30 << 20)],
    );
    bombs.gzip("quoted-lines.csv.gz", &[header, (b"\"\n", 4 << 20)]);
    bombs.gzip(
        "names.csv.gz",
        &[
            (b"SKU,Price", 1),
            (b",a", 500_000),
            (b"\n", 1),
            (b"A,1\n", 1),
        ],
    );
    bombs.gzip(
        "many-names.csv.gz",
        &[(b"SKU,Price", 1), (b",abcdefg", 1_000_000), (b"\nA,1\n", 1)],
    );
    bombs.gzip(
        "no-header.csv.gz",
        &[(&[&[b'y'; 900_000][..], b",z\n"].concat(), 100)],
    );
    bombs.gzip(
        "bytes.csv.gz",
        &[
            header,
            (b"\xE9,\x81,", 1 << 18),
            (b"\n", 1),
            (b"\xFF\n", 1 << 20),
        ],
    );
    bombs.gzip(
        "utf16.csv.gz",
        &[
            (b"\xFF\xFE", 1),
            (b"S\0K\0U\0,\0P\0r\0i\0c\0e\0\n\0", 1),
            (b",\0", 40 << 20),
        ],
    );
}

fn archives(bombs: &mut Bombs) {
    // A million directory entries of one file.
    let mut entry = b"PK\x01\x02".to_vec();
    entry.extend([0; 42]);
    entry[28] = 1;
    entry.push(b'x');
    let mut file = bombs.add("entries.zip");
    file.write_all(b"PK\x03\x04").unwrap();
    file.write_all(&[0; 26]).unwrap();
    let count = 1_000_000_u64;
    write_parts(&mut file, &[(&entry, 1_000_000)]);
    let size = count * entry.len() as u64;
    let mut end = b"PK\x06\x06".to_vec();
    end.extend(44_u64.to_le_bytes());
    end.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [count, count, size, 30] {
        end.extend(number.to_le_bytes());
    }
    end.extend(b"PK\x06\x07\0\0\0\0");
    end.extend((30 + size).to_le_bytes());
    end.extend(1_u32.to_le_bytes());
    end.extend(b"PK\x05\x06\0\0\0\0");
    end.extend([0xFF; 12]);
    end.extend([0, 0]);
    file.write_all(&end).unwrap();
    file.flush().unwrap();

    let list: Parts<'_> = &[(b"SKU,Price\n", 1)];
    let name = "n".repeat(60_000);
    let names: Vec<String> = (0..300).map(|number| format!("{number}{name}")).collect();
    let files: Vec<(&str, Parts<'_>)> = names.iter().map(|name| (name.as_str(), list)).collect();
    bombs.zip("long-names.zip", &files);
    let files: Vec<(String, Parts<'_>)> = (0..9000)
        .map(|number| (format!("{number}.csv"), list))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, parts)| (name.as_str(), *parts))
        .collect();
    bombs.zip("many-files.zip", &files);

    let sheet: Parts<'_> = &[(SHEET, 1), (b"<row><c><v>1</v></c></row>", 3 << 20)];
    let inner = write_zip(Cursor::new(Vec::new()), &xlsx(&[(b"<sst/>", 1)], sheet)).into_inner();
    bombs.gzip("workbook.xlsx.gz", &[(&inner, 1)]);
    bombs.zip("workbook.zip", &[("a.xlsx", &[(&inner, 1)])]);
    bombs.zip(
        "nested.zip",
        &[("a.zip", &[(&inner, 1)]), ("b.zip", &[(&inner, 1)])],
    );
    // An endless archive must not fill the disk.
    bombs.gzip("endless.xlsx.gz", &[(&inner, 1), (&[0], 150 << 20)]);
    let gz = {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        write_parts(&mut packed, &[(b"SKU,Price\n", 10 << 20)]);
        packed.finish().unwrap()
    };
    bombs.gzip("gzip.gz", &[(&gz, 1)]);
}

fn workbooks(bombs: &mut Bombs) {
    let shared: Parts<'_> = &[
        (b"<sst>", 1),
        (
            b"<si><t>another text of a workbook that has many of them</t></si>",
            15 << 20,
        ),
    ];
    bombs.zip("shared.xlsx", &xlsx(shared, &[(SHEET, 1)]));
    bombs.zip(
        "empty-shared.xlsx",
        &xlsx(&[(b"<sst>", 1), (b"<si/>", 20 << 20)], &[(SHEET, 1)]),
    );
    let shared: Parts<'_> = &[
        (b"<sst><si><t>", 1),
        (b"x", 900_000),
        (b"</t></si></sst>", 1),
    ];
    let cells: Parts<'_> = &[(SHEET, 1), (b"<row><c t='s'><v>0</v></c></row>", 300)];
    bombs.zip("long-shared.xlsx", &xlsx(shared, cells));
    let cells: Parts<'_> = &[
        (SHEET, 1),
        (b"<row>", 1),
        (b"<c t='s'><v>0</v></c>", 30_000),
    ];
    bombs.zip("long-row.xlsx", &xlsx(shared, cells));
    let cells: Parts<'_> = &[(SHEET, 1), (b"<row>", 1), (b"<c><v>1</v></c>", 4 << 20)];
    bombs.zip("cells.xlsx", &xlsx(&[(b"<sst/>", 1)], cells));
    let cells: Parts<'_> = &[(SHEET, 1), (b"<row><c t='str'><v>", 1), (b"x", 150 << 20)];
    bombs.zip("cell.xlsx", &xlsx(&[(b"<sst/>", 1)], cells));
    let mut wide = String::from("<row>");
    for _ in 0..999 {
        wide.push_str("<c t='s'><v>0</v></c>");
    }
    wide.push_str("</row>");
    let shared: Parts<'_> = &[(b"<sst><si><t>", 1), (b"x", 1000), (b"</t></si></sst>", 1)];
    let cells: Parts<'_> = &[(SHEET, 1), (wide.as_bytes(), 200)];
    bombs.zip("wide.xlsx", &xlsx(shared, cells));
    let mut merges = String::new();
    for column in 0..20 {
        let letter = char::from(b'A' + column);
        write!(merges, "<mergeCell ref='{letter}1:{letter}1000000'/>").unwrap();
    }
    let merges: Parts<'_> = &[
        (SHEET, 1),
        (b"<row><c><v>1</v></c></row>", 200_000),
        (b"</sheetData><mergeCells>", 1),
        (merges.as_bytes(), 20_000),
        (b"</mergeCells></worksheet>", 1),
    ];
    bombs.zip("merges.xlsx", &xlsx(&[(b"<sst/>", 1)], merges));
    let sheets = b"<sheet name='S' sheetId='1' r:id='r1'/>";
    let book: [(&str, Parts<'_>); 3] = [
        (
            "xl/workbook.xml",
            &[(b"<workbook><sheets>", 1), (sheets, 1 << 20)],
        ),
        ("xl/_rels/workbook.xml.rels", &[(RELATIONS, 1)]),
        ("xl/worksheets/s.xml", &[(SHEET, 1)]),
    ];
    bombs.zip("sheets.xlsx", &book);
    let styles = b"<xf numFmtId='14'/>";
    let formats = b"<numFmt numFmtId='1' formatCode='00000'/>";
    let book: [(&str, Parts<'_>); 4] = [
        ("xl/workbook.xml", &[(WORKBOOK, 1)]),
        ("xl/_rels/workbook.xml.rels", &[(RELATIONS, 1)]),
        (
            "xl/styles.xml",
            &[
                (b"<styleSheet><numFmts>", 1),
                (formats, 1 << 20),
                (b"</numFmts><cellXfs>", 1),
                (styles, 2 << 20),
            ],
        ),
        ("xl/worksheets/s.xml", &[(SHEET, 1)]),
    ];
    bombs.zip("styles.xlsx", &book);

    let row = b"<table:table-row table:number-rows-repeated='1048570'><table:table-cell \
        table:number-columns-repeated='16384'><text:p>1</text:p></table:table-cell></table:table-row>";
    let content: Parts<'_> = &[(b"<table:table>", 1), (row, 1)];
    bombs.zip("repeated.ods", &[("content.xml", content)]);
    let style = b"<style:style style:name='s'><style:table-properties table:display='false'/></style:style>";
    let content: Parts<'_> = &[(b"<a>", 1), (style, 1 << 20)];
    bombs.zip("styles.ods", &[("content.xml", content)]);
}

/// An Excel 97 workbook with one string of 32,000 letters in many cells.
fn old_workbook(bombs: &mut Bombs) {
    let record = |kind: u16, data: &[u8]| {
        let length = u16::try_from(data.len()).unwrap();
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
    };
    let bof = |kind: u16| {
        let mut data = [0; 16];
        data[..4].copy_from_slice(&[0, 6, 0, 0]);
        data[2..4].copy_from_slice(&kind.to_le_bytes());
        record(0x0809, &data)
    };
    let text_length = 8000_u16;
    let mut sst = [1_u32.to_le_bytes(), 1_u32.to_le_bytes()].concat();
    sst.extend(text_length.to_le_bytes());
    sst.push(0);
    sst.extend(vec![b'x'; usize::from(text_length)]);
    let mut sheet = bof(0x10);
    for row in 0..60_000_u16 {
        for column in 0..8_u16 {
            let mut cell = [0; 10];
            cell[..2].copy_from_slice(&row.to_le_bytes());
            cell[2..4].copy_from_slice(&column.to_le_bytes());
            sheet.extend(record(0x00FD, &cell));
        }
    }
    sheet.extend(record(0x000A, &[]));
    let globals = |offset: u32| {
        let mut globals = bof(5);
        let mut bound = offset.to_le_bytes().to_vec();
        bound.extend([0, 0, 1, 0, b'S']);
        globals.extend(record(0x0085, &bound));
        globals.extend(record(0x00FC, &sst));
        globals.extend(record(0x000A, &[]));
        globals
    };
    let offset = u32::try_from(globals(0).len()).unwrap();
    let stream = [globals(offset), sheet].concat();
    bombs
        .add("texts.xls")
        .write_all(&compound_file(&stream))
        .unwrap();
}

/// Returns a compound file with this workbook stream.
fn compound_file(stream: &[u8]) -> Vec<u8> {
    let number = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
    let mut stream = stream.to_vec();
    stream.resize(stream.len().next_multiple_of(512).max(4096), 0);
    let sectors = stream.len() / 512;
    // The sectors of the stream, the directory, and the allocation table.
    let tables = (sectors + 2).div_ceil(127);
    let mut head = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    head.resize(512, 0);
    head[24..32].copy_from_slice(&[0x3E, 0, 3, 0, 0xFE, 0xFF, 9, 0]);
    head[32] = 6;
    head[44..48].copy_from_slice(&number(tables));
    head[48..52].copy_from_slice(&number(sectors));
    head[56..60].copy_from_slice(&number(4096));
    head[60..64].copy_from_slice(&u32::MAX.wrapping_sub(1).to_le_bytes());
    head[68..72].copy_from_slice(&u32::MAX.wrapping_sub(1).to_le_bytes());
    assert!(tables <= 109);
    for index in 0..109 {
        let value = if index < tables {
            number(sectors + 1 + index)
        } else {
            [0xFF; 4]
        };
        head[76 + 4 * index..80 + 4 * index].copy_from_slice(&value);
    }
    let mut directory = vec![0; 512];
    for (index, (name, kind, start, size)) in [
        ("Root Entry", 5, usize::MAX, 0),
        ("Workbook", 2, 0, stream.len()),
    ]
    .iter()
    .enumerate()
    {
        let entry = &mut directory[128 * index..128 * (index + 1)];
        for (place, unit) in name.encode_utf16().enumerate() {
            entry[2 * place..2 * place + 2].copy_from_slice(&unit.to_le_bytes());
        }
        entry[64] = u8::try_from(2 * (name.len() + 1)).unwrap();
        entry[66] = *kind;
        entry[67] = 1;
        entry[68..80].fill(0xFF);
        if index == 0 {
            entry[76..80].copy_from_slice(&1_u32.to_le_bytes());
        }
        let start = u32::try_from(*start).unwrap_or(u32::MAX - 1);
        entry[116..120].copy_from_slice(&start.to_le_bytes());
        entry[120..124].copy_from_slice(&number(*size));
    }
    let mut table: Vec<u8> = (1..sectors).flat_map(number).collect();
    table.extend([0xFE, 0xFF, 0xFF, 0xFF]);
    table.extend([0xFE, 0xFF, 0xFF, 0xFF]);
    for _ in 0..tables {
        table.extend([0xFD, 0xFF, 0xFF, 0xFF]);
    }
    table.resize(tables * 512, 0xFF);
    [head, stream, directory, table].concat()
}

fn documents(bombs: &mut Bombs) {
    let mut name = b"<".to_vec();
    name.extend(vec![b'n'; 8 << 20]);
    name.push(b'>');
    bombs.gzip("names.xml.gz", &[(&name, 20)]);
    let name = [&b"<"[..], &[b'n'; 900_000], b">"].concat();
    bombs.gzip("shorter-names.xml.gz", &[(b"<rss>", 1), (&name, 300)]);
    bombs.gzip("deep.xml.gz", &[(b"<rss><item>", 1), (b"<a>", 10 << 20)]);
    bombs.gzip("text.xml.gz", &[(b"<rss><item><id>", 1), (b"x", 150 << 20)]);
    let attributes = [&b"<item "[..], &b"a='1' ".repeat(150_000), b"/>"].concat();
    bombs.gzip("attributes.xml.gz", &[(b"<rss>", 1), (&attributes, 100)]);
    let mut item = String::from("<item>");
    for number in 0..20_000 {
        write!(item, "<c{number}>x</c{number}>").unwrap();
    }
    item.push_str("</item>");
    bombs.gzip("columns.xml.gz", &[(b"<rss>", 1), (item.as_bytes(), 100)]);
    bombs.gzip(
        "tables.html.gz",
        &[
            (b"<html><table><tr><td>SKU<td>Price", 1),
            (b"<tr><td rowspan=9999 colspan=9999>x", 1 << 20),
        ],
    );
    let tag = [&b"<td "[..], &b"a1 b2 ".repeat(200_000), b">"].concat();
    bombs.gzip("tag.html.gz", &[(b"<html><table><tr>", 1), (&tag, 100)]);
    bombs.gzip(
        "text.html.gz",
        &[(b"<html><table><tr><td>", 1), (b"x", 150 << 20)],
    );
    bombs.gzip(
        "nested.html.gz",
        &[(b"<html>", 1), (b"<table><tr><td>", 5 << 20)],
    );
    let book =
        b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'>";
    bombs.gzip(
        "styles.xml.gz",
        &[
            (book, 1),
            (
                b"<Style ss:ID='a'><NumberFormat ss:Format='0'/></Style>",
                10 << 20,
            ),
        ],
    );
    let row =
        b"<Row ss:Index='5'><Cell ss:Index='900' ss:MergeDown='9999'><Data>1</Data></Cell></Row>";
    bombs.gzip(
        "rows.xml.gz",
        &[(book, 1), (b"<Worksheet><Table>", 1), (row, 1 << 20)],
    );
}

/// Returns the action if it took too much memory.
fn has_peak(file: &Path, what: &str, work: impl FnOnce()) -> Option<String> {
    let before = MEMORY.current_usage_as_mb();
    MEMORY.reset_peak_usage();
    let start = std::time::Instant::now();
    work();
    let peak = MEMORY.peak_usage_as_mb() - before;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let size = file.metadata().unwrap().len();
    let line = format!(
        "{name} ({size} bytes), {what}: {peak:.1} MiB, {:?}",
        start.elapsed()
    );
    if std::env::var_os("SHOW").is_some() {
        eprintln!("{line}");
    }
    (peak > MOST).then_some(line)
}

#[test]
#[ignore = "takes minutes: scripts/fuzz.sh runs it"]
fn no_file_takes_more_memory_than_a_reader_may() {
    let mut bombs = Bombs {
        directory: tempfile::tempdir().unwrap(),
        files: Vec::new(),
    };
    delimited(&mut bombs);
    archives(&mut bombs);
    workbooks(&mut bombs);
    old_workbook(&mut bombs);
    documents(&mut bombs);

    let only = std::env::var("ONLY").unwrap_or_default();
    let mut large = Vec::new();
    for file in bombs
        .files
        .iter()
        .filter(|file| file.to_string_lossy().contains(&only))
    {
        let input = || Input::Path(file.clone());
        let (mut counted, mut rows) = (None, Rows::default());
        let mut result = None;
        large.extend(has_peak(file, "checked", || {
            let _ = check(input(), &LIMITS);
        }));
        large.extend(has_peak(file, "first rows", || {
            let _ = first_rows(input(), &LIMITS, 20);
        }));
        large.extend(has_peak(file, "counted", || {
            counted = count(input(), &LIMITS, None)
                .ok()
                .map(|counted| counted.products);
        }));
        large.extend(has_peak(file, "read", || {
            result = Some(read(input(), &LIMITS, None, &mut rows));
        }));
        if std::env::var_os("SHOW").is_some() {
            eprintln!("    {:?} {result:?}", rows.0);
        }
        assert_eq!(
            counted.is_some(),
            result.is_some_and(|result| result.is_ok()),
            "{file:?}"
        );
    }
    assert!(large.is_empty(), "\n{}", large.join("\n"));

    // Nothing is left on the disk.
    let mut left: Vec<_> = bombs.directory.path().read_dir().unwrap().collect();
    left.retain(|entry| {
        let path = entry.as_ref().unwrap().path();
        !bombs.files.contains(&path)
    });
    assert!(left.is_empty(), "{left:?}");
    // The allocator counts at all.
    let mut bytes = Vec::new();
    File::open(&bombs.files[0])
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    assert!(MEMORY.current_usage() >= bytes.len());
}
