//! Reads a corpus of product files and compares the results with the `.expected` files beside them.
//! `BLESS=1 cargo test -p product-feed --test feeds` rewrites these; review the changes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a test may panic

use std::{
    fmt::Write,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use product_feed::{
    FailedRowsFile, FeedProduct, FeedRow, Input, Limits, Mapping, Meaning, PassedOver, RowFailure,
    Understanding, Visitor, count, read,
};
use proptest::prelude::*;

/// The corpus' archive bomb unpacks to more.
const LIMIT: u64 = 16 << 20;

/// The result of a file, as text.
#[derive(Default)]
struct Outcome {
    text: String,
    rows: u64,
}

impl Visitor for Outcome {
    fn understood(&mut self, told: &Understanding) {
        let meanings: Vec<_> = told
            .header
            .iter()
            .zip(&told.columns)
            .filter_map(|(cell, meaning)| Some(format!("{cell:?} is {}", (*meaning)?)))
            .collect();
        writeln!(self.text, "columns: {}", meanings.join(", ")).unwrap();
        let sheet = told
            .sheet
            .as_deref()
            .map(|sheet| format!(", sheet {sheet:?}"));
        let currency = told.currency.map(|code| format!(", currency {code}"));
        writeln!(
            self.text,
            "read as: {}, decimal {}{}{}",
            told.shape.as_str(),
            told.decimal_mark.as_str(),
            currency.unwrap_or_default(),
            sheet.unwrap_or_default(),
        )
        .unwrap();
    }

    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        self.rows += 1;
        match row.outcome {
            Ok(product) => {
                let price = product.price.as_deref().unwrap_or("no price");
                write!(
                    self.text,
                    "{}: {} | {:?} | {price}",
                    row.line, product.identity, product.name
                )
                .unwrap();
                let more = [
                    product.sale_price.map(|price| format!("on sale {price}")),
                    product.currency.map(str::to_owned),
                    product.sku.map(|sku| format!("sku {sku}")),
                    product.gtin.map(|gtin| format!("gtin {gtin}")),
                    product.stock.map(|stock| format!("stock {stock}")),
                    product.availability.map(str::to_owned),
                    product.url,
                    product.image.map(|image| format!("image {image}")),
                    (!product.options.is_empty())
                        .then(|| format!("options {}", product.options.join(" + "))),
                ];
                for part in more.into_iter().flatten() {
                    write!(self.text, " | {part}").unwrap();
                }
                self.text.push('\n');
                for warning in product.warnings {
                    writeln!(
                        self.text,
                        "   warning: {} | {:?}",
                        warning.error,
                        warning.column.unwrap_or_default()
                    )
                    .unwrap();
                }
            }
            Err(failure) => {
                let label = failure.label.as_deref().unwrap_or("-");
                write!(
                    self.text,
                    "{}: FAILED {label} | {}",
                    row.line, failure.error
                )
                .unwrap();
                if let Some(column) = failure.column {
                    let value = failure.value.unwrap_or_default();
                    write!(self.text, " | {column:?} is {value:?}").unwrap();
                }
                writeln!(self.text, " | {:?}", failure.cells).unwrap();
            }
        }
        ControlFlow::Continue(())
    }

    fn passed_over(&mut self, row: PassedOver) -> ControlFlow<()> {
        writeln!(
            self.text,
            "{}: passed over as {} | {}",
            row.line,
            row.reason.code(),
            row.label
        )
        .unwrap();
        ControlFlow::Continue(())
    }
}

fn outcome(input: Input) -> String {
    let mut outcome = Outcome::default();
    let limits = Limits {
        max_unpacked: LIMIT,
    };
    let counted = count(input.clone(), &limits, None);
    match (read(input, &limits, None, &mut outcome), counted) {
        (Ok(()), counted) => assert_eq!(counted.unwrap().products, outcome.rows),
        (Err(error), counted) => {
            assert_eq!(counted.unwrap_err().to_string(), error.to_string());
            writeln!(outcome.text, "ERROR {error}").unwrap();
        }
    }
    outcome.text
}

