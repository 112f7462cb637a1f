//! Reads product files and prints what comes of each: `cargo run -p product-feed --example read -- FILE…`.
//! With `--time` first, the best of five runs of counting and of reading instead.
#![allow(clippy::print_stdout)] // it is what it does

use std::{
    ops::ControlFlow,
    path::Path,
    time::{Duration, Instant},
};

use product_feed::{FeedRow, Input, Limits, PassedOver, Visitor, count, read};

/// Unpacked bytes as the program takes them by default.
const LIMITS: Limits = Limits {
    max_unpacked: 1 << 30,
};

struct Print;

impl Visitor for Print {
    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        match row.outcome {
            Ok(product) => println!(
                "  {}: {} | {:?} | {} {}",
                row.line,
                product.identity,
                product.name,
                product.price.as_deref().unwrap_or("-"),
                product.currency.unwrap_or_default(),
            ),
            Err(failure) => println!(
                "  {}: FAILED {} {:?}",
                row.line, failure.error, failure.label
            ),
        }
        ControlFlow::Continue(())
    }

    fn passed_over(&mut self, row: PassedOver) -> ControlFlow<()> {
        println!("  {}: passed over, {}", row.line, row.reason.code());
        ControlFlow::Continue(())
    }
}

#[derive(Default)]
struct Rows(u64);

impl Visitor for Rows {
    fn row(&mut self, _: FeedRow) -> ControlFlow<()> {
        self.0 += 1;
        ControlFlow::Continue(())
    }
}

fn best_of_five(mut work: impl FnMut()) -> Duration {
    (0..5)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn main() {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let is_timed = files.first().is_some_and(|first| first == "--time");
    files.drain(..usize::from(is_timed));
    for file in files {
        let input = Input::Path(Path::new(&file).to_owned());
        println!("{file}");
        if is_timed {
            let mut rows = Rows::default();
            let counting = best_of_five(|| {
                let _ = count(input.clone(), &LIMITS, None);
            });
            let reading = best_of_five(|| {
                rows.0 = 0;
                let _ = read(input.clone(), &LIMITS, None, &mut rows);
            });
            println!(
                "  {} rows, counted in {counting:?}, read in {reading:?}",
                rows.0
            );
            continue;
        }
        let counted = count(input.clone(), &LIMITS, None).map(|counted| counted.products);
        if let Err(error) = read(input, &LIMITS, None, &mut Print) {
            println!("  ERROR {error}");
        }
        println!("  counted: {counted:?}");
    }
}
