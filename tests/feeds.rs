//! A corpus of product files, each with what is to come of it in a file beside it, named after it with
//! `.expected` at the end. `BLESS=1 cargo test --features ssr --test feeds` writes these anew, to be read
//! before they are kept.
#![cfg(feature = "ssr")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a test may panic

use std::{
    fmt::Write,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use import_relay::server::price_monitor::feed::{
    FeedRow, Header, Input, Limits, Mapping, Meaning, Visitor, read,
};
use proptest::prelude::*;

/// The corpus' one bomb unpacks to more.
const LIMIT: u64 = 16 << 20;

/// What comes of a file, as text.
#[derive(Default)]
struct Outcome {
    text: String,
}

impl Visitor for Outcome {
    fn header(&mut self, header: &Header) {
        let meanings: Vec<_> = header
            .cells
            .iter()
            .zip(header.meanings())
            .filter_map(|(cell, meaning)| Some(format!("{cell:?} is {}", meaning?)))
            .collect();
        writeln!(self.text, "columns: {}", meanings.join(", ")).unwrap();
    }

    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
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
                    product.currency.map(str::to_owned),
                    product.sku.map(|sku| format!("sku {sku}")),
                    product.gtin.map(|gtin| format!("gtin {gtin}")),
                    product.stock.map(|stock| format!("stock {stock}")),
                    product.availability.map(str::to_owned),
                    product.url,
                ];
                for part in more.into_iter().flatten() {
                    write!(self.text, " | {part}").unwrap();
                }
                self.text.push('\n');
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
}

fn outcome(input: Input) -> String {
    let mut outcome = Outcome::default();
    let limits = Limits {
        max_unpacked: LIMIT,
    };
    if let Err(error) = read(input, &limits, None, &mut outcome) {
        writeln!(outcome.text, "ERROR {error}").unwrap();
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

/// The rows of a list, written in one of the ways that people's programs do.
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
        prop::sample::select(vec!["\n", "\r\n"]),
        prop::sample::select(vec!["utf-8", "utf-16le", "utf-16be", "windows-1252"]),
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(vec!["", "gzip"]),
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
        text.push_str(&cells.join(&writing.delimiter.to_string()));
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
    if writing.container.is_empty() {
        return bytes;
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &bytes).unwrap();
    packed.finish().unwrap()
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

proptest! {
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
        // What a single-byte encoding is cannot be told from a few letters, but by its kind of text.
        let filler = ["ZZ-1", "Größe und Länge für schöne Stühle, café, déjà vu", "1.25"];
        let mut all = vec![filler.map(str::to_owned); 3];
        all.extend(rows);
        let mut read_back = Rows::default();
        let input = Input::from(written(&all, &writing).as_slice());
        read(input, &Limits { max_unpacked: LIMIT }, None, &mut read_back).unwrap();
        let normal = |rows: Vec<[String; 3]>| -> Vec<[String; 3]> {
            rows.into_iter()
                .map(|[sku, name, price]| {
                    let price = if price.ends_with("00") { price.trim_end_matches('0').trim_end_matches('.').to_owned() } else { price };
                    [sku, name.trim().replace("\r\n", "\n"), price]
                })
                .collect()
        };
        prop_assert_eq!(normal(read_back.0), normal(all));
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
