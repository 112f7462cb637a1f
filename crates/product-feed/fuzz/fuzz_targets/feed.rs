//! Fuzzes product files of any format.
#![no_main]

use std::ops::ControlFlow;

use product_feed::{FeedRow, Input, Limits, Visitor, first_rows, read};
use libfuzzer_sys::fuzz_target;

struct Count(u64);

impl Visitor for Count {
    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        assert!(row.number > self.0, "rows come in order");
        self.0 = row.number;
        ControlFlow::Continue(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_unpacked: 1 << 20,
    };
    let (mut one, mut two) = (Count(0), Count(0));
    let first = read(Input::from(bytes), &limits, None, &mut one).is_ok();
    let second = read(Input::from(bytes), &limits, None, &mut two).is_ok();
    assert_eq!((first, one.0), (second, two.0), "a file always gives the same rows");
    let _ = first_rows(Input::from(bytes), &limits, 5);
});
