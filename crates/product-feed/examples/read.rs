//! Prints how a product file is read, as lines of JSON.
//!
//! ```sh
//! cargo run -p product-feed --example read -- prices.csv
//! ```
//!
//! With `--time` first it prints the time instead.
#![allow(clippy::print_stdout)] // it is a program

use std::{env, ops::ControlFlow, process::ExitCode, time::Instant};

use product_feed::{FeedRow, Input, Limits, Mapping, PassedOver, Understanding, Visitor, read};

/// Maximum bytes unpacked from a container.
const MAX_UNPACKED: u64 = 1 << 30;

struct Print {
    rows: u64,
    is_quiet: bool,
}

/// Encodes a JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            character if character.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn optional(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), quoted)
}

impl Visitor for Print {
    fn understood(&mut self, told: &Understanding) {
        let columns: Vec<_> = told
            .columns
            .iter()
            .map(|meaning| optional(meaning.map(|meaning| meaning.as_str())))
            .collect();
        println!(
            r#"{{"shape":{},"decimalMark":{},"currency":{},"sheet":{},"encoding":{},"columns":[{}]}}"#,
            quoted(told.shape.as_str()),
            quoted(told.decimal_mark.as_str()),
            optional(told.currency),
            optional(told.sheet.as_deref()),
            quoted(told.encoding),
            columns.join(",")
        );
    }

    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        self.rows += 1;
        if self.is_quiet {
            return ControlFlow::Continue(());
        }
        match row.outcome {
            Ok(product) => {
                let warnings: Vec<_> = product
                    .warnings
                    .iter()
                    .map(|warning| quoted(&warning.error.to_string()))
                    .collect();
                println!(
                    r#"{{"line":{},"identity":{},"name":{},"price":{},"salePrice":{},"currency":{},"stock":{},"availability":{},"gtin":{},"url":{},"image":{},"warnings":[{}]}}"#,
                    row.line,
                    quoted(&product.identity),
                    quoted(&product.name),
                    optional(product.price.as_deref()),
                    optional(product.sale_price.as_deref()),
                    optional(product.currency),
                    product
                        .stock
                        .map_or("null".to_owned(), |stock| stock.to_string()),
                    optional(product.availability),
                    optional(product.gtin.as_deref()),
                    optional(product.url.as_deref()),
                    optional(product.image.as_deref()),
                    warnings.join(",")
                );
            }
            Err(failure) => println!(
                r#"{{"line":{},"failed":{},"label":{},"column":{},"value":{}}}"#,
                row.line,
                quoted(&failure.error.to_string()),
                optional(failure.label.as_deref()),
                optional(failure.column.as_deref()),
                optional(failure.value.as_deref())
            ),
        }
        ControlFlow::Continue(())
    }

    fn passed_over(&mut self, row: PassedOver) -> ControlFlow<()> {
        if !self.is_quiet {
            println!(
                r#"{{"line":{},"passedOver":{},"label":{}}}"#,
                row.line,
                quoted(row.reason.code()),
                quoted(&row.label)
            );
        }
        ControlFlow::Continue(())
    }
}

fn main() -> ExitCode {
    let mut is_well = true;
    let mut paths: Vec<_> = env::args_os().skip(1).collect();
    let is_quiet = paths.first().is_some_and(|first| first == "--time");
    paths.drain(..usize::from(is_quiet));
    for path in paths {
        let limits = Limits {
            max_unpacked: MAX_UNPACKED,
        };
        let began = Instant::now();
        let mut print = Print { rows: 0, is_quiet };
        let mapping = None::<Mapping>;
        let result = read(
            Input::Path(path.into()),
            &limits,
            mapping.as_ref(),
            &mut print,
        );
        if is_quiet {
            let seconds = began.elapsed().as_secs_f64();
            println!(
                r#"{{"rows":{},"seconds":{seconds:.3},"rowsPerSecond":{:.0}}}"#,
                print.rows,
                print.rows as f64 / seconds
            );
        }
        if let Err(error) = result {
            is_well = false;
            println!(
                r#"{{"error":{},"code":{}}}"#,
                quoted(&error.to_string()),
                quoted(error.code())
            );
        }
    }
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