fn corpus() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/feeds");
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_none_or(|extension| extension != "expected")
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_file_of_the_corpus_comes_out_as_expected() {
    let files = corpus();
    assert!(files.len() >= 30, "the corpus is not all there");
    let mut wrong = String::new();
    for file in files {
        let expected = PathBuf::from(format!("{}.expected", file.display()));
        let got = outcome(Input::Path(file.clone()));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, &got).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        if got != expected {
            let name = file.file_name().unwrap().to_string_lossy();
            writeln!(wrong, "== {name}\n-- expected\n{expected}-- got\n{got}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Rows of a list, written in one of the common dialects.
#[derive(Clone, Debug)]
struct Writing {
    delimiter: char,
    ending: &'static str,
    encoding: &'static str,
    has_mark: bool,
    quotes_all: bool,
    container: &'static str,
}

fn writing() -> impl Strategy<Value = Writing> {
    (
        prop::sample::select(vec![',', ';', '\t', '|']),
        prop::sample::select(vec!["\n", "\r\n", "\r"]),
        prop::sample::select(vec!["utf-8", "utf-16le", "utf-16be", "windows-1252"]),
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(vec!["", "gzip", "zip"]),
    )
        .prop_map(
            |(delimiter, ending, encoding, has_mark, quotes_all, container)| Writing {
                delimiter,
                ending,
                encoding,
                has_mark,
                quotes_all,
                container,
            },
        )
}

fn cell(text: &str, writing: &Writing) -> String {
    let needs_quotes = writing.quotes_all
        || text.contains([writing.delimiter, '"', '\n', '\r'])
        || text.starts_with(' ');
    if needs_quotes {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn written(rows: &[[String; 3]], writing: &Writing) -> Vec<u8> {
    let header = ["SKU", "Name", "Price"].map(str::to_owned);
    let mut text = String::new();
    for row in std::iter::once(&header).chain(rows) {
        let cells: Vec<_> = row.iter().map(|text| cell(text, writing)).collect();
        let mut line = cells.join(&writing.delimiter.to_string());
        if writing.ending == "\r" {
            // These line ends apply within cells too.
            line = line.replace('\n', "\r");
        }
        text.push_str(&line);
        text.push_str(writing.ending);
    }
    let mark = if writing.has_mark { "\u{feff}" } else { "" };
    let text = format!("{mark}{text}");
    let bytes: Vec<u8> = match writing.encoding {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "windows-1252" => {
            let text = text.trim_start_matches('\u{feff}');
            encoding_rs::WINDOWS_1252.encode(text).0.into_owned()
        }
        _ => text.into_bytes(),
    };
    match writing.container {
        "" => return bytes,
        "zip" => return zipped(&[("list.csv", &bytes)]),
        _ => {}
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &bytes).unwrap();
    packed.finish().unwrap()
}

/// Returns an archive of files.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        archive.start_file(*name, options).unwrap();
        std::io::Write::write_all(&mut archive, bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Returns an `.xlsx` workbook with this sheet XML and these shared strings.
fn xlsx_of(sheet_data: &str, shared: &str) -> Vec<u8> {
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let workbook = "<workbook><sheets><sheet name='S' sheetId='1' r:id='r1'/></sheets></workbook>";
    let relations = format!(
        "<Relationships><Relationship Id='r1' Type='{office}/worksheet' Target='worksheets/s.xml'/>\
         </Relationships>"
    );
    let sheet = format!("<worksheet><sheetData>{sheet_data}</sheetData></worksheet>");
    let package = format!(
        "<Relationships><Relationship Id='r1' Type='{office}/officeDocument' Target='xl/workbook.xml'/>\
         </Relationships>"
    );
    zipped(&[
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/sharedStrings.xml", shared.as_bytes()),
        ("xl/worksheets/s.xml", sheet.as_bytes()),
    ])
}

fn xlsx(rows: &[[String; 3]]) -> Vec<u8> {
    let mut data = String::new();
    let mut shared = String::new();
    let mut texts = 0;
    for (number, row) in (1..).zip(rows) {
        write!(data, "<row r='{number}'>").unwrap();
        for (column, text) in ["A", "B", "C"].iter().zip(row) {
            if column == &"B" {
                write!(shared, "<si><t>{}</t></si>", escaped(text)).unwrap();
                write!(data, "<c r='B{number}' t='s'><v>{texts}</v></c>").unwrap();
                texts += 1;
            } else {
                let text = escaped(text);
                write!(
                    data,
                    "<c r='{column}{number}' t='inlineStr'><is><t>{text}</t></is></c>"
                )
                .unwrap();
            }
        }
        data.push_str("</row>");
    }
    xlsx_of(&data, &format!("<sst>{shared}</sst>"))
}

/// Returns an `.ods` workbook with this sheet XML.
fn ods_of(rows: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet><table:table table:name='S'>{rows}\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    );
    let kind = b"application/vnd.oasis.opendocument.spreadsheet";
    zipped(&[
        ("mimetype", kind),
        ("META-INF/manifest.xml", b"<manifest:manifest/>"),
        ("content.xml", content.as_bytes()),
    ])
}

fn ods(rows: &[[String; 3]]) -> Vec<u8> {
    let mut table = String::new();
    for row in rows {
        table.push_str("<table:table-row>");
        for text in row {
            let paragraphs: String = escaped(text)
                .split('\n')
                .map(|line| format!("<text:p>{line}</text:p>"))
                .collect();
            let cell = "<table:table-cell office:value-type='string'>";
            write!(table, "{cell}{paragraphs}</table:table-cell>").unwrap();
        }
        table.push_str("</table:table-row>");
    }
    ods_of(&table)
}

#[derive(Default)]
struct Rows(Vec<[String; 3]>);

impl Visitor for Rows {
    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        let product = row.outcome.unwrap();
        let sku = product.sku.unwrap_or_default();
        self.0
            .push([sku, product.name, product.price.unwrap_or_default()]);
        ControlFlow::Continue(())
    }
}

/// Normalizes rows: trimmed cells, one way to write a price.
fn normal(rows: Vec<[String; 3]>) -> Vec<[String; 3]> {
    rows.into_iter()
        .map(|[sku, name, price]| {
            let name = name.trim().replace("\r\n", "\n").replace('\r', "\n");
            [sku, name, price]
        })
        .collect()
}

/// Returns whether nothing in a name could be an HTML entity, such as `&lg;`.
#[allow(clippy::ptr_arg)] // as proptest calls it
fn has_no_entity(name: &String) -> bool {
    let behind_marks = name.split('&').skip(1);
    let mut entities = behind_marks.filter_map(|text| text.split_once(';'));
    !entities.any(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn read_back(bytes: &[u8]) -> Vec<[String; 3]> {
    let mut rows = Rows::default();
    let limits = Limits {
        max_unpacked: LIMIT,
    };
    read(Input::from(bytes), &limits, None, &mut rows).unwrap();
    rows.0
}

fn failure_of(bytes: &[u8]) -> String {
    struct Nothing;
    impl Visitor for Nothing {
        fn row(&mut self, _: FeedRow) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
    }
    let limits = Limits {
        max_unpacked: LIMIT,
    };
    let failed = read(Input::from(bytes), &limits, None, &mut Nothing);
    failed.unwrap_err().to_string()
}

/// Returns the peak memory of this process, in MiB.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kibibytes.parse::<u64>().unwrap() / 1024
}

#[test]
fn a_small_workbook_that_speaks_of_endless_cells_is_refused_in_little_memory() {
    let header = "<table:table-row><table:table-cell><text:p>SKU</text:p></table:table-cell>\
                  <table:table-cell><text:p>Price</text:p></table:table-cell></table:table-row>";
    let repeated = "<table:table-row table:number-rows-repeated='1048570'>\
                    <table:table-cell table:number-columns-repeated='16384'><text:p>1</text:p>\
                    </table:table-cell></table:table-row>";
    let bomb = ods_of(&format!("{header}{repeated}"));
    assert!(bomb.len() < 4096);
    assert_eq!(
        failure_of(&bomb),
        "The unpacked file is larger than 16.0 MiB."
    );

    // Cells that all reference one long string.
    let shared = format!(
        "<sst uniqueCount='99999999999'><si><t>{}</t></si></sst>",
        "x".repeat(700 << 10)
    );
    let cell = "<c t='s'><v>0</v></c>";
    let head = "<row><c t='str'><v>SKU</v></c><c t='str'><v>Price</v></c></row>";
    let long_row = format!("{head}<row>{}</row>", cell.repeat(500));
    let failure = failure_of(&xlsx_of(&long_row, &shared));
    assert!(failure.contains("is larger than 1 MiB"), "{failure}");
    let many_rows = format!("{head}{}", format!("<row>{cell}</row>").repeat(100));
    assert_eq!(
        failure_of(&xlsx_of(&many_rows, &shared)),
        "The unpacked file is larger than 16.0 MiB."
    );
    // Concurrent tests have their share of it.
    assert!(most_memory() < 400, "{} MiB", most_memory());
}

#[test]
fn an_archive_that_says_it_is_smaller_than_it_is_is_found_out() {
    let text = "x".repeat(64 << 20);
    let mut book = xlsx_of(
        &format!("<row><c t='str'><v>{text}</v></c></row>"),
        "<sst/>",
    );
    // In the archive's directory: the sheet claims a hundred bytes.
    let entry = book
        .windows(4)
        .rposition(|bytes| bytes == b"PK\x01\x02")
        .unwrap();
    book[entry + 24..entry + 28].copy_from_slice(&100_u32.to_le_bytes());
    let failure = failure_of(&book);
    assert!(
        failure.contains("larger than") || failure.contains("cannot be read"),
        "{failure}"
    );
}

proptest! {
    #[test]
    fn the_same_rows_come_out_of_a_workbook(
        rows in prop::collection::vec(
            (
                "[A-Z]{2}-[0-9]{1,6}",
                "[a-zA-Z][a-zäöüéß ,;|&<>\"\n€]{0,20}[a-zé]".prop_filter("an entity is read as its character", has_no_entity),
                0_u32..100_000,
                10_u32..99,
            ),
            1..30,
        ),
    ) {
        let rows = rows
            .into_iter()
            .map(|(sku, name, whole, cents)| [sku, name, format!("{whole}.{cents}")]);
        let header = ["SKU", "Name", "Price"].map(str::to_owned);
        let all: Vec<_> = std::iter::once(header).chain(rows).collect();
        let expected = normal(all[1..].to_vec());
        let xlsx = xlsx(&all);
        prop_assert_eq!(&normal(read_back(&xlsx)), &expected);
        prop_assert_eq!(&normal(read_back(&zipped(&[("a.xlsx", &xlsx)]))), &expected);
        prop_assert_eq!(&normal(read_back(&ods(&all))), &expected);
    }

    #[test]
    fn the_same_rows_come_out_of_any_dialect_and_encoding(
        rows in prop::collection::vec(
            ("[A-Z]{2}-[0-9]{1,6}", "[a-zA-Z][a-zäöüéß ,;|\"\n\t€]{0,20}[a-zé]", 0_u32..100_000, 10_u32..99),
            1..30,
        ),
        writing in writing(),
    ) {
        let rows: Vec<[String; 3]> = rows
            .into_iter()
            .map(|(sku, name, whole, cents)| [sku, name, format!("{whole}.{cents}")])
            .collect();
        // A single-byte encoding cannot be told from a few letters, but from typical text.
        let filler = ["ZZ-1", "Größe und Länge für schöne Stühle, café, déjà vu", "1.25"];
        let mut all = vec![filler.map(str::to_owned); 3];
        all.extend(rows);
        let read_back = read_back(&written(&all, &writing));
        prop_assert_eq!(normal(read_back), normal(all));
    }

    #[test]
    fn no_bytes_make_reading_panic(
        head in prop::sample::select(vec![
            &b""[..], b"SKU,Price\n", b"\x1F\x8B\x08", b"PK\x03\x04", b"<rss><item>", b"\xFF\xFE",
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        ]),
        tail in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [head, &tail[..]].concat();
        let _ = outcome(Input::from(bytes.as_slice()));
    }
}

/// Everything reported for a file.
#[derive(Default)]
struct Told {
    understanding: Option<Understanding>,
    products: Vec<FeedProduct>,
    failures: Vec<RowFailure>,
    passed_over: u64,
}

impl Visitor for Told {
    fn understood(&mut self, understanding: &Understanding) {
        self.understanding = Some(understanding.clone());
    }

    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        match row.outcome {
            Ok(product) => self.products.push(product),
            Err(failure) => self.failures.push(failure),
        }
        ControlFlow::Continue(())
    }

    fn passed_over(&mut self, _: PassedOver) -> ControlFlow<()> {
        self.passed_over += 1;
        ControlFlow::Continue(())
    }
}

fn told(file: &str) -> Told {
    let limits = Limits {
        max_unpacked: LIMIT,
    };
    let mut told = Told::default();
    read(Input::from(file.as_bytes()), &limits, None, &mut told).unwrap();
    told
}

/// A kind of file: a header and rows that show its price format and shape, and generated rows.
#[derive(Clone, Copy, Debug)]
struct ListKind {
    delimiter: char,
    head: &'static str,
    /// Column of the price.
    price: usize,
    /// Column of the identity.
    key: usize,
    row: fn(u32, &str) -> String,
    /// Formats hundredths as a price.
    amount: fn(u32) -> String,
}

const LIST_KINDS: [ListKind; 6] = [
    ListKind {
        delimiter: ';',
        head: "Artikelnummer;Bezeichnung;Preis EUR;EK\nA-0;Tasse;4,99;2,10\n",
        price: 2,
        key: 0,
        row: |number, price| format!("A-{number};Ware {number};{price};1,00"),
        amount: |hundredths| match hundredths % 100 {
            0 if hundredths >= 100_000 => {
                format!("{}.{:03}", hundredths / 100_000, hundredths / 100 % 1000)
            }
            _ => format!("{},{:02}", hundredths / 100, hundredths % 100),
        },
    },
    ListKind {
        delimiter: ',',
        head: "SKU,Name,Price,Cost\nA-0,Cup,4.99,2.10\n",
        price: 2,
        key: 0,
        row: |number, price| format!("A-{number},Thing {number},{price},1.00"),
        amount: |hundredths| format!("{}.{:02}", hundredths / 100, hundredths % 100),
    },
    ListKind {
        delimiter: ',',
        head: "SKU,Nombre,Precio COP\nA-0,Té,1.250.000\n",
        price: 2,
        key: 0,
        row: |number, price| format!("A-{number},Cosa {number},{price}"),
        amount: |hundredths| match hundredths {
            0..1000 => hundredths.to_string(),
            _ => format!("{}.{:03}", hundredths / 1000, hundredths % 1000),
        },
    },
    ListKind {
        delimiter: ',',
        head: "Handle,Title,Option1 Value,Variant SKU,Variant Price,Image Src\ntee,Tee,S,,10.00,a.png\ntee,,,,,b.png\n",
        price: 4,
        key: 3,
        row: |number, price| format!("tee,,Size {number},,{price},"),
        amount: |hundredths| format!("{}.{:02}", hundredths / 100, hundredths % 100),
    },
    ListKind {
        delimiter: ',',
        head: "Item Type,Product ID,Product Name,Product Code/SKU,Price\nProduct,1,Tee,TEE,10.00\nRule,,,,1.00\n",
        price: 4,
        key: 3,
        row: |number, price| format!("SKU,,[S]Size={number},TEE-{number},{price}"),
        amount: |hundredths| format!("{}.{:02}", hundredths / 100, hundredths % 100),
    },
    ListKind {
        delimiter: ',',
        head: "Product ID [Non Editable],Variant ID [Non Editable],Title,SKU,Option Name 1,Option Value 1,Price,Stock\np1,v1,Tee,TEE,Size,S,20.00,Unlimited\n",
        price: 6,
        key: 3,
        row: |number, price| format!(",v{number}x,,TEE-{number},,Size {number},{price},3"),
        amount: |hundredths| format!("{}.{:02}", hundredths / 100, hundredths % 100),
    },
];

fn with_cell(row: &str, delimiter: char, index: usize, cell: &str) -> String {
    let mut cells: Vec<&str> = row.split(delimiter).collect();
    cells[index] = cell;
    cells.join(&delimiter.to_string())
}

#[test]
fn a_list_of_failed_rows_of_many_columns_means_what_it_meant() {
    let more: String = (0..150)
        .map(|number| format!(";Merkmal {number}"))
        .collect();
    let none = ";".repeat(150);
    let whole = told(&format!(
        "Artikelnummer;Name{more};Preis;Bestand\nA;Tasse{none};4,99;3\nB;Tisch{none};viel;4\n"
    ));
    let understanding = whole.understanding.unwrap();
    let mut list = FailedRowsFile::of(&understanding.header, &understanding.answers()).unwrap();
    list.add(&whole.failures[0].cells, "why").unwrap();
    let text = String::from_utf8(list.take().unwrap()).unwrap();
    let corrected = told(&text.replace("viel", "1.299")).products;
    assert_eq!(corrected[0].price.as_deref(), Some("1299"));
    assert_eq!(corrected[0].stock, Some(4));
}

proptest! {
    #[test]
    fn a_row_that_failed_is_once_corrected_what_it_would_have_been(
        kind in prop::sample::select(&LIST_KINDS[..]),
        amounts in prop::collection::vec(1_u32..10_000_000, 1..8),
        which in any::<prop::sample::Index>(),
        damage in prop::sample::select(vec!["price", "key", "cells"]),
    ) {
        let rows: Vec<String> = (1..)
            .zip(&amounts)
            .map(|(number, amount)| (kind.row)(number, &(kind.amount)(*amount)))
            .collect();
        let whole = told(&format!("{}{}\n", kind.head, rows.join("\n")));
        prop_assert!(whole.failures.is_empty(), "{:?}", whole.failures);
        let which = which.index(rows.len());
        let product = &whole.products[whole.products.len() - rows.len() + which];

        let good = rows[which].clone();
        let mut damaged = rows;
        let index = if damage == "price" { kind.price } else { kind.key };
        damaged[which] = match damage {
            "price" => with_cell(&good, kind.delimiter, index, "see below"),
            "key" => with_cell(&good, kind.delimiter, index, "N/A"),
            _ => format!("{good}{}beyond", kind.delimiter),
        };
        let partly = told(&format!("{}{}\n", kind.head, damaged.join("\n")));
        prop_assert_eq!(partly.failures.len(), 1);
        let understanding = partly.understanding.unwrap();
        let mut list = FailedRowsFile::of(&understanding.header, &understanding.answers()).unwrap();
        list.add(&partly.failures[0].cells, "why").unwrap();
        let text = String::from_utf8(list.take().unwrap()).unwrap();

        // A person corrects the cell, or removes the surplus one.
        let good_cell = good.split(kind.delimiter).nth(index).unwrap();
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).flexible(true).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let mut records = reader.records().map(Result::unwrap);
        let header = records.next().unwrap();
        let mut cells: Vec<String> = records.next().unwrap().iter().map(str::to_owned).collect();
        match damage {
            "cells" => cells.truncate(header.len()),
            _ => cells[index] = good_cell.to_owned(),
        }
        let mut corrected = csv::Writer::from_writer(Vec::new());
        corrected.write_record(&header).unwrap();
        corrected.write_record(&cells).unwrap();
        let corrected = told(std::str::from_utf8(&corrected.into_inner().unwrap()).unwrap());
        prop_assert_eq!(&corrected.products, std::slice::from_ref(product));
    }

    #[test]
    fn every_row_is_a_product_or_failed_or_was_passed_over(
        header in prop::sample::select(vec![
            "SKU,Name,Price,Stock,Type",
            "Handle,Title,Option1 Value,Variant SKU,Variant Price",
            "sku,store_view_code,name,price,product_type",
            "Item Type,Product Name,Product Code/SKU,Price,Product ID",
            "type,product_internal_id,product_sku,product_name,product_price,product_variation_sku",
            "id,parent_id,product_number,name,price_gross",
            "handle,fieldType,name,price,productOptionChoices[1]",
            "*Title,CustomLabel,*StartPrice,Relationship,RelationshipDetails",
            "id;title;link;image_link;price",
            "Artikelnummer\tBezeichnung\tPreis\tEAN",
        ]),
        rows in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![
                    Just(String::new()), Just("Total".to_owned()), Just("Price".to_owned()), Just("SKU".to_owned()),
                    Just("N/A".to_owned()), Just("de".to_owned()), Just("variant".to_owned()),
                    Just("product".to_owned()), Just("product_option".to_owned()), Just(" ".to_owned()),
                    "[A-Z]{1,2}-[0-9]{1,3}", "[0-9]{1,4}([.,][0-9]{1,3})?", "[a-zé ]{1,12}",
                ],
                0..8,
            ),
            0..40,
        ),
        repeats_header in any::<bool>(),
    ) {
        let delimiter = if header.contains(';') { ";" } else if header.contains('\t') { "\t" } else { "," };
        let mut file = format!("{header}\n");
        let mut count = 0_u64;
        for row in &rows {
            let is_blank = row.iter().all(|cell| cell.trim().is_empty());
            // A line with a quotation mark or `sep=` does not count.
            count += u64::from(!is_blank);
            file.push_str(&row.join(delimiter));
            file.push('\n');
        }
        if repeats_header {
            count += 1;
            file.push_str(header);
            file.push('\n');
        }
        let limits = Limits { max_unpacked: LIMIT };
        let mut told = Told::default();
        match read(Input::from(file.as_bytes()), &limits, None, &mut told) {
            Ok(()) => {
                let sum = told.products.len() as u64 + told.failures.len() as u64 + told.passed_over;
                prop_assert_eq!(sum, count);
                let counted = product_feed::count(Input::from(file.as_bytes()), &limits, None).unwrap();
                prop_assert_eq!(counted.products + told.passed_over, count);
            }
            Err(error) => prop_assert!(error.question().is_some(), "{}", error),
        }
    }
}

#[test]
fn a_mapping_makes_a_list_of_any_file() {
    let mapping = Mapping::new([(0, Meaning::Sku), (1, Meaning::Name), (2, Meaning::Price)]);
    let header = ["ref", "what", "how much"].map(str::to_owned);
    let file = b"Our list\n\nref,what,how much\n1,Shirt,19.90\n";
    let limits = Limits {
        max_unpacked: LIMIT,
    };
    let mut rows = Rows::default();
    read(
        Input::from(&file[..]),
        &limits,
        Some(&mapping.clone().of(&header)),
        &mut rows,
    )
    .unwrap();
    assert_eq!(rows.0, [["1", "Shirt", "19.90"].map(str::to_owned)]);
    let other = mapping.of(&["something", "else"].map(str::to_owned));
    assert!(read(Input::from(&file[..]), &limits, Some(&other), &mut rows).is_err());
}

/// A workbook cell in both formats.
#[derive(Clone, Debug)]
enum BookCell {
    Empty,
    Text(String),
    Number(f64),
    Truth(bool),
}

fn book_cell() -> impl Strategy<Value = BookCell> {
    prop_oneof![
        Just(BookCell::Empty),
        "[a-z][a-zé<&\n ]{0,8}[a-z]".prop_map(BookCell::Text),
        (-1e6..1e6_f64).prop_map(|value| BookCell::Number((value * 100.0).round() / 100.0)),
        any::<bool>().prop_map(BookCell::Truth),
    ]
}

fn book_in_xlsx(rows: &[Vec<BookCell>]) -> Vec<u8> {
    let mut data = String::new();
    for (number, row) in (1..).zip(rows) {
        write!(data, "<row r='{number}'>").unwrap();
        for (column, cell) in ('A'..).zip(row) {
            let at = format!("r='{column}{number}'");
            match cell {
                BookCell::Empty => Ok(()),
                BookCell::Text(text) => {
                    write!(
                        data,
                        "<c {at} t='inlineStr'><is><t>{}</t></is></c>",
                        escaped(text)
                    )
                }
                BookCell::Number(value) => write!(data, "<c {at}><v>{value}</v></c>"),
                BookCell::Truth(is) => write!(data, "<c {at} t='b'><v>{}</v></c>", u8::from(*is)),
            }
            .unwrap();
        }
        data.push_str("</row>");
    }
    xlsx_of(&data, "<sst/>")
}

fn book_in_ods(rows: &[Vec<BookCell>]) -> Vec<u8> {
    let mut table = String::new();
    for row in rows {
        table.push_str("<table:table-row>");
        for cell in row {
            let (kind, text) = match cell {
                BookCell::Empty => (String::new(), String::new()),
                BookCell::Text(text) => ("office:value-type='string'".to_owned(), text.clone()),
                BookCell::Number(value) => (
                    format!("office:value-type='float' office:value='{value}'"),
                    value.to_string(),
                ),
                BookCell::Truth(is) => (
                    format!("office:value-type='boolean' office:boolean-value='{is}'"),
                    is.to_string(),
                ),
            };
            let lines = escaped(&text);
            let lines = lines
                .split('\n')
                .map(|line| format!("<text:p>{line}</text:p>"));
            let lines: String = if text.is_empty() {
                String::new()
            } else {
                lines.collect()
            };
            write!(table, "<table:table-cell {kind}>{lines}</table:table-cell>").unwrap();
        }
        table.push_str("</table:table-row>");
    }
    ods_of(&table)
}

fn by_calamine(bytes: &[u8]) -> Vec<Vec<String>> {
    use calamine::{Data, Reader};
    let mut book =
        calamine::open_workbook_auto_from_rs(std::io::Cursor::new(bytes.to_vec())).unwrap();
    let (_, range) = book.worksheets().remove(0);
    let text = |cell: &Data| match cell {
        Data::Bool(is) => is.to_string().to_uppercase(),
        cell => cell.to_string(),
    };
    range
        .rows()
        .map(|row| row.iter().map(text).collect())
        .collect()
}

/// Compares a cell with calamine's, which has no number formats and repeats merged cells.
fn is_of(ours: &str, theirs: Option<&calamine::Data>) -> bool {
    use calamine::Data;
    let same = |number: f64| {
        // A format with decimals rounds.
        let decimals = ours.rsplit_once('.').map_or(0, |(_, behind)| behind.len());
        let rounding = match decimals {
            0 | 1 => 0.0,
            decimals => 0.5 / 10_f64.powi(decimals as i32),
        };
        let most = rounding + 1e-9 + number.abs() * 1e-13;
        ours.parse()
            .is_ok_and(|ours: f64| (ours - number).abs() < most)
    };
    match theirs {
        None | Some(Data::Empty) => true,
        Some(Data::String(text)) => ours.trim() == text.replace('\r', "").trim(),
        Some(Data::Bool(is)) => ours == is.to_string().to_uppercase(),
        Some(Data::Int(number)) => {
            same(*number as f64) || !ours.bytes().all(|byte| byte.is_ascii_digit())
        }
        Some(Data::Float(number)) => {
            same(*number) || ours.parse::<f64>().is_err() || ours.starts_with('0')
        }
        Some(_) => !ours.is_empty(),
    }
}

#[test]
fn the_workbooks_of_the_corpus_hold_what_another_reader_finds_in_them() {
    use calamine::Reader;
    let limits = Limits {
        max_unpacked: LIMIT,
    };
    let mut compared = 0;
    for file in corpus() {
        let bytes = fs::read(&file).unwrap();
        let book = calamine::open_workbook_auto_from_rs(std::io::Cursor::new(bytes));
        let Ok(mut book) = book else { continue };
        // Of several sheets the best one is shown.
        let sheets = book.worksheets();
        let [(_, range)] = sheets.as_slice() else {
            continue;
        };
        let Ok(ours) = product_feed::first_rows(Input::Path(file.clone()), &limits, 1000) else {
            continue;
        };
        let theirs: Vec<_> = range
            .rows()
            .filter(|row| row.iter().any(|cell| !cell.to_string().trim().is_empty()))
            .collect();
        // Rows above the header row are not shown.
        let theirs = &theirs[theirs.len() - ours.len()..];
        // Its columns begin with the first one that is not empty.
        let first = range.start().map_or(0, |(_, column)| column as usize);
        for (ours, theirs) in ours.iter().zip(theirs) {
            for (index, ours) in ours.iter().enumerate() {
                let theirs = index.checked_sub(first).and_then(|index| theirs.get(index));
                assert!(
                    is_of(ours, theirs),
                    "{}: {ours:?} is {theirs:?}",
                    file.display(),
                );
            }
        }
        compared += 1;
    }
    assert!(compared >= 8, "{compared} workbooks");
}

/// Returns rows without trailing empty cells and without empty rows.
fn filled_rows(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.into_iter()
        .map(|mut row| {
            row.truncate(
                row.iter()
                    .rposition(|cell| !cell.is_empty())
                    .map_or(0, |last| last + 1),
            );
            row
        })
        .filter(|row| !row.is_empty())
        .collect()
}

proptest! {
    #[test]
    fn a_workbook_holds_what_another_reader_finds_in_it(
        rows in prop::collection::vec(prop::collection::vec(book_cell(), 4), 1..12),
    ) {
        let header = ["SKU", "Name", "Price", "Stock"].map(|name| BookCell::Text(name.to_owned()));
        let all: Vec<_> = std::iter::once(header.to_vec()).chain(rows).collect();
        let limits = Limits { max_unpacked: LIMIT };
        for book in [book_in_xlsx(&all), book_in_ods(&all)] {
            let ours = product_feed::first_rows(Input::from(&book[..]), &limits, 100).unwrap();
            prop_assert_eq!(filled_rows(ours), filled_rows(by_calamine(&book)));
        }
    }
}
