//! Stray quotation marks: no row is lost because of one in another row.
#![allow(missing_docs, clippy::unwrap_used)] // a test may panic

use std::ops::ControlFlow;

use product_feed::{FeedRow, Input, Limits, Visitor, count, read};
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    max_unpacked: 1 << 20,
};

#[test]
fn a_row_of_several_lines_may_end_with_the_file() {
    assert_eq!(rows_of("SKU,Price,Name\nA,1,\"two\nlines\"").skus, ["A"]);
    assert_eq!(rows_of("SKU,Price,Name\nA,1,\"two\nlines\" ").skus, ["A"]);
}

#[derive(Default)]
struct Rows {
    all: u64,
    skus: Vec<String>,
}

impl Visitor for Rows {
    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        self.all += 1;
        self.skus
            .extend(row.outcome.ok().and_then(|product| product.sku));
        ControlFlow::Continue(())
    }
}

fn rows_of(text: &str) -> Rows {
    let mut rows = Rows::default();
    read(Input::from(text.as_bytes()), &LIMITS, None, &mut rows).unwrap();
    rows
}

/// Generates what people and programs write as a name.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Shirt",
        "\"Shirt, blue\"",
        "\"two\nlines\"",
        "12\" pipe",
        "pipe 12\"",
        "\"12 inch pipe",
        "\"12\"\" pipe\"",
        "\"12\" pipe\"",
        "\"pipe 12\"\"",
        "\"pipe 12\\\"\"",
        "\"Best\" shirt",
        "\"\"",
        "\"",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn a_plain_row_is_never_lost(
        names in prop::collection::vec(name(), 1..12),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|']),
        ending in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let mut text = format!("SKU{delimiter}Name{delimiter}Price{ending}");
        for (number, name) in names.iter().enumerate() {
            let name = name.replace(',', &delimiter.to_string());
            for (sku, name) in [("odd", name.as_str()), ("plain", "Shirt")] {
                text.push_str(&format!("{sku}-{number}{delimiter}{name}{delimiter}1.50{ending}"));
            }
        }
        let rows = rows_of(&text);
        for number in 0..names.len() {
            let sku = format!("plain-{number}");
            prop_assert!(rows.skus.contains(&sku), "{sku} of\n{text}{:?}", rows.skus);
        }
    }

    #[test]
    fn any_text_has_as_many_rows_as_are_read(
        text in "[ab1 \"\n\r,;\t\\\\\u{0}]{0,80}",
        header in prop::sample::select(vec!["SKU,Name,Price\n", "SKU;Price\r", "SKU\tPrice\n", "Handle,Title,Price\n"]),
    ) {
        let text = format!("{header}{text}");
        let input = Input::from(text.as_bytes());
        let mut rows = Rows::default();
        match read(input.clone(), &LIMITS, None, &mut rows) {
            Ok(()) => prop_assert_eq!(count(input, &LIMITS, None).unwrap().products, rows.all),
            Err(_) => prop_assert!(count(input, &LIMITS, None).is_err()),
        }
    }
}
