//! Fuzzes text files: dialect and encoding are detected, and rows are counted as they are read.
#![no_main]

use std::ops::ControlFlow;

use product_feed::{
    FeedRow, Input, Limits, Visitor, count, first_rows, read,
};
use libfuzzer_sys::fuzz_target;

#[derive(Default)]
struct Count(u64);

impl Visitor for Count {
    fn row(&mut self, _: FeedRow) -> ControlFlow<()> {
        self.0 += 1;
        ControlFlow::Continue(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_unpacked: 1 << 20,
    };
    let behind_header = [b"SKU;Price\r".as_slice(), bytes].concat();
    for file in [bytes, &behind_header] {
        let (input, mut rows) = (Input::from(file), Count::default());
        let counted = count(input.clone(), &limits, None);
        match read(input.clone(), &limits, None, &mut rows) {
            Ok(()) => assert_eq!(counted.map(|counted| counted.products).ok(), Some(rows.0)),
            Err(_) => assert!(counted.is_err()),
        }
        let _ = first_rows(input, &limits, 5);
    }
});
